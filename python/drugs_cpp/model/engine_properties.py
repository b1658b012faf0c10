"""Properties of a model that its engine stores: the user's dose settings, and what upstream keeps in attributes."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.doses.arguments import DOSE_KEYWORDS
from drugs_cpp.doses.checks import check_count
from drugs_cpp.doses.drugs import DRUGS, DrugsLike, as_drugs
from drugs_cpp.doses.seed import check_seed
from drugs_cpp.engine.closed import refuse_closed
from drugs_cpp.errors import CountError, TokenError
from drugs_cpp.keywords import naming_keywords
from drugs_cpp.model.calibration import check_dose
from drugs_cpp.model.chat_prompt import lacks_template

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Unpack

    from drugs_cpp.doses.arguments import DoseArguments
    from drugs_cpp.engine.engine import Engine
    from drugs_cpp.engine.inputs import Inputs


def _mapping(drugs: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    as_drugs(drugs)  # refuses what is not doses
    return {} if drugs is None else {"effect": drugs} if isinstance(drugs, str) else drugs


class EngineProperties:
    """The part of :class:`drugs_cpp.Llama` that exposes its engine."""

    _engine: Engine | None = None  # None until the model is loaded
    _progress: Any = None  # llama.cpp's callback while it loads, which says whether to go on
    _devices: Any = None  # those that llama.cpp may use beside the processor, ending with NULL; None: all
    _has_chat_format = False  # the constructor was given a chat format

    @property
    def engine(self) -> Engine:
        """What runs the model: the session with its cache, the doses, the slots of variations.

        Raises:
            StateError: the model was closed, or never loaded.
        """
        if self._engine is None:
            refuse_closed()
        self._engine.session.check_open()
        return self._engine

    #
    # doses
    #

    @property
    def drugs(self) -> DRUGS:
        """The doses. The object is shared, and a change takes effect at the next token."""
        return self.engine.dosing.drugs

    @drugs.setter
    def drugs(self, drugs: DrugsLike) -> None:
        given = as_drugs(drugs)
        if given.effect is not None:
            check_dose(self.engine, given.dosage)
        self.engine.dosing.drugs = given

    @contextlib.contextmanager
    @naming_keywords(DOSE_KEYWORDS)
    def dosed(self, drugs: DrugsLike = None, /, **doses: Unpack[DoseArguments]) -> Iterator[DRUGS]:
        """``with llm.dosed(A=0.3):`` use other doses in the block; other settings stay unless given.

        Args:
            drugs: the doses, a mapping, or the name of an effect.
            **doses: as for :class:`DRUGS`; they override ``drugs``.
        """
        old = self.drugs
        if isinstance(drugs, DRUGS) and not doses:
            self.drugs = drugs
        else:
            kept = drugs if isinstance(drugs, DRUGS) else old
            names = ("multiplier", "noise", "hold", "layers", "seed")
            settings = {name: getattr(kept, name) for name in names}
            given = drugs.to_dict() if isinstance(drugs, DRUGS) else _mapping(drugs)
            self.drugs = DRUGS({**settings, **given}, **doses)
        try:
            yield self.drugs
        finally:
            if self._engine is not None:  # the block may have closed the model
                self._engine.dosing.drugs = old

    @contextlib.contextmanager
    def sober(self) -> Iterator[None]:
        """``with llm.sober():`` use no doses in the block."""
        with self.dosed({}):
            yield

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that this model has in at least one layer, under the noise that is set.

        Raises:
            DoseError: the model is split between devices in a way that makes doses impossible.
        """
        return self.engine.sites.names(self.drugs.noise)

    @property
    def dose_inputs(self) -> Inputs:
        """Whether prompts are dosed as well; "last": only their last position, whose output is the first new token."""
        return self.engine.dosing.dose_inputs

    @dose_inputs.setter
    def dose_inputs(self, dose_inputs: Inputs) -> None:
        self.engine.dosing.dose_inputs = dose_inputs

    @property
    def sink(self) -> int:
        """Number of first positions (tokens) that are never dosed."""
        return self.engine.dosing.sink

    @sink.setter
    def sink(self, n_tokens: int) -> None:
        self.engine.dosing.sink = n_tokens

    @property
    def sober_interval(self) -> int:
        """Dirty tokens after which a generation takes a cold shower, 1 or more."""
        return self.engine.dosing.sober_interval

    @sober_interval.setter
    def sober_interval(self, n_tokens: int) -> None:
        self.engine.dosing.sober_interval = n_tokens

    @property
    def strict(self) -> bool:
        """Whether a dose at a site that this model lacks is an error."""
        return self.engine.dosing.strict

    @strict.setter
    def strict(self, strict: bool) -> None:
        self.engine.dosing.strict = bool(strict)

    @property
    def repeatable(self) -> bool | None:
        """Whether each token gets the same bits in any batch; None: only while it is dosed."""
        return self.engine.dosing.repeatable

    @property
    def has_chat_template(self: Any) -> bool:
        """Whether it is known how to format a conversation, from the file, ``chat_format`` or ``chat_handler``."""
        self.engine.session.check_open()
        return self._has_chat_format or not lacks_template(self, self._chat_handlers)

    @property
    def seed(self) -> int | None:
        """The seed of the last run; before the first one, the seed that is set, or None."""
        return self.engine.seeds.last

    def set_seed(self, seed: int | None) -> None:
        """Begin a chain of seeds: each call without a seed of its own uses a new one, derived from the last.

        The seeds are the same as in llama-cpp-python: setting the same seed again gives the same texts in the same
        order. As there, ``generate``, ``sample``, ``Dgenerate`` and ``eval`` use the chain's current seed. A seed in
        ``drugs`` is removed, because it would apply to every run.

        Args:
            seed: 0 to 2**32 - 2; None and -1: every run draws a fresh one.

        Raises:
            SeedError: a seed out of range.
        """
        self.engine.seeds.set(check_seed(seed))

    @property
    def dirty_count(self) -> int:
        """Number of cache positions that were computed under a dose."""
        return self.engine.session.n_dirty

    #
    # What upstream keeps in attributes is in the session here. While upstream's constructor runs there is no session
    # yet, and what it sets are the initial values of a session.
    #

    @property
    def n_tokens(self) -> int:
        """Number of tokens in the cache."""
        return 0 if self._engine is None else self.engine.session.n_tokens

    @n_tokens.setter
    def n_tokens(self, n_tokens: int) -> None:
        if self._engine is not None:
            session = self._engine.session
            with session.use():
                most = max(session.n_tokens, session.cache.n_positions)
                if check_count("n_tokens", n_tokens, 0) > most:
                    raise CountError(f"n_tokens is {n_tokens}: the cache holds {most} tokens")
                session.set_length(int(n_tokens))

    @property
    def input_ids(self) -> npt.NDArray[np.intc]:
        """Tokens, int32 (n_ctx,); the first ``n_tokens`` are those in the cache."""
        return self.engine.session.tokens

    @input_ids.setter
    def input_ids(self, tokens: npt.NDArray[np.intc]) -> None:
        if self._engine is not None:
            session = self._engine.session
            with session.use():
                ids, shape = np.asarray(tokens), session.tokens.shape
                if ids.shape != shape or not np.issubdtype(ids.dtype, np.integer):
                    raise TokenError(f"input_ids are {ids.dtype} {ids.shape}: give int32 {shape}")
                session.tokens = np.asarray(ids, np.intc)
                session.version += 1

    @property
    def model_params(self) -> Any:
        """How the model was loaded: llama.cpp's ``llama_model_params``."""
        return vars(self)["model_params"]

    @model_params.setter
    def model_params(self, params: Any) -> None:
        if self._progress is not None:
            params.progress_callback = self._progress
        if self._devices is not None:
            params.devices = ctypes.addressof(self._devices)
        vars(self)["model_params"] = params

    @property
    def _requires_eval(self) -> bool:
        return not self.engine.session.has_logits

    @_requires_eval.setter
    def _requires_eval(self, requires_eval: bool) -> None:
        if self._engine is not None:
            self._engine.session.has_logits = not requires_eval
