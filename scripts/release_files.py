"""Fill in the files in packaging/ for a release: python scripts/release_files.py SDIST FOLDER

Versions and hashes come from the source distribution, which must be the one that is published, and from
patches/upstream.json. Writes the Homebrew formula and the recipe for conda-forge to FOLDER.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"


class ReleaseError(Exception):
    """The files cannot be written. The text is one line for the user."""


def values_for(sdist: Path) -> dict[str, str]:
    """Return what stands for each name between two @ in the files.

    Raises:
        ReleaseError: the file is not named as a source distribution.
    """
    stem = sdist.name.removesuffix(".tar.gz")
    if stem == sdist.name or not stem.startswith("drugs_cpp-"):
        raise ReleaseError(f"{sdist} is not a source distribution: give dist/drugs_cpp-VERSION.tar.gz")
    pin = json.loads((ROOT / "patches" / "upstream.json").read_text(encoding="utf-8"))
    return {
        "VERSION": stem.removeprefix("drugs_cpp-"),
        "SHA256": hashlib.sha256(sdist.read_bytes()).hexdigest(),
        "UPSTREAM_VERSION": pin["version"],
        "UPSTREAM_SHA256": pin["sha256"],
    }


def fill_in(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdist", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    values = values_for(given.sdist)
    given.folder.mkdir(parents=True, exist_ok=True)
    for template in sorted(PACKAGING.glob("*.in")):
        target = given.folder / template.stem
        target.write_text(fill_in(template.read_text(encoding="utf-8"), values), encoding="utf-8")
        print(target)


if __name__ == "__main__":
    try:
        main()
    except ReleaseError as error:
        sys.exit(f"drugs_cpp: error: {error}")
