"""A model that is spread over devices says the same as on one. Servers on this computer stand for other computers."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest

import drugs_cpp
from benchmarks.server_process import free_port
from conftest import built_by_make
from drugs_cpp import RpcServerError
from support.on_devices import Said
from support.patience import PATIENCE, wait_until
from support.process import run_python
from support.program import DRUGS, Server, run_drugs
from support.serving import TINY, dirty, sober_text, text

PROMPT = "The sea was calm"

#: as in the program's completion of a text with the tiny model
TEXT = ("-p", PROMPT, "-n", "24", "-no-cnv", "-c", "256", "-t", "1", "-tb", "1", "--no-warmup", "--temp", "0")
EXACT = ("-ctk", "f32", "-ctv", "f32", "--no-display-prompt")
ALL_SITES = [word for site in drugs_cpp.SITES for word in ("--dose", f"{site}=0.6")]


class RpcServer:
    """Lends this computer's CPU to others. Used with ``with``."""

    def __init__(self, program: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        host, port = self.address.split(":")
        self._command = [str(program), "-H", host, "-p", port, "-t", "1"]

    def __enter__(self) -> RpcServer:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self._listens() or self.process.poll() is not None)
        assert self.process.poll() is None, f"{self._command} did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _listens(self) -> bool:
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            return False
        return True


def own_program() -> Path:
    program = Path(DRUGS).with_name("drugs-rpc-server")
    if not program.exists():
        pytest.skip("drugs-rpc-server was not built: `make clean`, then `CMAKE_ARGS=-DGGML_RPC=ON make test`")
    return program


def upstreams_program() -> Path:
    program = Path(built_by_make("DRUGS_UNPATCHED_LIB")) / "ggml-rpc-server"
    if not program.exists():
        pytest.skip("ggml-rpc-server was not built: `make clean`, then `CMAKE_ARGS=-DGGML_RPC=ON make test`")
    return program


#: names of servers -> their addresses; a server is started when it is first requested
Servers = Callable[..., list[str]]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Two of our servers, "a" and "b", and "upstream", which does not know our ops."""
    started: dict[str, RpcServer] = {}
    with ExitStack() as stack:

        def addresses(*names: str) -> list[str]:
            for name in names:
                if name not in started:
                    program = upstreams_program() if name == "upstream" else own_program()
                    started[name] = stack.enter_context(RpcServer(program))
            return [started[name].address for name in names]

        yield addresses


def run_on_devices(folder: Path, **settings: Any) -> subprocess.CompletedProcess[str]:
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return run_python("-m", "support.on_devices", str(folder / "settings.json"), str(folder / "said.npz"))


def said_on_devices(folder: Path, **settings: Any) -> Said:
    ran = run_on_devices(folder, **settings)
    assert ran.returncode == 0, ran.stderr[-2000:]
    with np.load(folder / "said.npz") as said:
        return dict(said)


@pytest.fixture(scope="module")
def said_here(tmp_path_factory: pytest.TempPathFactory, tiny_model_path: str) -> dict[bool, Said]:
    """What the tiny model says on this computer's CPU alone, without and with flash attention."""
    folder = tmp_path_factory.mktemp("here")
    settings = {"model_path": tiny_model_path, "repeatable": False}  # which only a single CPU could be
    return {flash: said_on_devices(folder, flash_attn=flash, **settings) for flash in (False, True)}


ALL_LAYERS = {"n_gpu_layers": -1}
SPREAD: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "one server": (("a",), ALL_LAYERS),
    "two servers": (("a", "b"), ALL_LAYERS),
    "some layers": (("a",), {"n_gpu_layers": 2}),
    "no layer": (("a",), {"n_gpu_layers": 0, "repeatable": False}),
    "cache here": (("a",), {**ALL_LAYERS, "offload_kqv": False}),
    "flash attention": (("a", "b"), {**ALL_LAYERS, "flash_attn": True}),
    "upstream's server": (("upstream",), ALL_LAYERS),
    "upstream's server, cache here": (("upstream",), {**ALL_LAYERS, "offload_kqv": False}),
    "both kinds of servers": (("a", "upstream"), ALL_LAYERS),
}


@pytest.mark.parametrize("how", SPREAD)
def test_texts_are_those_of_one_cpu(
    servers: Servers, said_here: dict[bool, Said], tiny_model_path: str, tmp_path: Path, how: str
) -> None:
    """Token for token, sober and under every dose. On this computer's CPU, logits are also equal, to the bit."""
    names, settings = SPREAD[how]
    said = said_on_devices(tmp_path, model_path=tiny_model_path, servers=servers(*names), **settings)
    here = said_here[settings.get("flash_attn", False)]
    assert said.keys() == here.keys()
    for name, wanted in here.items():
        np.testing.assert_array_equal(said[name], wanted, err_msg=name)


