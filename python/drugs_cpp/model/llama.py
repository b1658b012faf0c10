"""``drugs_cpp.Llama``: llama-cpp-python's ``Llama``, with doses."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import llama_cpp

from drugs_cpp import _core
from drugs_cpp.doses.drugs import DRUGS, as_drugs
from drugs_cpp.doses.reference import register_injector
from drugs_cpp.doses.seed import check_seed, fresh_seed
from drugs_cpp.engine.dosing import DEFAULT_SINK, DEFAULT_SOBER_INTERVAL, Dosing
from drugs_cpp.engine.engine import Engine
from drugs_cpp.engine.every_logit import EveryLogit
from drugs_cpp.engine.sampling import OPTIONS, sample, stop_tokens_of
from drugs_cpp.engine.session import Session
from drugs_cpp.engine.settings import ModelSettings
from drugs_cpp.engine.twin import SoberTwin
from drugs_cpp.errors import StateError
from drugs_cpp.model import completion, completions
from drugs_cpp.model.engine_properties import EngineProperties
from drugs_cpp.model.generation import token_by_token
from drugs_cpp.model.model_file import check_model_file, explain_load_failure
from drugs_cpp.model.reference import ReferenceNames
from drugs_cpp.model.signatures import bound_arguments, check_keywords, keyword_names, with_defaults
from drugs_cpp.model.state import DrugsState, check_state, dosed_part, take_doses, take_positions
from drugs_cpp.model.variations import Wish, check_options, text_to_vary, vary

if TYPE_CHECKING:
    import os

    from llama_cpp.llama import LlamaState
    from llama_cpp.llama_grammar import LlamaGrammar


class Llama(EngineProperties, ReferenceNames, llama_cpp.Llama):
    """A llama.cpp model whose attention can be dosed.

    Args:
        model_path: path of a GGUF file.
        drugs: the doses: a :class:`DRUGS`, which stays shared, so changing it changes what the next token gets; or a
            mapping such as ``{"A": 0.3}``. None: sober.
        seed: the same as ``drugs.set_seed(seed)``: the seed of the noise and of the sampler, 0 to 2**32 - 2.
            None: every run draws a fresh one, which ``seed`` reads back.
        dose_inputs: prompts are dosed, too. False: they are evaluated sober, so the first new token is the sober one.
        sink: number of first positions that are never dosed.
        sober_interval: dirty tokens after which a generation takes a cold shower.
        sober_twin: decode a sober copy of the sequence beside the dosed one, in the same batches, so that a cold shower
            is only a switch of the cache, in less than a millisecond. Takes a second cache, and time for every token.
        strict: a dose at a site that this model lacks is an error. False: a warning, and the site stays sober.
        **kwargs: as ``llama_cpp.Llama``. Without ``n_threads`` or ``n_threads_batch``, there is a thread for each
            physical core that this process may use, as in the program ``drugs``.

    Raises:
        FileNotFoundError: no file at ``model_path`` (also a ``ValueError``, which upstream raises there).
        ValueError: a file that is not a GGUF model or is cut short; a seed, sink or interval out of range.
        TypeError: an unknown argument, or ``drugs`` that are not doses.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        drugs: DRUGS | Mapping[str, Any] | None = None,
        seed: int | None = None,
        dose_inputs: bool = False,
        sink: int = DEFAULT_SINK,
        sober_interval: int = DEFAULT_SOBER_INTERVAL,
        sober_twin: bool = False,
        strict: bool = True,
        **kwargs: Any,
    ) -> None:
        self._stack = contextlib.ExitStack()  # upstream's __del__ closes it, also after an error below
        check_keywords(kwargs, keyword_names(Llama.__init__) + keyword_names(llama_cpp.Llama.__init__))
        dosing = Dosing(drugs, dose_inputs, sink, sober_interval, strict)
        seed = check_seed(seed)
        check_model_file(model_path)
        for name in ("n_threads", "n_threads_batch"):
            kwargs[name] = kwargs.get(name) or _core.default_threads()
        try:
            super().__init__(str(model_path), **kwargs)
        except ValueError as error:
            raise explain_load_failure(model_path, error) from error
        self._equip(dosing, sober_twin)
        if seed is not None:
            dosing.drugs.set_seed(seed)

    def _equip(self, dosing: Dosing, sober_twin: bool = False) -> None:
        """Once upstream's part is there: what runs."""
        settings = self._settings()
        twin = SoberTwin(settings) if sober_twin else None
        if twin is not None:
            self._ctx.close()
            self._ctx = self._stack.enter_context(contextlib.closing(twin.open_context()))
        every_logit = EveryLogit(self._batch, self.scores, self.n_batch) if self._logits_all else None
        self._engine = Engine(Session(settings, self._ctx, twin, every_logit), dosing)
        self._n_ctx = settings.n_ctx
        self._engine.check_sites()

    def _settings(self) -> ModelSettings:
        return ModelSettings(
            model=self._model,
            context_params=type(self.context_params).from_buffer_copy(self.context_params),
            n_ctx=self.n_ctx(),
            n_batch=self.n_batch,
            n_vocab=self._n_vocab,
            last_n_tokens_size=self.last_n_tokens_size,
            metadata=self.metadata,
            adapter=self._lora_adapter,
            adapter_scale=self.lora_scale,
            logits_all=self._logits_all,
            verbose=self.verbose,
        )

    @classmethod
    def adopt(cls, llm: llama_cpp.Llama, drugs: DRUGS | Mapping[str, Any] | None = None) -> Llama:
        """Turn a plain ``llama_cpp.Llama`` into a :class:`Llama` with these doses, in place; returns it.

        Raises:
            TypeError: ``llm`` is not a ``llama_cpp.Llama``.
        """
        if not isinstance(llm, llama_cpp.Llama):
            raise TypeError(f"{llm!r} cannot be dosed: give a llama_cpp.Llama or a drugs_cpp.Llama")
        if isinstance(llm, Llama):
            llm.drugs = as_drugs(drugs)
            return llm
        dosing = Dosing(drugs)
        kind = type(llm)
        adopted = cast("Any", llm)
        adopted.__class__ = cls if kind is llama_cpp.Llama else type(kind.__name__, (cls, kind), {})
        past = {name: adopted.__dict__.pop(name) for name in ("input_ids", "n_tokens", "_requires_eval")}
        try:
            adopted._equip(dosing)
        finally:
            for name, value in past.items():
                setattr(adopted, name, value)
        session = adopted.engine.session
        session.computed_alone.mark(0, session.n_tokens, True)  # nobody knows
        return cast("Llama", llm)

    def close(self) -> None:
        """Free the model and all that was made from it."""
        if self._engine is not None:
            self._engine.close()
        if hasattr(self, "_stack"):  # not there if the constructor was called wrongly
            super().close()

    def n_ctx(self) -> int:
        """The context window in tokens, as asked for: llama.cpp rounds up, llama-cpp-python's arrays do not."""
        return min(int(super().n_ctx()), int(self.context_params.n_ctx))

    #
    # the cache
    #

    def eval(self, tokens: Sequence[int], dosed: bool | None = None) -> None:
        """Evaluate tokens after those that are in the cache.

        Args:
            tokens: token ids.
            dosed: under the dose or sober. None: as ``dose_inputs`` says.

        Raises:
            ContextOverflowError, TokenError: the tokens do not fit into the context, or one is not in the vocabulary.
                Nothing was evaluated.
        """
        tokens = list(tokens)
        engine = self.engine
        with engine.session.use():
            engine.session.check_fit(len(tokens), engine.session.n_tokens)
            engine.session.check_vocabulary(tokens)
            wanted = self.dose_inputs if dosed is None else dosed
            engine.session.evaluate(tokens, engine.dose() if wanted and tokens else None)

    def reset(self) -> None:
        """Empty the cache. Doses, seed and settings stay."""
        session = self.engine.session
        with session.use():
            session.clear()

    def cold_shower(self, force_clean: bool = True, *, block: bool = True) -> int:
        """Compute the dirty positions again, sober: from the first one on, in one batch.

        The next logits are then those of a context that was never dosed. With ``sober_twin=True`` nothing has to be
        computed: the cache is switched to that of the twin.

        Args:
            force_clean: now. False: only if as many tokens are dirty as ``sober_interval`` allows.
            block: wait for the end. False: return at once and compute in the background, beside the cache. The next
                call that uses the model takes the result over if it is there, and drops it otherwise.

        Returns:
            Number of tokens that are computed again; with a twin, that need not be.
        """
        session = self.engine.session
        with session.exclusive:
            if block:
                session.wait_for_background_shower()
            else:
                session.end_background_shower()
            if not (force_clean or session.ledger.is_due(self.sober_interval)):
                return 0
            return session.shower() if block else session.shower_in_background()

    #
    # generating
    #

    @with_defaults(llama_cpp.Llama.sample, temp=0.0)
    def sample(self, *args: Any, **kwargs: Any) -> int:
        asked = bound_arguments(llama_cpp.Llama.sample, *args, **kwargs)
        engine = self.engine
        with engine.session.use():
            seed = fresh_seed() if engine.seed is None else engine.seed
            run = engine.watched_run(seed, {name: asked[name] for name in OPTIONS}, asked["logits_processor"])
            return sample(engine.session, run, -1 if asked["idx"] is None else asked["idx"] - self.n_tokens)

    @with_defaults(llama_cpp.Llama.generate, temp=0.0)
    def generate(self, *args: Any, **kwargs: Any) -> Generator[int, Sequence[int] | None, None]:
        return self._token_by_token(bound_arguments(llama_cpp.Llama.generate, *args, **kwargs))

    def _token_by_token(
        self, asked: dict[str, Any], seed: int | None = None, dose_inputs: bool | None = None
    ) -> Generator[int, Sequence[int] | None, None]:
        """In Python's loop; ``asked``: arguments of upstream's ``generate``, all of them."""
        return token_by_token(self.engine, asked, seed, self.draft_model, lambda: self._scores, dose_inputs)

    def _create_completion(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        asked = bound_arguments(llama_cpp.Llama._create_completion, *args, **kwargs)
        engine = self.engine
        given = check_seed(asked["seed"])
        seed = next(s for s in (given, self.drugs.seed, fresh_seed()) if s is not None)
        stop_tokens = stop_tokens_of(asked["stopping_criteria"])
        if stop_tokens is not None and not completions.needs_python(self, engine, asked):
            tokens = completion.prompt_tokens(self, self._model, asked["prompt"])
            name = self.model_path if asked["model"] is None else asked["model"]
            return completions.complete_in_cpp(engine, tokens, asked, seed, stop_tokens, name)

        def generate(*args: Any, **kwargs: Any) -> Generator[int, Sequence[int] | None, None]:
            return self._token_by_token(bound_arguments(llama_cpp.Llama.generate, *args, **kwargs), seed)

        return completions.complete_in_python(self, generate, self._load_positions, {**asked, "seed": seed})

    @with_defaults(llama_cpp.Llama.create_completion, temperature=0.0)
    def create_completion(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_completion(*args, **kwargs)

    @with_defaults(llama_cpp.Llama.__call__, temperature=0.0)
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs)

    @with_defaults(llama_cpp.Llama.create_chat_completion, temperature=0.0)
    def create_chat_completion(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_chat_completion(*args, **kwargs)

    def variations(
        self,
        prompt: str | Sequence[int] | None = None,
        messages: Sequence[Any] | None = None,
        n: int | None = None,
        seeds: int | Sequence[int | None] | None = None,
        drugs: DRUGS | Mapping[str, Any] | Sequence[DRUGS | Mapping[str, Any]] | None = None,
        max_tokens: int | None = 128,
        temperature: float = 0.0,
        stop: str | Sequence[str] | None = None,
        stream: bool = False,
        *,
        top_p: float = 0.95,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        top_k: int = 40,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        repeat_penalty: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_tau: float = 5.0,
        mirostat_eta: float = 0.1,
        logit_bias: Mapping[int, float] | None = None,
        grammar: LlamaGrammar | None = None,
        response_format: Mapping[str, Any] | None = None,
        n_parallel: int | None = None,
    ) -> Any:
        """Continue one prompt several times, decoded together, each time with a seed and perhaps doses of its own.

        The prompt is computed once. The cache of the model itself stays as it is: this uses a context of its own, which
        it makes and enlarges as needed. The text of a variation depends on its prompt, seed and doses, and on nothing
        beside it.

        Args:
            prompt: text or token ids.
            messages: instead of a prompt: a conversation, for the model's chat template.
            n: number of variations. None: as many as ``seeds`` or ``drugs`` has, else 8.
            seeds: a seed for each, None among them for a fresh one; or one number, for it and those that follow. None:
                those from ``drugs.seed`` on if that is set, else fresh ones.
            drugs: doses for all, or a list, one for each. None: the model's.
            max_tokens: new tokens of each. None: as many as the model's context has room for.
            temperature: 0 for the most likely token.
            stop: strings that end a text.
            stream: yield pieces as they come instead of returning whole texts.
            top_p, min_p, typical_p, top_k, frequency_penalty, presence_penalty, repeat_penalty, mirostat_mode,
                mirostat_tau, mirostat_eta, logit_bias, grammar: as for ``create_completion``; all but the penalties,
                the bias and the grammar need a temperature above 0.
            response_format: with messages, as for ``create_chat_completion``.
            n_parallel: variations decoded at a time; the others wait. None: as many as memory has room for, 64 at most.

        Returns:
            A completion, or a chat completion for messages, shaped as OpenAI's. Its choices also have ``seed``, and
            ``drugs``, the doses as ``DRUGS.to_dict`` gives them. ``finish_reason`` is "length" where ``max_tokens`` or
            the context ended a text. With ``stream``, an iterator of chunks, each with one choice: its ``index`` tells
            whose text it carries, and its last one has ``finish_reason`` and ``drugs``.

        Raises:
            PromptError: no prompt, an empty one, or both a prompt and messages.
            TokenError: a token that is not in the vocabulary, or numbers that are not tokens.
            OptionError: a temperature, stop string or grammar that cannot be used.
            CountError: ``n`` or ``n_parallel`` below 1, ``n`` above 100,000, or a list of another length.
            SeedError: a seed out of range.
            DoseError: a dose at a site that the model lacks.
            ContextOverflowError: the prompt leaves no room in the context.
            MemoryLimitError: not even one sequence, or not ``n_parallel``, fit into memory.
            BusyError: another thread is using the model.
        """
        options = {
            "temp": temperature,
            "top_p": top_p,
            "min_p": min_p,
            "typical_p": typical_p,
            "top_k": top_k,
            "frequency_penalty": frequency_penalty,
            "presence_penalty": presence_penalty,
            "repeat_penalty": repeat_penalty,
            "mirostat_mode": mirostat_mode,
            "mirostat_tau": mirostat_tau,
            "mirostat_eta": mirostat_eta,
        }
        engine = self.engine
        check_options(temperature, stop, grammar)
        chat = {"stop": stop, "response_format": response_format, "grammar": grammar}
        text = text_to_vary(self, self._model, self._chat_handlers, prompt, messages, chat)
        engine.session.check_vocabulary(text.tokens)
        wish = Wish(n, seeds, drugs, max_tokens, stream, logit_bias, n_parallel)
        answer = completion.Answer(self.model_path, chat=messages is not None)
        return vary(engine, text, wish, {**options, "grammar": text.grammar}, answer)

    #
    # state
    #

    def save_state(self) -> DrugsState:
        """The cache, and what a run needs beside it to continue as it would have: doses, seed, dirty positions."""
        engine = self.engine
        with engine.session.use():
            self._seed = llama_cpp.LLAMA_DEFAULT_SEED if engine.seed is None else engine.seed
            return DrugsState(super().save_state(), dosed_part(engine))

    def load_state(self, state: LlamaState) -> None:
        """Take over a saved state. ``drugs`` gets the saved doses, whoever shares it.

        A state of a plain ``llama_cpp.Llama`` is clean, and leaves the doses as they are.

        Raises:
            StateError: the state comes from another model or a larger context, and nothing was changed; or it is
                damaged, and the cache is empty.
        """
        engine = self.engine
        with engine.session.use():
            self._load_positions(state)
            if isinstance(state, DrugsState):
                take_doses(engine, state.dosed)

    def _load_positions(self, state: LlamaState) -> None:
        """Take over a saved state's cache, and leave the doses and the seed."""
        engine = self.engine
        with engine.session.use():
            check_state(engine, state)
            try:
                super().load_state(state)
            except (RuntimeError, ValueError) as error:
                engine.session.clear()
                raise StateError("the saved state is damaged or from another model: the cache is empty now") from error
            take_positions(engine, state)

    def __getstate__(self) -> dict[str, Any]:
        arguments: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call]
        del arguments["seed"]  # the state has it
        arguments["strict"] = self.strict
        arguments["sober_twin"] = self.engine.session.twin is not None
        return {"arguments": arguments, "state": self.save_state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Llama.__init__(self, **state["arguments"])
        self.load_state(state["state"])


register_injector(Llama.adopt)
