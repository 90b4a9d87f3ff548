"""Each line of the table of compatibility names the tests that hold it, and they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/reference/compatibility.md"
NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def names_in(module: str) -> set[str]:
    tree = ast.parse((Path(__file__).parent / module).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_the_page_names_is_there() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))

    assert len(named) > 40
    assert [f"{module}::{test}" for module, test in named if test not in names_in(module)] == []


def test_every_line_of_every_table_names_a_test() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    told = [row for row in rows if not row.startswith(("| what", "|---"))]

    assert [row for row in told if not NAMED.search(row)] == []
