"""Stores of sweeps with texts that were not written by a model."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from drugs_cpp.study import measures
from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.setting import SOBER, Setting
from drugs_cpp.study.sweep_run import open_sweep
from drugs_cpp.study.sweep_store import CellId, ModelInfo, SweepStore, TextRow

WORDS = tuple(
    re.findall(r"\S+", "the a sea lamp keeper light was old and wrote, slept; rain on stones over water until morning.")
)

N_EMBD = 8

ORIGIN = {"version": "0", "llama_cpp_commit": "abc", "sources": "def", "cpu": "None", "repeatable": True}


def model_info(name: str = "synthetic-7b") -> ModelInfo:
    """A model that does not exist."""
    return ModelInfo(f"{len(name):064x}", name, "Q4_1", "llama")


def text_row(text: str, seed: int = 1, n_tokens: int | None = None, parted: int | None = None) -> TextRow:
    """A text, with numbers that depend on it and on its seed."""
    n = len(text.split()) if n_tokens is None else n_tokens
    return TextRow(
        seed=seed,
        tokens=np.arange(n, dtype=np.int32),
        text=text,
        ending="length" if seed % 2 else "stop",
        log_likelihood=-0.1 * seed - 0.01 * n,
        parted=parted,
        compressibility=measures.compressibility(text),
        repeated=measures.repeated(text),
        embedding=np.random.default_rng(seed).normal(size=N_EMBD).astype(np.float16),
        seconds=0.5 * seed,
    )


def add_cell(
    results: SweepStore,
    setting: Setting,
    rows: Iterable[TextRow],
    prompt: str = "Hello?",
    model: ModelInfo | None = None,
) -> CellId:
    """Add texts to a store; returns their cell."""
    cell = CellId(
        results.model(model or model_info()),
        results.prompt(Prompt(prompt[:20], (("user", prompt),))),
        results.setting(setting),
    )
    origin = results.origin(ORIGIN)
    results.add_texts([(cell, origin, row) for row in rows])
    return cell


def synthetic_store(
    path: Path,
    n_prompts: int = 2,
    sites: Sequence[str] = ("A", "K"),
    doses: Sequence[float] = (0.1, 0.5),
    seeds: Sequence[int] = (1, 2, 3),
    n_words: int = 30,
) -> Path:
    """Make a store of a sweep: a sober text per prompt, and texts that leave it earlier under larger doses."""
    with open_sweep(path) as results:
        model, origin = results.model(model_info()), results.origin(ORIGIN)
        for i in range(n_prompts):
            number = results.prompt(Prompt(f"prompt {i}", (("system", "Be brief."), ("user", f"What about {i}?"))))
            draw = random.Random(i)
            sober = [draw.choice(WORDS) for _ in range(n_words)]
            rows = [(CellId(model, number, results.setting(Setting(SOBER))), text_row(" ".join(sober), 0))]
            for setting in (Setting(site, dose) for site in sites for dose in doses):
                cell = CellId(model, number, results.setting(setting))
                for seed in seeds:
                    at = int(n_words / (1 + 10 * setting.dose)) + draw.randrange(3)
                    text = " ".join([*sober[:at], *(draw.choice(WORDS) for _ in range(n_words - at))])
                    rows.append((cell, text_row(text, seed, parted=min(at, n_words))))
            results.add_texts((cell, origin, row) for cell, row in rows)
    return path
