"""``sweep_rows``: the texts of a sweep as the rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from drugs_cpp.study.cell_measures import MEASURES, n_tokens

if TYPE_CHECKING:
    from drugs_cpp.study.prompt import Prompt
    from drugs_cpp.study.setting import Setting
    from drugs_cpp.study.sweep_store import CellId, ModelInfo, SweepStore, TextRow

TEXT, WHOLE, REAL = "text", "whole number", "real number"

#: name and kind of each column
COLUMNS: Mapping[str, str] = {
    "model": TEXT,
    "prompt": TEXT,
    "site": TEXT,
    "dose": REAL,
    "seed": WHOLE,
    "text": TEXT,
    # measures of the text
    "log_likelihood": REAL,
    "parted": WHOLE,
    "n_tokens": WHOLE,
    "compressibility": REAL,
    "repeated": REAL,
    "ending": TEXT,
    "seconds": REAL,
    # measures of all texts with this model, prompt and setting
    **{f"cell_{name}": REAL for name in MEASURES},
    # the rest of the setting
    "profile": TEXT,
    "shape": TEXT,
    "mode": TEXT,
    "noise": TEXT,
    "sampler": TEXT,
    "max_tokens": WHOLE,
    "dose_inputs": TEXT,
    "sink": WHOLE,
    "hold": WHOLE,
    "layers": TEXT,
    # the rest of the model
    "quantization": TEXT,
    "architecture": TEXT,
    "model_sha256": TEXT,
    # build and processor that computed the text
    "version": TEXT,
    "sources": TEXT,
    "llama_cpp_commit": TEXT,
    "cpu": TEXT,
    "origin": TEXT,
    # the rest of the prompt
    "prompt_text": TEXT,
    "prompt_messages": TEXT,
}

_OF_A_TEXT = ("seed", "text", "log_likelihood", "parted", "compressibility", "repeated", "ending", "seconds")


def sweep_rows(results: SweepStore, measures: Mapping[CellId, Mapping[str, float | None]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each text, by column; None: not known. The texts are read as they are needed.

    Args:
        results: the texts.
        measures: of the cells whose texts are wanted, as from ``cell_measures``.
    """
    models = {number: _of_model(info) for number, info in results.models().items()}
    prompts = {number: _of_prompt(prompt) for number, prompt in results.prompts().items()}
    settings = {number: _of_setting(setting) for number, setting in results.settings().items()}
    origins = {number: _of_origin(origin) for number, origin in results.origins().items()}
    for cell, of_cell in measures.items():
        common = {
            **models[cell.model],
            **prompts[cell.prompt],
            **settings[cell.setting],
            **{f"cell_{name}": of_cell.get(name) for name in MEASURES},
        }
        for origin, row in results.texts_and_origins(cell):
            values = {**common, **origins[origin], **_of_text(row)}
            yield {name: values[name] for name in COLUMNS}


def _of_text(row: TextRow) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in _OF_A_TEXT}, "n_tokens": n_tokens(row)}


def _of_model(info: ModelInfo) -> dict[str, Any]:
    return {
        "model": info.name,
        "quantization": info.quantization,
        "architecture": info.architecture,
        "model_sha256": info.sha256,
    }


def _of_prompt(prompt: Prompt) -> dict[str, Any]:
    messages = [{"role": role, "content": content} for role, content in prompt.messages]
    return {"prompt": prompt.name, "prompt_text": prompt.text, "prompt_messages": _json(messages)}


def _of_setting(setting: Setting) -> dict[str, Any]:
    names = ("site", "dose", "profile", "mode", "noise", "max_tokens", "sink", "hold", "layers")
    return {
        **{name: getattr(setting, name) for name in names},
        "shape": _json(setting.shape),
        "sampler": _json(dict(setting.sampler)),
        "dose_inputs": setting.dose_inputs if isinstance(setting.dose_inputs, str) else _json(setting.dose_inputs),
    }


def _of_origin(origin: Mapping[str, Any]) -> dict[str, Any]:
    names = ("version", "sources", "llama_cpp_commit", "cpu")
    return {**{name: str(origin.get(name, "")) for name in names}, "origin": _json(origin)}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
