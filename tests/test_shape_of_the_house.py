"""What a newcomer relies on: small rooms, small modules' insides, imports at the top, no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tinman"
MODULES = {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
MOST_MODULES, MOST_LINES, MOST_CLASS_LINES, MOST_HIDDEN_IMPORTS = 16, 80, 250, 39


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


def places(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[str, int]]:
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1  # type: ignore[attr-defined]


def imported(node: ast.AST) -> Iterator[str]:
    """Yield the modules of ours that an import statement loads."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in NAMES)
    elif isinstance(node, ast.ImportFrom) and node.module in NAMES:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in NAMES else node.module


def is_typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def statements(node: ast.AST, *, in_function: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Yield what runs, each with whether it stands in a function."""
    for child in ast.iter_child_nodes(node):
        if is_typing_only(child):
            continue
        yield child, in_function
        inside = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from statements(child, in_function=inside)


def test_a_folder_can_be_read_at_a_glance() -> None:
    folders = {path.parent for path in MODULES} - {PACKAGE}
    sizes = {
        str(folder.relative_to(ROOT)): len([p for p in folder.glob("*.py") if p.stem != "__init__"])
        for folder in folders
    }

    assert not {folder: size for folder, size in sizes.items() if size > MOST_MODULES}


def test_functions_and_classes_fit_on_a_few_screens() -> None:
    functions = [place for place, size in places((ast.FunctionDef, ast.AsyncFunctionDef)) if size > MOST_LINES]
    classes = [place for place, size in places(ast.ClassDef) if size > MOST_CLASS_LINES]

    assert not functions + classes


def test_imports_stand_at_the_top_but_for_what_makes_starting_slow() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined]
        for path, tree in MODULES.items()
        for node, in_function in statements(tree)
        if in_function and any(imported(node))
    ]

    assert len(hidden) <= MOST_HIDDEN_IMPORTS, hidden


def test_nothing_imports_itself_in_a_circle_lazily_or_not() -> None:
    graph = nx.DiGraph(
        (name_of(path), target)
        for path, tree in MODULES.items()
        for node, _ in statements(tree)
        for target in imported(node)
        if target != name_of(path)
    )

    assert not list(nx.simple_cycles(graph))


def test_no_drawer_is_called_by_what_it_is_not() -> None:
    stems = {part for name in NAMES for part in name.split(".")}

    assert not stems & {"utils", "util", "core", "helpers", "helper", "common", "manager", "misc"}