ALONE = """
import sys
from drugs_cpp import Llama, _core, add_rpc_servers
from drugs_cpp.engine.contexts import address_of
add_rpc_servers(sys.argv[2])
for arguments in ({"n_gpu_layers": 0}, {"n_gpu_layers": 0, "op_offload": True}, {"n_gpu_layers": 1}):
    llm = Llama(sys.argv[1], verbose=False, **arguments)
    print(_core.can_repeat(address_of(llm._ctx)))
    llm.close()
"""


def test_other_devices_are_left_alone_without_layers(servers: Servers, tiny_model_path: str) -> None:
    ran = run_python("-c", ALONE, tiny_model_path, servers("a")[0])
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.split() == ["True", "False", "False"]


def test_doses_show(said_here: dict[bool, Said]) -> None:
    """Makes sure that comparing the texts above is meaningful."""
    names = ("sober", *drugs_cpp.SITES, "all", "reference")
    assert len({tuple(said_here[False][name]) for name in names}) == len(names)


def computed_on(tiny_model_path: str, *options: str) -> set[str]:
    """The devices to which llama.cpp assigns our ops; RPC0 is the first device of any server."""
    options = (*TEXT, *ALL_SITES, "--log-verbosity", "5", *options)
    ran = run_drugs("completion", "-m", tiny_model_path, *options, GGML_SCHED_DEBUG="2")
    assert ran.returncode == 0, ran.stderr[-2000:]
    return set(re.findall(r"\(RANDOM_ROT\):[^[]*\[ *(\w+)", ran.stdout + ran.stderr))


@pytest.mark.parametrize(
    ("names", "layers", "devices"),
    [
        ((), "0", {"CPU"}),
        (("a",), "99", {"RPC0"}),
        (("a", "b"), "99", {"RPC0"}),
        (("a",), "2", {"CPU", "RPC0"}),
        (("upstream",), "99", {"CPU"}),
        (("upstream", "a"), "99", {"CPU", "RPC0"}),
    ],
)
def test_vectors_are_turned_where_they_are_if_the_server_can(
    servers: Servers, tiny_model_path: str, names: tuple[str, ...], layers: str, devices: set[str]
) -> None:
    rpc = ("--rpc", ",".join(servers(*names))) if names else ()
    assert computed_on(tiny_model_path, "-ngl", layers, *rpc) == devices


def answers(model: str, *options: str) -> list[str]:
    """Answers of `drugs serve`: dosed, after a shower, sober, and dosed again."""
    dosed = {**dict.fromkeys(drugs_cpp.SITES, 0.6), "seed": 7}
    with Server("-m", model, *TINY, *options) as server:
        texts = [text(server, dosed)]
        wait_until(lambda: dirty(server) == 0)
        return [*texts, text(server, dosed, prompt=PROMPT + texts[0]), sober_text(server), text(server, dosed)]


def test_the_server_answers_as_on_one_cpu(servers: Servers, tiny_model_path: str) -> None:
    rpc = ",".join(servers("a", "upstream"))
    assert answers(tiny_model_path, "-ngl", "99", "--rpc", rpc) == answers(tiny_model_path)


def test_what_another_device_computes_is_not_repeatable(servers: Servers, tiny_model_path: str) -> None:
    rpc = ("--rpc", ",".join(servers("a")))
    with Server("-m", tiny_model_path, *TINY, *rpc) as server:
        assert server.get("/props").json["drugs"]["repeatable"] == "never"
        refused = server.post("/completion", {"prompt": PROMPT, "drugs": {"repeatable": True}})
        assert refused.status == 400
        assert "RPC0" in refused.error
        assert "--device none leaves it out" in refused.error
    for command in (("serve",), ("completion", *TEXT), ("batched-bench", "-npp", "8", "-ntg", "8", "-npl", "1")):
        refused_option = run_drugs(*command, "-m", tiny_model_path, *rpc, "--repeatable")
        assert refused_option.returncode == 1
        assert "error: --repeatable: " in refused_option.stderr
        assert "--device none" in refused_option.stderr
    without = run_drugs("completion", "-m", tiny_model_path, *TEXT, *rpc, "--repeatable", "--device", "none")
    assert without.returncode == 0


#
# split mode tensor
#

REFUSAL = (
    "cannot dose: the model's heads are divided between devices (split mode 'tensor'): load it with split mode 'layer'"
)


