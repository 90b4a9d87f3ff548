"""The tutorial on scenarios does what it says: every block is executed, its exit code and its output are looked at."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinman.harness.simulator import read_simulator
from tinman.scenarios.files import BUILT_IN_CHECKS, read_scenario, warnings_of

DOCS = Path(__file__).parent.parent / "docs"
SEED_COMMANDS = (
    "--adapter examples/starter_target/adapter.py:create_adapter --user-id demo-user"
    " --scenarios examples/starter_target/scenarios",
    "--adapter examples/demo_app/adapter.py:create_adapter --user-id demo-user --scenarios examples/demo_app/scenarios",
    "--inner-provider none --inner-model mailbox-rules",
    "--failed-from artifacts/reports",
    "--tag cleanup --tag preview",
    "--non-interactive",
)
_BLOCK = re.compile(r"<!-- exit (\d+) -->\n```bash\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)


def blocks(page: Path) -> list[tuple[int, str, list[str]]]:
    """The page's shell blocks: exit code, script, and the lines that its output has to hold."""
    text = page.read_text(encoding="utf-8")
    found = [(int(code), script, (told or "").splitlines()) for code, script, told in _BLOCK.findall(text)]
    assert len(found) == text.count("```bash"), "every shell block says its exit code"
    return found


@pytest.mark.slow
def test_every_block_of_the_tutorial_does_what_the_page_says(tmp_path: Path) -> None:
    work = tmp_path / "docs"
    shutil.copytree(DOCS, work, ignore=shutil.ignore_patterns("__pycache__"))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in (("tinman", "tinman.cli.main"), ("pytest", "pytest")):
        more = " -p tinman.pytest_plugin -p no:cacheprovider" if name == "pytest" else ""
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module}{more} "$@"\n')
        (programs / name).chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    env = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(DOCS.parent), os.environ.get("PYTHONPATH", "")]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    for code, script, lines in blocks(DOCS / "tutorials" / "scenarios.md"):
        done = subprocess.run(["bash", "-ec", script], cwd=work, env=env, capture_output=True, text=True, timeout=100)
        said = done.stdout + done.stderr

        assert done.returncode == code, f"{script}\n{said}"
        for line in lines:
            assert line in said, f"{script}\n{said}"


def test_the_reference_names_every_kind_of_check_and_its_examples_are_scenarios() -> None:
    page = (DOCS / "reference" / "scenarios.md").read_text(encoding="utf-8")
    examples = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    read = [read_scenario(json.loads(text), source="page") for text in examples]

    assert [kind for kind in BUILT_IN_CHECKS if f"| `{kind}` |" not in page] == []
    assert [scenario.scenario_id for scenario in read] == ["refund-window", "booking"]
    assert read_simulator(read[1].simulator, about="booking").most_turns == 6
    assert not [warning for scenario in read for warning in warnings_of(scenario)]


def test_the_page_shows_every_command_of_the_quick_start() -> None:
    page = re.sub(r"\s*\\\n\s*", " ", (DOCS / "tutorials" / "scenarios.md").read_text(encoding="utf-8"))

    for command in SEED_COMMANDS:
        assert command in page
