"""The site on which texts of a sweep are compared: static files that work from a disk and from any server."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.errors import OptionError
from drugs_cpp.study.site_data import Text

if TYPE_CHECKING:
    from os import PathLike

    from drugs_cpp.study.site_data import Block, SiteData

_PACKAGE = Path(__file__).parents[1]

#: files of the server's page, which the site looks like
_SHARED = (_PACKAGE / "page" / "base.css", _PACKAGE / "page" / "icon.svg")

#: written first and recognized by its beginning, so that a site is recognized even if writing it was interrupted
_INDEX = "data/index.js"
_BEGINNING = "explorer.loadIndex("

_OF_A_MODEL = ("name", "quantization", "architecture", "sha256")

_TEXTS = re.compile(r"data/texts-\d+\.js")

#: what a script must not contain literally: what could end it in a page, line separators that JSON allows, and
#: surrogates, which UTF-8 cannot encode
_UNSAFE = re.compile("[<\u2028\u2029\ud800-\udfff]")

_DIGITS = 5  # decimal places of measures

#: hexadecimal digits of a checksum, by which the page recognizes texts of another export in the browser's cache
_SUM_LENGTH = 12


def site_files(data: SiteData) -> Iterator[tuple[str, bytes]]:
    """Yield names, with "/" between folders, and contents of all files; ``data/index.js`` comes first."""
    blocks = [block for block in data.blocks if block.texts]
    texts = [_json(_columns(Text, block.texts)) for block in blocks]
    sums = [hashlib.sha256(text.encode()).hexdigest()[:_SUM_LENGTH] for text in texts]
    summaries = [{**_summary(block), "sum": sum_} for block, sum_ in zip(blocks, sums)]
    yield _INDEX, f"{_BEGINNING}{_json(_index(data, summaries))});\n".encode()
    for number, (text, sum_) in enumerate(zip(texts, sums)):
        yield f"data/texts-{number}.js", f"explorer.loadTexts({number}, '{sum_}', {text});\n".encode()
    for path in (*sorted((_PACKAGE / "explorer").iterdir()), *_SHARED):
        if path.is_file():
            yield path.name, path.read_bytes()


def write_site(data: SiteData, folder: str | PathLike[str]) -> None:
    """Write the files. Those of an earlier site are replaced, or removed if they are no longer needed.

    Args:
        data: what the site shows.
        folder: created if it does not exist. Names in it that begin with a dot are left alone.

    Raises:
        OptionError: the folder contains a file that does not belong to such a site. Nothing was written.
    """
    folder = Path(folder)
    files = dict(site_files(data))
    there = _names_in(folder)
    _check_folder(folder, there, files)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in there:
        if name not in files:
            (folder / name).unlink()


def _names_in(folder: Path) -> list[str]:
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file: give a folder")
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return [path.as_posix() for path in paths if not path.parts[0].startswith(".")]


def _check_folder(folder: Path, there: Iterable[str], files: Iterable[str]) -> None:
    index = folder / _INDEX
    is_site = index.is_file() and index.read_bytes()[: len(_BEGINNING)] == _BEGINNING.encode()
    own = set(files)
    for name in there:
        if not is_site or (name not in own and not _TEXTS.fullmatch(name)):
            raise OptionError(
                f"{folder} has a file that does not belong to an explorer's site: {name}; give an empty folder"
            )


def _index(data: SiteData, summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "title": data.title,
        "version": data.version,
        "cpu": data.cpu,
        "models": [{name: getattr(model, name) for name in _OF_A_MODEL} for model in data.models],
        "prompts": [{"name": p.name, "messages": p.messages, "text": p.shown} for p in data.prompts],
        "settings": [{**vars(setting), "sampler": dict(setting.sampler)} for setting in data.settings],
        "blocks": summaries,
    }


def _summary(block: Block) -> dict[str, Any]:
    have_texts = {text.setting for text in block.texts}
    cells = [cell for cell in block.cells if cell.setting in have_texts]
    names = dict.fromkeys(name for cell in cells for name in cell.measures)
    return {
        "model": block.model,
        "prompt": block.prompt,
        "n_texts": len(block.texts),
        "cells": {
            "setting": [cell.setting for cell in cells],
            "n_texts": [cell.n_texts for cell in cells],
            "measures": {name: [_plain(cell.measures.get(name)) for cell in cells] for name in names},
        },
    }


def _columns(kind: type[Text], rows: Sequence[Text]) -> dict[str, list[Any]]:
    """Return a list for each attribute, so that names are not repeated for each row."""
    return {field.name: [_plain(getattr(row, field.name)) for row in rows] for field in fields(kind)}


def _plain(value: Any) -> Any:
    """Make a value JSON-compatible: JSON has no infinite numbers, and nobody sees the sixth digit."""
    if not isinstance(value, float):
        return value
    return round(value, _DIGITS) if math.isfinite(value) else None


def _json(value: Any) -> str:
    """Return JSON that is also valid in JavaScript and in any page."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
