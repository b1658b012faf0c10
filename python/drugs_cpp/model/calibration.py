"""``check_dose``: checks a dose before it is used, and finds the angles of a dose by its effect."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from drugs_cpp.doses.effect import plain_effect
from drugs_cpp.errors import BusyError, MemoryLimitError, PromptError
from drugs_cpp.model.known_effects import keep_effects, known_effects
from drugs_cpp.model.titration import titrate
from drugs_cpp.progress import Progress

if TYPE_CHECKING:
    from drugs_cpp.doses.dosage import Dosage
    from drugs_cpp.doses.titration import Titration
    from drugs_cpp.engine.engine import Engine
    from drugs_cpp.model.dose_meter import Measurement
    from drugs_cpp.model.titration import Listener

_log = logging.getLogger(__name__)


def check_dose(engine: Engine, dosage: Dosage) -> None:
    """Find the angles of a dose by its effect, and refuse sites that the model lacks.

    Raises:
        DoseError: a dose at a site that the model lacks, if it is strict; an effect that cannot be reached.
    """
    if dosage.effect is not None:
        engine.sites.table(dosage, engine.dosing.strict)
        find_effect(engine, dosage)
    engine.sites.table(dosage, engine.dosing.strict)


def find_effect(engine: Engine, dosage: Dosage) -> Titration:
    """Return the angles of a dose by its effect: known ones, or measured ones, or an estimate if that is impossible."""
    found = recall_effect(engine, dosage)
    if found is not None:
        return found
    try:
        return calibrate(engine, dosage)
    except (BusyError, MemoryLimitError, PromptError) as error:
        estimate = engine.effects.find(dosage)
        _log.warning("%s: %s, because it cannot be measured now: %s", _shown(dosage), estimate, error)
        return estimate


def calibrate(engine: Engine, dosage: Dosage, progress: Listener | None = None) -> Titration:
    """Measure a dose by its effect, and keep the result.

    Raises:
        DoseError, MemoryLimitError, BusyError, PromptError: it cannot be measured.
    """
    with Progress(f"titrating: {_shown(dosage)}", engine.settings.verbose and progress is None) as line:

        def tell(n_measured: int, found: Measurement) -> None:
            line.show(f"titrating: {found.kl:.4f} of {dosage.effect:g} nats at {found.angle:.4f} radians")
            if progress is not None:
                progress(n_measured, found)

        found = titrate(engine, dosage, tell)
    if engine.settings.verbose and progress is None:
        print(f"drugs_cpp: {_shown(dosage)} is {found}", file=sys.stderr)
    engine.effects.add([found])
    if engine.settings.path is not None:
        keep_effects(engine.settings.path, [found])
    _log.info("%s: %s", _shown(dosage), found)
    return found


def recall_effect(engine: Engine, dosage: Dosage) -> Titration | None:
    """Return what was found earlier for a dose by its effect, or None. The model's file is looked up only once."""
    if engine.settings.path is not None and not engine.effects.version:
        with Progress(f"reading {engine.settings.path.name}", engine.settings.verbose):
            engine.effects.add(known_effects(engine.settings.path))
    return engine.effects.known(dosage)


def _shown(dosage: Dosage) -> str:
    assert dosage.effect is not None
    effect = plain_effect(dosage.effect)
    return effect if isinstance(effect, str) else f"{effect:g} nats"
