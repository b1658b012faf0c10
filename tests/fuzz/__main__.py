"""Run fuzzers one after the other, each starting from the saved corpus: ``make fuzz``.

python -m fuzz SECONDS [TARGET...]      findings are kept in build/fuzz/TARGET
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from fuzz.targets import CORPUS, IN_CPP, TARGETS, dictionary

ROOT = Path(__file__).resolve().parents[2]
FOUND = ROOT / "build" / "fuzz"
ERROR = "drugs_cpp: error: "

_LONGEST_INPUT = 1 << 15  # bytes
_LONGEST_RUN = 20  # seconds for one input; a longer run is a fault, too


def program(target: str) -> list[str]:
    """The command that fuzzes a target, without options."""
    if target in IN_CPP:
        return [str(Path(os.environ["DRUGS_FUZZ"]) / f"fuzz-{target}")]
    return [sys.executable, "-m", "fuzz.guided", target]


def run(target: str, seconds: int) -> bool:
    """Fuzz a target for this long; returns whether nothing was found."""
    folder = FOUND / target
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    words = dictionary(target)
    options = [
        *(f"-max_total_time={seconds}", f"-max_len={_LONGEST_INPUT}", f"-timeout={_LONGEST_RUN}", "-rss_limit_mb=4096"),
        *("-print_final_stats=1", f"-artifact_prefix={folder}/", "-verbosity=1"),
        *([f"-dict={words}"] if words.is_file() else []),
    ]
    log = folder / "log"
    print(f"{target}: {seconds} s", end=" ", flush=True)
    with log.open("wb") as file:
        command = [*program(target), *options, str(folder / "corpus"), str(CORPUS / target)]
        failed = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode != 0
    said = log.read_text("utf-8", errors="replace")
    counted = re.search(r"stat::number_of_executed_units: *(\d+)", said)
    print(f"{int(counted[1]) if counted else 0:,} inputs, {'A FINDING' if failed else 'nothing found'}", flush=True)
    if failed:
        print(_explain(target, said, log), file=sys.stderr)
    return not failed


def _explain(target: str, said: str, log: Path) -> str:
    kept = re.findall(r"Test unit written to (\S+)", said)
    if not kept:
        return f"{said[-3000:]}\n{ERROR}the fuzzer of {target} did not run; the whole log is {log}"
    again = " ".join([*program(target), kept[-1]])
    return f"{said[-3000:]}\n{ERROR}the fuzzer of {target} found a fault: {kept[-1]} causes it; again: {again}"


def main() -> int:
    seconds, *names = sys.argv[1:]
    unknown = [name for name in names if name not in TARGETS]
    if unknown or not seconds.isdecimal() or int(seconds) < 1:
        print(f"{ERROR}FUZZ is one or more of {', '.join(TARGETS)}; FUZZ_SECONDS is 1 or more", file=sys.stderr)
        return 2
    results = [run(name, int(seconds)) for name in names or TARGETS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
