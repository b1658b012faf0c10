"""The TOML file that describes a sweep."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.doses.profile import DoseProfile
from drugs_cpp.errors import OptionError, PromptError
from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.sweep_plan import PROFILES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from os import PathLike

#: keys that a file may have: the arguments of :func:`make_plan`, models, and where results go
KEYS = (
    "models",
    "prompts",
    "sites",
    "doses",
    "profiles",
    "noise",
    "samplers",
    "seeds",
    "max_tokens",
    "dose_inputs",
    "sink",
    "output",
)

#: how many characters of a prompt are its name if none is given
_NAME_LENGTH = 40


def read_sweep_file(path: str | PathLike[str]) -> dict[str, Any]:
    """Return those arguments of :func:`make_plan`, and "models" and "output", that the file contains.

    Paths in it are relative to its own folder.

    Raises:
        OptionError: no such file, not TOML, or a key or value that a sweep does not have.
        PromptError: an invalid prompt.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OptionError(f"{path}: no such file") from None
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise OptionError(f"{path} cannot be read as TOML: {error}") from None
    try:
        return _understood(values, path.parent)
    except (OptionError, PromptError) as error:
        raise type(error)(f"{path}: {error}") from None


def _understood(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    for key in values:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise OptionError(f"unknown key {key!r}{hint}: the keys are {', '.join(KEYS)}")
    found = dict(values)
    for key in ("models", "prompts", "sites", "doses", "profiles", "noise", "samplers"):
        if key in found and not isinstance(found[key], list):
            raise OptionError(f"{key} is {found[key]!r}: give a list, in brackets")
    if "models" in found:
        found["models"] = [str(folder / model) for model in found["models"]]
    if "output" in found:
        found["output"] = folder / found["output"]
    if "seeds" in found:
        found["seeds"] = seeds_of(found["seeds"])
    if "prompts" in found:
        found["prompts"] = named(list(map(_prompt, found["prompts"])))
    if "profiles" in found:
        found["profiles"] = dict(map(_profile, found["profiles"]))
    return found


def seeds_of(given: Any) -> list[int]:
    """Read seeds from ``"1-5,9"``, from a list, or from one number.

    Raises:
        OptionError: something else.
    """
    parts = given.replace(",", " ").split() if isinstance(given, str) else given
    try:
        if isinstance(parts, int):
            return [parts]
        seeds: list[int] = []
        for part in parts:
            first, _, last = str(part).partition("-")
            some = range(int(first), int(last or first) + 1)
            if len(some) > 100_000:
                raise OptionError(f"seeds: {part} are {len(some)} seeds: give 100000 at most")
            seeds += some
        return seeds
    except (TypeError, ValueError):
        raise OptionError(f"seeds are {given!r}: give a list such as 1-5,9") from None


def profile_named(name: str) -> tuple[str, DoseProfile | None]:
    """Return the name and the profile that has it.

    Raises:
        OptionError: there is no profile with that name.
    """
    if name not in PROFILES:
        raise OptionError(f"unknown profile {name!r}: give {', '.join(PROFILES)}, or points, in a TOML file")
    return name, PROFILES[name]


def message_prompt(text: str, system: str = "", name: str = "") -> Prompt:
    """Return a prompt with a user message, after a system message if one is given."""
    messages = (*([("system", system)] if system else []), ("user", text))
    return Prompt(name, messages)


def named(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Return the same prompts, each with a name: its first words if it had none."""
    taken = {prompt.name for prompt in prompts if prompt.name}
    found = []
    for prompt in prompts:
        name = prompt.name or _unused(_first_words(prompt.shown), taken)
        taken.add(name)
        found.append(Prompt(name, prompt.messages, prompt.text))
    return found


def _first_words(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _NAME_LENGTH else line[: _NAME_LENGTH - 1].rstrip() + "…"


def _unused(name: str, taken: set[str]) -> str:
    number = 1
    while (candidate := name if number == 1 else f"{name} ({number})") in taken:
        number += 1
    return candidate


def _prompt(given: Any) -> Prompt:
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, Mapping) or not set(given) <= {"name", "text", "system", "raw", "messages"}:
        raise PromptError(f"{given!r} is not a prompt: give a text, or name, text, system, raw or messages")
    name = str(given.get("name", ""))
    if "messages" in given:
        return Prompt(name, tuple(map(_message, given["messages"])))
    text = given.get("text")
    if not isinstance(text, str) or not text.strip():
        raise PromptError(f"the prompt {name or given!r} has no text: give some")
    if given.get("raw"):
        return Prompt(name, text=text)
    return message_prompt(text, str(given.get("system", "")), name)


def _message(given: Any) -> tuple[str, str]:
    if not isinstance(given, Mapping) or set(given) != {"role", "content"}:
        raise PromptError(f"{given!r} is not a message: it needs role and content, and nothing else")
    return str(given["role"]), str(given["content"])


def _profile(given: Any) -> tuple[str, DoseProfile | None]:
    if isinstance(given, str):
        return profile_named(given)
    if not isinstance(given, Mapping) or not {"name", "points"} <= set(given) <= {"name", "points", "mode"}:
        raise OptionError(
            f"{given!r} is not a profile: give a name, or name, points ([depth, peakratio], ...) and mode"
        )
    try:
        points = [{"depth": depth, "peakratio": ratio} for depth, ratio in given["points"]]
    except (TypeError, ValueError):
        raise OptionError(f"{given['points']!r} are not points of a profile: give [depth, peakratio], ...") from None
    return str(given["name"]), DoseProfile(points, given.get("mode", "interpolate"))
