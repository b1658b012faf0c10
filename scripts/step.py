"""Run one step of the Makefile: show one line on the terminal, and put the rest in a log, shown if the step fails.

python scripts/step.py NAME "what happens" command...        the log is build/logs/NAME.log
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

LOGS = Path("build", "logs")
# Progress as printed by ninja ("[12/345] ...") and pip ("Progress 12 of 345").
PROGRESS = re.compile(rb"(?:^|\n) *(?:\[(\d+)/(\d+)\]|Progress (\d+) of (\d+))")
NO_NETWORK = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ProxyError|Max retries exceeded")
ERROR = "drugs_cpp: error: "
WIDTH = 24
TAIL = 1 << 18  # bytes; a compiler can print a lot between two steps of ninja


def how_far(log: Path) -> float | None:
    """Return the last progress in the log's tail as a fraction, or None if there is none."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        found = PROGRESS.findall(file.read())
    if not found:
        return None
    done, total = (int(number) for number in found[-1] if number)
    return done / total if total else None


def draw(text: str, log: Path, seconds: float) -> None:
    fraction = how_far(log)
    bar = ""
    if fraction is not None:
        filled = round(WIDTH * fraction)
        bar = f" [{'#' * filled}{'.' * (WIDTH - filled)}] {fraction:4.0%}"
    state = f"{bar} {seconds:.0f} s"
    room = shutil.get_terminal_size().columns - len(state) - 1  # a line that wraps could not be overwritten
    print(f"\r\033[K{text[:room]}{state}", end="", flush=True)


def run(command: list[str], text: str, log: Path) -> int:
    on_terminal = sys.stdout.isatty()
    print(text, end="" if on_terminal else "\n", flush=True)
    start = time.monotonic()
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as process:
        while True:
            try:
                return process.wait(timeout=0.3)
            except subprocess.TimeoutExpired:
                if on_terminal:
                    draw(text, log, time.monotonic() - start)
            finally:
                if on_terminal and process.returncode is not None:
                    print(f"\r\033[K{text} {time.monotonic() - start:.0f} s")


def explain(log: Path) -> str:
    """Say why the step failed: the build's own error, a known cause, or the end of the log."""
    said = log.read_text(encoding="utf-8", errors="replace")
    own = [line.strip() for line in said.splitlines() if line.lstrip().startswith(ERROR)]
    if own:
        return own[-1]
    if NO_NETWORK.search(said):
        return f"{ERROR}the network cannot be reached: connect and run make again (details: {log})"
    return "\n".join([*said.splitlines()[-25:], f"{ERROR}this step failed; the whole log is {log}"])


def main() -> int:
    name, text, *command = sys.argv[1:]
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    try:
        status = run(command, text, log)
    except KeyboardInterrupt:
        print("\ndrugs_cpp: interrupted; the next make continues from here", file=sys.stderr)
        return 130
    if status:
        print(explain(log), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
