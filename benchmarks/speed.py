"""Tokens per second: upstream, sober, each site, the simple sites, all sites, alternating in one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks.alternate import alternate_numbers
from benchmarks.measured import Measured
from benchmarks.results import Cell, Results, compared
from benchmarks.setup import Setup
from benchmarks.side import Side
from benchmarks.worker import SIMPLE_SITES, SITES

UPSTREAM = "unpatched"
SOBER = "sober"

#: name -> dosed sites, on the patched libraries
DOSES: dict[str, tuple[str, ...]] = {
    SOBER: (),
    **{site: (site,) for site in SITES},
    " ".join(SIMPLE_SITES): SIMPLE_SITES,
    " ".join((*SIMPLE_SITES, "M")): (*SIMPLE_SITES, "M"),
    " ".join(SITES): SITES,
}

#: the same, held for the whole text
HELD: dict[str, tuple[str, ...]] = {f"{' '.join((*SIMPLE_SITES, 'M'))}, held": (*SIMPLE_SITES, "M")}

HEAD = ("side", "tokens/s", "ratio")


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure tokens per second of each side, and ratios within a round."""
    n_threads, n_tokens = setup.n_threads, setup.n_tokens
    side = partial(Side, model=setup.model, n_threads=n_threads, n_gpu_layers=setup.n_gpu_layers)
    with side(setup.unpatched) as upstream, side(setup.patched) as ours:
        sides = {
            **doses(upstream, {UPSTREAM: ()}, n_tokens),
            **doses(ours, DOSES, n_tokens),
            **doses(ours, HELD, n_tokens, 0),
        }
        speeds = alternate_numbers(sides, rounds, results.progress)
    title = f"Decoding, {n_threads} threads, {rounds} rounds of {n_tokens} tokens, sides in random order in every round"
    results.table(title, HEAD, rows(speeds))


def doses(
    side: Side, sites: Mapping[str, Sequence[str]], n_tokens: int, hold: int = 1
) -> dict[str, Callable[[], float]]:
    """Return one measurement for each dose, in tokens per second."""
    return {name: partial(side.speed, dosed, n_tokens, hold) for name, dosed in sites.items()}


def rows(speeds: Mapping[str, Measured]) -> list[list[Cell]]:
    """Return rows for ``HEAD``: sober compared with upstream, and the doses compared with sober."""
    upstream, sober = compared({name: speeds[name] for name in (UPSTREAM, SOBER)}, UPSTREAM)
    _, _, *dosed = compared(speeds, SOBER)
    return [upstream, sober, *dosed]
