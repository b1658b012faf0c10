"""What a notebook shows: well-formed, escaped, legible, and with the numbers that numpy finds."""

from __future__ import annotations

import copy
import json
import pickle
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from conftest import MakeLlama
from drugs_cpp import DRUGS, Divergence, Trace
from drugs_cpp.markup import COLOUR, MARKED, tag
from drugs_cpp.model.varied import Varied, mark_differences
from drugs_cpp.traces.content import TopToken

HOSTILE = "<script>alert('&\"')</script></td></svg>\x00\x1b[31m\ud800 &amp; <img src=x onerror=alert(1)>"

SHAPE = [{"depth": 0.25, "peakratio": 0}, {"depth": 0.5, "peakratio": 1}, {"depth": 0.75, "peakratio": 0.5}]


class Elements(HTMLParser):
    """Names, attributes and text, as read by a browser; every element must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.found if found == name]


def shown(thing: Any) -> Elements:
    """What an object shows, after checks that apply to all objects."""
    html = thing._repr_html_()
    ElementTree.fromstring(html)  # as strict as possible: well-formed XML, too
    html.encode("utf-8")
    elements = Elements(html)
    assert {name for name, _ in elements.found} <= ALLOWED
    assert not [a for _, attributes in elements.found for a in attributes if a.startswith("on") or a in ("href", "src")]
    assert "//" not in html.replace('xmlns="http://www.w3.org/2000/svg"', "").replace(_escaped_hostile(), "")
    assert "url(" not in html
    colours = {attributes.get(name) for _, attributes in elements.found for name in ("fill", "stroke")}
    assert colours <= {None, "none", "currentColor", COLOUR}
    return elements


ALLOWED = {
    *("div", "b", "code", "mark", "table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "title", "path", "rect", "text"),
}


def _escaped_hostile() -> str:
    return str(tag("b", HOSTILE))


def visible(text: str) -> str:
    """Text with control characters replaced."""
    return re.sub("[\x00\x1b\ud800]", "\N{REPLACEMENT CHARACTER}", text)


#
# colours
#


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_are_legible_on_light_and_dark_pages() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    back, text = re.findall("#[0-9a-f]{6}", MARKED)
    assert contrast(back, text) >= 7
    assert contrast(COLOUR, "#ffffff") >= 3
    assert contrast(COLOUR, "#111111") >= 3


def test_attributes_are_escaped() -> None:
    html = tag("b", title=HOSTILE)
    assert ElementTree.fromstring(html).get("title") == visible(HOSTILE)
    assert Elements(html).found == [("b", {"title": visible(HOSTILE)})]


#
# doses
#


def heights(path: str) -> list[float]:
    """How far each step in a path is above the ground."""
    ground = float(path.partition("L")[0].split()[1])
    corners = [tuple(map(float, pair.split())) for pair in re.findall(r"L([-\d.e]+ [-\d.e]+)", path)]
    return [ground - y for _, y in corners]


def test_doses_are_drawn_by_depth() -> None:
    drugs = DRUGS(A=0.3, H=0.1, hold={"A": "text", "H": 8}, shape={"A": SHAPE}, multiplier=2, seed=7)
    elements = shown(drugs)
    of_h, of_a = (attributes["d"] or "" for attributes in elements.named("path") if attributes.get("fill"))
    depths = np.arange(32) / 32
    wanted = 0.6 * np.interp(depths, [p["depth"] for p in SHAPE], [p["peakratio"] for p in SHAPE])
    assert np.allclose(np.array(heights(of_a))[:-1].reshape(32, 2).T, 22 * wanted / wanted.max(), atol=0.01)
    assert np.allclose(np.array(heights(of_h))[:-1], 22 * 0.2 / 0.6, atol=0.01)
    for said in ("multiplier 2", "noise isotropic", "seed 7", "8 tokens", "text", "interpolate, 3 points", "0.3"):
        assert said in elements.text
    assert "pV" not in elements.text


def test_sober_doses_and_other_settings() -> None:
    assert "sober" in shown(DRUGS()).text
    course = [{"token": 0, "ratio": 1}, {"token": 40, "ratio": 0.2}]
    elements = shown(DRUGS(A=0.3, course=course, angle="fixed", turn="nlerp", layers="shared", apart=2))
    for said in ("course: 0.2 to 1 times the dose", "angle fixed", "turn nlerp", "layers shared", "apart 2"):
        assert said in elements.text
    assert "a fresh seed for each run" in elements.text
    shown(DRUGS(A=0.3, shape={"A": [{"depth": 0, "peakratio": 0}]}))  # zero everywhere


#
# traces
#


def trace(n_positions: int, n_layers: int = 5, **more: Any) -> Trace:
    hidden = np.random.default_rng(n_positions).normal(size=(n_positions, n_layers, 16)).astype(np.float32)
    values = {
        "tokens": tuple(range(n_positions)),
        "pieces": tuple(f" word{i}" for i in range(n_positions)),
        "positions": np.arange(n_positions, dtype=np.int32),
        "layers": np.arange(n_layers, dtype=np.int32),
        "hidden": hidden,
        "norm": None,
        "logits": None,
        "tops": [[TopToken(" sea", 5, 1.0, 0.75), TopToken("\n", 6, 0.5, 0.25)]] * n_positions,
        "model": "some.gguf",
        **more,
    }
    return Trace(**values)


def angles(a: Any, b: Any) -> Any:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.arccos((a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1))


def cells(elements: Elements, n_columns: int, n_layers: int) -> Any:
    """Opacity of each cell of a heat map, (n_columns, n_layers)."""
    found = np.zeros((n_columns, n_layers))
    for attributes in elements.named("path"):
        for x, y in re.findall(r"M(\d+) (\d+)h14v7", attributes["d"] or ""):
            found[(int(x) - 34) // 14, n_layers - 1 - int(y) // 7] = float(attributes["fill-opacity"] or 0)
    return found


def assert_shows(opacity: Any, values: Any) -> None:
    """In twelve shades, each cell has the one just above its share of the largest value."""
    over = opacity - values / values.max()
    assert over.min() > -0.001
    assert over.max() < 1 / 12 + 0.001


def test_a_heat_map_shows_how_far_each_layer_turns() -> None:
    made = trace(7)
    elements = shown(made)
    turned = angles(made.hidden[:, 1:], made.hidden[:, :-1])
    assert_shows(cells(elements, 7, 4), turned)
    assert f"the strongest colour is {turned.max():.3g}" in elements.text
    for said in (
        "7 positions, 5 layers of 16 numbers",
        "sober",
        "some.gguf",
        "' sea'",
        "75.0 %",
        r"'\n'",
        "\u00b7word3",
    ):
        assert said in elements.text


def test_of_many_tokens_the_last_ones_are_shown() -> None:
    made = trace(100, pieces=tuple(f"t{i}" for i in range(100)))
    elements = shown(made)
    turned = angles(made.hidden[-64:, 1:], made.hidden[-64:, :-1])
    assert_shows(cells(elements, 64, 4), turned)
    assert "36 tokens before these are left out" in elements.text
    assert "t35" not in elements.text
    assert "t36" in elements.text


def test_one_position_is_shown_by_layer() -> None:
    made = trace(1, drugs={"A": 0.3, "noise": "isotropic", "seed": 4}, seed=4)
    bars = [float(attributes["height"] or 0) for attributes in shown(made).named("rect")]
    turned = angles(made.hidden[0, 1:], made.hidden[0, :-1])
    assert np.allclose(bars, 80 * turned / turned.max(), rtol=1e-3)
    assert "A=0.3, seed 4" in shown(made).text


def test_a_divergence() -> None:
    for n_positions in (1, 7):
        one, other = trace(n_positions), trace(n_positions, hidden=trace(n_positions + 1).hidden[:n_positions])
        divergence = one.divergence(other)
        elements = shown(divergence)
        apart = angles(one.hidden, other.hidden)
        if n_positions == 1:
            bars = [float(attributes["height"] or 0) for attributes in elements.named("rect")]
            assert np.allclose(bars, 80 * apart[0] / apart.max(), rtol=1e-3)
        else:
            assert_shows(cells(elements, 7, 5), apart)
        assert f"{apart[-1, -1]:.3g} radians" in elements.text
        assert "KL" not in elements.text
    elements = shown(Divergence(apart, apart, apart, np.array([0.5, 0.1, 0.3, 0.1, 0.2, 0.1, 0.8])))
    assert "KL at the last position 0.8 nats, 0.3 on average" in elements.text


def test_odd_traces_are_shown_too() -> None:
    same = trace(3, hidden=np.ones((3, 5, 16), np.float32))
    shown(same)
    shown(same.divergence(same))
    shown(trace(3, hidden=np.full((3, 5, 16), np.nan, np.float32)))
    shown(trace(3, 1, tops=[[], [], []]))
    shown(trace(1, pieces=(), tokens=(), positions=np.array([-1], np.int32)))  # as from the reference's files
    shown(trace(2, 130))
    assert "?, seed 1" in shown(trace(2, drugs={"X": 1}, seed=1)).text  # from a damaged file


def test_text_of_a_trace_is_escaped() -> None:
    top = [TopToken(HOSTILE, 1, 1.0, 1.0)]
    for n_positions in (1, 3):
        elements = shown(trace(n_positions, pieces=(HOSTILE,) * n_positions, tops=[top] * 3, model=HOSTILE))
        assert visible(HOSTILE) in elements.text


#
# variations
#


def answer(*texts: str, chat: bool = False, drugs: list[Any] | None = None) -> Varied:
    choices = [
        {
            **({"message": {"role": "assistant", "content": text}} if chat else {"text": text}),
            "index": i,
            "seed": i,
            "drugs": drugs[i] if drugs else {"A": 0.3, "noise": "isotropic", "seed": i},
        }
        for i, text in enumerate(texts)
    ]
    return Varied({"id": "1", "choices": choices})


def marked(thing: Varied) -> list[list[str]]:
    """The marked parts of each text."""
    rows = ElementTree.fromstring(thing._repr_html_() or "").iter("tr")
    return [["".join(m.itertext()) for m in row.iter("mark")] for row in rows if row.find("td") is not None]


def test_it_is_a_dictionary_as_before(make_llama: MakeLlama) -> None:
    llm = make_llama(n_ctx=128)
    made = llm.variations("The sea was", n=2, seeds=1, max_tokens=4, drugs={"A": 0.3})
    plain = dict(made)
    assert isinstance(made, dict)
    assert type(plain) is dict
    assert made == plain == json.loads(json.dumps(made)) == pickle.loads(pickle.dumps(made)) == copy.deepcopy(made)
    assert json.dumps(made) == json.dumps(plain)
    assert repr(made) == repr(plain)
    assert list(made) == ["id", "object", "created", "model", "choices", "usage"]
    assert all(choice["text"].strip() in shown(made).text for choice in made["choices"])


def test_differing_words_are_marked() -> None:
    sober = "The sea was calm and grey."
    made = answer(sober, "The sea was wild and very grey.", "A sea was calm", sober)
    assert marked(made) == [[], ["wild", "very"], ["A"], []]
    assert marked(answer("one two", "two one", chat=True))[1] in (["two"], ["one"])
    assert "words that the first one does not have there are marked" in shown(made).text


def test_texts_are_compared_with_the_first_sober_one() -> None:
    doses = [{"A": 0.3}, {"noise": "isotropic", "seed": 1}, {"A": 0.3, "multiplier": 0}]
    made = answer("a b c", "a x c", "a b c", drugs=doses)
    assert marked(made) == [["b"], [], ["b"]]
    text = shown(made).text
    assert "the first sober one" in text
    assert "A=0.3" in text


WORDS = ["sea", "calm", "grey", "a", "the", "\n\nwas", "<b>", "  two"]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_not_marked_is_in_the_other_text_in_that_order(seed: int) -> None:
    random = np.random.default_rng(seed)
    text, other = (" ".join(random.choice(WORDS, int(random.integers(0, 30))).tolist()) for _ in range(2))
    pieces = list(mark_differences(text, other))
    parsed = ElementTree.fromstring(tag("p", *pieces))
    assert "".join(parsed.itertext()) == text
    kept = [parsed.text or "", *(mark.tail or "" for mark in parsed)]
    words: Iterator[str] = iter(other.split())
    assert all(word in words for part in kept for word in part.split())
    assert all((mark.text or "").strip() for mark in parsed)
    assert not ElementTree.fromstring(tag("p", *mark_differences(text, text))).findall("mark")


def test_texts_are_escaped() -> None:
    for chat in (False, True):
        elements = shown(answer("fine", HOSTILE, HOSTILE + " more", chat=chat))
        assert visible(HOSTILE) in elements.text
    broken = answer("a", "b", drugs=[{}, {"<script>": HOSTILE}])
    assert "?" in shown(broken).text


def test_many_and_long_texts_take_little_time() -> None:
    random = np.random.default_rng(1)
    texts = [" ".join(random.choice(WORDS, 5000).tolist()) for _ in range(3)]
    start = time.monotonic()
    assert len(shown(answer(*texts)).text) > sum(map(len, texts))
    assert time.monotonic() - start < 10
    elements = shown(answer(*(f"text {i}" for i in range(60))))
    assert "and 10 more" in elements.text
    assert "text 49" in elements.text
    assert "text 50" not in elements.text


@pytest.mark.parametrize("choices", [None, [], "none", [1], {}])
def test_what_somebody_has_changed_is_shown_as_a_dictionary(choices: Any) -> None:
    assert Varied({"choices": choices})._repr_html_() is None
    assert Varied()._repr_html_() is None
    shown(Varied({"choices": [{}]}))
