"""Doses by their effect that are already known: shipped with the package, or kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from drugs_cpp.doses.titration import CALIBRATED, TABLE, Titration, dose_key, titration_of
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.model.frozen_texts import NAME
from drugs_cpp.whole_file import whole

#: environment variable that names the cache folder
CACHE_VARIABLE = "DRUGS_CACHE"

_TABLE = Path(__file__).parents[1] / "effects.json"


def cache_folder() -> Path:
    """Return the user's cache folder for this package, where it keeps what it would otherwise compute again."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "drugs_cpp"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "drugs_cpp"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drugs_cpp"


def known_effects(model: Path) -> list[Titration]:
    """Return what was found for a model's file. The user's results come last and take precedence."""
    kept = _read(_kept())
    sha256 = _sha256(model, kept)
    return [*_of_model(_read(_TABLE), sha256, TABLE), *_of_model(kept, sha256, CALIBRATED)]


def keep_effects(model: Path, titrations: Iterable[Titration]) -> None:
    """Add results for a model's file to those that are kept. Does nothing if the folder cannot be written."""
    data = _read(_kept())
    sha256 = _sha256(model, data)
    found = {(dose_key(some.dosage), some.target): some for some in (*_of_model(data, sha256, CALIBRATED), *titrations)}
    doses = [some.to_dict() for some in found.values()]
    data["models"][sha256] = {"name": model.name, "texts": NAME, "doses": doses}
    _write(data)


def _kept() -> Path:
    return cache_folder() / "effects.json"


def _read(path: Path) -> dict[str, Any]:
    """Read a file in this format; empty if it does not exist, is damaged, or has another format."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {"files": dict(data["files"]), "models": dict(data["models"])}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {"files": {}, "models": {}}


def _write(data: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):
        _kept().parent.mkdir(parents=True, exist_ok=True)
        with whole(_kept()) as part:
            part.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _sha256(model: Path, kept: dict[str, Any]) -> str:
    """Return the SHA-256 of a file. It is computed once, and later found by path, size and time."""
    path = str(model.resolve())
    status = Path(path).stat()
    stamp = [status.st_size, int(status.st_mtime)]  # whole seconds, as the programs read them
    known = kept["files"].get(path)
    if isinstance(known, list) and len(known) == 3 and known[:2] == stamp and isinstance(known[2], str):
        return known[2]
    sha256 = sha256_of(path)
    kept["files"][path] = [*stamp, sha256]
    _write(kept)
    return sha256


def _of_model(data: Mapping[str, Any], sha256: str, source: str) -> Iterable[Titration]:
    entry = data["models"].get(sha256)
    if not isinstance(entry, Mapping) or entry.get("texts") != NAME:
        return
    doses = entry.get("doses")
    for values in doses if isinstance(doses, list) else ():
        with contextlib.suppress(LookupError, TypeError, ValueError):  # not a dose
            yield titration_of(values, source)
