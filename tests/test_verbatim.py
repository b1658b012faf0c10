"""What happens to texts that should be repeated: regimes, and where each ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.verbatim.__main__ import table
from benchmarks.verbatim.picture import draw
from benchmarks.verbatim.regimes import ECHO, OTHER, REGIMES, SUBSTITUTION, TOLERANCE, kept, regime
from benchmarks.verbatim.repeating import ANGLES, originals, plan, shares
from drugs_cpp.doses.sites import SITES
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.study import open_sweep
from drugs_cpp.study.setting import Setting
from drugs_cpp.study.sweep_store import CellId, ModelInfo
from support.sweeps import ORIGIN, text_row

TEXT = "The harbour was empty when they arrived, and nobody spoke for a long time after that."


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (TEXT, TOLERANCE),
        (TEXT.upper(), TOLERANCE),
        ("The port was deserted when they came, and nobody spoke for a long while after that.", SUBSTITUTION),
        ("I am sorry, but there is nothing that I could say about this.", OTHER),
        (TEXT + " And then there was a storm, which lasted for many days and nights.", OTHER),
        ("The harbour was empty, the harbour was empty, the harbour was empty, the harbour was empty", ECHO),
        ("", OTHER),
    ],
)
def test_regimes(answer: str, expected: str) -> None:
    assert regime(answer, TEXT) == expected


def test_words_that_are_kept_are_in_order() -> None:
    assert kept("a b c d", "a b c d") == 1
    assert kept("a x c d", "a b c d") == 0.75
    assert kept("d c b a", "a b c d") == 0.25
    assert kept("", "a b c d") == 0


def test_texts_are_short_and_there_are_several() -> None:
    assert len(originals()) == 8
    assert all(20 <= len(text.split()) <= 60 for text in originals())
    assert regime(originals()[0], originals()[0]) == TOLERANCE


def test_shares_are_those_of_the_texts_that_a_model_repeats_sober(tmp_path: Path) -> None:
    """One text is repeated under small doses, replaced in the middle half of the time, and lost under larger ones."""
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF")
    text = originals()[0]
    with open_sweep(tmp_path / "x.db") as results:
        origin = results.origin(ORIGIN)
        number = results.model(ModelInfo(sha256_of(str(model)), "m", "Q4_1", "llama"))
        for i, prompt in enumerate(plan().prompts):
            for setting in plan().settings:
                cell = CellId(number, results.prompt(prompt), results.setting(setting))
                if not setting.is_dosed:
                    answers = [text if i == 0 else "Sorry, no."]
                elif setting.dose < 0.3:
                    answers = [text] * 4
                elif setting.dose < 1:
                    answers = [text, text, text.replace("harbour", "quay").replace("empty", "bare")[:-30], "Sorry, no."]
                else:
                    answers = ["so it goes " * 8] * 4
                seeds = range(1, 5) if setting.is_dosed else [0]
                rows = [(cell, origin, text_row(answer, seed)) for answer, seed in zip(answers, seeds)]
                results.add_texts(rows)
    n_texts, found = shares(tmp_path / "x.db", model)
    assert n_texts == 1
    assert list(found) == list(SITES)
    middle = found["K"][ANGLES.index(0.45)]
    assert [middle[name] for name in REGIMES] == [[0.5], [0.25], [0.25], [0]]
    assert found["K"][0] == {**{name: [0] for name in REGIMES}, TOLERANCE: [1], "kept": [1]}
    assert found["K"][-1][ECHO] == [1]
    assert "| `K`  | 0.30 (0.30 to 0.30)" in table(found)
    assert "25 % at 0.3 " in table(found)
    pytest.importorskip("matplotlib")
    draw(found, "a test", tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_a_model_that_repeats_nothing_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF")
    with open_sweep(tmp_path / "x.db") as results:
        number = results.model(ModelInfo(sha256_of(str(model)), "m", "Q4_1", "llama"))
        sober: Setting = plan().sober
        for prompt in plan().prompts:
            cell = CellId(number, results.prompt(prompt), results.setting(sober))
            results.add_texts([(cell, results.origin(ORIGIN), text_row("Sorry, no.", 0))])
    with pytest.raises(SystemExit, match="repeats none of the texts"):
        shares(tmp_path / "x.db", model)


def test_the_page_has_what_was_measured() -> None:
    root = Path(__file__).parents[1]
    kept = json.loads((root / "benchmarks" / "results" / "verbatim-smollm2.json").read_text(encoding="utf-8"))
    assert table(kept["sites"]) in (root / "docs" / "verbatim.md").read_text(encoding="utf-8")
