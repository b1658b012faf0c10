"""``Dosing``: what the user of a model has set: its doses, and the rules for applying them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp import _core
from drugs_cpp.doses.checks import check_count
from drugs_cpp.doses.dosage import SHARED
from drugs_cpp.doses.drugs import DRUGS, DrugsLike, as_drugs
from drugs_cpp.engine.inputs import Inputs, check_inputs
from drugs_cpp.errors import OptionError

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.doses.dosage import Dosage
    from drugs_cpp.doses.kinds import Kinds
    from drugs_cpp.engine.model_sites import ModelSites

#: first positions of a sequence that are never dosed: models use them as a resting place for attention
DEFAULT_SINK = 6

_NO_TABLE = np.zeros(0, np.float32)

#: dirty tokens after which a generation takes a cold shower
DEFAULT_SOBER_INTERVAL = 420


@dataclass(frozen=True)
class SequenceDose:
    """The dose of one sequence of a context.

    Attributes:
        table: largest angles in radians, float32 (n_layer, n_sites).
        seed: of the noise.
        sink: number of first positions (tokens) that stay sober.
        kinds: what is drawn, and what is done with it.
        hold: for how many tokens angle and direction stay the same, at each site; 0: the whole text.
        shared_layers: all layers draw the same numbers.
        course: points (token, ratio) of how all angles rise and fall; none: not at all.
        n_before: positions before the answer, from which the course counts.
    """

    table: npt.NDArray[np.float32]
    seed: int
    sink: int
    kinds: Kinds
    hold: tuple[int, ...]
    shared_layers: bool
    course: tuple[tuple[int, float], ...] = ()
    n_before: int = 0

    def same_as(self, other: SequenceDose) -> bool:
        """Whether both turn the same vectors by the same angles."""
        mine, others = (replace(dose, table=_NO_TABLE) for dose in (self, other))
        return mine == others and (self.table is other.table or bool((self.table == other.table).all()))

    def give(self, address: int, sequence: int) -> None:
        """Dose a sequence of the context at ``address`` from its next token on."""
        _core.set_dose(
            address,
            sequence,
            self.table,
            self.seed,
            self.sink,
            self.kinds.noise,
            self.hold,
            self.shared_layers,
            self.kinds.angle,
            self.kinds.turn,
            self.kinds.apart or 0,
            self.course,
            self.n_before,
        )


class Dosing:
    """Doses and rules that may change between any two tokens; a run reads them again before each token.

    Args:
        drugs: the doses: a :class:`DRUGS`, which stays shared, a mapping, or None for sober.
        dose_inputs: prompts are dosed as well; "last": only their last position is.
        sink: number of first positions (tokens) that are never dosed.
        sober_interval: dirty tokens after which a generation takes a cold shower.
        strict: a dose at a site that the model lacks is an error. False: a warning, and the site stays sober.
        repeatable: each token gets the same bits in any batch. None: only while it is dosed.

    Attributes:
        repeatable: as given.

    Raises:
        TypeError: ``drugs`` that are not doses.
        CountError: a sink below 0, an interval below 1.
    """

    def __init__(
        self,
        drugs: DrugsLike = None,
        dose_inputs: Inputs = False,
        sink: int = DEFAULT_SINK,
        sober_interval: int = DEFAULT_SOBER_INTERVAL,
        strict: bool = True,
        repeatable: bool | None = None,
    ) -> None:
        self._drugs = as_drugs(drugs)
        self.dose_inputs = dose_inputs
        self.sink = sink
        self.sober_interval = sober_interval
        self.strict = bool(strict)
        self.repeatable = None if repeatable is None else bool(repeatable)

    @property
    def drugs(self) -> DRUGS:
        """The doses."""
        return self._drugs

    @drugs.setter
    def drugs(self, drugs: DrugsLike) -> None:
        old, self._drugs = self._drugs, as_drugs(drugs)
        old.changes.add()  # a running decoder watches the old ones

    @property
    def dose_inputs(self) -> Inputs:
        """What of a prompt is dosed."""
        return self._dose_inputs

    @dose_inputs.setter
    def dose_inputs(self, dose_inputs: Inputs) -> None:
        self._dose_inputs = check_inputs(dose_inputs)

    def copied(self, dose_inputs: Inputs, repeatable: bool | None) -> Dosing:
        """Return a copy of the current rules and doses with another ``dose_inputs`` and ``repeatable``."""
        return Dosing(self._drugs, dose_inputs, self._sink, self._sober_interval, self.strict, repeatable)

    @property
    def is_repeatable(self) -> bool:
        """Whether what is computed now gets the same bits in any batch."""
        return not self._drugs.is_sober if self.repeatable is None else self.repeatable

    @property
    def sink(self) -> int:
        """Number of first positions (tokens) that are never dosed."""
        return self._sink

    @sink.setter
    def sink(self, n_tokens: int) -> None:
        self._sink = check_count("sink", n_tokens, 0)
        self._drugs.changes.add()  # makes a running decoder look again

    @property
    def sober_interval(self) -> int:
        """Dirty tokens between two cold showers."""
        return self._sober_interval

    @sober_interval.setter
    def sober_interval(self, n_tokens: int) -> None:
        self._sober_interval = check_count("sober_interval", n_tokens, 1)
        self._drugs.changes.add()

    def dose(self, sites: ModelSites, seed: int, n_before: int, drugs: DRUGS | None = None) -> SequenceDose | None:
        """Return the dose that a sequence gets now; None: it is sober.

        Args:
            sites: of the model.
            seed: of the noise.
            n_before: positions before the answer.
            drugs: the sequence's own doses; None: those that are set here.

        Raises:
            DoseError: a dose at a site that the model lacks, if ``strict``.
        """
        dosage = (self.drugs if drugs is None else drugs).dosage  # read once: another thread may set a dose meanwhile
        return dose_sequence(sites, dosage, seed, n_before, self.sink, self.strict)


def dose_sequence(
    sites: ModelSites, dosage: Dosage, seed: int, n_before: int, sink: int = DEFAULT_SINK, strict: bool = True
) -> SequenceDose | None:
    """Return the dose of a sequence; None: it is sober. Arguments and errors are those of :class:`Dosing`."""
    table = sites.table(dosage, strict)
    if table is None:
        return None
    course = () if dosage.course is None else tuple(dosage.course.straight_points)
    shared = dosage.layers == SHARED
    return SequenceDose(table, seed, sink, dosage.kinds, dosage.hold, shared, course, n_before)


def fit_to_device(dosing: Dosing, address: int) -> None:
    """Set ``dosing.repeatable`` to False if it was left open and would be slow in the context at ``address``.

    Raises:
        OptionError: it was requested and is not possible.
    """
    if dosing.repeatable is None and not _core.repeats_cheaply(address):
        dosing.repeatable = False
    if dosing.repeatable and not _core.can_repeat(address):
        raise OptionError(
            "repeatable=True: a device other than the CPU computes, and only the CPU can do so repeatably: "
            "load the model with n_gpu_layers=0, or leave repeatable out"
        )
