"""A Ray cluster: connecting to it, and finding places for workers on its machines."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union

from drugs_cpp.errors import ClusterError, OptionError
from drugs_cpp.extras import RAY, extra

#: instead of an address: a cluster of only this machine, for as long as it is needed
LOCAL = "local"

#: instead of an address: the one that runs on this machine
AUTO = "auto"

PER_NODE, PER_GPU = "node", "gpu"

#: one worker for each machine, for each graphics card, or for a given number of cores
Per = Union[str, int]

_SECONDS_TO_ANSWER = 10

#: Ray itself tries for minutes, and cannot be interrupted
_SECONDS_TO_CONNECT = 20

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

#: Ray's name for "all nodes are on this machine": without it, a loopback address becomes the machine's own
_ONE_MACHINE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


@dataclass(frozen=True)
class Place:
    """A place for a worker.

    Attributes:
        node: Ray's name for the machine.
        host: its address.
        number: of the place on the machine.
        n_cpus: cores for the worker.
        n_gpus: graphics cards for the worker.
    """

    node: str
    host: str
    number: int
    n_cpus: int
    n_gpus: int


def check_per(per: Per, n_gpu_layers: int) -> Per:
    """Return ``per`` if workers can be placed like this.

    Raises:
        OptionError: they cannot, or would lack a graphics card that they need.
    """
    is_cores = isinstance(per, int) and not isinstance(per, bool) and per > 0
    if not is_cores and per not in (PER_NODE, PER_GPU):
        raise OptionError(f"a worker per {per!r}: give {PER_NODE}, {PER_GPU}, or a number of cores")
    if is_cores and n_gpu_layers:
        raise OptionError(f"a worker per {per} cores has no graphics card: give {PER_GPU}, or 0 layers on the card")
    if per == PER_GPU and not n_gpu_layers:
        raise OptionError("a worker per gpu has no layers on its graphics card: give their number, -1 for all")
    return per


def places_of(node: Mapping[str, Any], per: Per) -> list[Place]:
    """Return the places on a machine that ``ray.nodes()`` describes; none if it is gone."""
    resources = node["Resources"]
    n_cpus, n_gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
    if not node["Alive"] or not n_cpus:
        return []
    if per == PER_NODE:
        n_places, each = 1, (n_cpus, n_gpus)
    elif per == PER_GPU:
        n_places, each = n_gpus, (n_cpus // max(n_gpus, 1), 1)
    else:
        n_places, each = n_cpus // int(per), (int(per), 0)
    return [Place(node["NodeID"], node["NodeManagerAddress"], number, *each) for number in range(n_places)]


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """For ``with``: yield the module ``ray``, connected to a cluster. An existing connection is used and kept.

    Args:
        address: "host:port", "auto" or "local".

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would send usage statistics
    if address not in (LOCAL, AUTO):
        _check_address(address)
    ray = extra("ray", RAY)
    if ray.is_initialized():
        yield ray
        return
    _connect(ray, address)
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    if "/" in address or not host or not port.isdecimal():
        raise ClusterError(f"{address!r} is not the address of a Ray cluster: give host:port, such as 10.0.0.1:6379")
    host = host.strip("[]")
    if host in _LOOPBACK and not _answers(_own_address(), port):
        _stay_on_this_machine(address)
    if (error := _answer_error(host, port)) is not None:
        raise ClusterError(f"no Ray cluster answers at {address} ({error}): start one by `ray start --head`")


def _stay_on_this_machine(address: str) -> None:
    """Make Ray use a loopback address as it is, because the cluster does not listen on others."""
    if "ray" in sys.modules and os.environ.get(_ONE_MACHINE) != "0":
        raise ClusterError(
            f"the cluster at {address} is only for this machine, but Ray was imported without knowing that: set "
            f"{_ONE_MACHINE}=0 before Python starts"
        )
    os.environ[_ONE_MACHINE] = "0"


def _own_address() -> str:
    """Return this machine's address for others, determined like Ray does; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, contextlib.suppress(OSError):
        other.connect(("8.8.8.8", 80))
        return str(other.getsockname()[0])
    return "127.0.0.1"


def _answers(host: str, port: str) -> bool:
    return _answer_error(host, port) is None


def _answer_error(host: str, port: str) -> Exception | None:
    try:
        socket.create_connection((host, int(port)), _SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError, UnicodeError) as error:
        return error
    return None


def _connect(ray: Any, address: str) -> None:
    try:
        if address == LOCAL:  # no other machine can reach it; it would end with the thread that starts it
            _init(ray, address, include_dashboard=False, _node_ip_address="127.0.0.1")
        else:
            _connect_in_time(ray, address)
    except Exception as error:
        raise ClusterError(
            f"no Ray cluster at {address} ({error}): start one by `ray start --head`, with the same versions of Ray "
            "and Python everywhere, run this on one of its machines, and set RAY_AUTH_MODE=token if it has a token"
        ) from error


def _connect_in_time(ray: Any, address: str) -> None:
    """Connect in a separate thread, which is abandoned if that takes too long."""
    failed: list[Exception] = []

    def connect() -> None:
        try:
            _init(ray, address)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(_SECONDS_TO_CONNECT)
    if failed:
        raise failed[0]
    if thread.is_alive():
        raise TimeoutError(f"what listens there has not accepted the connection within {_SECONDS_TO_CONNECT} s")


def _init(ray: Any, address: str, **options: Any) -> None:
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
