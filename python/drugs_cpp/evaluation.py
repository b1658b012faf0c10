"""Evaluating tokens under a dose, the record of dirty positions, and the cold shower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import llama_cpp
import numpy as np

from drugs_cpp import _core
from drugs_cpp.background import BackgroundShower
from drugs_cpp.drugs import DRUGS
from drugs_cpp.errors import ContextOverflowError, CountError, DoseError, StateError, TokenError
from drugs_cpp.exclusive import Exclusive, exclusive
from drugs_cpp.position_flags import PositionFlags
from drugs_cpp.seed import fresh_seed
from drugs_cpp.sites import fit_to_model, sites_in
from drugs_cpp.twin import SoberTwin

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.callbacks import GuardedProcessors
    from drugs_cpp.dosage import Dosage

#: first positions of a sequence that are never dosed: attention leans on them as on a drain
DEFAULT_SINK = 6

#: dirty tokens after which a generation takes a cold shower
DEFAULT_SOBERING_RATE = 420

_SEQUENCE = 0  # the one sequence that llama-cpp-python decodes


class RunSeed(int):
    """A seed that upstream hands through for one run, and that is not to become the seed of the next ones."""


class DosedEval(llama_cpp.Llama):
    """What feeds tokens.

    The context has a dose only while :meth:`eval` decodes dosed tokens, so that embeddings, images and whatever else
    decodes beside it are sober.
    """

    def _init_doses(self, drugs: DRUGS, protect_inputs: bool, sink: int, strict: bool) -> None:
        self.drugs = drugs
        self.strict = bool(strict)
        self.sink = sink
        self.protect_inputs = bool(protect_inputs)
        self._sobering_rate = DEFAULT_SOBERING_RATE
        self._pending: int | None = None  # chosen by Dgenerate, not fed back yet
        self._next_seed: int | None = None  # the seed a completion gave to the run that it is about to start
        self._run_seed: int | None = None
        self._fixed_seed: int | None = None  # drugs.seed when the run took its seed
        self._feeding_back = False
        self._last_alone = False
        self._completing = False
        self._exclusive = Exclusive()
        self._processors: GuardedProcessors | None = None  # those of the sampler that is in use
        self._twin: SoberTwin | None = None
        self._background: BackgroundShower | None = None
        self._stale = False  # the last token's logits are those before a shower that did not compute it again

    def _init_positions(self, sober_twin: bool = False) -> None:
        """Once the context is there: what is known of its positions."""
        self._n_ctx = self.n_ctx()
        if sober_twin:
            self._twin = SoberTwin(self)
        self._decoder = _core.Decoder(_address(self))
        self._fitted: tuple[Dosage, bool, npt.NDArray[np.float32]] | None = None  # what the last table was made from
        self._dirty = PositionFlags(self._n_ctx)  # computed under a dose
        self._single = PositionFlags(self._n_ctx)  # computed in a batch of its own, which rounds in its own way

    #
    # settings
    #

    @property
    def drugs(self) -> DRUGS:
        """The doses. Shared with whoever made them: a change takes effect at the next token."""
        return self._drugs

    @drugs.setter
    def drugs(self, drugs: DRUGS) -> None:
        if not isinstance(drugs, DRUGS):
            raise TypeError(f"drugs is {drugs!r}: give a drugs_cpp.DRUGS object, for example DRUGS(a_dose=0.1)")
        old, self._drugs = getattr(self, "_drugs", drugs), drugs
        old.changes.add()  # a running decoder watches the old ones

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that this model has, in one layer at least, under the noise that is set.

        Raises:
            DoseError: the model is split between devices in a way that no dose can be given.
        """
        self._check_open()
        return sites_in(self._has_sites(self.drugs.noise))

    @property
    def sink(self) -> int:
        """Number of first positions (tokens) that are never dosed."""
        return self._sink

    @sink.setter
    def sink(self, n_tokens: int) -> None:
        self._sink = check_count("sink", n_tokens, 0)

    @property
    def seed(self) -> int | None:
        """The seed of the last run; before the first one, the seed that is set, or None."""
        return self.drugs.seed if self._run_seed is None else self._run_seed

    def set_seed(self, seed: int | None) -> None:
        """Set the seed of the noise and of the sampler: the same as ``drugs.set_seed(seed)``.

        Args:
            seed: 0 to 2**32 - 2; None draws a fresh one for every run.

        Raises:
            ValueError: a seed out of range.
        """
        if isinstance(seed, RunSeed):
            self._next_seed = int(seed)
        else:
            self.drugs.set_seed(seed)

    def set_sobering_rate(self, n_tokens: int) -> None:
        """Take a cold shower every ``n_tokens`` dirty tokens while generating.

        Raises:
            ValueError: fewer than one token.
        """
        self._sobering_rate = check_count("the sobering rate", n_tokens, 1)

    def get_sobering_rate(self) -> int:
        """Dirty tokens between two cold showers."""
        return self._sobering_rate

    def n_ctx(self) -> int:
        """The context window in tokens, as asked for: llama.cpp rounds up, llama-cpp-python's arrays do not."""
        return min(int(super().n_ctx()), int(self.context_params.n_ctx))

    #
    # seeds
    #

    def _begin_run(self, seed: int | None) -> None:
        self._fixed_seed = self.drugs.seed
        self._run_seed = next(s for s in (seed, self._fixed_seed, fresh_seed()) if s is not None)
        self._seed = self._run_seed  # upstream's sampler takes this one

    def _noise_seed(self) -> int:
        """The seed of the run, or of a new one where none began or the caller has set another seed since."""
        if self._run_seed is None or self.drugs.seed != self._fixed_seed:
            self._begin_run(None)
        return cast("int", self._run_seed)

    #
    # evaluation
    #

    @property
    def dirty_count(self) -> int:
        """Number of cache positions that were computed under a dose."""
        if self._background is not None and not self._background.running:
            self._end_background_shower()
        return self._dirty.count(self.n_tokens)

    @exclusive
    def eval(self, tokens: Sequence[int], dosed: bool | None = None) -> None:
        """Evaluate tokens behind those that are in the cache.

        Args:
            tokens: token ids.
            dosed: under the dose or sober. None: sober while ``protect_inputs`` holds.

        Raises:
            ValueError: the tokens do not fit into the context, or one is not in the vocabulary. Nothing was evaluated.
        """
        tokens = list(tokens)
        self._check_open()
        self._check_fit(len(tokens), self.n_tokens)
        self._check_vocabulary(tokens)
        if self._feeding_back:
            self.cold_shower(force_clean=False)
        if dosed is None:
            dosed = self._feeding_back or not self.protect_inputs
        dosed = self._dose_context() if dosed and tokens else False
        try:
            if self._last_alone and len(tokens) > 1:
                self._eval_batches(tokens[:-1], dosed)
                self._eval_batches(tokens[-1:], dosed)
            else:
                self._eval_batches(tokens, dosed)
        finally:
            if dosed:
                _core.clear_dose(_address(self), _SEQUENCE)

    def _eval_batches(self, tokens: list[int], dosed: bool) -> None:
        start = self.n_tokens
        try:
            if self._twin is None:
                super().eval(tokens)
            else:
                self._twin.evaluate(self, tokens, dosed)
        finally:
            self._stale = False
            self._dirty.mark(start, self.n_tokens, False)
            self._dirty.mark(max(start, self.sink), self.n_tokens, dosed)
            self._single.mark(start, self.n_tokens, False)
            if (self.n_tokens - start) % self.n_batch == 1:
                self._single.mark(self.n_tokens - 1, self.n_tokens, True)

    def _check_open(self) -> None:
        if self._ctx.ctx is None:
            raise StateError("the model was closed: make a new Llama")

    def _check_fit(self, n_new: int, n_past: int) -> None:
        if n_past + n_new > self._n_ctx:
            raise ContextOverflowError(
                f"{n_new} tokens do not fit behind {n_past} in a context of {self._n_ctx}: "
                f"shorten the text, call reset(), or load the model with n_ctx={n_past + n_new} or more"
            )

    def _check_vocabulary(self, tokens: list[int]) -> None:
        if tokens and (min(tokens) < 0 or max(tokens) >= self._n_vocab):
            wrong = next(t for t in tokens if not 0 <= t < self._n_vocab)
            raise TokenError(f"token {wrong} is not in this model's vocabulary: ids go from 0 to {self._n_vocab - 1}")

    def _dose_context(self) -> bool:
        """Give the context its dose; False where there is none."""
        dosage = self.drugs.dosage  # one value, also while another thread sets a dose
        if dosage.is_sober:
            return False
        table = self._table(dosage)
        if not table.any():
            return False
        _core.set_dose(_address(self), _SEQUENCE, table, self._noise_seed(), self.sink, dosage.noise)
        return True

    def _table(self, dosage: Dosage) -> npt.NDArray[np.float32]:
        """What the model gets: no doses at sites that it lacks, or a DoseError."""
        if self._fitted is None or self._fitted[0] is not dosage or self._fitted[1] != self.strict:
            has = self._has_sites(dosage.noise)
            table = fit_to_model(dosage.table(len(has)), has, self.strict)
            self._fitted = (dosage, self.strict, table)
        return self._fitted[2]

    def _has_sites(self, noise: str) -> npt.NDArray[np.bool_]:
        try:
            return _core.has_sites(_address(self), noise)
        except ValueError as error:
            raise DoseError(str(error)) from None

    def _check_sites(self) -> None:
        """Complain about sites that the model lacks before anything is computed."""
        if not self.drugs.is_sober:
            self._table(self.drugs.dosage)

    @exclusive
    def reset(self) -> None:
        """Empty the cache. Doses, seed and settings stay."""
        super().reset()  # type: ignore[no-untyped-call]
        self._dirty.clear()
        self._single.clear()
        self._pending = None
        self._stale = False

    def close(self) -> None:
        """Free the model and all that was made from it."""
        if getattr(self, "_background", None) is not None:  # may be called before it is there, after an error
            self._end_background_shower()
        super().close()

    def reset_model_state(self) -> None:
        """The reference's name for :meth:`reset`."""
        self.reset()

    #
    # cold shower
    #

    def cold_shower(self, force_clean: bool = True, *, block: bool = True) -> int:
        """Compute the dirty positions again, sober: from the first one on, in one batch.

        The next logits are then those of a context that was never dosed. With ``sober_twin=True`` nothing has to be
        computed: the cache is switched to that of the twin.

        Args:
            force_clean: now. False: only if as many tokens are dirty as :meth:`set_sobering_rate` allows.
            block: wait for the end. False: return at once and compute in the background, beside the cache. The next
                call that uses the model takes the result over if it is there, and drops it otherwise.

        Returns:
            Number of tokens that are computed again; with a twin, that need not be.
        """
        with self._exclusive:
            self._check_open()
            if block:
                self._wait_for_background_shower()
            else:
                self._end_background_shower()
            first = self._dirty.first(self.n_tokens)
            if first is None or not (force_clean or self.dirty_count >= self._sobering_rate):
                return 0
            if self._twin is None and block:
                return self._compute_again(first)
            if self._twin is not None:
                self._twin.switch(self)
                self._take_over_shower()
            else:
                self._background = BackgroundShower(self, first)
            return self.n_tokens - first

    def _compute_again(self, first: int) -> int:
        tokens = self.input_ids[: self.n_tokens].tolist()
        self._rewind(first)
        feeding_back, self._feeding_back = self._feeding_back, False
        try:
            again = tokens[self.n_tokens :]
            self.eval(again, dosed=False)
        finally:
            self._feeding_back = feeding_back
        return len(again)

    def _take_over_shower(self) -> None:
        """The cache is clean now, and the logits are still the old ones."""
        self._dirty.clear()
        self._stale = True
        self._requires_eval = True  # upstream evaluates the last token again before it uses what is cached

    def _end_background_shower(self) -> None:
        """Cancel it if it is not complete."""
        if self._background is not None:
            self._background.cancel()
            self._wait_for_background_shower()

    def _wait_for_background_shower(self) -> None:
        background, self._background = self._background, None
        if background is not None and background.finish():
            self._take_over_shower()

    def _refresh_logits(self) -> None:
        """Evaluate the last token again, sober."""
        tokens = self.input_ids[: self.n_tokens].tolist()
        self._rewind(self.n_tokens - 1)
        self.eval(tokens[self.n_tokens :], dosed=False)

    def _rewind(self, n_tokens: int) -> None:
        """Shorten the sequence to its first ``n_tokens`` positions, or to none where the cache cannot go back there."""
        if not self._can_rewind(n_tokens):
            pending = self._pending
            self.reset()
            self._pending = pending
            n_tokens = 0
        self._ctx.kv_cache_seq_rm(-1, n_tokens, -1)
        self.n_tokens = n_tokens
        self._requires_eval = True

    def _can_rewind(self, n_tokens: int) -> bool:
        # a sliding window may have dropped positions that the shortened sequence would look at, and a recurrent state
        # has only its last position
        oldest = llama_cpp.llama_memory_seq_pos_min(self._ctx.memory, _SEQUENCE)
        window = llama_cpp.llama_model_n_swa(self._model.model)
        return oldest <= max(0, n_tokens - window) and self._ctx.kv_cache_seq_rm(-1, n_tokens, -1)


def _address(llm: DosedEval) -> int:
    """Address of the model's llama_context."""
    return int(llm._ctx.ctx)


def check_count(what: str, value: int, least: int, of: str = "tokens") -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise CountError(f"{what} is {value!r}: it is a number of {of}, {least} or more")
    return int(value)
