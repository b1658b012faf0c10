"""Small charts in SVG: a profile, values by layer, a heat map of layers and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp.markup import COLOUR, Html, note, path, svg, tag, written

if TYPE_CHECKING:
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]

#: how many tokens a heat map shows; if there are more, the last ones
MOST_COLUMNS = 64

#: shades of a heat map
_SHADES = 12

#: pixels
_CELL_WIDTH, _CELL_HEIGHT, _LEFT = 14, 7, 34

#: longest text of a token in a heat map
_MOST_CHARACTERS = 10


def steps(values: Sequence[float], highest: float, label: str, width: int = 120, height: int = 22) -> Html:
    """Draw values as a filled outline of steps.

    Args:
        values: at least one, each 0 or more.
        highest: the value at the top.
        label: text for screen readers.
        width, height: in pixels.
    """
    x = np.linspace(0, width, len(values) + 1)
    y = height - height * np.asarray(values) / (highest or 1)
    corners = " ".join(f"L{a:.4g} {c:.4g}L{b:.4g} {c:.4g}" for a, b, c in zip(x, x[1:], y))
    outline = path(f"M0 {height}{corners}L{width} {height}z", fill=COLOUR)
    ground = path(f"M0 {height}H{width}", stroke="currentColor", stroke_opacity=0.4)
    return svg(width, height, outline, ground, label=label)


def layers_and_tokens(values: F64, layers: Sequence[int], tokens: Sequence[str], label: str) -> Html:
    """Draw a heat map, or bars if there is one token; see :func:`heat_map`. Values that are not finite count as 0."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    if len(values) > 1:
        return heat_map(values, layers, tokens, label)
    return Html(by_layer(values[0], layers, label) + note(f"{label}, by layer"))


def by_layer(values: F64, layers: Sequence[int], label: str) -> Html:
    """Draw one bar for each layer; ``values`` (n_layers,), 0 or more."""
    height, gap = 80, 14
    width = _LEFT + max(len(layers) * 9, 60)
    highest = float(values.max()) or 1.0
    bars = [
        tag(
            "rect",
            tag("title", f"layer {layer}: {value:.4g}"),
            x=_LEFT + 9 * index,
            y=f"{gap + height - height * value / highest:.4g}",
            width=8,
            height=f"{max(height * value / highest, 0.5):.4g}",
            fill=COLOUR,
        )
        for index, (layer, value) in enumerate(zip(layers, values.tolist()))
    ]
    names = [
        written(_LEFT + 9 * index + 4, gap + height + 12, layers[index], text_anchor="middle")
        for index in _marks(len(layers), 4)
    ]
    top = written(_LEFT - 4, gap + 8, f"{highest:.2g}", text_anchor="end")
    return svg(width, height + gap + 16, top, *bars, *names, label=label)


def heat_map(values: F64, layers: Sequence[int], tokens: Sequence[str], label: str) -> Html:
    """Draw layers upwards and tokens to the right. Larger values are darker on a light page and brighter on a dark one.

    Args:
        values: (n_tokens, n_layers), 0 or more.
        layers: number of each layer.
        tokens: text of each token.
        label: what is shown.
    """
    n_left_out = max(len(tokens) - MOST_COLUMNS, 0)
    values, tokens = values[n_left_out:], tokens[n_left_out:]
    height = _CELL_HEIGHT * len(layers)
    highest = float(values.max()) or 1.0
    numbers = [
        written(_LEFT - 4, height - _CELL_HEIGHT * index, layers[index], text_anchor="end")
        for index in _marks(len(layers), 5)
    ]
    names = [_token_name(index, height, token) for index, token in enumerate(tokens)]
    frame = tag(
        "rect",
        x=_LEFT,
        y=0,
        width=_CELL_WIDTH * len(tokens),
        height=height,
        fill="none",
        stroke="currentColor",
        stroke_opacity=0.4,
    )
    width = _LEFT + _CELL_WIDTH * len(tokens) + 8
    longest = min(max(map(len, tokens), default=0), _MOST_CHARACTERS)
    picture = svg(width, height + 8 + 7 * longest, *_shades(values / highest), frame, *numbers, *names, label=label)
    scale = f"{label}: layers upwards, tokens to the right; the strongest colour is {highest:.3g}"
    return Html(picture + note(scale + (f"; {n_left_out} tokens before these are left out" if n_left_out else "")))


def _shades(parts: F64) -> list[Html]:
    """Return a path for each shade with all of its cells; ``parts`` (n_tokens, n_layers), 0 to 1."""
    n_layers = parts.shape[1]
    levels = np.ceil(parts * _SHADES).astype(int)
    found = []
    for level in range(1, _SHADES + 1):
        cells = [
            f"M{_LEFT + _CELL_WIDTH * token} {_CELL_HEIGHT * (n_layers - 1 - layer)}"
            f"h{_CELL_WIDTH}v{_CELL_HEIGHT}h-{_CELL_WIDTH}z"
            for token, layer in np.argwhere(levels == level).tolist()
        ]
        if cells:
            found.append(path("".join(cells), fill=COLOUR, fill_opacity=f"{level / _SHADES:.3g}"))
    return found


def _token_name(index: int, height: int, token: str) -> Html:
    """Write a token's text under its column, from top to bottom."""
    x, y = _LEFT + _CELL_WIDTH * index + 4, height + 4
    shown = token if len(token) <= _MOST_CHARACTERS else token[: _MOST_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    visible = shown.replace(" ", "\N{MIDDLE DOT}").replace("\n", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}")
    return written(x, y, visible, tag("title", token), transform=f"rotate(90 {x} {y})")


def _marks(n: int, least: int) -> list[int]:
    """Return which of ``n`` get a number: at regular distances, and no more than there is room for."""
    return list(range(0, n, max(n // 8, least)))
