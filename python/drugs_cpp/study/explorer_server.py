"""Serves a site from memory, by default only to this machine."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from drugs_cpp.errors import OptionError
from drugs_cpp.study.explorer_site import site_files

if TYPE_CHECKING:
    from drugs_cpp.study.site_data import SiteData

DEFAULT_HOST = "127.0.0.1"

#: free on most machines, and not used by `drugs serve` or common development servers
DEFAULT_PORT = 8420

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def serve(
    data: SiteData,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    listener: Callable[[str], None] | None = None,
) -> None:
    """Serve a site until Ctrl-C, which ends it without an exception.

    Args:
        data: what the site shows.
        host: address to listen on.
        port: port to listen on; 0 for a free one.
        listener: called with the site's address as soon as it can be opened.

    Raises:
        OptionError: the port is taken or not allowed, or the address does not exist.
    """
    server = make_server(data, host, port)
    with server:
        if listener:
            listener(address_of(server))
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def make_server(data: SiteData, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> ThreadingHTTPServer:
    """Return a listening server, which answers once ``serve_forever`` runs; arguments and errors as for ``serve``."""
    files = dict(site_files(data))

    class Handler(_Handler):
        contents = files

    try:
        return _Server((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise OptionError(_trouble(host, port, error)) from error


def address_of(server: ThreadingHTTPServer) -> str:
    """Return the address at which the site can be opened."""
    host, port = server.server_address[:2]
    return f"http://{host!s}:{port}/"


def _trouble(host: str, port: int, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken by another program: give another one, or 0 for a free one"
    return f"cannot listen on port {port} of {host} ({error}): give another one"


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    contents: Mapping[str, bytes] = {}

    def do_GET(self) -> None:
        content = self._begin()
        if content is not None:
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self._begin()

    def log_message(self, *_: Any) -> None:
        """Log nothing: nobody reads a line for each file."""

    def _begin(self) -> bytes | None:
        name = unquote(urlsplit(self.path).path).lstrip("/") or "index.html"
        content = self.contents.get(name)
        if content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES[PurePosixPath(name).suffix])
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        return content
