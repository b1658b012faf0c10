"""What the benchmark of diversity computes, against brute force, and a small run of it, from texts to tables."""

from __future__ import annotations

import itertools
import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

import drugs_cpp
from benchmarks.diversity.best import N_BEST, Point, area, best, front, gain
from benchmarks.diversity.broken import why_broken
from benchmarks.diversity.distinct import distinct_by_cosine, distinct_by_rouge
from benchmarks.diversity.measured import MEASURES, Instruments, Measured, means, measure
from benchmarks.diversity.methods import EFFECTS, N_SETTINGS, Method, methods, reference
from benchmarks.diversity.page_tables import page_tables, shortened
from benchmarks.diversity.plane import draw
from benchmarks.diversity.reading import OtherModel
from benchmarks.diversity.stages import PLAIN, Stage, chosen, measured, rows, unbroken
from benchmarks.diversity.table import table
from benchmarks.diversity.texts import Texts
from benchmarks.diversity.writing import write
from conftest import MakeLlama
from drugs_cpp import SITES
from drugs_cpp.study import Prompt, open_sweep
from drugs_cpp.study.measures import vendi
from drugs_cpp.study.setting import SAMPLER, Setting
from support.sweeps import text_row

ROOT = Path(__file__).parents[1]

PROSE = -3.0


def covered(points: Sequence[Point], worst: float) -> float:
    """Share of random points that some point exceeds in both coordinates, times the area they are drawn from."""
    draw = np.random.default_rng(1)
    places = np.column_stack([draw.uniform(1, 5, 40000), draw.uniform(worst, 0, 40000)])
    below = [(places[:, 0] < point.diversity) & (places[:, 1] < point.coherence) for point in points]
    return float(np.any(below, axis=0).mean() * 4 * -worst)


def random_points(seed: int, n: int) -> list[Point]:
    draw = np.random.default_rng(seed)
    return [Point(*pair) for pair in zip(draw.uniform(1, 5, n), draw.uniform(-2.5, 0, n))]


def test_the_area_is_what_points_cover() -> None:
    for seed in range(5):
        points = random_points(seed, 6)
        assert area(points, -2) == pytest.approx(covered(points, -2), abs=0.1)
    assert area([], -2) == area([Point(0.5, -1), Point(3, -2.5)], -2) == 0


def test_the_best_settings_cover_the_most() -> None:
    points = random_points(9, 7)
    found = best(points, -2)
    areas = {some: covered([points[i] for i in some], -2) for some in itertools.combinations(range(7), N_BEST)}
    assert areas[tuple(found)] == pytest.approx(max(areas.values()), abs=0.1)
    assert best(points[:2], -2) == [0, 1]


def test_nothing_has_more_of_both_than_the_front() -> None:
    points = random_points(4, 30)
    found = front(points)
    better = [any(o.diversity > p.diversity and o.coherence > p.coherence for o in points if o != p) for p in points]
    assert sorted(found) == [i for i, is_worse in enumerate(better) if not is_worse]
    assert [points[i].coherence for i in found] == sorted((points[i].coherence for i in found), reverse=True)


def made_up(vendi: float, coherence: float, n: int = 8) -> Measured:
    """A setting whose prompts all have the same values."""
    values = {name: np.full(n, np.nan) for name in MEASURES}
    values |= {"vendi": np.full(n, vendi), "log_likelihood": np.full(n, coherence)}
    return Measured(values, {}, n)


def test_the_gain_is_the_height_above_the_others() -> None:
    others = [made_up(1, -1), made_up(3, -2), made_up(2, -1.4), made_up(3.5, -3), made_up(2.5, -2.5)]
    others.append(made_up(0, np.nan))  # all of its texts are broken
    for coherence, expected in ((-2.5, 3.0), (-2.75, 3.25), (-1.2, 1.5), (-1.0, 1.0), (-0.5, 1.0)):
        found = gain(made_up(4, coherence), others, "log_likelihood")
        assert found == pytest.approx((4 - expected,) * 3)
    assert np.isnan(gain(made_up(4, -3.5), others, "log_likelihood")).all()
    assert np.isnan(gain(made_up(4, -1), others[-1:], "log_likelihood")).all()


def test_a_gain_that_most_draws_do_not_know_is_none() -> None:
    """The setting is where the others end, or slightly beyond, depending on which prompts are drawn."""
    others = [made_up(1, -1), made_up(3, -2)]
    one = made_up(4, -2)
    one.values["log_likelihood"][:] = [-1, -3] * 4
    assert np.isnan(gain(one, others, "log_likelihood")).all()


