"""The reference project's format: what its files mean, which files are not texts, and writing them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from drugs_cpp.errors import ResultFileError
from drugs_cpp.study.cell_measures import cell_measures
from drugs_cpp.study.measures import compressibility, repeated
from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.sample_folder import Imported, import_samples, read_folder
from drugs_cpp.study.sample_text import NotASampleError, read_sample
from drugs_cpp.study.setting import SAMPLER, SOBER, Setting
from drugs_cpp.study.sweep_export import export
from drugs_cpp.study.sweep_run import open_sweep
from drugs_cpp.study.sweep_store import CellId, ModelInfo
from drugs_cpp.tools.lab import main
from support.samples import MESSAGES, sample_text, write_sample
from support.sweep_rows import sweep_rows
from support.sweeps import ORIGIN, model_info, synthetic_store, text_row

TEXTS = {420: " A knot is\na speed.</s>", 421: "It is cut", 422: "```python\nprint(1)\n```\nSeed: 5 is one<|im_end|>"}


def imported(folder: Path, path: Path) -> Imported:
    with open_sweep(path) as results:
        return import_samples(read_folder(folder), results)


def contents(path: Path) -> dict[tuple[Any, ...], tuple[str, str]]:
    """Text and ending by model, quantization, prompt, setting and seed."""
    with open_sweep(path) as results:
        models, prompts, settings = results.models(), results.prompts(), results.settings()
        return {
            (
                models[cell.model].name,
                models[cell.model].quantization,
                prompts[cell.prompt].name,
                prompts[cell.prompt],
                settings[cell.setting],
                row.seed,
            ): (row.text, row.ending)
            for cell in results.cells()
            for row in results.texts(cell)
        }


def test_what_a_file_says(tmp_path: Path) -> None:
    write_sample(tmp_path, "K_dose_wrong_name.md", sample_text("0.15", "K", TEXTS))
    store = tmp_path / "x.db"
    assert imported(tmp_path, store) == Imported(3, 0, 0)
    with open_sweep(store) as results:
        assert results.models() == {
            1: ModelInfo("imported:Some-7b-model/8bit_flash", "Some-7b-model", "8bit_flash", "Family")
        }
        messages = tuple((message["role"], message["content"]) for message in MESSAGES)
        assert results.prompts() == {1: Prompt("Sailor", messages)}
        shape = ((0.4 - 0.15625 * 1.01, 0.0), (0.4 - 0.15625, 1.0), (0.4 + 0.15625, 1.0), (0.4 + 0.15625 * 1.01, 0.0))
        expected = Setting("K", 0.15, "0.4±0.156", shape, "ceil", "reference", (), 0, True, 6)
        assert results.settings() == {1: expected}
        assert results.origins() == {
            1: {
                "imported": tmp_path.name,
                "model_id": "someone/Some-7b-model",
                "loaded_with": "load_in_8bit=True, device_map='auto'",
            }
        }
        rows = results.texts(CellId(1, 1, 1))
    assert [(row.seed, row.text, row.ending) for row in rows] == [
        (420, " A knot is\na speed.", "stop"),
        (421, "It is cut", ""),
        (422, "```python\nprint(1)\n```\nSeed: 5 is one", "stop"),
    ]
    for row in rows:
        assert (row.log_likelihood, row.parted, row.seconds, len(row.tokens), len(row.embedding)) == (
            None,
            None,
            0,
            0,
            0,
        )
        assert (row.compressibility, row.repeated) == (compressibility(row.text), repeated(row.text))


def test_the_shape_doses_the_layers_that_it_says() -> None:
    setting = read_sample(sample_text("0.5", "V", {})).setting
    assert setting.dose_profile is not None
    doses = [setting.dose_profile.ratio(layer / 31) for layer in range(32)]
    assert [i for i, dose in enumerate(doses) if dose] == [i for i in range(32) if abs(i / 31 - 0.4) <= 0.15625 * 1.01]


def test_a_file_from_windows() -> None:
    text = sample_text("0.15", "K", TEXTS)
    assert read_sample(text.replace("\n", "\r\n")) == read_sample(text)


def test_a_file_without_a_block_of_python_has_its_headings() -> None:
    text = re.sub("tokenized_start.*\n", "", sample_text("0.15", "K", TEXTS))
    assert read_sample(text).prompt == Prompt("", tuple((m["role"], m["content"]) for m in MESSAGES))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("### RESPONSES", "### ANSWERS", "no line ### RESPONSES"),
        ("dose_theta", "theta", "no line dose_theta"),
        ("dose_theta = 0.1", "dose_theta = much", "much"),
        ("dose_theta = 0.1", "dose_theta = -1", "-1"),
        ("dose_theta = 0.1", "dose_theta = nan", "nan"),
        ("drug_type = 'K'", "drug_type = 'Z'", "its site is 'Z'"),
        ("spread = 5/32", "spread = 5/0", "cannot be read"),
        ("injection_depth = 0.4", "injection_depth = 9e999999999", "no line injection_depth"),
        ("model_id = ", "model = ", "no line model_id"),
        ("return_tensors='pt'", "x", "cannot be read|no conversation"),
        ("'role'", "'who'", "role"),
        ("Seed: 420\n```", "Seed: 4294967295\n```", "4294967295"),
        ("ends here\n```", "ends here\n``", "a text in it has no end"),
    ],
)
def test_what_is_not_a_file_of_texts(old: str, new: str, why: str) -> None:
    text = sample_text("0.1", "K", {420: "It ends here"})
    assert old in text
    text = text.replace(old, new)
    if "conversation" in why:
        text = text.replace("## Prompt", "## Asked").replace("## System", "## Who")
    with pytest.raises(NotASampleError, match=why):
        read_sample(text)


def test_files_that_are_something_else_are_listed(tmp_path: Path) -> None:
    write_sample(tmp_path, "K_dose_010__8bit.md", sample_text("0.1", "K", {420: "a"}))
    empty = write_sample(tmp_path, "K_dose_05__8bit.md", sample_text("0.05", "K", {}))
    (tmp_path / "README.md").write_text("# Samples", encoding="utf-8")
    (tmp_path / "broken.md").write_bytes(b"\xff\xfe")
    folder = read_folder(tmp_path)
    assert folder.n_texts == 1
    assert folder.empty == [empty.resolve()]
    assert [str(path) for path, _ in folder.skipped] == ["README.md", "broken.md"]


def test_a_folder_without_samples(tmp_path: Path) -> None:
    with pytest.raises(ResultFileError, match=r"no file that ends in \.md"):
        read_folder(tmp_path)
    (tmp_path / "README.md").write_text("# Samples", encoding="utf-8")
    with pytest.raises(ResultFileError, match=r"none of its 1 files is one; README\.md: it has no line ### RESPONSES"):
        read_folder(tmp_path)
    with pytest.raises(ResultFileError, match="no such folder"):
        read_folder(tmp_path / "none")


def test_a_part_of_a_folder_has_the_same_names(tmp_path: Path) -> None:
    path = write_sample(tmp_path, "K_dose_010__8bit.md", sample_text("0.1", "K", TEXTS))
    imported(tmp_path, tmp_path / "whole.db")
    imported(path.parent, tmp_path / "part.db")
    assert contents(tmp_path / "part.db") == contents(tmp_path / "whole.db")
    alone = tmp_path / "alone"
    alone.mkdir()
    path.rename(alone / path.name)
    imported(alone, tmp_path / "alone.db")
    model, quantization, prompt, *_ = next(iter(contents(tmp_path / "alone.db")))
    assert (model, quantization, prompt) == ("Some-7b-model", "", 'What\'s a "knot"? Is it fast?')


def test_texts_that_are_there_stay(tmp_path: Path) -> None:
    store = tmp_path / "x.db"
    write_sample(tmp_path, "K_dose_010__8bit.md", sample_text("0.1", "K", {420: "a", 421: "b"}))
    write_sample(tmp_path, "v2__K_dose_010__8bit.md", sample_text("0.1", "K", {420: "a", 421: "other", 422: "c"}))
    assert imported(tmp_path, store) == Imported(3, 1, 1)
    before = contents(store)
    assert sorted(text for text, _ in before.values()) == ["a", "b", "c"]
    assert imported(tmp_path, store) == Imported(0, 4, 1)
    assert contents(store) == before


def test_import_samples_as_people_type_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sample(tmp_path, "K_dose_010__8bit.md", sample_text("0.1", "K", {420: "a", 421: "b"}))
    write_sample(tmp_path, "v2__K_dose_010__8bit.md", sample_text("0.1", "K", {420: "a", 421: "other"}))
    empty = write_sample(tmp_path, "K_dose_05__8bit.md", sample_text("0.05", "K", {}))
    (tmp_path / "README.md").write_text("# Samples", encoding="utf-8")
    store = str(tmp_path / "x.db")
    assert main(["import-samples", str(tmp_path), "-o", store]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "3 files with 4 texts were read.",
        f"2 texts were added to {store}; 1 already existed.",
        "1 were not added: there were other texts with the same seeds, which stay.",
        f"no text: {empty.relative_to(tmp_path)}",
        "skipped: README.md: it has no line ### RESPONSES",
    ]
    assert main(["import-samples", str(tmp_path / "none"), "-o", str(tmp_path / "y.db")]) == 2
    assert not (tmp_path / "y.db").exists()


#
# and back
#


def test_the_reference_s_files_come_back(tmp_path: Path) -> None:
    root = tmp_path / "in"
    for dose, name in (("0.01", "001"), ("0.05", "05"), ("0.1", "010"), ("0.35", "35"), ("1", "100")):
        for site in "AK":
            write_sample(root, f"{site}_dose_{name}__8bit.md", sample_text(dose, site, TEXTS), site, "8bit")
    first, second = tmp_path / "1.db", tmp_path / "2.db"
    imported(root, first)
    export(first, tmp_path / "out")
    assert imported(tmp_path / "out", second) == Imported(30, 0, 0)
    assert contents(second) == contents(first)
    paths = sorted(path.relative_to(root) for path in root.rglob("*.md"))
    assert sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.md")) == paths
    with open_sweep(first) as a, open_sweep(second) as b:
        assert a.models() == b.models()
    assert imported(tmp_path / "out", first) == Imported(0, 30, 0)


ODD_TEXTS = [
    "",
    "\n",
    "`````\nfenced\n`````",
    "ends with a fence ```",
    "a\r\nb\rc\u2028d\0e\n\n",
    "```\n\nSeed: 7\n```\nanother\n```\n",
    "x\n```\n\nSeed: 7\n```\ny",
    "### RESPONSES\n\nSeed: 9\n```\nx\n```",
    "</s>",
    "--> é 🌊",
]

ODD_PROMPTS = [
    Prompt('a/b: "c"? *\\', (("user", "Hi -->\n### RESPONSES\n\nSeed: 3\n```\nno\n```\n"),)),
    Prompt("A", (("user", 'One\n"""\n'), ("assistant", "Two"), ("user", "Three\r\n"))),
    Prompt("a", (), "Once upon a time"),
    Prompt("a", (), "Another of this name"),
    Prompt("..", (), ""),
]

