"""What a model says under many doses, on the devices over which it is spread. Runs in a separate process.

A process keeps the devices that were added to it, and llama.cpp ends it if it loses their server.

usage: python -m support.on_devices SETTINGS.json OUTPUT.npz
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

import drugs_cpp
from conftest import last_logits
from drugs_cpp import DRUGS, SITES, Llama
from drugs_cpp.engine.contexts import open_context

PROMPT = [1, *range(40, 60)]
N_TOKENS = 24
DOSE = 0.6

Said = dict[str, npt.NDArray[Any]]


def doses() -> dict[str, DRUGS]:
    def at(*sites: str, **settings: Any) -> DRUGS:
        settings |= dict.fromkeys(sites, DOSE)
        return DRUGS(seed=7, **settings)

    each = {site: at(site) for site in SITES}
    return {"sober": at(), **each, "all": at(*SITES), "reference": at(*SITES, noise="reference")}


def say(llm: Llama, name: str, said: Said) -> None:
    llm.reset()
    said[name] = np.array(llm.Dgenerate(PROMPT, max_new_tokens=N_TOKENS))
    said[f"logits {name}"] = last_logits(llm)


def texts(llm: Llama) -> Said:
    said: Said = {}
    for name, drugs in doses().items():
        llm.drugs.assign(drugs)
        say(llm, name, said)
    return said


def around_a_text(llm: Llama) -> Said:
    """Showers, saved states, and other contexts on the same devices."""
    said: Said = {}
    llm.drugs.assign(doses()["all"])
    say(llm, "first", said)
    state = llm.save_state()
    open_context(llm.engine.settings, 1, 64, unified=True).close()  # a server forgets its graphs when memory is freed
    said["on"] = np.array(llm.Dgenerate([], max_new_tokens=N_TOKENS))
    llm.cold_shower()
    said["logits showered"] = last_logits(llm)
    llm.load_state(state)
    said["on again"] = np.array(llm.Dgenerate([], max_new_tokens=N_TOKENS))
    llm.cold_shower(block=False)
    while llm.dirty_count:
        time.sleep(0.01)
    said["after a shower"] = np.array(llm.Dgenerate([], max_new_tokens=N_TOKENS))
    answers = llm.variations(PROMPT, n=3, seeds=5, max_tokens=N_TOKENS)
    said["variations"] = np.array([choice["text"] for choice in answers["choices"]])
    return said


def with_a_twin(llm: Llama) -> Said:
    """A shower that only switches, with a prompt that was dosed, too."""
    llm.drugs.assign(doses()["all"])
    dosed = llm.Dgenerate(PROMPT, max_new_tokens=N_TOKENS)
    llm.cold_shower()
    return {"twin dosed": np.array(dosed), "twin on": np.array(llm.Dgenerate([], max_new_tokens=N_TOKENS))}


def in_small_batches(llm: Llama) -> Said:
    """A dosed prompt in batches, several of which are in progress at once if devices work one after the other."""
    llm.drugs.assign(doses()["all"])
    dosed = llm.Dgenerate(PROMPT * 4, max_new_tokens=N_TOKENS)
    return {"batches": np.array(dosed), "logits batches": last_logits(llm)}


def main(settings: dict[str, Any], output: str) -> None:
    drugs_cpp.add_rpc_servers(*settings.pop("servers", ()))
    cache = llama_cpp.GGML_TYPE_F32  # rounds so little that all computers choose the same tokens
    settings |= {"n_ctx": 256, "n_threads": 1, "n_threads_batch": 1, "type_k": cache, "type_v": cache, "verbose": False}
    llm = Llama(**settings)
    said = {**texts(llm), **around_a_text(llm)}
    llm.close()
    llm = Llama(**settings, sober_twin=True, dose_inputs=True)
    said |= with_a_twin(llm)
    llm.close()
    llm = Llama(**settings, dose_inputs=True, n_batch=64, n_ubatch=8)
    said |= in_small_batches(llm)
    np.savez(output, allow_pickle=False, **said)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2])
