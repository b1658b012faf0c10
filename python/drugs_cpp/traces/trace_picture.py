"""A trace as a notebook shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drugs_cpp.charts import layers_and_tokens
from drugs_cpp.doses.text import describe_doses
from drugs_cpp.markup import COLOUR, Html, counted, heading, note, page, table, tag
from drugs_cpp.traces.content import TopToken, TraceContent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]

_TURNED = "angle in radians by which a layer turns its input"

#: width of a probability of 1, in pixels
_BAR = 160


def trace_html(trace: TraceContent, turned: F64) -> Html:
    """Show what was traced, how far each layer turns a token's vector, and the likely next tokens.

    Args:
        trace: the trace to show.
        turned: radians between each of its layers and the one before it, float64 (n_positions, n_layers - 1).
    """
    n_positions, n_layers, n_embd = trace.hidden.shape
    made = "sober" if trace.drugs is None else f"{describe_doses(trace.drugs)}, seed {trace.seed}"
    size = f"{counted(n_positions, 'position')}, {counted(n_layers, 'layer')} of {n_embd} numbers"
    pieces = [trace.pieces[p] if 0 <= p < len(trace.pieces) else "" for p in trace.positions.tolist()]
    parts = [heading("Trace", trace.model, made, size)]
    if turned.size:
        parts.append(layers_and_tokens(turned, trace.layers.tolist()[1:], pieces, _TURNED))
    if trace.top:
        parts += [note("likely next tokens"), _likely(trace.top)]
    return page(*parts)


def _likely(top: list[TopToken]) -> Html:
    return table([[tag("code", repr(token.token)), _bar(token.prob), f"{100 * token.prob:.1f} %"] for token in top])


def _bar(share: Any) -> Html:
    width = f"width:{max(_BAR * share, 1):.0f}px"
    return tag("div", style=f"display:inline-block;height:10px;background:{COLOUR};{width}")
