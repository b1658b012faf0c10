"""``drugs_cpp.Llama``: llama-cpp-python's ``Llama``, with doses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import llama_cpp
from llama_cpp.llama_tokenizer import LlamaTokenizer

from drugs_cpp import _core
from drugs_cpp.doses.drugs import DrugsLike, as_drugs
from drugs_cpp.doses.reference import register_injector
from drugs_cpp.doses.seed import check_seed, fresh_seed, seed_of_call
from drugs_cpp.engine.closed import Closed, refuse_closed
from drugs_cpp.engine.contexts import address_of
from drugs_cpp.engine.dosing import DEFAULT_SINK, DEFAULT_SOBER_INTERVAL, Dosing, fit_to_device
from drugs_cpp.engine.effects import Effects
from drugs_cpp.engine.engine import Engine
from drugs_cpp.engine.every_logit import EveryLogit
from drugs_cpp.engine.model_sites import ModelSites
from drugs_cpp.engine.position_flags import Computed
from drugs_cpp.engine.sampling import OPTIONS, sample, stop_tokens_of
from drugs_cpp.engine.session import Session
from drugs_cpp.engine.signals import interrupt_later
from drugs_cpp.engine.twin import SoberTwin
from drugs_cpp.model import completion, completions
from drugs_cpp.model.adapter import load_adapter, take_adapter
from drugs_cpp.model.arguments import check_arguments
from drugs_cpp.model.cache_methods import CacheMethods
from drugs_cpp.model.calibration import check_dose
from drugs_cpp.model.chat_prompt import chat_errors, warn_of_fallback
from drugs_cpp.model.effect_methods import EffectMethods
from drugs_cpp.model.extra_options import call_upstream, without_extras
from drugs_cpp.model.generation import token_by_token
from drugs_cpp.model.keeping import keeping
from drugs_cpp.model.model_file import check_model_file, explain_load_failure
from drugs_cpp.model.model_settings import settings_of
from drugs_cpp.model.reference import ReferenceNames
from drugs_cpp.model.signatures import bound_arguments, check_keywords, keyword_names, with_defaults
from drugs_cpp.model.state import DrugsState, dosed_state, load_positions, take_settings, upstream_seed
from drugs_cpp.model.tokenizer import Tokenizer
from drugs_cpp.model.uncertainty_methods import UncertaintyMethods
from drugs_cpp.model.variation_methods import VariationMethods

if TYPE_CHECKING:
    import os

    from llama_cpp.llama import LlamaState

    from drugs_cpp.engine.inputs import Inputs


class Llama(CacheMethods, VariationMethods, UncertaintyMethods, EffectMethods, ReferenceNames, llama_cpp.Llama):
    """A llama.cpp model whose attention can be dosed.

    Args:
        model_path: path of a GGUF file.
        drugs: the doses: a :class:`DRUGS`, which stays shared, so changing it changes what the next token gets; or a
            mapping such as ``{"A": 0.3}``; or the name of an effect, "mild", "medium" or "strong", for which the angles
            are found at the first use of the file (:meth:`titrate`) and kept. None: sober.
        seed: the same as ``set_seed(seed)``: a chain of seeds begins with it, of which each call without a seed of its
            own takes the next one, as in llama-cpp-python. A seed for every run belongs into ``drugs``. None and -1:
            every run draws a fresh one. ``seed`` reads back which it was.
        dose_inputs: prompts are dosed, too. False: they are evaluated sober, so the first new token is the sober one.
            "last": their last position is dosed, whose output is the first new token.
        sink: number of first positions that are never dosed.
        sober_interval: dirty tokens after which a generation takes a cold shower.
        sober_twin: decode a sober copy of the sequence beside the dosed one, in the same batches, so that a cold shower
            is only a switch of the cache, in less than a millisecond. Takes a second cache, and time for every token.
        strict: a dose at a site that this model lacks is an error. False: a warning, and the site stays sober.
        repeatable: a token's numbers are the same to the bit in any batch and with any number of threads. False: as in
            llama.cpp. None: in a dosed run, where only the CPU computes and it takes little time (see the README).
        **kwargs: as ``llama_cpp.Llama``. Without ``n_threads`` or ``n_threads_batch``, there is a thread for each
            physical core that this process may use, as in the program ``drugs``.

    Raises:
        FileNotFoundError: no file at ``model_path`` or ``lora_path`` (also a ``ValueError``, as upstream has it).
        ValueError: a file that is not a GGUF model or is cut short; a number that cannot be used.
        TypeError: an unknown argument, or ``drugs`` that are not doses.
        OptionError: ``repeatable=True`` where another device than the CPU computes.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        drugs: DrugsLike = None,
        seed: int | None = None,
        dose_inputs: Inputs = False,
        sink: int = DEFAULT_SINK,
        sober_interval: int = DEFAULT_SOBER_INTERVAL,
        sober_twin: bool = False,
        strict: bool = True,
        repeatable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        self._stack = contextlib.ExitStack()  # upstream's __del__ closes it, also after an error below
        self._has_chat_format = kwargs.get("chat_format") is not None
        check_keywords(kwargs, keyword_names(Llama.__init__) + keyword_names(llama_cpp.Llama.__init__))
        dosing = Dosing(drugs, dose_inputs, sink, sober_interval, strict, repeatable)
        check_seed(seed)
        check_arguments(kwargs)
        check_model_file(model_path)
        for name in ("n_threads", "n_threads_batch"):
            kwargs[name] = kwargs.get(name) or _core.default_threads()
        lora_path = take_adapter(kwargs)
        try:
            with interrupt_later() as interrupted:
                self._progress = llama_cpp.llama_progress_callback(lambda *_: not interrupted())
                super().__init__(str(model_path), **kwargs)
        except ValueError as error:
            raise explain_load_failure(model_path, error) from error
        if lora_path is not None:
            self._lora_adapter = load_adapter(lora_path, self._model, self._ctx, self.lora_scale, self._stack)
            self.lora_path = lora_path
        self._equip(dosing, sober_twin)
        if seed is not None:
            self.set_seed(seed)

    def _equip(self, dosing: Dosing, sober_twin: bool = False) -> None:
        """Once upstream's part is there: what runs."""
        settings = settings_of(self, self._model, self._n_vocab, self._lora_adapter, self._logits_all)
        ModelSites(int(self._ctx.ctx), Effects()).table(dosing.drugs.dosage, dosing.strict)  # refuses what is not there
        twin = SoberTwin(settings) if sober_twin else None
        if twin is not None:
            self._ctx.close()
            with interrupt_later():
                self._ctx = self._stack.enter_context(contextlib.closing(twin.open_context()))
        fit_to_device(dosing, address_of(self._ctx))
        every_logit = EveryLogit(self.scores, self.n_batch) if self._logits_all else None
        self._engine = Engine(Session(settings, self._ctx, dosing, twin, every_logit))
        check_dose(self._engine, dosing.drugs.dosage)
        self._n_ctx = settings.n_ctx
        if type(self.tokenizer_) is LlamaTokenizer:  # and not one that the user gave
            self.tokenizer_ = self.tokenizer()

    @classmethod
    def adopt(cls, llm: llama_cpp.Llama, drugs: DrugsLike = None) -> Llama:
        """Turn a plain ``llama_cpp.Llama`` into a :class:`Llama` with these doses, in place; returns it.

        Raises:
            TypeError: ``llm`` is not a ``llama_cpp.Llama``.
            DoseError: a dose at a site that the model lacks. It is as it was.
            StateError: it was closed.
        """
        if not isinstance(llm, llama_cpp.Llama):
            raise TypeError(f"{llm!r} cannot be dosed: give a llama_cpp.Llama or a drugs_cpp.Llama")
        if isinstance(llm, Llama):
            llm.drugs = as_drugs(drugs)
            return llm
        if llm.ctx is None:
            refuse_closed()
        dosing = Dosing(drugs)
        adopted, kind, before = cast("Any", llm), type(llm), dict(vars(llm))
        with interrupt_later():
            adopted.__class__ = cls if kind is llama_cpp.Llama else type(kind.__name__, (cls, kind), {})
            past = {name: vars(llm).pop(name) for name in ("input_ids", "n_tokens", "_requires_eval")}
            try:
                adopted._equip(dosing)
            except BaseException:
                adopted.__class__ = kind
                vars(llm).clear()
                vars(llm).update(before)
                raise
            for name, value in past.items():
                setattr(adopted, name, value)
            adopted.engine.seeds.go_on_from(adopted._seed)
            session = adopted.engine.session
            session.computed.mark(0, session.n_tokens, Computed.ALONE)  # nobody knows
        return cast("Llama", llm)

    def close(self) -> None:
        """Free the model and all that was made from it.

        Raises:
            BusyError: it is being used, by another thread or by the call whose callback this is.
        """
        if self._engine is not None:
            with self._engine.session.exclusive.alone():
                self._engine.in_use.end()
                self._engine.close()
                super().close()
                if not isinstance(self._model, Closed):
                    self._model.model = self._model.vocab = Closed()  # upstream's tokenizers have them
                self._model = self._ctx = self._batch = self.tokenizer_ = cast("Any", Closed())
        elif hasattr(self, "_stack"):  # not there if the constructor was called wrongly
            super().close()

    def tokenizer(self) -> Tokenizer:
        """The tokenizer of this model; it ends with it."""
        self.engine.session.check_open()
        return Tokenizer(self, self.engine.in_use)

    def n_ctx(self) -> int:
        """The context window in tokens, as asked for: llama.cpp rounds up, llama-cpp-python's arrays do not."""
        return min(int(super().n_ctx()), int(self.context_params.n_ctx))

    #
    # generating
    #

    @with_defaults(llama_cpp.Llama.sample, temp=0.0)
    def sample(self, *args: Any, **kwargs: Any) -> int:
        asked = bound_arguments(llama_cpp.Llama.sample, *args, **kwargs)
        engine = self.engine
        with engine.session.use():
            seed = fresh_seed() if engine.seeds.in_use is None else engine.seeds.in_use
            run = engine.watched_run(seed, {name: asked[name] for name in OPTIONS}, asked["logits_processor"])
            return sample(engine.session, run, -1 if asked["idx"] is None else asked["idx"] - self.n_tokens)

    @with_defaults(llama_cpp.Llama.generate, temp=0.0)
    def generate(self, *args: Any, **kwargs: Any) -> Generator[int, Sequence[int] | None, None]:
        return keeping(self, self._token_by_token(bound_arguments(llama_cpp.Llama.generate, *args, **kwargs)))

    def _token_by_token(
        self, asked: dict[str, Any], take_seed: Callable[[], int] | None = None, dose_inputs: Inputs | None = None
    ) -> Generator[int, Sequence[int] | None, None]:
        """In Python's loop; ``asked``: arguments of upstream's ``generate``, all of them, and those beside them."""
        return token_by_token(self.engine, asked, take_seed, self.draft_model, lambda: self._scores, dose_inputs)

    def _create_completion(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        asked = bound_arguments(llama_cpp.Llama._create_completion, *args, **kwargs)
        engine = self.engine
        seed = seed_of_call(asked["seed"])
        completion.check_asked(asked["max_tokens"], asked["stop"])
        stop_tokens = stop_tokens_of(asked["stopping_criteria"])
        if stop_tokens is not None and not completions.needs_python(self, engine, asked):
            tokens = completion.prompt_tokens(self, self._model, asked["prompt"])
            name = self.model_path if asked["model"] is None else asked["model"]
            if asked["echo"] and not isinstance(asked["prompt"], str):
                asked["prompt"] = completion.as_text(self.detokenize(tokens))
            return keeping(self, completions.complete_in_cpp(engine, tokens, asked, seed, stop_tokens, name))

        _, extras = without_extras(asked)

        def generate(*args: Any, **kwargs: Any) -> Generator[int, Sequence[int] | None, None]:
            asked = bound_arguments(llama_cpp.Llama.generate, *args, **kwargs, **extras)
            return self._token_by_token(asked, lambda: engine.seeds.next(seed))

        return completions.complete_in_python(self, engine.session, generate, asked)

    @with_defaults(llama_cpp.Llama.create_completion, temperature=0.0)
    def create_completion(self, *args: Any, **kwargs: Any) -> Any:
        return call_upstream(self, super().create_completion, "create_completion", args, kwargs)

    @with_defaults(llama_cpp.Llama.__call__, temperature=0.0)
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return call_upstream(self, super().__call__, "__call__", args, kwargs)

    @with_defaults(llama_cpp.Llama.create_chat_completion, temperature=0.0)
    def create_chat_completion(self, *args: Any, **kwargs: Any) -> Any:
        asked = bound_arguments(llama_cpp.Llama.create_chat_completion, *args, **kwargs)
        if not self.has_chat_template:
            warn_of_fallback(stacklevel=3)
        with chat_errors(asked["messages"]):
            return call_upstream(self, super().create_chat_completion, "create_chat_completion", (), asked)

    #
    # state
    #

    def save_state(self) -> DrugsState:
        """The cache, and what a run needs beside it to continue as it would have: doses, seeds, dirty positions."""
        engine = self.engine
        with engine.session.use():
            engine.session.complete()
            self._seed = upstream_seed(engine)
            return dosed_state(engine, super().save_state())

    def load_state(self, state: LlamaState) -> None:
        """Take over a saved state. ``drugs`` gets the saved doses, whoever shares it.

        A state of a plain ``llama_cpp.Llama`` is clean, and leaves the doses as they are. Seeds go on as they
        would have.

        Raises:
            StateError: the state comes from another model or a larger context, and nothing was changed; or it is
                damaged, and the cache is empty.
        """
        engine = self.engine
        with engine.session.use():
            load_positions(engine, state, self.scores)
            take_settings(engine, state)

    def __getstate__(self) -> dict[str, Any]:
        arguments: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call]
        del arguments["seed"]  # the state has it
        arguments["strict"] = self.strict
        arguments["repeatable"] = self.repeatable
        arguments["sober_twin"] = self.engine.session.twin is not None
        return {"arguments": arguments, "state": self.save_state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Llama.__init__(self, **state["arguments"])
        self.load_state(state["state"])


register_injector(Llama.adopt)
