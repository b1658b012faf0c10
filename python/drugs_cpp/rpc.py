"""Devices of other computers, through llama.cpp's RPC servers."""

from __future__ import annotations

import socket

from drugs_cpp import _core
from drugs_cpp.errors import RpcServerError

_SECONDS_TO_CONNECT = 10


def add_rpc_servers(*servers: str) -> None:
    """Let models that are loaded from now on use the devices of RPC servers, as those of this computer.

    ``Llama(..., n_gpu_layers=-1)`` spreads all layers over them; with ``n_gpu_layers=0``, the default, all stay here.

    Args:
        servers: "host:port" of each, where ``drugs-rpc-server`` runs, or llama.cpp's ``ggml-rpc-server``.

    Raises:
        RpcServerError: nobody listens there, or what listens has no devices; an address of IPv6, which llama.cpp cannot
            reach. Those before it were added.
    """
    for server in servers:
        _check_listening(server)
        _core.add_rpc_server(server)


def _check_listening(server: str) -> None:
    """llama.cpp would end the process."""
    host, _, port = server.rpartition(":")
    if ":" in host:
        raise RpcServerError(f"{server!r}: llama.cpp reaches RPC servers by IPv4 alone; give host:port of that kind")
    if not host or not port.isdecimal():
        raise RpcServerError(f"{server!r} is not an RPC server's address: give host:port, such as 192.168.1.7:50052")
    try:
        with socket.socket(socket.AF_INET) as connection:  # as llama.cpp does it: a name may have other addresses, too
            connection.settimeout(_SECONDS_TO_CONNECT)
            connection.connect((host, int(port)))
    except (OSError, OverflowError, UnicodeError) as error:
        raise RpcServerError(f"no RPC server answers at {server} ({error}): start drugs-rpc-server there") from None
