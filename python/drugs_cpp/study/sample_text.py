"""``Sample``: reads a Markdown file of texts in the format of the reference project.

Such a file has the angle in a line ``dose_theta = 0.1``, the conversation and the shape of the dose in a block of
Python, and ``Seed: 420`` before each text, which is enclosed in lines of backticks. Files written by this package begin
with a comment that contains all of that exactly.
"""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from drugs_cpp.doses.checks import check_not_negative
from drugs_cpp.doses.kinds import REFERENCE
from drugs_cpp.doses.profile import CEIL, MODES
from drugs_cpp.doses.seed import check_seed
from drugs_cpp.doses.sites import SITES
from drugs_cpp.engine.dosing import DEFAULT_SINK
from drugs_cpp.errors import DrugsError
from drugs_cpp.study.prompt import Prompt, prompt_of
from drugs_cpp.study.setting import Setting, setting_of

#: line between the common part and the texts
RESPONSES = "### RESPONSES"

#: what files of this package begin with, followed by JSON and "-->"
COMMENT = "<!-- drugs_cpp "

#: what the last line of files of this package begins with, followed by JSON and "-->"
MEASURED = "<!-- measured "

#: tokens with which models end a text
_ENDS = ("</s>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<eos>")

#: of the shape: how much farther its outer points are from the middle than its inner ones
_OUTER = 1.01


class NotASampleError(Exception):
    """Says why a file is not a file of texts."""


@dataclass(frozen=True)
class SampleText:
    """A text.

    Attributes:
        seed: of its noise.
        text: without the token that ended it.
        ending: "stop", "length" or "", as in a ``TextRow``.
        measured: those of tokens, log_likelihood, parted, seconds and embedding that are known.
    """

    seed: int
    text: str
    ending: str
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """The content of a file.

    Attributes:
        setting: of its texts.
        prompt: their conversation; its name is "" if the file does not contain it.
        texts: in the order of the file.
        model_id: what the reference loaded, such as "someone/some-model"; "" in files of this package.
        loaded_with: arguments it was loaded with; "" in files of this package.
        model: key, name, quantization and architecture, which only files of this package have.
    """

    setting: Setting
    prompt: Prompt
    texts: tuple[SampleText, ...]
    model_id: str = ""
    loaded_with: str = ""
    model: Mapping[str, str] = field(default_factory=dict)


def read_sample(text: str) -> Sample:
    """Read the content of a file.

    Raises:
        NotASampleError: it is not a file of texts.
    """
    head, mark, rest = text.partition(f"\n{RESPONSES}")
    if text.partition("\n")[0].endswith("\r"):  # a checkout on Windows
        return read_sample(text.replace("\r\n", "\n"))
    if not mark:
        raise NotASampleError(f"it has no line {RESPONSES}")
    try:
        return _of_this_package(head, rest) if head.startswith(COMMENT) else _of_the_reference(head, rest)
    except (DrugsError, ArithmeticError, LookupError, SyntaxError, TypeError, ValueError, RecursionError) as error:
        raise NotASampleError(f"it cannot be read: {error}") from error


def _of_the_reference(head: str, rest: str) -> Sample:
    loaded = re.search(r"from_pretrained\(\s*model_id,\s*(.*?)\)\n", head, re.DOTALL)
    texts = []
    for seed, text in _texts(rest):
        end = next((end for end in _ENDS if text.endswith(end)), "")
        texts.append(SampleText(seed, text[: len(text) - len(end)], "stop" if end else ""))
    return Sample(
        _setting(head),
        _prompt(head),
        tuple(texts),
        _needed(head, r'^model_id = "(.*)"', 'model_id = "..."'),
        loaded.group(1) if loaded else "",
    )


def _of_this_package(head: str, rest: str) -> Sample:
    about = json.loads(head.partition("\n")[0][len(COMMENT) :].rpartition("-->")[0])
    endings, (rest, measured) = about["endings"], _without_measured(rest)
    return Sample(
        setting_of(about["setting"]),
        prompt_of(str(about["prompt_name"]), json.dumps(about["prompt"])),
        tuple(
            SampleText(seed, text, str(endings[str(seed)]), measured.get(str(seed), {})) for seed, text in _texts(rest)
        ),
        model={name: str(about["model"][name]) for name in ("key", "name", "quantization", "architecture")},
    )


