"""Each addition that the documents show applies to the code as it is, in the size of a commit, and its test passes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "how-the-house-grows.md"
SECTIONS = re.findall(r"^## (.+?)\n.*?^```diff\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
MOST_LINES = 80


def test_the_page_shows_one_of_each() -> None:
    assert [title for title, _ in SECTIONS] == ["A probe", "A kind of target", "A kind of patch", "A kind of check"]


@pytest.mark.slow
@pytest.mark.parametrize(("title", "diff"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_an_addition_is_one_commit_with_its_test(title: str, diff: str, tmp_path: Path) -> None:
    for folder in ("tinman", "migrations", "config"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    added = [line for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    (test,) = (tmp_path / "tests").glob("test_*.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    ran = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(added) <= MOST_LINES
