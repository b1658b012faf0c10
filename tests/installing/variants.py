"""Which CPU backend is chosen on which processor: qemu runs Python on older ones. It has none with AVX-512."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from installing.environment import Environment

QEMU = "qemu-x86_64"

#: qemu's name of a processor, and the newest backend of the wheel whose instructions it has
EXPECTED = {
    "qemu64": "x64",
    "Nehalem": "sse42",
    "SandyBridge": "sandybridge",
    "IvyBridge": "ivybridge",
    "Opteron_G5": "piledriver",
    "Haswell": "haswell",
}

#: loads the backends as a program does, without anything that an old processor cannot run
_LOAD = """
import ctypes, pathlib, re, sysconfig
folder = pathlib.Path(sysconfig.get_path("platlib"), "drugs_cpp", "lib")
ctypes.CDLL(str(folder / "libggml.so")).ggml_backend_load_all()
mapped = pathlib.Path("/proc/self/maps").read_text()
print(",".join(sorted(set(re.findall(r"libggml-cpu-(\\w+)\\.so", mapped)))))
"""


PROMPT = "The lighthouse keeper opened the door and"
WRITE = (
    "completion",
    "-p",
    PROMPT,
    "-n",
    "6",
    "-no-cnv",
    "-t",
    "1",
    "-c",
    "256",
    "--dose",
    "A=0.8",
    "--dose-seed",
    "1",
)


def chosen(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield a processor, and the backend that is loaded there, which must be the expected one, with a dosed text."""
    qemu = shutil.which(QEMU)
    if qemu is None:
        yield "other processors", f"not tried: {QEMU} is not installed (Debian: apt install qemu-user)"
        return
    for cpu, expected in EXPECTED.items():
        loaded = environment.run(qemu, "-cpu", cpu, environment.interpreter, "-c", _LOAD)
        assert loaded == expected, (cpu, loaded)
        text = environment.run(qemu, "-cpu", cpu, environment.program, *WRITE)
        assert text.startswith(PROMPT), (cpu, text)
        yield cpu, f"{loaded}: {text}"
