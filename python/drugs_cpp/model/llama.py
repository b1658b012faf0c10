"""``drugs_cpp.Llama``: llama-cpp-python's ``Llama``, with doses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import llama_cpp
from llama_cpp.llama_tokenizer import LlamaTokenizer

from drugs_cpp import _core
from drugs_cpp.doses.drugs import DrugsLike, as_drugs
from drugs_cpp.doses.reference import register_injector
from drugs_cpp.doses.seed import check_seed, seed_of_call
from drugs_cpp.engine.closed import Closed, refuse_closed
from drugs_cpp.engine.contexts import address_of
from drugs_cpp.engine.dosing import DEFAULT_SINK, DEFAULT_SOBER_INTERVAL, Dosing, fit_to_device
from drugs_cpp.engine.effects import Effects
from drugs_cpp.engine.engine import Engine
from drugs_cpp.engine.every_logit import EveryLogit
from drugs_cpp.engine.model_sites import ModelSites
from drugs_cpp.engine.position_flags import Computed
from drugs_cpp.engine.sampling import stop_tokens_of
from drugs_cpp.engine.session import Session
from drugs_cpp.engine.signals import interrupt_later
from drugs_cpp.engine.twin import SoberTwin
from drugs_cpp.keywords import naming_keywords
from drugs_cpp.model import completion, completions
from drugs_cpp.model.adapter import load_adapter, take_adapter
from drugs_cpp.model.arguments import check_arguments
from drugs_cpp.model.cache_methods import CacheMethods
from drugs_cpp.model.calibration import check_dose
from drugs_cpp.model.completion_methods import CompletionMethods
from drugs_cpp.model.devices import devices_for
from drugs_cpp.model.effect_methods import EffectMethods
from drugs_cpp.model.extra_options import without_extras
from drugs_cpp.model.generation import token_by_token
from drugs_cpp.model.keeping import keeping
from drugs_cpp.model.llama_arguments import UPSTREAM_KEYWORDS, with_upstream_arguments
from drugs_cpp.model.model_file import check_model_file, explain_load_failure
from drugs_cpp.model.model_settings import settings_of
from drugs_cpp.model.quiet_loading import quiet_loading
from drugs_cpp.model.reference import ReferenceNames
from drugs_cpp.model.signatures import bound_arguments, check_keywords, keyword_names
from drugs_cpp.model.state import DrugsState, dosed_state, load_positions, take_settings, upstream_seed
from drugs_cpp.model.token_methods import TokenMethods
from drugs_cpp.model.tokenizer import Tokenizer
from drugs_cpp.model.uncertainty_methods import UncertaintyMethods
from drugs_cpp.model.variation_methods import VariationMethods

if TYPE_CHECKING:
    import os

    from llama_cpp.llama import LlamaState
    from typing_extensions import Self, Unpack

    from drugs_cpp.engine.inputs import Inputs
    from drugs_cpp.model.llama_arguments import LlamaArguments, UpstreamArguments


class Llama(
    CompletionMethods,
    VariationMethods,
    UncertaintyMethods,
    EffectMethods,
    TokenMethods,
    CacheMethods,
    ReferenceNames,
    llama_cpp.Llama,
):
    """llama-cpp-python's ``Llama`` with doses: a model whose attention can be dosed.

    What ``llama_cpp.Llama`` has works as before. Decoding is greedy unless a call gives a temperature, and without a
    dose the results are llama.cpp's, bit for bit.

    Example:
        >>> llm = Llama("model.gguf", drugs={"A": 0.3}, n_ctx=1024, verbose=False)
        >>> llm("The sea was", max_tokens=16, seed=1)["choices"][0]["text"]
        >>> with llm.dosed("mild"):
        ...     answer = llm.create_chat_completion([{"role": "user", "content": "Name a river."}])
        >>> several = llm.variations("The sea was", n=4, max_tokens=16)

    Args:
        model_path: path of a GGUF file.
        drugs: the doses: a :class:`DRUGS`, which stays shared, so that changes take effect at the next token; or a
            mapping such as ``{"A": 0.3}``; or the name of an effect, "mild", "medium" or "strong", whose angles are
            found when the file is first used (:meth:`titrate`) and kept. None: sober.
        seed: the same as ``set_seed(seed)``: it begins a chain of seeds. Each call without a seed of its own takes the
            next one, as in llama-cpp-python. A seed for every run belongs in ``drugs``. None and -1: every run draws a
            fresh one. The property ``seed`` says which one was used.
        dose_inputs: prompts are dosed as well. False: they are evaluated sober, so the first new token is the sober
            one. "last": only their last position is dosed, whose output is the first new token.
        sink: number of first positions that are never dosed.
        sober_interval: dirty tokens after which a generation takes a cold shower.
        sober_twin: decode a sober copy of the sequence in the same batches as the dosed one, so that a cold shower only
            switches the cache, in less than a millisecond. Needs a second cache, and every token takes longer.
        strict: a dose at a site that this model lacks is an error. False: a warning, and the site stays sober.
        repeatable: each token gets the same bits in any batch and with any number of threads. False: as in llama.cpp.
            None: only in a dosed run, if only the CPU computes and it costs little time (see docs/python.md).
        **kwargs: those of ``llama_cpp.Llama``, in its words:

    Raises:
        FileNotFoundError: no file at ``model_path`` or ``lora_path`` (also a ``ValueError``, as in upstream).
        ValueError: a file that is not a GGUF model or is cut short; a number that cannot be used.
        TypeError: an unknown argument, or ``drugs`` that are not doses.
        OptionError: ``repeatable=True`` if a device other than the CPU computes.
    """

    @naming_keywords(UPSTREAM_KEYWORDS)
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
        **kwargs: Unpack[UpstreamArguments],
    ) -> None:
        """Load a model. The arguments are described above, at the class."""
        self._stack = contextlib.ExitStack()  # upstream's __del__ closes it, even after an error below
        self._has_chat_format = kwargs.get("chat_format") is not None
        check_keywords(kwargs, keyword_names(Llama.__init__))
        dosing = Dosing(drugs, dose_inputs, sink, sober_interval, strict, repeatable)
        check_seed(seed)
        check_arguments(kwargs)
        check_model_file(model_path)
        rest: dict[str, Any] = {**kwargs}
        for name in ("n_threads", "n_threads_batch"):
            rest[name] = rest.get(name) or _core.default_threads()
        self._devices = devices_for(rest)
        lora_path = take_adapter(rest)
        try:
            with quiet_loading(rest.get("verbose", True)), interrupt_later() as interrupted:
                self._progress = llama_cpp.llama_progress_callback(lambda *_: not interrupted())
                super().__init__(str(model_path), **rest)
        except ValueError as error:
            raise explain_load_failure(model_path, error) from error
        if lora_path is not None:
            self._lora_adapter = load_adapter(lora_path, self._model, self._ctx, self.lora_scale, self._stack)
            self.lora_path = lora_path
        self._equip(dosing, sober_twin)
        if seed is not None:
            self.set_seed(seed)

    def _equip(self, dosing: Dosing, sober_twin: bool = False) -> None:
        """Set up the engine, after upstream's constructor."""
        settings = settings_of(self, self._model, self._n_vocab, self._lora_adapter, self._logits_all)
        ModelSites(int(self._ctx.ctx), Effects()).table(dosing.drugs.dosage, dosing.strict)  # refuses missing sites
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
        if type(self.tokenizer_) is LlamaTokenizer:  # not one given by the user
            self.tokenizer_ = self.tokenizer()

    @classmethod
    def adopt(cls, llm: llama_cpp.Llama, drugs: DrugsLike = None) -> Llama:
        """Turn a plain ``llama_cpp.Llama`` into a :class:`Llama` with these doses, in place; returns it.

        Raises:
            TypeError: ``llm`` is not a ``llama_cpp.Llama``.
            DoseError: a dose at a site that the model lacks. The model is unchanged.
            StateError: the model was closed.
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
            session.computed.mark(0, session.n_tokens, Computed.ALONE)  # it is not known how
        return cast("Llama", llm)

    if TYPE_CHECKING:  # upstream's passes on what it is given, and returns a model of this class

        @classmethod
        def from_pretrained(  # type: ignore[override]  # upstream's takes anything
            cls,
            repo_id: str,
            filename: str | None,
            additional_files: list[str] | None = ...,
            local_dir: str | os.PathLike[str] | None = ...,
            local_dir_use_symlinks: bool | Literal["auto"] = ...,
            cache_dir: str | os.PathLike[str] | None = ...,
            **kwargs: Unpack[LlamaArguments],
        ) -> Self:
            """Download a model and load it; the keyword arguments are those of :class:`Llama`."""
            ...

    def close(self) -> None:
        """Free the model and everything that was made from it.

        Raises:
            BusyError: it is being used by another thread, or this is a callback of a call that is using it.
        """
        if self._engine is not None:
            with self._engine.session.exclusive.alone():
                self._engine.in_use.end()
                self._engine.close()
                super().close()
                if not isinstance(self._model, Closed):
                    self._model.model = self._model.vocab = Closed()  # upstream's tokenizers have them
                self._model = self._ctx = self._batch = self.tokenizer_ = cast("Any", Closed())
        elif hasattr(self, "_stack"):  # missing if the constructor was called with wrong arguments
            super().close()

    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer of this model, which cannot be used after the model is closed."""
        self.engine.session.check_open()
        return Tokenizer(self, self.engine.in_use)

    def n_ctx(self) -> int:
        """Return the context size in tokens, as requested: llama.cpp rounds up, llama-cpp-python's arrays do not."""
        return min(int(super().n_ctx()), int(self.context_params.n_ctx))

    #
    # generating
    #

    def _token_by_token(
        self, asked: dict[str, Any], take_seed: Callable[[], int] | None = None, dose_inputs: Inputs | None = None
    ) -> Generator[int, Sequence[int] | None, None]:
        """Generate in the loop in Python; ``asked``: all arguments of upstream's ``generate``, and our own ones."""
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

    #
    # state
    #

    def save_state(self) -> DrugsState:
        """Save the cache and what else a run needs to continue unchanged: doses, seeds, dirty positions."""
        engine = self.engine
        with engine.session.use():
            engine.session.complete()
            self._seed = upstream_seed(engine)
            return dosed_state(engine, super().save_state())

    def load_state(self, state: LlamaState) -> None:
        """Load a saved state. ``drugs`` gets the saved doses, even if it is shared.

        A state of a plain ``llama_cpp.Llama`` is clean, and leaves the doses as they are. Seeds continue as they
        would have without saving.

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


Llama.__doc__ = with_upstream_arguments(Llama.__doc__, before="Raises:")

register_injector(Llama.adopt)