def test_means_leave_out_what_was_not_measured() -> None:
    values = np.array([[1, np.nan, 3], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(means(values), [2, np.nan])


def embed(texts: Sequence[str]) -> np.ndarray:
    """A vector of each text's words: texts with no word in common are orthogonal."""
    vectors = np.zeros((len(texts), 512))
    for vector, text in zip(vectors, texts):
        for word in text.split():
            vector[zlib.crc32(word.encode()) % 512] += 1
    return vectors


def instruments(prose: float = PROSE) -> Instruments:
    return Instruments(prose, embed, pytest.importorskip("sacrebleu").BLEU(effective_order=True))


def test_broken_texts_are_left_out() -> None:
    good = text_row("The lamp was lit at nine and the boats came home", 1)
    other = text_row("Nobody saw the keeper that night on his way down", 2)
    circles = text_row("and so on and on " * 10, 3)
    short = text_row("No.", 4)
    unlikely = text_row("Sing lamp of harbour gravel in the moon of the", 60)
    assert [why_broken(row, PROSE) for row in (good, other, circles, short, unlikely)] == [
        None, None, "repeats", "short", "unlikely",
    ]  # fmt: skip
    prompt = Prompt("p", (("user", "?"),))
    found = measure([(prompt, [good, other, circles, short, unlikely])], instruments())
    assert found.broken == {"repeats": 1, "short": 1, "unlikely": 1}
    assert found.mean("kept") == found.mean("distinct_cosine") == pytest.approx(2 / 5)
    assert found.mean("vendi") == pytest.approx(vendi(embed([good.text, other.text])))
    assert found.mean("log_likelihood_of_all") < found.mean("log_likelihood")
    assert found.mean("log_likelihood") == pytest.approx(
        np.mean([float(row.log_likelihood or 0) for row in (good, other)])
    )
    nothing = measure([(prompt, [short, circles])], instruments())
    assert nothing.mean("vendi") == nothing.mean("kept") == 0
    assert np.isnan(nothing.mean("log_likelihood"))


def test_every_method_gets_as_many_settings() -> None:
    angles = {(site, effect): 0.1 + i / 100 for i, (site, effect) in enumerate(itertools.product(SITES, EFFECTS))}
    compared = methods(angles)
    assert {len(set(method.settings)) for method in compared} == {N_SETTINGS}
    assert set(reference().settings) < set(next(some.settings for some in compared if some.name == "temperature"))
    assert Counter(method.is_dose for method in compared) == {True: len(SITES), False: 5}


def test_texts_that_say_the_same_count_once() -> None:
    assert distinct_by_rouge(["a b c d", "a b c e", "x y z"]) == 2
    assert distinct_by_cosine(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])) == 2
    assert distinct_by_cosine(np.zeros((0, 1))) == distinct_by_rouge([]) == 0


def test_another_model_reads_texts_once(short_model_path: str, make_llama: MakeLlama, tmp_path: Path) -> None:
    prompt, texts = Prompt("p", (("user", "Say something."),)), ["The boats came home.", "The boats sank at sea."]
    with OtherModel(Path(short_model_path), tmp_path / "read.db") as other:
        other.read({prompt: texts})
        found = [other(prompt, text) for text in texts]
    llm = make_llama(logits_all=True)
    given = llm.prompt_of(messages=[{"role": "user", "content": "Say something."}]).tokens
    for text, value in zip(texts, found):
        tokens = llm.tokenize(text.encode(), add_bos=False)
        llm.reset()
        llm.eval([*given, *tokens])
        log_probs = log_softmax(llm.scores[len(given) - 1 : llm.n_tokens - 1].astype(float), axis=-1)
        assert value == pytest.approx(log_probs[np.arange(len(tokens)), tokens].mean(), abs=2e-3)
    with OtherModel(tmp_path / "is not there", tmp_path / "read.db") as other:
        other.read({prompt: texts})  # from the file
        assert [other(prompt, text) for text in texts] == found


def test_from_texts_to_a_table(short_model_path: str, tmp_path: Path) -> None:
    model, prompts = Path(short_model_path), [Prompt(f"p{i}", (("user", f"Count to {i}."),)) for i in (2, 3)]
    settings = [Setting(SAMPLER, sampler=(("temperature", t),), max_tokens=8) for t in (0.7, 1.0)]
    doses = [Setting("A", angle, max_tokens=8, dose_inputs=inputs) for angle, inputs in ((0.5, False), (1.0, "last"))]
    compared = [Method("temperature", tuple(settings)), Method("A", tuple(doses))]
    write("test", model, prompts, [*settings, *doses], 3, tmp_path / "x.db")
    with open_sweep(tmp_path / "x.db") as results:
        texts = Texts(results, model)
        assert texts.complete([*settings, *doses], prompts, 3) == prompts
        assert texts.complete([*settings, *doses], prompts, 4) == []
        using = instruments(-30.0)  # a model with few layers writes unlikely texts
        stage = Stage(compared, prompts, 3)
        found = measured(stage, texts, using)
        some = unbroken(stage, texts, -30.0)
    assert found.keys() == {PLAIN, *settings, *doses}
    assert sum(map(len, some.values())) <= 2 * (4 * 3 + 1)
    assert [method.name for method in chosen(compared, found)] == ["temperature", "A"]
    assert chosen(compared, found)[0] == reference()
    made = rows(stage, found, ["log_likelihood"])
    assert [row["method"] for row in made] == ["sober", "temperature", "temperature", "A", "A"]
    assert table(made).count("\n") == 2 + 5
    short = shortened({"model": "x-Instruct.gguf", "full": made})
    (tmp_path / "short.json").write_text(json.dumps(short), encoding="utf-8")
    page = page_tables([tmp_path / "short.json"])
    assert page.startswith("**x**: 2 prompts, 3 texts each")
    assert "| `A` up to 1 rad, from the last token |" in re.sub(" +", " ", page)
    pytest.importorskip("matplotlib")
    draw({"screened": made}, drugs_cpp.__name__, tmp_path / "plane.png")
    assert (tmp_path / "plane.png").stat().st_size > 1000


def test_the_page_has_the_tables_of_the_results() -> None:
    page = (ROOT / "docs" / "diversity.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "benchmarks" / "results").glob("diversity-*.json")):
        assert page_tables([path]) in page
