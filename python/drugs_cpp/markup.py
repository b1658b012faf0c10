"""HTML and SVG for notebooks. All content is escaped; lines and text take the colour of the surrounding page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

#: has a contrast of 3:1 or more on white and on black
COLOUR = "#3f83c8"

#: style of marked words: dark on light, on a page of any colour
MARKED = "background:#ffdd70;color:#1b1b1f;border-radius:2px"

_TABLE = "border-collapse:collapse;text-align:left;font-variant-numeric:tabular-nums"

_CELL = "text-align:left;vertical-align:top;padding:1px 12px 1px 0;white-space:normal"

#: what HTML cannot contain, or what is not a character
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Html(str):
    """Text that already is HTML."""

    __slots__ = ()


def tag(name: str, *content: object, **attributes: object) -> Html:
    """Return an element. Content that is not ``Html`` is escaped.

    Args:
        name: of the element.
        *content: its parts, in order.
        **attributes: an underscore is written as a hyphen; those that are None are left out.
    """
    given = {key.replace("_", "-"): value for key, value in attributes.items() if value is not None}
    written = "".join(f' {key}="{_escaped(value)}"' for key, value in given.items())
    inside = "".join(part if isinstance(part, Html) else _escaped(part) for part in content)
    return Html(f"<{name}{written}>{inside}</{name}>")


def _escaped(value: object) -> str:
    return escape(_NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", str(value)), quote=True)


def table(rows: Iterable[Iterable[object]], head: Iterable[object] = ()) -> Html:
    """Return a table with left-aligned cells; right-to-left text in a cell does not affect its neighbours."""
    titles = [tag("th", title, style=_CELL) for title in head]
    cells = [[tag("td", cell, style=_CELL, dir="auto") for cell in row] for row in rows]
    top = [tag("thead", tag("tr", *titles))] if titles else []
    return tag("table", *top, tag("tbody", *(tag("tr", *row) for row in cells)), style=_TABLE)


def heading(title: str, *details: str) -> Html:
    """Return a line of bold and then plain text."""
    said = " \N{MIDDLE DOT} ".join(detail for detail in details if detail)
    return tag("div", tag("b", title), f" {said}" if said else "", style="margin:4px 0")


def counted(n: int, what: str) -> str:
    """Return ``1 text``, ``2 texts``."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def note(text: str) -> Html:
    """Return a line in small print."""
    return tag("div", text, style="font-size:85%;opacity:0.8;margin:2px 0")


def page(*parts: Html) -> Html:
    """Return everything that is shown, in one element."""
    return tag("div", *parts, style="line-height:1.45")


def svg(width: float, height: float, *content: Html, label: str) -> Html:
    """Return a picture of this size in pixels, narrower if there is less room; ``label`` is for screen readers."""
    return tag(
        "svg",
        tag("title", label),
        *content,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
        style="max-width:100%;height:auto;overflow:visible;vertical-align:middle;color:inherit",
    )


def written(x: float, y: float, text: object, *more: Html, **attributes: object) -> Html:
    """Return small text in a picture that begins at a place, unless ``text_anchor`` says otherwise."""
    place = {"x": f"{x:g}", "y": f"{y:g}", "font_size": 10, "fill": "currentColor", **attributes}
    return tag("text", text, *more, **place)


def path(points: str, **attributes: object) -> Html:
    """Return a path in a picture."""
    return tag("path", d=points, **attributes)
