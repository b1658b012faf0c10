"""The results as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.fidelity.divergence import STANDARD_ERRORS, TOLERANCE, agree, standard_error
from benchmarks.fidelity.measure import Shifts
from benchmarks.fidelity.protocol import F64, N_STEPS, SINK, Cell
from benchmarks.report import markdown

#: names of the sides
TORCH = "PyTorch"
HALF = "engine"
SHIPPED = "engine, as shipped"

PAGE = """\
# Fidelity

Does the engine turn vectors as it should? To find out, we compare it with an independent model: the Llama architecture
in PyTorch, in float32, with the dequantized weights of the same file. Every rotation follows its definition (an angle
from Uniform(0, T), d random numbers for the direction), by brute force: for `K` and `V` the model draws d numbers for
every query head and cached position, at every token. It shares no code with the engine and draws random numbers of its
own, so we compare distributions: what a dose does to the probabilities of the next token.

`make fidelity` writes this page. The results below come from `{command}`.

## Protocol

Both sides follow the same protocol. {n_texts} prompts are evaluated sober. After each prompt, the {n_steps} tokens of
its sober greedy continuation are fed one by one, each under the dose, at one site in all layers. After each of these
tokens, the probabilities of the next one are compared with those of a sober run that is fed the same tokens:
KL(sober ‖ dosed) in nats, and whether the most likely token differs. The first {sink} positions are never dosed. The
dosed run has its own cache, and what the noise changed there stays.

A run is one seed with one prompt; every line has {n_runs} of them. KL is their mean ± its standard error. Two sides
agree if their KL differs by at most {tolerance:.0%} of PyTorch's, or by at most {n_errors:g} standard errors of the
difference if that is more. By chance alone, one line in twenty exceeds the second bound. So a line whose two sides do
not agree is measured again, with four times as many seeds and none of the first ones, and only the second measurement
counts; such lines have a star.

## Two engines

llama.cpp multiplies quantized weights by vectors that it rounds to 8 bits. That alone moves the probabilities, and any
dose, however small, changes what is rounded up and what down: this is the floor below. So rotations are compared on the
same weights written as 16-bit floats (`{half}`), where almost nothing is rounded. The model file as it is
(`{shipped}`) shows what users get: a KL that is higher by about the floor, which matters only for small doses.

{sober}
## Results

{verdict}

{table}"""


def page(
    found: Mapping[str, Shifts],
    repeated: Sequence[Cell],
    floors: Mapping[str, tuple[float, float]],
    n_texts: int,
    command: str,
) -> str:
    """Describe the protocol and show what was found.

    Args:
        found: side -> its results.
        repeated: cells whose runs are those of the second measurement.
        floors: engine -> KL(PyTorch || engine), both sober, and KL(sober || dosed) under a tiny dose.
        n_texts: number of prompts.
        command: the command line that measured this.
    """
    cells = list(found[TORCH])
    first = next((cell for cell in cells if cell not in repeated), cells[0])
    return PAGE.format(
        command=command,
        n_texts=n_texts,
        n_steps=N_STEPS,
        sink=SINK,
        n_runs=found[TORCH][first].kl.size,
        tolerance=TOLERANCE,
        n_errors=STANDARD_ERRORS,
        half=HALF,
        shipped=SHIPPED,
        sober=_floor_table(floors),
        verdict=_verdict(found),
        table=markdown(_HEAD, [_row(cell, cell in repeated, found) for cell in cells]),
    )


def disagreements(found: Mapping[str, Shifts]) -> list[Cell]:
    """Return the cells in which the engine, with 16-bit weights, and PyTorch do not agree."""
    torch, engine = found[TORCH], found[HALF]
    return [cell for cell in engine if not agree(torch[cell].kl, engine[cell].kl)]


_HEAD = [
    "site", "noise", "angle", "KL, PyTorch", "KL, engine", "agree", "KL, as shipped",
    "changed, PyTorch", "changed, engine", "changed, as shipped",
]  # fmt: skip


def _row(cell: Cell, repeated: bool, found: Mapping[str, Shifts]) -> list[str]:
    torch, half, shipped = (found[side][cell] for side in (TORCH, HALF, SHIPPED))
    verdict = ("yes" if agree(torch.kl, half.kl) else "no") + ("*" if repeated else "")
    kls = [_with_error(shift.kl) for shift in (torch, half, shipped)]
    changes = [f"{shift.changed.mean():.1%}" for shift in (torch, half, shipped)]
    return [f"`{cell.site}`", cell.noise, f"{cell.angle:g}", kls[0], kls[1], verdict, kls[2], *changes]


def _with_error(kl: F64) -> str:
    return f"{kl.mean():.4f} ± {standard_error(kl):.4f}"


def _floor_table(floors: Mapping[str, tuple[float, float]]) -> str:
    head = ["", "KL(PyTorch, sober ‖ engine, sober)", "floor: KL(sober ‖ dosed) under a tiny dose"]
    return markdown(head, [[f"`{side}`", *(f"{kl:.1e}" for kl in pair)] for side, pair in floors.items()])


def _verdict(found: Mapping[str, Shifts]) -> str:
    torch, engine, shipped = found[TORCH], found[HALF], found[SHIPPED]
    outside = [f"`{cell.site}` {cell.noise} at {cell.angle:g}" for cell in disagreements(found)]
    n_shipped = sum(agree(torch[cell].kl, shift.kl) for cell, shift in shipped.items())
    above = sorted(shift.kl.mean() - engine[cell].kl.mean() for cell, shift in shipped.items())
    return (
        f"PyTorch and `{HALF}` agree in {len(engine) - len(outside)} of {len(engine)} lines"
        + (f", but not for {', '.join(outside)}" if outside else "")
        + f". PyTorch and `{SHIPPED}` agree in {n_shipped}, because the latter is {above[0]:.4f} to {above[-1]:.4f} "
        f"nats above `{HALF}` (median {above[len(above) // 2]:.4f})."
    )
