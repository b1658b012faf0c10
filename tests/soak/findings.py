"""What the clients of a soak found."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from soak.questions import Question

#: files with answers that differ; all of them are counted
MOST_FILES = 20


class Findings:
    """Counts, and problems in words. Any thread may add to them.

    Args:
        folder: for the files with answers that differ; created for the first one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.done: Counter[str] = Counter()
        self.hung_up: Counter[str] = Counter()
        self.differing: Counter[str] = Counter()
        self.problems: list[str] = []

    def has_done(self, kind: str) -> None:
        with self._lock:
            self.done[kind] += 1

    def has_hung_up(self, kind: str) -> None:
        with self._lock:
            self.hung_up[kind] += 1

    def add(self, *problems: str) -> None:
        with self._lock:
            self.problems += problems

    def compare(self, question: Question, alone: Any, in_company: Any) -> None:
        """Count an answer, and save it if it differs from the one given alone."""
        self.has_done(question.kind)
        if in_company == alone:
            return
        with self._lock:
            self.differing[question.kind] += 1
            number = sum(self.differing.values())
            if number <= MOST_FILES:
                self.problems.append(f"an answer differs: {self._keep(number, question, alone, in_company)}")

    def _keep(self, number: int, question: Question, alone: Any, in_company: Any) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"differs-{number}.json"
        asked = {"path": question.path, "body": question.data.decode(errors="replace")}
        content = {"question": asked, "alone": alone, "in company": in_company}
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        return path