def test_split_mode_tensor_is_sober_only_in_the_program(servers: Servers, tiny_model_path: str) -> None:
    tensor = ("-sm", "tensor", "-ngl", "99", "--rpc", ",".join(servers("a", "b")))
    here = run_drugs("completion", "-m", tiny_model_path, *TEXT, *EXACT)
    split = run_drugs("completion", "-m", tiny_model_path, *TEXT, *EXACT, *tensor)
    assert split.returncode == here.returncode == 0, split.stderr[-2000:]
    assert split.stdout == here.stdout != ""

    refused = run_drugs("completion", "-m", tiny_model_path, *TEXT, *EXACT, *tensor, "--dose", "H=0.3")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == f"error: {REFUSAL}"
    assert refused.stdout == ""


def test_split_mode_tensor_is_sober_only_in_python(servers: Servers, tiny_model_path: str, tmp_path: Path) -> None:
    split = {"split_mode": llama_cpp.LLAMA_SPLIT_MODE_TENSOR, "flash_attn": True, **ALL_LAYERS}
    refused = run_on_devices(tmp_path, model_path=tiny_model_path, servers=servers("a", "b"), **split)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == f"drugs_cpp.errors.DoseError: {REFUSAL}"


#
# servers that do not exist
#


def test_a_server_that_is_not_there_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(RpcServerError, match=f"no RPC server answers at {address}"):
        drugs_cpp.add_rpc_servers(address)


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", ":50052", "localhost:port"])
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(RpcServerError, match=f"'{address}' is not an RPC server's address: give host:port"):
        drugs_cpp.add_rpc_servers(address)


@pytest.mark.parametrize("address", ["::1:50052", "[::1]:50052", "[fe80::1%eth0]:50052"])
def test_an_address_of_ipv6(address: str) -> None:
    with pytest.raises(RpcServerError, match=r"llama\.cpp reaches RPC servers only by IPv4"):
        drugs_cpp.add_rpc_servers(address)


ADD_A_SERVER_TWICE = """
import ctypes, sys
from pathlib import Path
import drugs_cpp
count = ctypes.CDLL(str(next(Path(drugs_cpp.__file__).with_name("lib").glob("libggml.*")))).ggml_backend_dev_count
for _ in range(3):
    print(count())
    drugs_cpp.add_rpc_servers(sys.argv[1])
"""


def test_a_server_is_added_once(servers: Servers) -> None:
    """Otherwise a model would be spread over the same device twice."""
    before, once, twice = map(int, run_python("-c", ADD_A_SERVER_TWICE, *servers("a")).stdout.split())
    assert before + 1 == once == twice


LOSE_THE_SERVER = """
import sys
import drugs_cpp
drugs_cpp.add_rpc_servers(sys.argv[2])
llm = drugs_cpp.Llama(sys.argv[1], n_ctx=256, n_gpu_layers=-1, verbose=False)
llm.eval([1, 40])
llm.eval([41])
print("ready", flush=True)
input()
print("evaluating", flush=True)
llm.eval([42])
"""


class Wire:
    """The connection between a server and its clients.

    Attributes:
        delay: seconds before each answer arrives.
        is_cut: the next answer does not arrive, nor does anything after it.
    """

    def __init__(self, server: str) -> None:
        self._server = server.split(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.delay = 0.0
        self.is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            with client, socket.create_connection((self._server[0], int(self._server[1]))) as server:
                self._forward(client, server)

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            for source in select.select([client, server], [], [])[0]:
                data = source.recv(1 << 16)
                if source is server:
                    time.sleep(self.delay)
                if source is server and self.is_cut:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no goodbye
                    return
                if not data:
                    return
                (server if source is client else client).sendall(data)


def test_a_lost_server_ends_the_process_and_does_not_hang_it(servers: Servers, tiny_model_path: str) -> None:
    """llama.cpp aborts. The thread that notices logs it, which takes the GIL: a waiting thread must not hold it."""
    command = [sys.executable, "-c", LOSE_THE_SERVER, tiny_model_path]
    for delay in (0.3, 3, 30):  # if the answer came before the wire was cut, it must take longer
        status, complaint = lose_the_server(Wire(*servers("a")), command, delay)
        if status != 0:
            break
    assert status == -signal.SIGABRT
    assert "Remote RPC server crashed" in complaint


def lose_the_server(wire: Wire, command: list[str], delay: float) -> tuple[int, str]:
    """Cut the wire while the process waits for an answer; returns its exit status and its error output."""
    quick = {**os.environ, "GGML_NO_BACKTRACE": "1"}
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([*command, wire.address], text=True, env=quick, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            wire.delay = delay
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "evaluating\n"
            wire.is_cut = True
            _, complaint = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    return process.returncode, complaint