ODD_SETTINGS = [
    Setting(SOBER, max_tokens=9),
    Setting(SAMPLER, sampler=(("temperature", 0.8), ("top_k", 40.0))),
    Setting("A", 0.1),
    Setting("A", 0.1, noise="reference"),
    Setting("A", 0.1000000000000001),
    Setting("pK", 2.5, "middle", ((0.1, 0.0), (0.3, 1.0)), "floor", dose_inputs="last", sink=3),
]


def test_whatever_people_name_and_write_comes_back(tmp_path: Path) -> None:
    first, second = tmp_path / "1.db", tmp_path / "2.db"
    models = [ModelInfo("f" * 64, "m-8x7B", "Q4_1", "llama"), ModelInfo("0" * 64, "M-8x7b", "Q4_1", "llama")]
    with open_sweep(first) as results:
        origin = results.origin(ORIGIN)
        for i, (model, prompt, setting) in enumerate(
            (m, p, s) for m in models for p in ODD_PROMPTS for s in ODD_SETTINGS
        ):
            cell = CellId(results.model(model), results.prompt(prompt), results.setting(setting))
            texts = enumerate(ODD_TEXTS[i % 3 :])
            results.add_texts((cell, origin, text_row(text, seed, n_tokens=5)) for seed, text in texts)
    n_texts = export(first, tmp_path / "out")
    n_cells = 2 * len(ODD_PROMPTS) * len(ODD_SETTINGS)
    files = list((tmp_path / "out").rglob("*.md"))
    assert len(files) == n_cells
    assert all(file.read_bytes().partition(b"\n")[0].count(b"-->") == 1 for file in files)
    folders = [path.name.lower() for path in (tmp_path / "out").iterdir() if path.is_dir()]
    assert len(set(folders)) == len(ODD_PROMPTS)
    assert imported(tmp_path / "out", second) == Imported(n_texts, 0, 0)
    assert contents(second) == contents(first)
    assert without_origin(second) == without_origin(first)


