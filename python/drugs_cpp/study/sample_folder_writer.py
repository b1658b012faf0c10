"""``write_samples``: writes the texts of a sweep in the format of the reference project, a folder of Markdown files.

The reference's page shows such a folder, and ``read_folder`` reads it. Because users name prompts and models as they
like, and the format has no place for kinds of noise or samplers, each file describes its content in a comment.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from drugs_cpp.engine.signals import interrupt_later
from drugs_cpp.errors import OptionError
from drugs_cpp.study.sample_text import COMMENT, MEASURED, RESPONSES

if TYPE_CHECKING:
    from drugs_cpp.study.prompt import Prompt
    from drugs_cpp.study.setting import Setting
    from drugs_cpp.study.sweep_store import CellId, ModelInfo, SweepStore, TextRow

#: which file has which angle, for the reference's page
_INDEX = "directory_structure.json"

#: name of a folder for an unknown value
_UNKNOWN = "unknown"

#: how many bytes file systems allow in a name, without what is reserved for a prefix and a suffix
_LONGEST_NAME = 200


def write_samples(folder: Path, results: SweepStore, cells: Iterable[CellId]) -> Iterable[int]:
    """Write a file for each cell into a new folder; yields the number of texts of each.

    Raises:
        OptionError: a name that is too long for a file.
    """
    folder.mkdir()
    models, prompts, settings = results.models(), results.prompts(), results.settings()
    names = _Names()
    index: dict[str, Any] = {}
    for cell in cells:
        model, prompt, setting = models[cell.model], prompts[cell.prompt], settings[cell.setting]
        path = names.path(cell, model, prompt, setting)
        rows = results.texts(cell)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        content = _markdown(model, prompt, setting, rows).encode("utf-8")
        with interrupt_later():  # an interrupt between opening a file and its "with" would leave it open
            target.write_bytes(content)
        _note(index, path, setting.dose)
        yield len(rows)
    (folder / _INDEX).write_text(json.dumps(index, indent=4), encoding="utf-8")


def _note(index: dict[str, Any], path: PurePosixPath, dose: float) -> None:
    *folders, site = path.parts[:-1]
    for name in folders:
        index = index.setdefault(name, {})
    index.setdefault(site, []).append({"filename": path.name, "dose_theta": dose, "filepath": f"/{path}"})


class _Names:
    """Paths of files: different things get different names, even on file systems that ignore case."""

    def __init__(self) -> None:
        self._taken: dict[str, Any] = {}

    def path(self, cell: CellId, model: ModelInfo, prompt: Prompt, setting: Setting) -> PurePosixPath:
        quantization = _name(model.quantization or _UNKNOWN)
        prompt_folder = self._own("", _name(prompt.name or _UNKNOWN), cell.prompt)
        size, family = _size(model.name), _name(model.architecture or _UNKNOWN)
        own = self._own(f"{size}/{family}/{quantization}/", _name(model.name or _UNKNOWN), cell.model)
        parent = PurePosixPath(prompt_folder, size, family, own, quantization, setting.site)
        file, version = f"{setting.site}_dose_{_hundredths(setting.dose)}__{quantization}.md", 1
        while (name := file if version == 1 else f"v{version}__{file}") and f"{parent}/{name}".lower() in self._taken:
            version += 1  # as the reference names further files with the same site and angle
        self._taken[f"{parent}/{name}".lower()] = cell
        return parent / name

    def _own(self, place: str, name: str, number: int) -> str:
        """Return a name that nothing with another number has."""
        version, shown = 1, name
        while self._taken.setdefault(f"{place}{shown}".lower(), number) != number:
            version += 1
            shown = f"{name} ({version})"
        return shown


def _name(text: str) -> str:
    """Return a name for a file or folder that is valid on any system."""
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "_", text)
    name = re.sub(r"^\.|[. ]$", "_", name)
    if len(name.encode("utf-8")) > _LONGEST_NAME:
        raise OptionError(f"{text[:50]!r}... is too long for the name of a folder: export a table, such as x.csv")
    return name


def _size(model: str) -> str:
    """Return the number of parameters in a model's name: 7B for ``llama-2-7b-chat``."""
    found = re.search(r"(?<![a-z0-9.])((?:\d+x)?\d+(?:\.\d+)?[bmt])(?![a-z0-9])", model, re.IGNORECASE)
    return found.group(1).upper().replace("X", "x") if found else _UNKNOWN


