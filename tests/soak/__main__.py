"""``python -m soak``, with tests/ on Python's path, as in `make soak`: see ``--help``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from drugs_cpp.progress import Progress
from soak import memory, report, run
from soak.findings import Findings
from soak.limits import for_minutes
from soak.questions import pool
from support.tiny_model import write_tiny_model

OUTPUT = Path("build", "soak")


def main() -> int:
    options = _options()
    findings = Findings(OUTPUT)
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or _tiny_model(Path(folder))
        print(f"soak: {options.clients} clients for {options.minutes:g} minutes, seed {options.seed}", flush=True)
        mib, seconds = _run(model, options, findings)
    print(report.requests(findings))
    if len(mib) < 4:
        findings.add("the server ended too early to tell whether memory grows")
    else:
        print(report.memory(mib, seconds))
        findings.add(*memory.grown(mib))
    for problem in findings.problems:
        print(f"soak: {problem}", file=sys.stderr)
    print(f"soak: {'failed' if findings.problems else 'every answer as alone, memory flat'}")
    return 1 if findings.problems else 0


def _run(model: str, options: argparse.Namespace, findings: Findings) -> tuple[list[float], float]:
    """The server's memory in MiB, and for how many seconds it was observed."""
    with Progress("asking a server that has nothing else to do") as progress:
        asked = run.alone(model, pool(options.seed))
        start = time.monotonic()

        def tell(mib: float) -> None:
            minutes = (time.monotonic() - start) / 60
            n_done, n_differing = sum(findings.done.values()), sum(findings.differing.values())
            progress.show(
                f"{minutes:.1f} of {options.minutes:g} minutes: {n_done} answers, {n_differing} differ, {mib:.0f} MiB"
            )

        mib = run.in_company(model, asked, options.clients, options.seed, for_minutes(options.minutes), findings, tell)
        return mib, time.monotonic() - start


def _tiny_model(folder: Path) -> str:
    path = folder / "tiny.gguf"
    write_tiny_model(path)
    return str(path)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m soak",
        description="Many clients of a server: every answer must be as alone, and memory stay as it is.",
    )
    parser.add_argument("-m", "--model", help="a GGUF file; without it, a tiny random model in float32")
    parser.add_argument("--minutes", type=float, default=20, help="default: %(default)s")
    parser.add_argument("--clients", type=int, default=16, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of what the clients ask (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
