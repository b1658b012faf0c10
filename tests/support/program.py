"""Runs the program `drugs` as a user does, and its server over real HTTP."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.server_process import free_port
from support.patience import PATIENCE

#: the program, as installed by the wheel next to Python
DRUGS = str(Path(sysconfig.get_path("scripts"), "drugs"))


def run_drugs(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [DRUGS, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, **environment},
        check=False,
    )


@dataclass
class Answer:
    """The response to a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def error(self) -> str:
        """The message of an error, which has the shape of upstream's."""
        return str(self.json["error"]["message"])


class Server:
    """`drugs serve` on its own port, until the end of the ``with`` block.

    Args:
        arguments: more options.
        program: what to run instead, such as another build's program and its subcommand.
    """

    def __init__(self, *arguments: str, program: tuple[str, ...] = (DRUGS, "serve")) -> None:
        self.port = free_port()
        self._command = [*program, "--host", "127.0.0.1", "--port", str(self.port), "--no-warmup", *arguments]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        self._last_log = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Server:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            if not self.is_alive or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"{' '.join(self._command)} did not start:\n{self.log[-2000:]}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._last_log = self.log
        self._log.close()

    def _is_ready(self) -> bool:
        try:
            return self.get("/health").status == 200
        except OSError:
            return False

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative: the signal that ended it, such as the one for a server that does not stop."""
        assert self._process is not None
        return self._process.poll()

    @property
    def log(self) -> str:
        """What the server has written."""
        if self._log.closed:
            return self._last_log
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, None, headers)

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        """Post ``body`` as JSON; bytes are sent as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, data, {"Content-Type": "application/json", **headers})

    def request(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def stream(self, path: str, body: object) -> Iterator[Any]:
        """Post with ``"stream": true`` in the body, and yield the JSON of each event; closing the iterator hangs up."""
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(self.url).port, timeout=PATIENCE)
        try:
            connection.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            for line in response:
                name, _, data = line.decode().partition(": ")
                if name == "data" and data.strip() != "[DONE]":
                    yield json.loads(data)
        finally:
            connection.close()
