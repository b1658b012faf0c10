"""A llama.cpp server in a separate process."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

SECONDS_TO_START = 60


class ServerProcess:
    """A server that listens on its own port. For ``with``.

    Args:
        command: the program, and its subcommand if it has one.
        options: further options, after host and port.
    """

    def __init__(self, command: Sequence[str | Path], options: Sequence[str]) -> None:
        self._port = free_port()
        address = ["--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [*map(str, command), *address, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> ServerProcess:
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                assert self._process.stderr is not None
                raise SystemExit(f"benchmarks: a server did not start:\n{self._process.stderr.read().decode()[-2000:]}")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def _is_ready(self) -> bool:
        try:
            return self._ask("GET", "/health", None)[0] == 200
        except OSError:
            return False

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def post(self, path: str, body: object) -> Any:
        status, answer = self._ask("POST", path, json.dumps(body))
        if status != 200:
            raise SystemExit(f"benchmarks: {path} answered {status}: {answer!r}")
        return json.loads(answer)

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def free_port() -> int:
    """Return a port of this machine that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