def _hundredths(dose: float) -> str:
    """Format a dose as in the reference's file names: 001, 05, 010, 35, 100; the exact angle is in the file."""
    zeros = int(math.log10(1 / dose)) if 0 < dose < 1 else 0
    return f"{'0' * zeros}{round(dose * 100)}"


def _markdown(model: ModelInfo, prompt: Prompt, setting: Setting, rows: Sequence[TextRow]) -> str:
    return "\n".join(
        [
            f"{COMMENT}{_about(model, prompt, setting, rows)} -->",
            "",
            f"# DRµG type: {setting.site}",
            f"dose_theta = {setting.dose!r} ",
            "",
            *_conversation(prompt),
            "## post-sampling method:",
            f"### {'Greedy' if not setting.sampler else setting.label}",
            "",
            "### Config",
            "",
            "```python",
            *_python(model, prompt, setting),
            "```",
            "",
            RESPONSES,
            "",
            *(line for row in rows for line in _response(row)),
            f"{MEASURED}{_json({row.seed: _measured(row) for row in rows})} -->",
            "",
        ]
    )


def _about(model: ModelInfo, prompt: Prompt, setting: Setting, rows: Sequence[TextRow]) -> str:
    """Describe what all texts have in common."""
    about = {
        "model": asdict(model),
        "prompt_name": prompt.name,
        "prompt": json.loads(prompt.to_json()),
        "setting": json.loads(setting.to_json()),
        "endings": {row.seed: row.ending for row in rows},
    }
    return _json(about)


def _measured(row: TextRow) -> dict[str, Any]:
    """Return what is known about a text besides its words."""
    return {
        "tokens": row.tokens.tolist(),
        "log_likelihood": row.log_likelihood,
        "parted": row.parted,
        "seconds": row.seconds,
        "embedding": base64.b64encode(row.embedding.astype("<f2").tobytes()).decode("ascii"),
    }


def _json(value: Any) -> str:
    """Return JSON that cannot end a comment."""
    return json.dumps(value).replace(">", "\\u003e")


def _conversation(prompt: Prompt) -> list[str]:
    """Return the system message and the last one as headings, and then all messages."""
    system = next((content for role, content in prompt.messages if role == "system"), "") or "none"
    whole = "\n".join(f"{role}: {content}" for role, content in prompt.messages) or prompt.text
    parts = ["## System: ", f'### "{system}"', "", "## Prompt:", f'"{prompt.shown or "none"}"', *_fenced(whole)]
    # no line of the prompt may look like the line that precedes the texts
    return [re.sub(rf"^(?={RESPONSES})", " ", part, flags=re.MULTILINE) for part in parts]


def _python(model: ModelInfo, prompt: Prompt, setting: Setting) -> list[str]:
    points = [f"    {{'depth': {depth!r}, 'peakratio': {ratio!r}}}," for depth, ratio in setting.shape or ()]
    messages = [{"role": role, "content": content} for role, content in prompt.messages]
    return [
        f"model_id = {json.dumps(model.name)}",
        f"dose = {setting.dose!r}",
        f"drug_type = {setting.site!r}",
        *(["shape = [", *points, "]"] if points else ["shape = None  # every layer gets the full dose"]),
        f"drugs.set_drug_profile(shape, {setting.mode!r}, drug_type, dose)",
        f"conversation = {messages!r}" if messages else f"text = {prompt.text!r}",
    ]


def _response(row: TextRow) -> list[str]:
    return ["", f"Seed: {row.seed}", *_fenced(row.text), ""]


def _fenced(text: str) -> list[str]:
    """Return a text between lines with more backticks than it contains anywhere."""
    longest = max((len(some) for some in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, text, fence]
