"""``drugs_cpp.Llama``: llama-cpp-python's ``Llama``, with doses."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

import llama_cpp

from drugs_cpp.drugs import DRUGS
from drugs_cpp.errors import StateError
from drugs_cpp.evaluation import DEFAULT_SINK
from drugs_cpp.exclusive import exclusive
from drugs_cpp.model_file import check_model_file, explain_load_failure
from drugs_cpp.seed import check_seed
from drugs_cpp.signatures import check_keywords, keyword_names
from drugs_cpp.state import DosedPart, DrugsState
from drugs_cpp.variations import DosedVariations

if TYPE_CHECKING:
    import os

    from llama_cpp.llama import LlamaState


class Llama(DosedVariations):
    """A llama.cpp model whose attention can be dosed.

    Args:
        model_path: path of a GGUF file.
        drugs: the doses; the object stays shared, so changing it changes what the next token gets. None: sober.
        seed: the same as ``drugs.set_seed(seed)``: the seed of the noise and of the sampler, 0 to 2**32 - 2.
            None: every run draws a fresh one, which ``seed`` reads back.
        protect_inputs: prompts are evaluated sober, so the first new token is the sober choice.
        sink: number of first positions that are never dosed.
        sober_twin: decode a sober copy of the sequence beside the dosed one, in the same batches, so that a cold shower
            is only a switch of the cache, in less than a millisecond. Takes a second cache, and time for every token.
        strict: a dose at a site that this model lacks is an error. False: a warning, and the site stays sober.
        **kwargs: as ``llama_cpp.Llama``.

    Raises:
        FileNotFoundError: no file at ``model_path`` (also a ``ValueError``, which upstream raises there).
        ValueError: a file that is no GGUF model or is cut short, a seed or sink out of range.
        TypeError: an unknown argument, or ``drugs`` that is no ``DRUGS``.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        drugs: DRUGS | None = None,
        seed: int | None = None,
        protect_inputs: bool = True,
        sink: int = DEFAULT_SINK,
        sober_twin: bool = False,
        strict: bool = True,
        **kwargs: Any,
    ) -> None:
        self._stack = contextlib.ExitStack()  # upstream's __del__ closes it, also after an error below
        known = keyword_names(Llama.__init__) + keyword_names(llama_cpp.Llama.__init__)
        check_keywords(kwargs, known, keyword_names(DRUGS.__init__))
        drugs = DRUGS() if drugs is None else drugs
        seed = check_seed(seed)
        self._init_doses(drugs, protect_inputs, sink, strict)
        check_model_file(model_path)
        try:
            super().__init__(str(model_path), **kwargs)
        except ValueError as error:
            raise explain_load_failure(model_path, error) from error
        self._init_positions(sober_twin)
        self._check_sites()
        if seed is not None:
            drugs.set_seed(seed)

    #
    # state
    #

    @exclusive
    def save_state(self) -> DrugsState:
        """The cache, and what a run needs beside it to continue as it would have: doses, seed, dirty positions."""
        self._check_open()
        dosed = DosedPart(
            drugs=self.drugs.copy(),
            seed=self._run_seed,
            dirty=self._dirty.save(self.n_tokens),
            single=self._single.save(self.n_tokens),
            pending=self._pending,
            protect_inputs=self.protect_inputs,
            sink=self.sink,
            sobering_rate=self._sobering_rate,
            sober_twin=self._twin is not None,
        )
        return DrugsState(super().save_state(), dosed)

    @exclusive
    def load_state(self, state: LlamaState) -> None:
        """Take over a saved state. ``drugs`` gets the saved doses, whoever shares it.

        A state of a plain ``llama_cpp.Llama`` is clean, and leaves the doses as they are. So does a state that a
        completion finds in its cache: it brings positions, and the caller's doses and seed hold.

        Raises:
            ValueError: the state comes from another model or a larger context. Nothing was changed.
        """
        self._check_open()
        self._check_state(state)
        try:
            super().load_state(state)
        except RuntimeError as error:
            self._rewind(0)
            raise StateError("the saved state is damaged or from another model: the cache is empty now") from error
        self._dirty.clear()
        self._single.clear()
        self._pending = None
        self._stale = False
        if isinstance(state, DrugsState):
            self._dirty.load(state.dosed.dirty)
            self._single.load(state.dosed.single)
        if self._twin is not None:
            n_dirty_from = self._dirty.first(self.n_tokens)
            self._twin.catch_up(self, self.n_tokens if n_dirty_from is None else n_dirty_from)
        if not isinstance(state, DrugsState):
            return
        dosed = state.dosed
        if self._completing:
            return
        self.drugs.assign(dosed.drugs)
        self._run_seed = dosed.seed
        self._fixed_seed = dosed.drugs.seed
        self._pending = dosed.pending
        self.protect_inputs = dosed.protect_inputs
        self.sink = dosed.sink
        self._sobering_rate = dosed.sobering_rate

    def _check_state(self, state: LlamaState) -> None:
        if state.scores.shape[1] != self._n_vocab:
            raise StateError(
                f"the saved state has {state.scores.shape[1]} tokens in its vocabulary, this model {self._n_vocab}: "
                "load it into the model it was saved from"
            )
        if len(state.input_ids) != len(self.input_ids):
            raise StateError(
                f"the saved state has a context of {len(state.input_ids)} tokens, this model {len(self.input_ids)}: "
                f"load the model with n_ctx={len(state.input_ids)}"
            )
        if isinstance(state, DrugsState) and state.dosed.sober_twin and self._twin is None:
            raise StateError("the saved state has a sober twin: load the model with sober_twin=True")

    def __getstate__(self) -> dict[str, Any]:
        arguments: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call]
        del arguments["seed"]  # the state has it
        arguments["strict"] = self.strict
        arguments["sober_twin"] = self._twin is not None
        return {"arguments": arguments, "state": self.save_state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Llama.__init__(self, **state["arguments"])
        self.load_state(state["state"])


def adopt(llm: llama_cpp.Llama, drugs: DRUGS) -> Llama:
    """Turn a plain ``llama_cpp.Llama`` into a :class:`Llama` with these doses, in place.

    Raises:
        TypeError: ``llm`` is not a ``llama_cpp.Llama``.
    """
    if not isinstance(llm, llama_cpp.Llama):
        raise TypeError(f"{llm!r} cannot be dosed: give a llama_cpp.Llama or a drugs_cpp.Llama")
    if isinstance(llm, Llama):
        llm.drugs = drugs
        return llm
    kind = type(llm)
    adopted = cast("Any", llm)
    adopted.__class__ = Llama if kind is llama_cpp.Llama else type(kind.__name__, (Llama, kind), {})
    dosed = cast("Llama", llm)
    dosed._init_doses(drugs, protect_inputs=True, sink=DEFAULT_SINK, strict=True)
    dosed._init_positions()
    dosed._check_sites()
    return dosed
