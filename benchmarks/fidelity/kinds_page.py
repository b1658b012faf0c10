"""The section on kinds of noise, holds, courses, and a mixture of experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.fidelity.divergence import agree, kl, standard_error
from benchmarks.fidelity.engine_side import EngineSide
from benchmarks.fidelity.measure import Shifts
from benchmarks.fidelity.model_side import ModelSide
from benchmarks.fidelity.page import HALF, TORCH
from benchmarks.fidelity.protocol import NOISES, Cell, Dose, Settings, Text
from benchmarks.report import markdown, progress

#: largest angle in radians
ANGLE = 0.35

#: the same for elementwise noise, in the units of the vectors
ELEMENTWISE = 0.05

#: seeds and tokens of the runs whose logits are compared
SEEDS = range(2)
N_TOKENS = 8

ROWS = ("H", "Q", "A", "pK", "pV", "M")

_TURNS = [
    Settings(angle, turn) for turn in ("rotation", "addition", "nlerp") for angle in ("uniform", "half-normal", "fixed")
]
_COURSE = ((1, 0.0), (3, 1.5), (6, 0.2))
_LATER = [Settings(hold=3), Settings(hold="text"), Settings(layers="shared"), Settings(course=_COURSE)]

#: what is compared at sites where rows are turned
KINDS_OF_ROWS = [
    *((noise, settings) for noise in NOISES for settings in _TURNS),
    ("isotropic", Settings(turn="elementwise")),
    *(("isotropic", Settings(apart=n)) for n in (1, 70)),
    *(("isotropic", settings) for settings in _LATER),
]

#: what is compared at K and V
KINDS_OF_CACHED = [
    ("isotropic", Settings("half-normal")),
    ("isotropic", Settings("fixed", "addition")),
    ("isotropic", Settings("fixed", "nlerp")),
    ("reference", Settings("fixed")),
    ("isotropic", Settings(hold=3, layers="shared")),
]

SECTION = """\
## Kinds, holds, courses, experts

These results come from `{command}`, on a processor that reports the name "{cpu}".

### The same random numbers

Where a row is turned, the model can also draw the engine's own random numbers. They are a function of seed, position,
layer, site and head, and `benchmarks/fidelity/seeded.py` implements that function again, in numpy. So the logits of
both sides can be compared. Each number in the table is the largest KL(PyTorch, dosed ‖ engine, dosed) of {n_seeds}
seeds and {n_tokens} tokens after a prompt, under a dose of {angle:g} ({elementwise:g} for `elementwise`).

The last column is a tiny random mixture of experts with the Qwen2-MoE architecture: {n_experts}.
There, the engine's cache has 32 bits, so that rounding does not change which expert is chosen. All other columns are
`{half}`, after the first prompt.

The largest number of all is {largest:.1e}. With both sides sober, this KL of `{half}` is at most {sober:.1e}. The doses
themselves move the probabilities by a mean KL(sober ‖ dosed) of {least_shift:.1e} to {most_shift:.1e}.

{rows}
A course is written as token:ratio.

### Keys and values

For `K` and `V` the engine draws a few numbers for each cached position instead of d, so only distributions can be
compared, as above: the same prompts and tokens, {n_runs} runs per line, a dose of {angle:g}. {verdict}

{cached}"""


class Compared(NamedTuple):
    """Logits of both sides under the same random numbers."""

    apart: float  # largest KL of the engine's probabilities from PyTorch's
    shift: float  # mean KL of the dosed from the sober ones


#: by site, noise and settings
Table = Mapping[tuple[str, str, Settings], Compared]


def compare_rows(model: ModelSide, engine: EngineSide, text: Text, sites: Sequence[str]) -> Table:
    """Compare all kinds at sites where rows are turned."""
    found = {}
    for i, (noise, settings) in enumerate(KINDS_OF_ROWS):
        progress("fidelity", i, len(KINDS_OF_ROWS))
        for site in sites:
            angle = ELEMENTWISE if settings.turn == "elementwise" else ANGLE
            dose = Dose(site, noise, (angle,), settings)
            wanted = model.dosed(text, dose, SEEDS)
            apart, shift = kl(wanted, engine.dosed(text, dose, SEEDS)), kl(model.sober(text), wanted)
            found[site, noise, settings] = Compared(float(apart.max()), float(shift.mean()))
    return found


def section(
    rows: Table, experts: Table, sober: float, cached: Mapping[str, Shifts], experts_are: str, cpu: str, command: str
) -> str:
    """Describe what was compared and what came out.

    Args:
        rows: of the model in half precision.
        experts: of the mixture of experts.
        sober: largest KL(PyTorch || engine), both sober.
        cached: side -> its results at K and V.
        experts_are: describes the mixture of experts.
        cpu: name of the processor.
        command: the command line that measured this.
    """
    every = [*rows.values(), *experts.values()]
    cells = list(cached[TORCH])
    n_agree = sum(agree(cached[TORCH][cell].kl, cached[HALF][cell].kl) for cell in cells)
    return SECTION.format(
        command=command,
        cpu=cpu,
        n_seeds=len(SEEDS),
        n_tokens=N_TOKENS,
        angle=ANGLE,
        elementwise=ELEMENTWISE,
        n_experts=experts_are,
        half=HALF,
        largest=max(compared.apart for compared in every),
        sober=sober,
        least_shift=min(compared.shift for compared in every),
        most_shift=max(compared.shift for compared in every),
        rows=markdown([*_HEAD, *(f"`{site}`" for site in ROWS), "`M`, experts"], _rows(rows, experts)),
        n_runs=cached[TORCH][cells[0]].kl.size,
        verdict=f"Both sides agree in {n_agree} of {len(cells)} lines.",
        cached=markdown(
            ["site", *_HEAD, "KL, PyTorch", "KL, engine", "agree"], [_cached(cell, cached) for cell in cells]
        ),
    )


_HEAD = ["noise", "angle", "turn", "more"]


def _rows(rows: Table, experts: Table) -> list[list[str]]:
    lines = []
    for noise, settings in KINDS_OF_ROWS:
        compared = [*(rows[site, noise, settings] for site in ROWS), experts["M", noise, settings]]
        lines.append([*_says(noise, settings), *(f"{each.apart:.0e}" for each in compared)])
    return lines


def _says(noise: str, settings: Settings) -> list[str]:
    more = {"apart": settings.apart, "hold": settings.hold, "layers": settings.layers}
    said = [f"{name} {value}" for name, value in more.items() if value != Settings._field_defaults[name]]
    if settings.course:
        said.append("course " + " ".join(f"{token}:{ratio:g}" for token, ratio in settings.course))
    return [noise, settings.angle, settings.turn, ", ".join(said)]


def _cached(cell: Cell, found: Mapping[str, Shifts]) -> list[str]:
    torch, engine = (found[side][cell].kl for side in (TORCH, HALF))
    kls = [f"{kls.mean():.4f} ± {standard_error(kls):.4f}" for kls in (torch, engine)]
    return [f"`{cell.site}`", *_says(cell.noise, cell.settings), *kls, "yes" if agree(torch, engine) else "no"]
