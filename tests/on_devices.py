"""What a model says under many doses, on the devices that it is spread over; run in a process of its own.

Devices cannot be taken away again, and llama.cpp ends the process when a server is lost.

usage: python on_devices.py SETTINGS.json OUTPUT.npz
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

import drugs_cpp
from drugs_cpp import DRUGS, SITES, Llama

PROMPT = [1, *range(40, 60)]
N_TOKENS = 24
DOSE = 0.6

Said = dict[str, npt.NDArray[Any]]


def doses() -> dict[str, DRUGS]:
    each = {site: DRUGS(**{f"{site.lower()}_dose": DOSE}, seed=7) for site in SITES}
    everywhere = {f"{site.lower()}_dose": DOSE for site in SITES}
    return {
        "sober": DRUGS(seed=7),
        **each,
        "all": DRUGS(**everywhere, seed=7),
        "reference": DRUGS(**everywhere, seed=7, noise="reference"),
    }


def last_logits(llm: Llama) -> npt.NDArray[np.float32]:
    return np.ctypeslib.as_array(llm._ctx.get_logits(), shape=(llm.n_vocab(),)).copy()


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
    """Showers, saved states, and variations in a context of their own."""
    said: Said = {}
    llm.drugs.assign(doses()["all"])
    say(llm, "first", said)
    state = llm.save_state()
    said["on"] = np.array(llm.Dgenerate([], max_new_tokens=N_TOKENS))
    llm.cold_shower()
    said["logits showered"] = last_logits(llm)
    llm.load_state(state)
    said["on again"] = np.array(llm.Dgenerate([], max_new_tokens=N_TOKENS))
    llm.cold_shower(block=False)
    said["behind a shower"] = np.array(llm.Dgenerate([], max_new_tokens=N_TOKENS))
    answers = llm.variations(PROMPT, n=3, seeds=5, max_tokens=N_TOKENS)
    said["variations"] = np.array([choice["text"] for choice in answers["choices"]])
    return said


def main(settings: dict[str, Any], output: str) -> None:
    drugs_cpp.add_rpc_servers(*settings.pop("servers"))
    twin = settings.pop("sober_twin", False)
    cache = llama_cpp.GGML_TYPE_F32
    common = {"n_ctx": 256, "n_threads": 2, "n_threads_batch": 2, "type_k": cache, "type_v": cache, "verbose": False}
    llm = Llama(**common, **settings, sober_twin=twin)
    np.savez(output, **texts(llm), **around_a_text(llm))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2])
