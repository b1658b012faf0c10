"""Calls ``create_completion`` on request, in a separate process.

usage: LLAMA_CPP_LIB_PATH=FOLDER python -m benchmarks.caller llama_cpp MODEL N_THREADS     upstream, on these libraries
       python -m benchmarks.caller drugs_cpp MODEL N_THREADS

Reads one JSON object per line, ``{"sites": ["A"], "angle": 0.1, "stream": false, "n_new": 129}`` (the last one may be
left out), and answers with ``{"seconds": ..., "tokens": ...}``: how long the call took, and the tokens that it decoded.
Upstream has no sites.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections import deque
from typing import Any

from benchmarks.counting import n_fed_back

N_CTX = 512

PROMPT = [1]

#: one prompt token, and these except the last one, are decoded: as many tokens as llama-bench decodes, plus one
N_NEW = 129

SEED = 1


class Caller:
    """Calls a model, always with the same text."""

    def __init__(self, module: str, model: str, n_threads: int) -> None:
        self._llm: Any = importlib.import_module(module).Llama(
            model, n_ctx=N_CTX, n_threads=n_threads, n_threads_batch=n_threads, verbose=False
        )
        self._known: dict[tuple[Any, ...], tuple[Any, int]] = {}  # dosed sites, length -> doses, decoded tokens

    def call(self, sites: list[str], angle: float, stream: bool, n_new: int = N_NEW) -> dict[str, Any]:
        """Time one call."""
        key = (*sites, n_new)
        if key not in self._known:
            drugs = self._llm.drugs = _dose(sites, angle)
            n_tokens = len(PROMPT) + n_fed_back(self._complete(False, n_new))  # a stream does not say
            self._known[key] = drugs, n_tokens
        self._llm.drugs, n_tokens = self._known[key]
        start = time.perf_counter()
        answer = self._complete(stream, n_new)
        if stream:
            deque(answer, maxlen=0)
        return {"seconds": time.perf_counter() - start, "tokens": n_tokens}

    def _complete(self, stream: bool, n_new: int) -> Any:
        return self._llm.create_completion(PROMPT, max_tokens=n_new, temperature=0, seed=SEED, stream=stream)


def _dose(sites: list[str], angle: float) -> Any:
    """Return the doses, or None if this is upstream, which has none."""
    if "drugs_cpp" not in sys.modules:
        return None
    from drugs_cpp import DRUGS

    drugs = DRUGS()
    for site in sites:
        drugs.set_dose_theta(angle, site)
    return drugs


def main() -> None:
    module, model, n_threads = sys.argv[1:]
    caller = Caller(module, model, int(n_threads))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(caller.call(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
