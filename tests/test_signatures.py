"""Arguments are declared in several places, and shown by ``help``: all agree with each other and with upstream."""

from __future__ import annotations

import ast
import inspect
import os
import pydoc
import re
import sys
import typing
from pathlib import Path
from typing import Any, Union

import llama_cpp
import pytest
from llama_cpp import llama_chat_format

from drugs_cpp import DRUGS, SITES, Llama
from drugs_cpp.doses.arguments import DoseArguments, DoseSettings
from drugs_cpp.doses.dosage import SETTINGS
from drugs_cpp.model import (
    completion_arguments,
    completion_methods,
    llama_arguments,
    token_methods,
    variation_methods,
    variation_types,
)

#: what upstream's methods lack
EXTRAS = ["xtc_probability", "xtc_threshold", "top_n_sigma"]

OURS = ["drugs", "dose_inputs", "sink", "sober_interval", "sober_twin", "strict", "repeatable"]


def names(function: Any) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]


def types_of(arguments: Any) -> dict[str, str]:
    return {name: kind.__forward_arg__ for name, kind in arguments.__annotations__.items()}


def declared(module: Any, method: str) -> list[ast.arguments]:
    """The declarations of a method in a module: its overloads, and itself."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    return [node.args for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == method]


def declared_types(arguments: ast.arguments) -> dict[str, str]:
    given = [*arguments.args[1:], *arguments.kwonlyargs]
    return {argument.arg: ast.unparse(argument.annotation or ast.Constant(None)) for argument in given}


#
# doses
#


def test_the_arguments_of_doses() -> None:
    assert set(DoseArguments.__annotations__) == {*SITES, *SETTINGS}
    assert set(DoseSettings.__annotations__) == {*SITES, *SETTINGS} - {"effect"}
    assert names(DRUGS) == ["values", *SITES, *SETTINGS]
    assert names(Llama.dosed) == ["drugs", *SITES, *SETTINGS]
    assert names(DRUGS.mild) == [*SITES, *SETTINGS[1:]]
    assert names(DRUGS.by_effect) == ["kl", "site", *SITES, *SETTINGS[1:]]


def test_none_is_the_same_as_leaving_an_argument_out() -> None:
    assert DRUGS(**dict.fromkeys(DoseArguments.__annotations__)) == DRUGS()
    assert inspect.signature(DRUGS).parameters["A"].default is None
    assert inspect.signature(DRUGS).parameters["A"].annotation == "float | None"


#
# the constructor
#


def test_the_constructor_has_our_arguments_first_and_then_upstreams() -> None:
    theirs = [name for name in names(llama_cpp.Llama) if name not in ("model_path", "seed")]
    ours = ["model_path", "drugs", "seed", *OURS[1:]]
    assert names(Llama) == names(Llama.__init__) == [*ours, *theirs]
    assert list(llama_arguments.UpstreamArguments.__annotations__) == theirs
    assert set(llama_arguments.LlamaArguments.__annotations__) == {*ours, *theirs} - {"model_path"}
    assert all(p.kind is not p.VAR_KEYWORD for p in inspect.signature(Llama).parameters.values())


def test_the_constructor_has_upstreams_defaults() -> None:
    ours, theirs = inspect.signature(Llama).parameters, inspect.signature(llama_cpp.Llama).parameters
    common = set(ours) & set(theirs) - {"seed"}
    assert {name for name in common if ours[name].default != theirs[name].default} == set()


def plain(kind: Any) -> Any:
    """A type in one spelling: ``List[X]`` as ``list[X]``, and ``Optional[X]`` as ``X | None``."""
    origin, parts = typing.get_origin(kind), [plain(part) for part in typing.get_args(kind)]
    if origin is Union or str(origin) == "<class 'types.UnionType'>":
        return frozenset(parts)
    return (origin, *parts) if origin else kind


@pytest.mark.skipif(sys.version_info < (3, 10), reason="X | Y is no value there: PYTHON=python3.11 make")
def test_the_constructor_has_upstreams_types() -> None:
    theirs = typing.get_type_hints(llama_cpp.Llama.__init__)
    known = {**vars(sys.modules["llama_cpp.llama"]), **vars(llama_chat_format), "os": os}
    ours = typing.get_type_hints(llama_arguments.UpstreamArguments, None, known)
    wider = {"lora_path"}
    assert {name for name in ours if plain(ours[name]) != plain(theirs[name])} == wider


def test_explicit_arguments_have_the_types_of_the_constructor() -> None:
    (constructor,) = declared(sys.modules[Llama.__module__], "__init__")
    (download,) = declared(sys.modules[Llama.__module__], "from_pretrained")
    types, explicit = types_of(llama_arguments.LlamaArguments), declared_types(constructor)
    assert explicit == {"model_path": explicit["model_path"], **{name: types[name] for name in [*OURS, "seed"]}}
    assert list(declared_types(download)) == names(llama_cpp.Llama.from_pretrained)


#
# methods
#


@pytest.mark.parametrize("method", ["create_completion", "__call__", "create_chat_completion"])
def test_the_overloads_of_a_completion(method: str) -> None:
    *by_keyword, by_position, _ = declared(completion_methods, method)
    types = declared_types(by_position)
    assert list(types) == [*names(getattr(llama_cpp.Llama, method)), *EXTRAS]
    assert [argument.arg for argument in by_position.kwonlyargs] == EXTRAS
    chat = method == "create_chat_completion"
    options = completion_arguments.ChatArguments if chat else completion_arguments.CompletionArguments
    assert len(by_keyword) == 2
    for overload in by_keyword:
        assert overload.kwarg is not None
        assert ast.unparse(overload.kwarg.annotation or ast.Constant(None)) == f"Unpack[{options.__name__}]"
        first, stream = declared_types(overload)
        assert {first: types[first], "stream": "bool", **types_of(options)} == types
        assert stream == "stream"


@pytest.mark.parametrize("method", ["sample", "generate"])
def test_the_declaration_of_a_method_that_chooses_tokens(method: str) -> None:
    declaration, _ = declared(token_methods, method)
    types = declared_types(declaration)
    assert list(types) == [*names(getattr(llama_cpp.Llama, method)), *EXTRAS]
    if method == "generate":
        assert {"tokens": types["tokens"], **types_of(completion_arguments.TokenArguments)} == types


def test_the_overloads_of_variations() -> None:
    *by_keyword, by_position, implementation = declared(variation_methods, "variations")
    types = declared_types(implementation)
    options = types_of(variation_types.VariationOptions)
    assert {**declared_types(by_position), **options} == types
    assert [argument.arg for argument in implementation.kwonlyargs] == list(options)
    own = {name: types[name] for name in ("prompt", "messages", "stream")}
    assert {**own, **types_of(variation_types.VariationArguments)} == types
    assert len(by_keyword) == 4
    assert all(set(declared_types(overload)) == set(own) for overload in by_keyword)


#
# help
#


def described(documentation: str | None) -> list[str]:
    """The names that sections of arguments describe, in this order."""
    sections = re.findall(r"^(?:Keyword )?Args:\n((?: .*\n?)+)", inspect.cleandoc(documentation or ""), re.MULTILINE)
    return [name for section in sections for name in re.findall(r"^    (\*{0,2}\w[\w*, ]*): ", section, re.MULTILINE)]


def test_the_class_describes_each_argument_once_ours_first() -> None:
    ours = ["model_path", "drugs", "seed", *OURS[1:]]
    theirs = names(Llama)[len(ours) :]
    assert described(Llama.__doc__) == [*ours, "**kwargs", *theirs]
    assert "as in llama.cpp." not in str(Llama.__doc__).replace("False: as in llama.cpp.", "")
    assert max(map(len, str(Llama.__doc__).splitlines())) <= 116


OVERRIDDEN = sorted(
    name
    for name in dir(llama_cpp.Llama)
    if (not name.startswith("_") or name == "__call__")
    and callable(getattr(llama_cpp.Llama, name))
    and inspect.getattr_static(Llama, name) is not inspect.getattr_static(llama_cpp.Llama, name)
)


@pytest.mark.parametrize("name", ["__call__", "create_chat_completion", "create_completion", "generate", "sample"])
def test_what_chooses_tokens_has_upstreams_documentation_and_ours(name: str) -> None:
    ours, theirs = inspect.getdoc(getattr(Llama, name)), inspect.getdoc(getattr(llama_cpp.Llama, name))
    assert ours is not None
    assert theirs is not None
    assert ours.startswith(theirs)
    assert described(ours) == [*described(theirs), *EXTRAS]
    assert re.search(r"``temp(erature)?`` is 0 by default", ours)


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_an_overriding_method_describes_what_upstreams_does(name: str) -> None:
    ours, theirs = getattr(Llama, name), getattr(llama_cpp.Llama, name)
    assert ours.__doc__
    assert set(described(theirs.__doc__)) <= set(described(ours.__doc__))
    assert set(names(theirs)) <= set(names(ours))


@pytest.mark.parametrize("kind", [Llama, DRUGS])
def test_help(kind: type) -> None:
    text = pydoc.plain(pydoc.render_doc(kind))
    assert " at 0x" not in text  # an object as a default
    assert "Unpack" not in text
    assert "Initialize self." not in text or kind is DRUGS
