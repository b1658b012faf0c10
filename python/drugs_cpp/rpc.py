"""Devices on other computers, through llama.cpp's RPC servers."""

from __future__ import annotations

import socket

from drugs_cpp import _core
from drugs_cpp.errors import RpcServerError

_SECONDS_TO_CONNECT = 10


def add_rpc_servers(*servers: str) -> None:
    """Let models loaded from now on use the devices of RPC servers like those of this computer.

    ``Llama(..., n_gpu_layers=-1)`` spreads all layers over them; with ``n_gpu_layers=0``, the default, all stay here.

    Args:
        servers: "host:port" of each server, which runs ``drugs-rpc-server`` or llama.cpp's ``ggml-rpc-server``.

    Raises:
        RpcServerError: nothing listens there, or it has no devices; or an IPv6 address, which llama.cpp cannot reach.
            The servers before it were added.
    """
    for server in servers:
        _check_listening(server)
        _core.add_rpc_server(server)


def _check_listening(server: str) -> None:
    """Check that a server listens: otherwise llama.cpp would end the process."""
    host, _, port = server.rpartition(":")
    if ":" in host:
        raise RpcServerError(f"{server!r}: llama.cpp reaches RPC servers only by IPv4; give such a host:port")
    if not host or not port.isdecimal():
        raise RpcServerError(f"{server!r} is not an RPC server's address: give host:port, such as 192.168.1.7:50052")
    try:
        with socket.socket(socket.AF_INET) as connection:  # as in llama.cpp: a name may also have other addresses
            connection.settimeout(_SECONDS_TO_CONNECT)
            connection.connect((host, int(port)))
    except (OSError, OverflowError, UnicodeError) as error:
        raise RpcServerError(f"no RPC server answers at {server} ({error}): start drugs-rpc-server there") from None