def without_origin(path: Path) -> set[tuple[Any, ...]]:
    """Everything known about each text, except what computed it."""
    return {(*row[:3], *row[4:]) for row in sweep_rows(path)}


def test_numbers_come_back(tmp_path: Path) -> None:
    first, second = synthetic_store(tmp_path / "1.db"), tmp_path / "2.db"
    n_texts = export(first, tmp_path / "out")
    assert imported(tmp_path / "out", second) == Imported(n_texts, 0, 0)
    assert imported(tmp_path / "out", first) == Imported(0, n_texts, 0)
    assert measures_of(second) == measures_of(first)
    assert all(measures["vendi"] is not None for measures in measures_of(second).values())


def measures_of(path: Path) -> dict[tuple[Prompt, Setting], dict[str, float | None]]:
    with open_sweep(path) as results:
        prompts, settings = results.prompts(), results.settings()
        found = cell_measures(results, results.cells())
        return {(prompts[cell.prompt], settings[cell.setting]): measures for cell, measures in found.items()}


def test_texts_without_tokens_do_not_take_the_place_of_the_models_own(tmp_path: Path) -> None:
    n_texts = export(synthetic_store(tmp_path / "1.db"), tmp_path / "out")
    for path in (tmp_path / "out").rglob("*.md"):
        path.write_bytes(path.read_bytes().rpartition(b"<!-- measured ")[0])
    assert imported(tmp_path / "out", tmp_path / "2.db") == Imported(n_texts, 0, 0)
    with open_sweep(tmp_path / "2.db") as results:
        (info,) = results.models().values()
        assert info.key == f"imported:synthetic-7b/Q4_1/{model_info().key[:12]}"
        assert {row.log_likelihood for cell in results.cells() for row in results.texts(cell)} == {None}


