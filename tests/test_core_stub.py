"""``_core.pyi`` is maintained by hand: it must agree with the module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drugs_cpp
from drugs_cpp import SITES, _core

FOLDER = Path(drugs_cpp.__file__).parent
STUBS = ("_core_answers.pyi", "_core_trace.pyi", "_core.pyi")
STUB = ast.parse("".join((FOLDER / name).read_text(encoding="utf-8") for name in STUBS))
CLASSES = [node for node in STUB.body if isinstance(node, ast.ClassDef) and not node.bases]

#: name of an argument -> its default, or "" if it has none
Arguments = dict[str, str]


def functions() -> Iterator[tuple[str, ast.FunctionDef, Any]]:
    """Name, stub and compiled function, for the module and its classes."""
    for function in (node for node in STUB.body if isinstance(node, ast.FunctionDef)):
        yield function.name, function, getattr(_core, function.name)
    for owner in CLASSES:
        for function in (node for node in owner.body if isinstance(node, ast.FunctionDef)):
            yield f"{owner.name}.{function.name}", function, vars(getattr(_core, owner.name))[function.name]


def in_the_stub(function: ast.FunctionDef) -> Arguments:
    positional = [argument.arg for argument in function.args.args]
    defaults = [ast.unparse(default) for default in function.args.defaults]
    arguments = dict(zip(positional, [""] * (len(positional) - len(defaults)) + defaults))
    for keyword, default in zip(function.args.kwonlyargs, function.args.kw_defaults):
        arguments[keyword.arg] = "" if default is None else ast.unparse(default)
    arguments.pop("self", None)
    return arguments


def in_the_module(function: Any) -> Arguments:
    """From the first line of pybind11's docstring: ``rotate(x: type, ..., n_threads: type = 1) -> type``."""
    line = str(function.__doc__).splitlines()[0]
    while (shorter := re.sub(r"\[[^][]*\]", "", line)) != line:
        line = shorter
    arguments = line.partition("(")[2].rpartition(") ->")[0]
    pairs = (argument.partition(": ") for argument in arguments.split(", ") if argument not in ("", "*"))
    return {name: kind.partition(" = ")[2] for name, _, kind in pairs if name not in ("self", "arg0")}


def test_the_names_agree() -> None:
    public = {name for name, value in vars(_core).items() if callable(value) and not name.startswith("_")}
    assert {name.partition(".")[0] for name, _, _ in functions()} == public


def test_the_members_of_classes_agree() -> None:
    for owner in CLASSES:
        in_stub = {node.name for node in owner.body if isinstance(node, ast.FunctionDef)}
        targets = [node.target for node in owner.body if isinstance(node, ast.AnnAssign)]
        in_stub |= {target.id for target in targets if isinstance(target, ast.Name)}
        compiled = {name for name in vars(getattr(_core, owner.name)) if not name.startswith("_") or name == "__init__"}
        assert in_stub == compiled, owner.name


def test_arguments_and_defaults_agree() -> None:
    for name, stub, compiled in functions():
        if not isinstance(compiled, property):
            assert in_the_stub(stub) == in_the_module(compiled), name


def test_everything_is_documented() -> None:
    for name, stub, compiled in functions():
        if stub.name != "__init__":
            assert ast.get_docstring(stub), name
            if not isinstance(compiled, property):
                assert "\n\n" in str(compiled.__doc__).strip(), name


def test_the_sites_are_the_columns() -> None:
    assert tuple(_core.site_names()) == SITES
