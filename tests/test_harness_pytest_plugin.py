"""``pytest --tinman`` runs scenario files as tests; without the option nothing of Tinman is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness_targets import written

HERE = Path(__file__).parent
HI = {"type": "assistant_contains_any", "values": ["hi"]}


def pytested(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own in ``folder``."""
    env = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)]),
        "XDG_CONFIG_HOME": str(folder),
    }
    command = [sys.executable, "-m", "pytest", "-p", "tinman.pytest_plugin", "-p", "no:cacheprovider", "-q", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def a(name: str, user: str, **more: Any) -> dict[str, Any]:
    return {"scenario_id": name, "turns": [{"user": user, "checks": [HI]}], **more}


ADAPTER = ("--tinman-adapter", f"{HERE / 'harness_targets.py'}:wayward")


@pytest.mark.slow
def test_each_scenario_is_a_test_and_failures_are_told_turn_by_turn(tmp_path: Path) -> None:
    place = written(
        tmp_path,
        a("good", "hi"),
        a("bad\x1b]0;x\x07", "no \x1b[2J"),
        a("exits", "exit"),
        a("sharp", "hi", destructive=True),
    )
    (place / "deeper").mkdir()
    (place / "deeper" / "x.json").write_text(json.dumps(a("deeper", "no")))
    done = pytested(tmp_path, "--tinman", "scenarios", *ADAPTER, "-v", "-rsf")

    assert done.returncode == 1
    assert "2 failed, 1 passed, 1 skipped" in done.stdout
    assert "turn 1: assistant_contains_any: none of: 'hi'" in done.stdout
    assert "adapter_runtime: SystemExit: 0" in done.stdout
    assert "\x1b" not in done.stdout
    assert "deeper" not in done.stdout


@pytest.mark.slow
def test_scenarios_run_beside_tests_that_are_named_and_each_try_is_a_test(tmp_path: Path) -> None:
    written(tmp_path, a("good", "hi"))
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    both = pytested(tmp_path, "test_own.py", "--tinman", "scenarios", *ADAPTER, "--tinman-repeat", "3")
    alone = pytested(tmp_path, "--tinman", "scenarios/00.json", *ADAPTER)
    chosen = pytested(tmp_path, "--tinman", "scenarios", *ADAPTER, "--tinman-repeat", "3", "-k", "good and 2")

    assert "4 passed" in both.stdout
    assert "1 passed" in alone.stdout
    assert "1 passed, 2 deselected" in chosen.stdout


@pytest.mark.slow
def test_the_settings_name_the_target_and_wrong_files_are_collection_errors(tmp_path: Path) -> None:
    written(tmp_path, {"scenario_id": "s", "turns": [{"user": "Hello!"}]}, {"scenario_id": "bad", "turns": []})
    (tmp_path / "tinman.toml").write_text('[target]\nspec = "sandbox:sound"\n')
    done = pytested(tmp_path, "--tinman", "scenarios")
    good = pytested(tmp_path, "--tinman", "scenarios/00.json")

    assert done.returncode == 2
    assert "scenario 'bad': there are no turns" in done.stdout
    assert "Traceback" not in done.stdout
    assert "1 passed" in good.stdout


@pytest.mark.slow
def test_an_adapter_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    written(tmp_path, a("good", "hi"))
    done = pytested(tmp_path, "--tinman", "scenarios", "--tinman-adapter", f"{HERE / 'harness_targets.py'}:nothing")

    assert done.returncode == 1
    assert "the factory returned None" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_without_the_option_nothing_of_tinman_but_the_plugin_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "test_light.py").write_text(
        "import sys\n"
        "def test_light():\n"
        "    ours = {name for name in sys.modules if name.split('.')[0] == 'tinman'}\n"
        "    assert ours == {'tinman', 'tinman.pytest_plugin'}, ours\n"
        "    assert not {'pydantic', 'anyio', 'click', 'httpx2'} & set(sys.modules)\n"
    )

    done = pytested(tmp_path)
    assert done.returncode == 0, done.stdout
