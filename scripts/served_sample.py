"""The server of a sample in a page: `drugs serve`, on a port of its own."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
import urllib.error
import urllib.request
from types import TracebackType

#: where the pages say that it listens
PAGE_ADDRESS = "localhost:8080"

_PATIENCE = 300  # seconds


class Served:
    """Starts a server when a sample does, and stops it at the end of the ``with`` block."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self._port = int(found.getsockname()[1])

    def start(self, line: str) -> None:
        """Start it, and wait until it answers."""
        command = [*shlex.split(line), "--port", str(self._port)]
        silent = subprocess.DEVNULL
        self._process = subprocess.Popen(command, env=self._environment, stdin=silent, stdout=silent, stderr=silent)
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{line} did not start")
            time.sleep(0.1)

    def reached(self, line: str) -> str:
        """A command that reaches this server, where it named the page's."""
        return line.replace(PAGE_ADDRESS, f"127.0.0.1:{self._port}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def __enter__(self) -> Served:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
