"""What is printed at the end of a soak."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report import markdown
from soak.findings import Findings
from soak.memory import MOST_GROWTH, growth, slope


def requests(findings: Findings) -> str:
    """A table of all requests, by kind."""
    counts = (findings.done, findings.hung_up, findings.differing)
    rows = [[kind, *(str(count[kind]) for count in counts)] for kind in sorted(set().union(*counts))]
    total = ["all", *(str(sum(count.values())) for count in counts)]
    return markdown(["request", "answered", "hung up", "differ from alone"], [*rows, total])


def memory(mib: Sequence[float], seconds: float) -> str:
    """A table of the server's memory."""
    rows = [
        ["after the first quarter", f"{mib[len(mib) // 4]:.1f} MiB"],
        ["at the end", f"{mib[-1]:.1f} MiB"],
        ["most", f"{max(mib):.1f} MiB"],
        ["median of the last quarter less that of the second", f"{growth(mib):+.2f} MiB ({MOST_GROWTH} at most)"],
        ["slope after the first quarter", f"{slope(mib, seconds):+.2f} MiB/hour"],
    ]
    return markdown(["the server's memory", ""], rows)
