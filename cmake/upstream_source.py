"""Find the pinned upstream source: from the user's cache, through pip, or at a path that the user gives.

Run as a script, it prints the path of the archive or folder from which to build, for the Makefile.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PIN_FILE = Path(__file__).resolve().parent.parent / "patches" / "upstream.json"
TREE = Path("vendor", "llama.cpp")  # where the source distribution keeps llama.cpp
VARIABLE = "DRUGS_CPP_UPSTREAM"
STANDARD_ERROR = 2  # the file itself, whatever sys.stderr may be
HOW_TO_GIVE_IT = (
    f"give its source with -DDRUGS_UPSTREAM=PATH or {VARIABLE}=PATH (the archive, or a folder unpacked from it)"
)


class UpstreamError(Exception):
    """The upstream source is not available, or is not the pinned one. The text is one line for the user."""


@dataclass(frozen=True)
class Pin:
    """The only version of upstream that the patches are made for."""

    name: str
    version: str
    sha256: str
    llama_cpp_commit: str

    @property
    def archive_name(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}.tar.gz"

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


def read_pin() -> Pin:
    return Pin(**json.loads(PIN_FILE.read_text(encoding="utf-8")))


def cache_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "drugs_cpp"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drugs_cpp"


def find_source(given: str | None = None) -> Path:
    """Return the archive or folder to build from: `given`, else $DRUGS_CPP_UPSTREAM, else the cached download."""
    pin = read_pin()
    given = given or os.environ.get(VARIABLE)
    if not given:
        return fetch(pin)
    path = Path(given).expanduser().resolve()
    if path.is_dir():
        llama_cpp_folder(path)
    elif path.is_file():
        check_hash(path, pin)
    else:
        raise UpstreamError(f"the upstream source {path} does not exist: {HOW_TO_GIVE_IT}")
    return path


def fetch(pin: Pin) -> Path:
    """Return the cached archive, after downloading it if it is missing or damaged."""
    archive = cache_folder() / pin.archive_name
    if archive.is_file() and sha256_of(archive) == pin.sha256:
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    # The download goes to its own folder, and is moved when it is complete and checked.
    with tempfile.TemporaryDirectory(prefix="download-", dir=archive.parent) as folder:
        download(pin, Path(folder))
        downloaded = Path(folder, pin.archive_name)
        if not downloaded.is_file():
            raise UpstreamError(f"pip did not bring {pin.archive_name}: {HOW_TO_GIVE_IT}")
        check_hash(downloaded, pin)
        downloaded.replace(archive)
    return archive


def download(pin: Pin, folder: Path) -> None:
    """Download the source distribution into `folder` with pip and the user's own settings."""
    if importlib.util.find_spec("pip") is None:
        raise UpstreamError(f"{sys.executable} has no pip to get {pin.requirement}: install pip, or {HOW_TO_GIVE_IT}")
    print(f"drugs_cpp: downloading the source of {pin.requirement} (about 80 MB, once)", file=sys.stderr, flush=True)
    # The hash lets pip refuse a wrong archive before it runs anything in it.
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{pin.requirement} --hash=sha256:{pin.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", pin.name, "--retries", "2"]
    command += ["--disable-pip-version-check", "--dest", str(folder), "--requirement", str(wanted)]
    if importlib.util.find_spec("scikit_build_core") is not None:
        # pip reads the metadata with the package's build tool: use ours instead of fetching another.
        command.append("--no-build-isolation")
    with tempfile.TemporaryFile() as errors:
        status = subprocess.call(command, stdout=STANDARD_ERROR, stderr=errors)  # pip writes its progress to stdout
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace")
    if status:
        raise UpstreamError(why_pip_failed(said, pin))


def why_pip_failed(said: str, pin: Pin) -> str:
    if "DO NOT MATCH THE HASHES" in said:
        return f"the {pin.requirement} that pip found is not the pinned one (sha256 {pin.sha256}): {HOW_TO_GIVE_IT}"
    if "from versions: none" in said:  # what pip says if it cannot reach any index
        return f"pip could not find {pin.requirement}: connect to the network and try again, or {HOW_TO_GIVE_IT}"
    reasons = re.findall(r"^ERROR: (.*)", said, re.MULTILINE) or ["it gave no reason"]
    return f"pip could not download {pin.requirement} ({reasons[0].strip()}): try again, or {HOW_TO_GIVE_IT}"


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_hash(path: Path, pin: Pin) -> None:
    found = sha256_of(path)
    if found != pin.sha256:
        raise UpstreamError(
            f"{path} is not the pinned {pin.requirement}: its sha256 is {found}, wanted {pin.sha256}; "
            "give the right file, or an unpacked folder to build another version on purpose"
        )


def llama_cpp_folder(folder: Path) -> Path:
    """Return the llama.cpp tree in a folder, which is the tree itself or an unpacked source distribution."""
    for tree in (folder / TREE, folder):
        if (tree / "ggml" / "CMakeLists.txt").is_file():
            return tree
    raise UpstreamError(f"{folder} holds no llama.cpp source (no ggml/CMakeLists.txt, nor {TREE}/ggml/CMakeLists.txt)")


@contextmanager
def llama_cpp_files(source: Path) -> Iterator[Iterator[tuple[str, bytes, bool]]]:
    """Yield llama.cpp's files: path relative to its root, content, whether it is executable."""
    if source.is_dir():
        yield files_of_folder(llama_cpp_folder(source))
    else:
        with open_archive(source) as archive:
            yield files_of_archive(archive, TREE)


def has_bindings(source: Path) -> bool:
    """Whether a source contains llama-cpp-python's Python files and metadata, which a llama.cpp tree does not."""
    return source.is_file() or all((source / name).is_file() for name in ("PKG-INFO", "llama_cpp/__init__.py"))


def bindings_files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of llama-cpp-python itself: path relative to its root, and content."""
    if source.is_dir():
        for name in ("PKG-INFO", "LICENSE.md"):
            yield name, (source / name).read_bytes()
        for path, content, _ in files_of_folder(source / "llama_cpp"):
            yield f"llama_cpp/{path}", content
    else:
        with open_archive(source) as archive:
            for path, content, _ in files_of_archive(archive, Path()):
                if not path.startswith("vendor/"):
                    yield path, content


def open_archive(source: Path) -> tarfile.TarFile:
    if zipfile.is_zipfile(source):
        raise UpstreamError(f"{source} is a zip file: give the .tar.gz source distribution or a folder")
    return tarfile.open(source)


def files_of_folder(root: Path) -> Iterator[tuple[str, bytes, bool]]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - {".git"})
        for name in sorted(set(names) - {".git"}):
            path = Path(folder, name)
            yield path.relative_to(root).as_posix(), path.read_bytes(), os.access(path, os.X_OK)


def files_of_archive(archive: tarfile.TarFile, root: Path) -> Iterator[tuple[str, bytes, bool]]:
    """Leave out `.git`: in the source distribution, it is a link to a folder that does not exist."""
    for member in archive:
        parts = Path(member.name).parts[1:]
        if parts[: len(root.parts)] != root.parts or not member.isfile() or {".git", ".."} & set(parts):
            continue
        content = archive.extractfile(member)
        if content is not None:
            yield Path(*parts).relative_to(root).as_posix(), content.read(), bool(member.mode & 0o100)


def main() -> None:
    print(find_source())


if __name__ == "__main__":
    try:
        main()
    except UpstreamError as error:
        sys.exit(f"drugs_cpp: error: {error}")
