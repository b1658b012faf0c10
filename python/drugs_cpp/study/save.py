"""Output files for results: pages, pictures, animations, tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drugs_cpp.errors import OptionError
from drugs_cpp.extras import extra
from drugs_cpp.study.grid import FIRST_ANGLE
from drugs_cpp.study.vergence_page import write_page
from drugs_cpp.study.vergence_pictures import write_animation, write_picture
from drugs_cpp.study.vergence_table import write_table

if TYPE_CHECKING:
    from os import PathLike

    from drugs_cpp.study.vergence_result import Vergence

#: suffixes of files that show one angle, and of those that show all angles
_AT_AN_ANGLE = {".html": write_page, ".png": write_picture, ".svg": write_picture, ".pdf": write_picture}
_OF_ALL_ANGLES = {".gif": write_animation, ".mp4": write_animation, ".parquet": write_table}

ENDINGS = (*_AT_AN_ANGLE, *_OF_ALL_ANGLES)

#: package that each suffix needs
_MODULES = {**dict.fromkeys(ENDINGS, "matplotlib"), ".html": "plotly", ".parquet": "pyarrow"}


def check_output(path: str | PathLike[str]) -> Path:
    """Refuse, before anything is computed, files that :func:`save` could not write.

    Raises:
        OptionError: another suffix, or a folder that does not exist.
        MissingExtraError: a package is not installed.
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise OptionError(f"{path}: the name has to end in {', '.join(ENDINGS)}")
    if not path.parent.is_dir():
        raise OptionError(f"{path}: there is no folder {path.parent}")
    extra(_MODULES[path.suffix])
    return path


def save(vergence: Vergence, path: str | PathLike[str], angle: float = FIRST_ANGLE) -> None:
    """Write a file in the format given by its suffix.

    ``.html``: one page that works without a network: surfaces to turn and play, tokens, maps. ``.png``, ``.svg``,
    ``.pdf``: where noise matters, and layers dosed by layers measured. ``.gif``, ``.mp4``: surfaces for one dosed layer
    after the other. ``.parquet``: a row for each run.

    Args:
        vergence: the results.
        path: of the file.
        angle: radians; a picture shows the nearest computed angle, and a page begins with it.

    Raises:
        OptionError, MissingExtraError: as :func:`check_output`; ``.mp4`` also needs ffmpeg.
    """
    path = check_output(path)
    if path.suffix in _AT_AN_ANGLE:
        _AT_AN_ANGLE[path.suffix](vergence, path, angle)
    else:
        _OF_ALL_ANGLES[path.suffix](vergence, path)
