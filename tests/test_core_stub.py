"""``_core.pyi`` is kept by hand: it and the module must say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import drugs_cpp
from drugs_cpp import SITES, _core

STUB = ast.parse(Path(drugs_cpp.__file__).with_name("_core.pyi").read_text(encoding="utf-8"))
FUNCTIONS = [node for node in STUB.body if isinstance(node, ast.FunctionDef)]

#: name of an argument -> its default, or "" if it has none
Arguments = dict[str, str]


def in_the_stub(function: ast.FunctionDef) -> Arguments:
    names = [argument.arg for argument in function.args.args]
    defaults = [ast.unparse(default) for default in function.args.defaults]
    return dict(zip(names, [""] * (len(names) - len(defaults)) + defaults))


def in_the_module(name: str) -> Arguments:
    """From the first line of what pybind11 writes: ``rotate(x: type, ..., n_threads: type = 1) -> type``."""
    line = re.sub(r"\[[^][]*\]", "", str(getattr(_core, name).__doc__).splitlines()[0])
    arguments = line.partition("(")[2].rpartition(") ->")[0]
    pairs = (argument.partition(": ") for argument in arguments.split(", ") if argument)
    return {name: kind.partition(" = ")[2] for name, _, kind in pairs}


def test_the_functions_agree() -> None:
    public = {name for name, value in vars(_core).items() if callable(value) and not name.startswith("_")}
    assert {function.name for function in FUNCTIONS} == public


def test_arguments_and_defaults_agree() -> None:
    for function in FUNCTIONS:
        assert in_the_stub(function) == in_the_module(function.name)


def test_every_function_is_documented_on_both_sides() -> None:
    for function in FUNCTIONS:
        assert ast.get_docstring(function), function.name
        assert "\n\n" in str(getattr(_core, function.name).__doc__).strip(), function.name


def test_the_sites_are_the_columns() -> None:
    assert tuple(_core.site_names()) == SITES
