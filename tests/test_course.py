"""Doses that rise and fall with the tokens of an answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from conftest import last_logits
from drugs_cpp import DRUGS, SITES, Course, CoursePoint, DoseError, Llama, _core
from support.low_level import Context
from support.tiny_model import N_LAYER
from support.turned_rows import turned_rows

F32 = npt.NDArray[np.float32]

TOKENS = [1, *range(10, 60)]
PROMPT = "Once upon a time"

#: no dose for the first ten tokens
LATER = [{"token": 9, "ratio": 0}, {"token": 10, "ratio": 1}]


class Watching(Context):
    """A context that records by how much its first layer turns vectors at site A, by position."""

    start: int
    angles: dict[int, float]

    def _record(self, tensor: int, ask: bool, _: object) -> bool:
        is_rotation = self._ggml.ggml_op_desc(tensor) == b"RANDOM_ROTATE"
        if is_rotation and not ask:
            rows = turned_rows(self._ggml, tensor)
            if rows.layer == 0:
                length = np.linalg.norm(rows.before.astype(np.float64), axis=-1)
                chord = np.linalg.norm(rows.after.astype(np.float64) - rows.before, axis=-1) / length
                for i, angle in enumerate(2 * np.arcsin(chord / 2)):
                    self.angles[self.start + i] = angle[0]
        return bool(is_rotation or not ask)


@pytest.fixture
def ctx(tiny_model_path: str) -> Iterator[Watching]:
    context = Watching(tiny_model_path, records=True)
    with context:
        yield context


def fixed(ctx: Watching, points: list[tuple[int, float]], course_start: int, sizes: list[int], start: int = 0) -> Any:
    """Angles at each position of TOKENS under the fixed angle 0.5 at A, fed in batches of these sizes."""
    table = np.zeros((N_LAYER, len(SITES)), np.float32)
    table[:, SITES.index("A")] = 0.5
    ctx.angles = {}
    ctx.forget()
    course: Any = {"course": points, "course_start": course_start, "start": start}
    _core.set_dose(ctx.address, 0, table, 7, 6, angle="fixed", **course)
    at = 0
    for size in sizes:
        ctx.start = at
        ctx.feed(TOKENS[at : at + size], at)
        at += size
    return [ctx.angles.get(position, 0.0) for position in range(at)]


@pytest.mark.parametrize("points", [[(0, 1)], [(0, 1), (20, 0)], [(3, 0), (4, 1), (9, 0.5)], [(5, 2), (1000, 0)]])
@pytest.mark.parametrize("course_start", [0, 10, 30])
@pytest.mark.parametrize("sizes", [[51], [20, 1, 30]])
def test_angles_follow_the_course(
    ctx: Watching, points: list[tuple[int, float]], course_start: int, sizes: list[int]
) -> None:
    found = fixed(ctx, points, course_start, sizes)
    tokens, ratios = zip(*points)
    wanted = 0.5 * np.interp(np.arange(51) - course_start, tokens, ratios)
    wanted[:6] = 0
    np.testing.assert_allclose(found, wanted, atol=2e-4)


def test_tokens_before_the_start_are_sober(ctx: Watching) -> None:
    found = fixed(ctx, [], 0, [51], start=20)
    assert found[:20] == [0.0] * 20
    np.testing.assert_allclose(found[20:], 0.5, atol=2e-4)


def test_a_ratio_of_zero_is_sober_to_the_bit(ctx: Watching) -> None:
    sober = ctx.feed(TOKENS)
    table = np.full((N_LAYER, len(SITES)), 0.7, np.float32)
    ctx.forget()
    _core.set_dose(ctx.address, 0, table, 7, 6, course=[(0, 0)])
    np.testing.assert_array_equal(ctx.feed(TOKENS), sober)


def test_what_is_set_is_read_back(ctx: Watching) -> None:
    fixed(ctx, [(3, 0), (4, 1)], 17, [1], start=5)
    dose: Any = _core.get_dose(ctx.address, 0)
    assert (dose["course"], dose["course_start"], dose["start"]) == ([(3, 0), (4, 1)], 17, 5)


#
# points
#


@pytest.mark.parametrize("mode", ["interpolate", "ceil", "floor"])
def test_straight_lines_say_what_the_mode_says(mode: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(1, 7))
        given = zip(rng.choice(40, n, replace=False).tolist(), rng.uniform(0, 2, n).tolist())
        course = Course([CoursePoint(token, ratio) for token, ratio in given], mode)
        straight = course.straight_points
        assert all(a[0] < b[0] for a, b in zip(straight, straight[1:]))
        at = np.arange(50)
        tokens, ratios = zip(*straight)
        found = np.interp(at, tokens, ratios)
        np.testing.assert_allclose(found, [course.ratio(int(token)) for token in at], rtol=1e-6, atol=1e-7)


def test_between_points_by_hand() -> None:
    points = [CoursePoint(0, 1), CoursePoint(4, 0.2), CoursePoint(6, 2)]
    ratios = {
        mode: [Course(points, mode).ratio(token) for token in range(8)] for mode in ("interpolate", "ceil", "floor")
    }
    assert ratios["interpolate"] == pytest.approx([1, 0.8, 0.6, 0.4, 0.2, 1.1, 2, 2])
    assert ratios["ceil"] == [1, 1, 1, 1, 1, 2, 2, 2]
    assert ratios["floor"] == [1, 0.2, 0.2, 0.2, 0.2, 0.2, 2, 2]


@pytest.mark.parametrize(
    "course",
    [
        [],
        "0:1",
        3,
        {"token": 0, "ratio": 1},
        [{"token": 0}],
        [{"depth": 0, "peakratio": 1}],
        [{"token": -1, "ratio": 1}],
        [{"token": 0.5, "ratio": 1}],
        [{"token": True, "ratio": 1}],
        [{"token": 2**31, "ratio": 1}],
        [{"token": 0, "ratio": -1}],
        [{"token": 0, "ratio": float("nan")}],
        [{"token": 0, "ratio": 1}, {"token": 0, "ratio": 2}],
        [{"token": i, "ratio": 1} for i in range(1001)],
        {"points": [{"token": 0, "ratio": 1}], "mode": "spline"},
        {"points": [{"token": 0, "ratio": 1}], "node": "ceil"},
        [{"token": 0, "ratio": 32}],
    ],
)
def test_no_course(course: Any) -> None:
    with pytest.raises(DoseError):
        DRUGS(A=0.1, course=course)


def test_a_course_is_kept_and_read() -> None:
    drugs = DRUGS(A=0.3, course=(LATER, "ceil"))
    assert drugs.course == Course(LATER, "ceil")
    assert DRUGS(drugs.to_dict()) == drugs
    assert eval(repr(drugs), {"DRUGS": DRUGS}) == drugs
    assert not DRUGS(A=2, course=[{"token": 5, "ratio": 0.1}]).dosage.is_strong
    assert DRUGS(A=0.3, course=[{"token": 5, "ratio": 0}]).is_sober
    drugs.course = None
    assert "course" not in drugs.to_dict()


#
# texts
#


@pytest.fixture(scope="module")
def llm(tiny_model_path: str) -> Iterator[Llama]:
    model = Llama(tiny_model_path, n_ctx=256, n_threads=1, verbose=False)
    yield model
    model.close()


def text(llm: Llama, drugs: DRUGS, **more: Any) -> str:
    llm.drugs = drugs
    answer: Any = llm.create_completion(PROMPT, max_tokens=30, **more)
    return str(answer["choices"][0]["text"])


def tokens_of(llm: Llama, n: int, drugs: DRUGS) -> list[int]:
    llm.drugs = drugs
    return llm.Dgenerate(llm.tokenize(PROMPT.encode()), max_new_tokens=n, past_key_values=None)


def test_it_counts_from_the_first_new_token(llm: Llama) -> None:
    sober = tokens_of(llm, 40, DRUGS())
    dosed = tokens_of(llm, 40, DRUGS(A=1, H=1, pV=1, seed=3, course=LATER))
    # the last sober one, number 9, chooses number 10, which is dosed and chooses number 11
    assert dosed[:11] == sober[:11]
    assert dosed[11:] != sober[11:]
    at_once = tokens_of(llm, 40, DRUGS(A=1, H=1, pV=1, seed=3))
    assert at_once[:11] != sober[:11]


def test_a_prompt_in_the_cache_changes_nothing(llm: Llama) -> None:
    drugs = DRUGS(A=1, H=1, pV=1, seed=3, course=[{"token": 0, "ratio": 1}, {"token": 12, "ratio": 0}])
    first = text(llm, drugs)
    assert text(llm, drugs) == first
    text(llm, DRUGS())
    assert text(llm, drugs) == first
    varied: Any = llm.variations(PROMPT, seeds=[3, 4], max_tokens=30)
    assert varied["choices"][0]["text"] == first


def test_generation_goes_on_where_it_was(llm: Llama) -> None:
    drugs = DRUGS(A=1, H=1, pV=1, seed=3, course=[{"token": 5, "ratio": 1}, {"token": 30, "ratio": 0}])
    whole = tokens_of(llm, 30, drugs)
    begun = tokens_of(llm, 12, drugs)
    state: Any = llm.save_state()
    assert begun + llm.Dgenerate([], max_new_tokens=18) == whole
    tokens_of(llm, 7, DRUGS())
    llm.load_state(state)
    assert begun + llm.Dgenerate([], max_new_tokens=18) == whole


def test_it_counts_anew_after_the_cache_was_shortened(llm: Llama) -> None:
    drugs = DRUGS(A=1, H=1, pV=1, seed=3, course=[{"token": 4, "ratio": 0}, {"token": 5, "ratio": 1}])
    begin, rest = list(range(20, 32)), list(range(40, 48))
    llm.drugs = drugs

    def logits(*fed: tuple[list[int], bool]) -> F32:
        for tokens, dosed in fed:
            llm.eval(tokens, dosed=dosed)
        return last_logits(llm)

    llm.reset()
    wanted = logits((begin, False), (rest, True))
    llm.reset()
    logits((begin + rest, False))
    llm.n_tokens = len(begin)
    np.testing.assert_allclose(logits((rest, True)), wanted, atol=1e-3)
    llm.reset()
    anew = logits((rest, True))
    llm.reset()
    np.testing.assert_array_equal(logits((rest, True)), anew)
    llm.reset()
    logits((begin, False))
    llm.reset()
    np.testing.assert_array_equal(logits((rest, True)), anew)


def test_a_file_is_read_as_before(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(
        '{"dose_theta": {"A": 0.3}, "dose_shape": {}, "dose_multiplier": 1.0, "noise": "isotropic", "seed": 7}'
    )
    assert DRUGS.load(path) == DRUGS(A=0.3, seed=7)
    drugs = DRUGS(M=0.2, course=LATER, hold={"M": "text"}, layers="shared", angle="fixed", turn="nlerp", apart=3)
    drugs.save(path)
    assert DRUGS.load(path) == drugs
