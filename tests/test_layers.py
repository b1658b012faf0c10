"""The structure holds: imports go downwards, no object reaches into another, no file grows long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PACKAGE = ROOT / "python" / "drugs_cpp"

#: folders of the package from bottom to top; a file next to them is at the bottom, unless it starts things
LAYERS = ("", "doses", "traces", "engine", "model", "study", "tools")

ON_TOP = ("__init__", "__main__")

#: private names without a public alternative: methods of llama-cpp-python that are called on its class, with an object
#: of ours instead of the model, and the place where its bindings find their libraries
UPSTREAM = {
    ("llama_cpp.Llama", "_init_sampler"),
    ("llama_cpp.Llama", "_create_completion"),
    ("bindings", "_base_path"),
}

#: public despite their names: see the documentation of typing.NamedTuple
OF_NAMED_TUPLES = ("_asdict", "_fields", "_replace")

MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

LONGEST = 400  # lines


def name_of(path: Path) -> str:
    """``engine.session`` for ``engine/session.py``; the name of a folder's ``__init__`` ends with it."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def layer_of(module: str) -> int:
    folder, _, rest = module.rpartition(".")
    if module in ON_TOP or not folder:
        return len(LAYERS) if module in ON_TOP else 0
    assert rest
    return LAYERS.index(folder.split(".")[0])


def imports_of(path: Path) -> Iterator[str]:
    """Modules of the package that a module imports anywhere, including inside functions and only for types."""
    known = {name_of(other) for other in MODULES}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "drugs_cpp":
            inside = node.module.partition(".")[2]
            for name in node.names:
                submodule = f"{inside}.{name.name}".strip(".")
                yield submodule if submodule in known else inside
        elif isinstance(node, ast.Import):
            yield from (name.name.partition(".")[2] for name in node.names if name.name.startswith("drugs_cpp."))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relative to itself"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_go_down(path: Path) -> None:
    own = layer_of(name_of(path))
    upwards = [module for module in imports_of(path) if module and layer_of(module) > own]
    assert not upwards


def test_there_is_no_cycle() -> None:
    graph = {name_of(path): {m for m in imports_of(path) if m and not m.startswith("_core")} for path in MODULES}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way[way.index(module) :], module))
        if module not in done:
            for imported in sorted(graph.get(module, ())):
                visit(imported, (*way, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


def private_names(owner: ast.ClassDef) -> set[str]:
    """Private names that a class defines: its methods, what it assigns, and what it sets on ``self``."""
    names = {node.name for node in ast.walk(owner) if isinstance(node, ast.FunctionDef)}
    names |= {node.attr for node in ast.walk(owner) if isinstance(node, ast.Attribute) and is_own(node)}
    return {name for name in names if name.startswith("_")}


def is_own(node: ast.Attribute) -> bool:
    value = node.value
    if isinstance(value, ast.Name):
        return value.id in ("self", "cls")
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "super"


def foreign_private_attributes(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    owners = {node: owner for owner in ast.walk(tree) if isinstance(owner, ast.ClassDef) for node in ast.walk(owner)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
            continue
        owner = owners.get(node)
        whose = ast.unparse(node.value)
        allowed = is_own(node) or (whose, node.attr) in UPSTREAM or node.attr in OF_NAMED_TUPLES
        if not allowed and not (owner is not None and node.attr in private_names(owner)):
            yield f"{name_of(path)}:{node.lineno}: {whose}.{node.attr}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nobody_reaches_into_another_object(path: Path) -> None:
    assert not list(foreign_private_attributes(path))


def test_no_file_is_long() -> None:
    source = [path for path in (ROOT / "csrc").rglob("*") if path.is_file()]
    scripts = [path for path in PACKAGE.rglob("*.js") if path.parent.name != "libraries"]
    files = [*MODULES, *PACKAGE.rglob("*.pyi"), *scripts, *source]
    long = {str(path.relative_to(ROOT)): n for path in files if (n := len(path.read_bytes().splitlines())) > LONGEST}
    assert not long