def _without_measured(rest: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the texts, and the measures of each by seed."""
    texts, mark, last = rest.rpartition(f"\n{MEASURED}")
    if not mark or not last.endswith("-->\n"):
        return rest, {}
    found = json.loads(last[: -len("-->\n")])
    return texts, {str(seed): _measured(values) for seed, values in found.items()}


def _measured(values: Mapping[str, Any]) -> dict[str, Any]:
    likelihood, parted = values["log_likelihood"], values["parted"]
    return {
        "tokens": np.array([int(token) for token in values["tokens"]], np.int32),
        "log_likelihood": None if likelihood is None else float(likelihood),
        "parted": None if parted is None else int(parted),
        "seconds": float(values["seconds"]),
        "embedding": np.frombuffer(base64.b64decode(values["embedding"], validate=True), "<f2"),
    }


#: a text ends at the same number of backticks as it began with, followed by another seed or nothing
_TEXT = re.compile(
    r"^Seed: *(\d+)[ \t]*\n+(`{3,})[ \t]*\n(.*?)\n\2[ \t]*\n*(?=^Seed: *\d+[ \t]*\n+`{3}|\Z)", re.MULTILINE | re.DOTALL
)


def _texts(rest: str) -> Iterator[tuple[int, str]]:
    """Yield the seed and text of each."""
    if re.search("^Seed:", _TEXT.sub("", rest), re.MULTILINE):
        raise NotASampleError("it is damaged: a text in it has no end")
    for found in _TEXT.finditer(rest):
        seed = check_seed(int(found.group(1)))
        if seed is None:
            raise NotASampleError(f"a text has the seed {found.group(1)}, which means a fresh one each time")
        yield seed, found.group(3)


def _needed(head: str, pattern: str, shown: str) -> str:
    found = re.search(pattern, head, re.MULTILINE)
    if found is None:
        raise NotASampleError(f"it has no line {shown}")
    return found.group(1)


def _setting(head: str) -> Setting:
    dose = check_not_negative("dose_theta", float(_needed(head, r"^dose_theta = *(\S+)", "dose_theta = ...")))
    site = _needed(head, r"^drug_type = '(\w+)'", "drug_type = '...'")
    if site not in SITES:
        raise NotASampleError(f"its site is {site!r}, none of {', '.join(SITES)}")
    middle, spread = (
        float(Fraction(_needed(head, rf"^{name} = *([\d./]{{1,20}})$", f"{name} = ...")))
        for name in ("injection_depth", "spread")
    )
    mode = re.search(r"^drugs\.set_drug_profile\(shape, '(\w+)'", head, re.MULTILINE)
    outer = spread * _OUTER
    return Setting(
        site=site,
        dose=dose,
        profile=f"{middle:.3g}±{spread:.3g}",
        shape=((middle - outer, 0.0), (middle - spread, 1.0), (middle + spread, 1.0), (middle + outer, 0.0)),
        mode=mode.group(1) if mode and mode.group(1) in MODES else CEIL,
        noise=REFERENCE,
        dose_inputs=True,
        sink=DEFAULT_SINK,
    )


def _prompt(head: str) -> Prompt:
    """Return the conversation from the Python block, where quotes inside it are escaped, or else from the headings."""
    found = re.search(
        r"^tokenized_start = tokenizer\.apply_chat_template\((\[.*\]), return_tensors=", head, re.MULTILINE
    )
    if found is not None:
        messages = tuple((str(m["role"]), str(m["content"])) for m in ast.literal_eval(found.group(1)))
    else:
        system = re.search(r'^## System: *\n### "(.*)"$', head, re.MULTILINE)
        asked = re.search(r'^## Prompt: *\n"(.*?)"\n```', head, re.MULTILINE | re.DOTALL)
        given = [("system", system), ("user", asked)]
        messages = tuple((role, some.group(1)) for role, some in given if some is not None)
    if not messages:
        raise NotASampleError("it has no conversation: no line tokenized_start = ..., no heading ## Prompt:")
    "".join(content for _, content in messages).encode()  # raises for lone surrogates
    return Prompt("", messages)
