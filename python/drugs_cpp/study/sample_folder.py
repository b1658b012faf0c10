"""``import_samples``: imports the reference project's folder of texts into a store.

``<prompt>/<size>/<family>/<model>/<quantization>/<site>/<site>_dose_<hundredths>__<quantization>.md``
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.errors import ResultFileError
from drugs_cpp.study.measures import compressibility, repeated
from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.sample_text import NotASampleError, Sample, SampleText, read_sample
from drugs_cpp.study.sweep_store import CellId, ModelInfo, SweepStore, TextRow

if TYPE_CHECKING:
    from os import PathLike

#: called with the number of files read, the number of all files, and the seconds since the first one was begun
Listener = Callable[[int, int, float], None]

#: length of a prompt's name that is made from its beginning
_NAME = 40

#: fields of texts of which only the words are known
_NOT_MEASURED: Mapping[str, Any] = {
    "tokens": np.zeros(0, np.int32),
    "log_likelihood": None,
    "parted": None,
    "embedding": np.zeros(0, np.float16),
    "seconds": 0.0,
}

#: prefix of keys of models whose file is not known
_IMPORTED = "imported:"


@dataclass(frozen=True)
class SampleFile:
    """A file that was read.

    Attributes:
        path: of the file.
        model: the model that wrote its texts.
        sample: its content; its prompt has a name.
    """

    path: Path
    model: ModelInfo
    sample: Sample


@dataclass(frozen=True)
class SampleFolder:
    """The content of a folder.

    Attributes:
        name: of the folder.
        files: with or without texts, in order of their paths.
        skipped: files that were not read, and why.
    """

    name: str
    files: tuple[SampleFile, ...]
    skipped: tuple[tuple[Path, str], ...]

    @property
    def n_texts(self) -> int:
        """Number of texts in all files."""
        return sum(len(file.sample.texts) for file in self.files)

    @property
    def empty(self) -> list[Path]:
        """Files that have everything except a text."""
        return [file.path for file in self.files if not file.sample.texts]


@dataclass(frozen=True)
class Imported:
    """How many texts of a folder were added.

    Attributes:
        n_new: texts that the store did not have.
        n_there: texts that it already had with the same words, or that the folder has twice.
        n_others: texts for which it has a different one with the same model, prompt, setting and seed, which stays.
    """

    n_new: int
    n_there: int
    n_others: int


def read_folder(folder: str | PathLike[str], progress: Listener | None = None) -> SampleFolder:
    """Read all Markdown files in a folder and its subfolders.

    Raises:
        ResultFileError: no such folder, or no file with texts in it.
    """
    root = Path(folder).resolve()
    if not root.is_dir():
        raise ResultFileError(f"{folder}: no such folder")
    paths, start = sorted(root.rglob("*.md")), time.monotonic()
    files, skipped = [], []
    for i, path in enumerate(paths):
        try:
            files.append(_read(path))
        except (NotASampleError, OSError, UnicodeDecodeError) as error:
            skipped.append((path.relative_to(root), str(error)))
        if progress is not None:
            progress(i + 1, len(paths), time.monotonic() - start)
    if not files:
        why = f"none of its {len(skipped)} files is one" if skipped else "it has no file that ends in .md"
        example = f"; {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
        raise ResultFileError(f"{folder} has no samples in the format of the reference project: {why}{example}")
    return SampleFolder(root.name, tuple(files), tuple(skipped))


def import_samples(folder: SampleFolder, results: SweepStore) -> Imported:
    """Add the texts of a folder to a store, all or none of them; existing ones stay as they are."""
    rows: list[tuple[CellId, int, TextRow]] = []
    there: dict[CellId, dict[int, str]] = {}
    n_there = n_others = 0
    for file in folder.files:
        cell = CellId(
            results.model(file.model), results.prompt(file.sample.prompt), results.setting(file.sample.setting)
        )
        origin = results.origin(_origin(folder, file.sample))
        if cell not in there:
            there[cell] = {row.seed: row.text for row in results.texts(cell)}
        for text in file.sample.texts:
            if text.seed not in there[cell]:
                there[cell][text.seed] = text.text
                rows.append((cell, origin, _row(text)))
            elif there[cell][text.seed] == text.text:
                n_there += 1
            else:
                n_others += 1
    results.add_texts(rows)
    return Imported(len(rows), n_there, n_others)


def _read(path: Path) -> SampleFile:
    sample = read_sample(path.read_bytes().decode("utf-8"))
    if sample.model:
        key, name, quantization, architecture = (
            sample.model[part] for part in ("key", "name", "quantization", "architecture")
        )
        if not (key.startswith(_IMPORTED) or _have_tokens(sample)):  # cannot take the place of the model's own texts
            key = f"{_IMPORTED}{name}/{quantization}/{key[:12]}"
        return SampleFile(path, ModelInfo(key, name, quantization, architecture), sample)
    name, quantization, family, prompt = _of_folders(path, sample)
    named = replace(sample, prompt=Prompt(prompt, sample.prompt.messages, sample.prompt.text))
    return SampleFile(path, ModelInfo(f"{_IMPORTED}{name}/{quantization}", name, quantization, family), named)


def _have_tokens(sample: Sample) -> bool:
    return all(len(text.measured.get("tokens", ())) or not text.text for text in sample.texts)


def _of_folders(path: Path, sample: Sample) -> tuple[str, str, str, str]:
    """Return model, quantization, family and prompt from the names of the folders, or else from the file."""
    names = [parent.name for parent in path.parents]
    if len(names) > 5 and names[0] == sample.setting.site:
        return names[2], names[1], names[3], names[5]
    return sample.model_id.rpartition("/")[2], "", "", " ".join(sample.prompt.shown.split())[:_NAME]


def _origin(folder: SampleFolder, sample: Sample) -> dict[str, str]:
    return {"imported": folder.name, "model_id": sample.model_id, "loaded_with": sample.loaded_with}


def _row(text: SampleText) -> TextRow:
    return TextRow(
        seed=text.seed,
        text=text.text,
        ending=text.ending,
        compressibility=compressibility(text.text),
        repeated=repeated(text.text),
        **{**_NOT_MEASURED, **text.measured},
    )
