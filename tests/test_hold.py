"""Noise that stays the same for several tokens, or in all layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from drugs_cpp import DRUGS, SITES, DoseError, Llama, _core
from support import brute_force
from support.low_level import Context
from support.tiny_model import N_LAYER
from support.turned_rows import Turned, turned_rows

F64 = npt.NDArray[np.float64]

TOKENS = [1, *range(10, 31)]
ANGLE, SEED, SINK = 0.7, 7, 6
FRESH = [1] * len(SITES)

#: sites at which a row is turned
ROWS = tuple(site for site in SITES if site not in ("K", "V"))


class Watching(Context):
    """A context that records what its rotations do."""

    start: int
    turned: list[tuple[int, Turned]]

    def _record(self, tensor: int, ask: bool, _: object) -> bool:
        is_rotation = self._ggml.ggml_op_desc(tensor) == b"RANDOM_ROTATE"
        if is_rotation and not ask:
            self.turned.append((self.start, turned_rows(self._ggml, tensor)))
        return bool(is_rotation or not ask)

    def dosed(
        self, hold: list[int] | None, shared_layers: bool = False, noise: str = "isotropic"
    ) -> list[tuple[int, Turned]]:
        """Feed TOKENS in three batches under a dose at all sites but K and V; first position and rows of each turn."""
        table = np.zeros((N_LAYER, len(SITES)), np.float32)
        table[:, [SITES.index(site) for site in ROWS]] = ANGLE
        self.turned = []
        self.forget()
        _core.set_dose(self.address, 0, table, SEED, SINK, noise, hold, shared_layers)
        for start, end in ((0, 11), (11, 12), (12, len(TOKENS))):
            self.start = start
            self.feed(TOKENS[start:end], start)
        return self.turned


@pytest.fixture
def ctx(tiny_model_path: str) -> Iterator[Watching]:
    context = Watching(tiny_model_path, records=True)
    with context:
        yield context


@pytest.mark.parametrize("noise", ["isotropic", "reference"])
@pytest.mark.parametrize("shared_layers", [False, True])
@pytest.mark.parametrize("hold", [None, FRESH, [0] * 8, [3] * 8, [1, 2, 3, 4, 5, 0, 7, 2]], ids=str)
def test_rows_are_turned_by_numbers_of_the_position_that_stands_for_theirs(
    ctx: Watching, hold: list[int] | None, shared_layers: bool, noise: str
) -> None:
    n_turned = 0
    for start, turned in ctx.dosed(hold, shared_layers, noise):
        positions = np.arange(start, start + len(turned.before))
        n = (hold or FRESH)[turned.site]
        times = positions // n if n else np.zeros_like(positions)
        layer = 0 if shared_layers else turned.layer
        wanted = _core.rotate(turned.before, ANGLE, SEED, times, layer, SITES[turned.site], noise=noise)
        wanted[positions < SINK] = turned.before[positions < SINK]
        np.testing.assert_array_equal(turned.after, wanted)
        n_turned += 1
    assert n_turned >= 3 * N_LAYER * len(ROWS)


def test_what_is_held_is_read_back(ctx: Watching) -> None:
    ctx.dosed([1, 2, 3, 4, 5, 0, 7, 2], True)
    dose: Any = _core.get_dose(ctx.address, 0)
    assert (dose["hold"], dose["shared_layers"]) == ([1, 2, 3, 4, 5, 0, 7, 2], True)
    ctx.dosed(None)
    dose = _core.get_dose(ctx.address, 0)
    assert (dose["hold"], dose["shared_layers"]) == (FRESH, False)


@pytest.mark.parametrize(("hold", "says"), [([1], "hold has 1 numbers"), ([-1] * 8, "negative")])
def test_a_hold_that_is_none(ctx: Watching, hold: list[int], says: str) -> None:
    with pytest.raises(DoseError, match=says):
        ctx.dosed(hold)


#
# Python's doses
#


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (1, 1),
        ("text", "text"),
        (8, 8),
        ({"A": "text", "H": 8}, {"H": 8, "A": "text"}),
        (dict.fromkeys(SITES, 3), 3),
        ({}, 1),
    ],
)
def test_hold_as_it_is_given_and_kept(given: Any, kept: Any) -> None:
    drugs = DRUGS(A=0.3, hold=given, layers="shared")
    assert drugs.hold == kept
    assert DRUGS.from_dict(drugs.to_dict()) == drugs
    assert eval(repr(drugs), {"DRUGS": DRUGS}) == drugs
    drugs.detox()
    assert (drugs.hold, drugs.layers) == (kept, "shared")


@pytest.mark.parametrize("hold", [0, -1, 1.5, "whole", True, 2**31, {"B": 1}, {"A": 0}, None, [1]])
def test_no_hold(hold: Any) -> None:
    with pytest.raises(DoseError):
        DRUGS({"A": 0.3, "hold": hold})


def test_no_layers() -> None:
    with pytest.raises(DoseError, match="own or shared"):
        DRUGS(A=0.3, layers="some")


def test_held_noise_is_another_text_and_the_same_in_any_batch(tiny_model_path: str) -> None:
    llm = Llama(tiny_model_path, n_ctx=256, n_threads=1, verbose=False)

    def text(**settings: Any) -> str:
        llm.drugs = DRUGS(A=0.9, H=0.5, seed=3, **settings)
        answer: Any = llm.create_completion("Once upon a time", max_tokens=30, temperature=0)
        return str(answer["choices"][0]["text"])

    settings: list[dict[str, Any]] = [{}, {"hold": "text"}, {"hold": 4}, {"hold": {"A": "text"}}, {"layers": "shared"}]
    texts = [text(**each) for each in settings]
    assert len(set(texts)) == len(texts)
    for each, wanted in zip(settings, texts):
        llm.drugs = DRUGS(A=0.9, H=0.5, **each)
        varied: Any = llm.variations("Once upon a time", seeds=[3, 4], max_tokens=30)
        assert varied["choices"][0]["text"] == wanted
    llm.close()


#
# K and V: what is held there is not a turned key
#


def noise_in_scores(q: F64, k: F64, n: int = 4000) -> F64:
    """What a key adds to the scores of two queries (2, d), at one held position: (n, 2), for n seeds."""
    found = [
        _core.attend_scores(q[:, None], k[None, None], 0.5, seed, [100, 100], [7], angle="fixed")[0, :, 0]
        for seed in range(n)
    ]
    return np.asarray(np.asarray(found, np.float64) - np.cos(0.5) * (q @ k))


@pytest.mark.parametrize("degrees", [0, 60, 90, 180])
def test_held_scores_are_boosts_and_not_a_turned_key(degrees: int) -> None:
    d = 64
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((d, 3)))[0].T
    k, across, other = 3 * basis[0], basis[1], basis[2]
    angle = np.radians(degrees)
    q = np.stack([across + 0.3 * basis[0], np.cos(angle) * across + np.sin(angle) * other + 0.3 * basis[0]])

    turned = np.asarray(brute_force.turn(k, 0.5, "isotropic", rng, 4000, angle="fixed") @ q.T - np.cos(0.5) * (q @ k))
    of_a_key, of_scalars = (np.asarray(np.corrcoef(noise.T))[0, 1] for noise in (turned, noise_in_scores(q, k)))
    assert of_a_key == pytest.approx(np.cos(angle), abs=0.06)
    assert of_scalars == pytest.approx(1, abs=1e-3)


#
# texts that go on
#


def test_a_text_that_goes_on_is_the_same_after_showers_and_from_a_state(tiny_model_path: str) -> None:
    drugs = DRUGS(A=0.9, pV=0.5, seed=3, hold={"A": 5, "pV": "text"})
    llm = Llama(tiny_model_path, drugs=drugs, n_ctx=256, n_threads=1, verbose=False)
    llm.sober_interval = 7
    tokens = llm.tokenize(b"Once upon a time")
    whole = llm.Dgenerate(tokens, max_new_tokens=30, past_key_values=None)
    begun = llm.Dgenerate(tokens, max_new_tokens=11, past_key_values=None)
    state: Any = llm.save_state()
    assert begun + llm.Dgenerate([], max_new_tokens=19) == whole
    llm.drugs = DRUGS()
    llm.Dgenerate(tokens, max_new_tokens=3, past_key_values=None)
    llm.load_state(state)
    assert llm.drugs.hold == {"A": 5, "pV": "text"}
    assert begun + llm.Dgenerate([], max_new_tokens=19) == whole
    llm.close()

    twin = Llama(tiny_model_path, drugs=drugs, sober_twin=True, n_ctx=256, n_threads=1, verbose=False)
    twin.sober_interval = 7
    assert twin.Dgenerate(tokens, max_new_tokens=30, past_key_values=None) == whole
    twin.close()