def test_a_damaged_file_of_ours_is_listed(tmp_path: Path) -> None:
    export(synthetic_store(tmp_path / "x.db", sites=["A"], doses=[0.3]), tmp_path / "out")
    path = next(path for path in sorted((tmp_path / "out").rglob("*.md")) if "A_dose_30" in path.name)
    whole = path.read_bytes()
    for damaged in (
        whole.replace(b'"setting"', b'"sitting"'),
        whole.replace(b"<!-- drugs_cpp {", b"<!-- drugs_cpp ["),
        whole[:-30],
    ):
        path.write_bytes(damaged)
        ((skipped, why),) = read_folder(tmp_path / "out").skipped
        assert path.name == skipped.name
        assert re.search("cannot be read|damaged", why)


def test_the_reference_s_page_can_read_what_is_written(tmp_path: Path) -> None:
    """With the expressions from its text_from_dirstruct.js."""
    export(synthetic_store(tmp_path / "x.db", n_prompts=1, sites=["K"], doses=[0.5]), tmp_path / "out")
    index = json.loads((tmp_path / "out" / "directory_structure.json").read_text(encoding="utf-8"))
    files = index["prompt 0"]["7B"]["llama"]["synthetic-7b"]["Q4_1"]
    assert [(name, file["dose_theta"]) for name, (file,) in sorted(files.items())] == [("K", 0.5), ("sober", 0.0)]
    assert files["K"][0]["filename"] == "K_dose_50__Q4_1.md"
    text = (tmp_path / "out" / files["K"][0]["filepath"][1:]).read_text(encoding="utf-8")
    for pattern, group in (
        (r'## System:\s*###\s*"([^"]+)"', "Be brief."),
        (r'## Prompt:\s*"([^"]+)"', "What about 0?"),
        (r"## post-sampling method:\s*###\s*([^\n]+)", "Greedy"),
    ):
        found = re.search(pattern, text)
        assert found is not None
        assert found.group(1) == group
    assert re.search(r"### Config\s*([\s\S]*?)```", text)
    assert [seed for seed, _ in re.findall(r"Seed: (\d+)\s*```([\s\S]*?)```", text)] == ["1", "2", "3"]
