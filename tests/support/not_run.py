"""The last line of a test run: what was not run, and which command enables it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, Any, Any]:
    result = yield  # pytest's own summary
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and (line := not_run(reporter.stats.get("skipped", []))):
        reporter.write_line(line, yellow=True)
    return result


def not_run(skipped: Iterable[pytest.TestReport | pytest.CollectReport]) -> str:
    """Return the line, or "" if nothing was skipped. Each reason must end with the command that enables its tests."""
    found: Counter[tuple[str, str]] = Counter()
    for report in skipped:
        assert isinstance(report.longrepr, tuple)
        reason = report.longrepr[2].removeprefix("Skipped: ")
        found[Path(report.nodeid.split("::")[0]).name, reason] += 1
    if not found:
        return ""
    return "Not run: " + "; ".join(f"{count} of {file} ({reason})" for (file, reason), count in sorted(found.items()))
