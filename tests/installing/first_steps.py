"""What README shows, with a package that was just installed: it fails if a step does. Runs with nothing else installed.

usage: python first_steps.py        it prints the CPU backend that was loaded
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import drugs_cpp
from drugs_cpp._library import UPSTREAM_VERSION


def program(*arguments: str) -> str:
    """Run the program `drugs` where pip puts programs, and return what it writes."""
    found = shutil.which("drugs", path=sysconfig.get_path("scripts"))
    if found is None:
        sys.exit("the program drugs is not installed")
    done = subprocess.run([found, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"drugs {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def continued(prompt: str, *arguments: str) -> str:
    """Return a text by the program, a few tokens long, on one thread."""
    return program("completion", "-p", prompt, "-n", "8", "-no-cnv", "-t", "1", *arguments)


def backend() -> str:
    """Return the name of the file with the CPU backend that this process has loaded, if the system can tell."""
    if sys.platform == "win32":
        backends = Path(drugs_cpp.__file__).parent.glob("lib/ggml-cpu*.dll")
        return next((file.name for file in backends if ctypes.windll.kernel32.GetModuleHandleW(file.name)), "none")
    try:
        mapped = Path("/proc/self/maps").read_text(encoding="utf-8")
    except FileNotFoundError:
        return "unknown"
    return next((Path(line.split()[-1]).name for line in mapped.splitlines() if "ggml-cpu" in line), "none")


def main() -> None:
    quiet = subprocess.run([sys.executable, "-c", "import drugs_cpp"], capture_output=True, text=True, check=True)
    assert quiet.stdout + quiet.stderr == ""

    prompt = "The lighthouse keeper opened the door and"
    sober, dosed = continued(prompt), continued(prompt, "--dose", "A=0.8", "--dose-seed", "1")
    assert sober.startswith(prompt), sober
    assert dosed.startswith(prompt), dosed
    assert sober != dosed

    llm = drugs_cpp.Llama(drugs_cpp.default_model(), drugs={"A": 0.3}, n_ctx=256, n_threads=1, verbose=False)
    question = [{"role": "user", "content": "Name a river."}]
    choices = llm.variations(messages=question, n=2, seeds=1, max_tokens=8)["choices"]
    assert all(choice["message"]["content"] for choice in choices), choices

    import llama_cpp  # the copy in the package, whatever else is installed

    assert llama_cpp.__version__ == UPSTREAM_VERSION
    assert Path(llama_cpp.__file__).is_relative_to(Path(drugs_cpp.__file__).parent)
    assert "page" in program("serve", "--help")
    print(backend())


if __name__ == "__main__":
    main()
