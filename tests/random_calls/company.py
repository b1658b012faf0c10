"""Calls while another thread is in the middle of one."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from llama_cpp import LogitsProcessorList

from drugs_cpp import BusyError, Llama
from random_calls.oracle import PROMPT
from support.ctrl_c import CtrlC, n_computed
from support.patience import PATIENCE

#: calls that need the model; all must be refused while another thread uses it
REFUSED: dict[str, Callable[[Any], object]] = {
    "eval": lambda llm: llm.eval([40]),
    "eval of nothing": lambda llm: llm.eval([]),
    "reset": lambda llm: llm.reset(),
    "n_tokens": lambda llm: setattr(llm, "n_tokens", 0),
    "cold_shower": lambda llm: llm.cold_shower(),
    "cold_shower in the background": lambda llm: llm.cold_shower(block=False),
    "completion": lambda llm: llm.create_completion(PROMPT, max_tokens=2),
    "stream": lambda llm: next(llm.create_completion(PROMPT, max_tokens=2, stream=True)),
    "generate": lambda llm: next(llm.generate(PROMPT)),
    "Dgenerate": lambda llm: llm.Dgenerate([40], max_new_tokens=2),
    "variations": lambda llm: llm.variations(PROMPT, n=2, max_tokens=2),
    "save_state": lambda llm: llm.save_state(),
    "close": lambda llm: llm.close(),
}

#: calls that only read
ALLOWED: dict[str, Callable[[Any], object]] = {
    "n_tokens": lambda llm: llm.n_tokens,
    "dirty_count": lambda llm: llm.dirty_count,
    "tokenize": lambda llm: llm.tokenize(b"hello"),
    "detokenize": lambda llm: llm.detokenize(PROMPT),
    "sites": lambda llm: llm.sites,
    "seed": lambda llm: llm.seed,
    "drugs": lambda llm: llm.drugs.to_dict(),
}


class Worker(threading.Thread):
    """Makes one call; ``result()`` waits for it, and returns or raises what it returned or raised."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self.join(PATIENCE)
        assert not self.is_alive(), "a thread does not end"
        if self._error is not None:
            raise self._error
        return self._result


@contextlib.contextmanager
def busy(llm: Llama, prompt: Sequence[int], seed: int, max_tokens: int) -> Iterator[Worker]:
    """For ``with``: another thread is in the middle of a completion, whose answer is the worker's result."""
    inside, go_on = threading.Event(), threading.Event()

    def wait(_: Any, scores: Any) -> Any:
        inside.set()
        assert go_on.wait(PATIENCE)
        return scores

    def complete() -> Any:
        processors = LogitsProcessorList([wait])
        return llm.create_completion(list(prompt), max_tokens=max_tokens, seed=seed, logits_processor=processors)

    worker = Worker(complete)
    try:
        assert inside.wait(PATIENCE), "the other thread never began"
        yield worker
    finally:
        go_on.set()
        worker.join(PATIENCE)


def try_both(llm: Llama, refused: str, allowed: str) -> None:
    """Try two calls while another thread is busy."""
    with pytest.raises(BusyError, match="another thread is using this model"):
        REFUSED[refused](llm)
    ALLOWED[allowed](llm)


def interrupted(llm: Llama, call: Callable[[], object], n_tokens: int) -> bool:
    """Press Ctrl-C once ``call`` has computed this many tokens, or earlier; False: it finished first."""
    context = llm._ctx.ctx
    begin = n_computed(context)
    is_armed = True

    def raise_if_armed(*_: object) -> None:
        if is_armed:
            raise KeyboardInterrupt

    old = signal.signal(signal.SIGINT, raise_if_armed)
    presser = CtrlC(lambda: n_computed(context) - begin, n_tokens)
    try:
        presser.start()
        call()
        is_armed = False
    except KeyboardInterrupt:
        is_armed = False
        return True
    finally:
        presser.cancel()
        signal.signal(signal.SIGINT, old)
    return False
