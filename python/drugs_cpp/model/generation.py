"""Generating token by token in Python, with the arguments of llama-cpp-python's ``generate``."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drugs_cpp.engine.sampling import OPTIONS
from drugs_cpp.engine.token_loop import Watchers, generate
from drugs_cpp.model.calibration import check_dose

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from drugs_cpp.engine.engine import Engine
    from drugs_cpp.engine.inputs import Inputs

    Scores = Callable[[], npt.NDArray[np.single]]


def token_by_token(
    engine: Engine,
    asked: Mapping[str, Any],
    take_seed: Callable[[], int] | None,
    draft: Any,
    scores: Scores,
    dose_inputs: Inputs | None = None,
) -> Generator[int, Sequence[int] | None, None]:
    """Return what ``generate`` returns. Errors of the call are raised at once; the model is used from the first token.

    Args:
        engine: of the model.
        asked: all arguments of upstream's ``generate``, and our additional ones.
        take_seed: returns the seed of the run when it begins; None: the one that is set or in use.
        draft: a draft model, or None.
        scores: returns the logits that upstream keeps, float32 (n, n_vocab).
        dose_inputs: what of the prompt is dosed; None: as set for the model.

    Raises:
        ContextOverflowError: too many tokens.
        DoseError: a dose at a site that the model lacks.
    """
    if asked["reset"]:
        engine.session.check_fit(len(asked["tokens"]), 0)
    else:
        engine.check_fit(len(asked["tokens"]))
    check_dose(engine, engine.dosing.drugs.dosage)
    return _generate(engine, asked, take_seed, Watchers(_stops(asked["stopping_criteria"], scores), draft), dose_inputs)


def _generate(
    engine: Engine,
    asked: Mapping[str, Any],
    take_seed: Callable[[], int] | None,
    watchers: Watchers,
    dose_inputs: Inputs | None,
) -> Generator[int, Sequence[int] | None, None]:
    with engine.session.use():
        if not asked["reset"]:
            engine.feed_pending()
        take_seed = take_seed or (engine.seeds.begin if asked["reset"] else engine.seeds.current)
        options = {name: asked[name] for name in OPTIONS}
        run = engine.watched_run(take_seed(), options, asked["logits_processor"], dose_inputs)
    yield from generate(engine.session, run, list(asked["tokens"]), asked["reset"], watchers)


def _stops(criteria: Any, scores: Scores) -> Callable[[npt.NDArray[np.intc], int], bool] | None:
    if criteria is None:
        return None
    return lambda tokens, row: bool(criteria(tokens, scores()[row, :]))
