"""Nothing is tested, or green, that nobody named: without a target there is an error that says what to give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness_targets import scenario, written
from test_harness_pytest_plugin import pytested

from tinman.cli.main import main
from tinman.harness.attempt import Asked, attempt
from tinman.harness.reports.artifacts import read_artifact
from tinman.scenarios.files import write_scenario
from tinman.testing import ScriptedTarget

HELLO = {"scenario_id": "s", "turns": [{"user": "Hello!"}]}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    captured = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, captured.out, captured.err


@pytest.mark.parametrize("text", ['mode = "lab"\n', '[target]\nbase_url = "http://127.0.0.1:1"\n', ""])
def test_research_in_a_project_that_names_no_target_is_an_error(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tinman.toml").write_text(text)
    code, _, err = said(capsys, "research", "--dry-run")
    named, _, _ = said(capsys, "research", "--dry-run", "--target", "sandbox")

    assert (code, named) == (2, 0)
    assert "tinman.toml: names no target; write spec under [target], or give --target" in err


def test_a_setting_about_no_target_in_the_environment_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINMAN_TARGET__BASE_URL", "http://127.0.0.1:1")
    code, _, err = said(capsys, "research", "--dry-run")

    assert code == 2
    assert "names no target" in err


def test_research_outside_any_project_is_the_demo_and_says_so_first(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "research", "--dry-run")

    assert code == 0
    assert (err or out).splitlines()[0].startswith("Demo: no target was named")


@pytest.mark.parametrize("kind", ["run", "confirm"])
def test_scenarios_without_a_target_are_an_error(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "scenarios", kind, "--scenarios", str(written(tmp_path, HELLO)))

    assert code == 2
    assert "give exactly one of --adapter and --target" in err


@pytest.mark.slow
@pytest.mark.parametrize("settings", [None, 'mode = "lab"\n'])
def test_pytest_without_a_target_is_an_error_that_says_what_to_give(tmp_path: Path, settings: str | None) -> None:
    written(tmp_path, HELLO)
    if settings is not None:
        (tmp_path / "tinman.toml").write_text(settings)
    nobody = pytested(tmp_path, "--tinman", "scenarios")
    both = pytested(tmp_path, "--tinman", "scenarios", "--tinman-target", "sandbox", "--tinman-adapter", "a:b")
    named = pytested(tmp_path, "--tinman", "scenarios", "--tinman-target", "sandbox:sound")

    assert nobody.returncode == 4
    assert "give --tinman-adapter <module-or-file>:<callable> or --tinman-target" in nobody.stderr
    assert "passed" not in nobody.stdout
    assert both.returncode == 4
    assert "give one of --tinman-adapter and --tinman-target" in both.stderr
    assert named.returncode == 0
    assert "1 passed" in named.stdout


@pytest.mark.slow
@pytest.mark.parametrize("reply", ["", " \\n", "<think>hm</think>", "\\u200b\\u3164"])
def test_pytest_passes_nothing_that_a_target_did_not_say(tmp_path: Path, reply: str) -> None:
    written(tmp_path, HELLO)
    (tmp_path / "bot.py").write_text(f"def bot(text):\n    return '{reply}'\n")
    done = pytested(tmp_path, "--tinman", "scenarios", "--tinman-target", "bot.py:bot", "--junit-xml", "j.xml")

    assert done.returncode == 1
    assert "1 failed" in done.stdout
    assert "answered nothing" in done.stdout
    assert "<failure" in (tmp_path / "j.xml").read_text()


async def test_an_empty_choice_is_told_as_none_selected(tmp_path: Path) -> None:
    asked = Asked(kind="run", scenarios=str(written(tmp_path, HELLO)), report_dir=str(tmp_path / "r"), tags=("none",))
    ended = await attempt(asked, target=ScriptedTarget(lambda *_: "hi"))
    metadata = read_artifact(tmp_path / "r/latest.json")["metadata"]

    assert ended.code == 2
    assert (metadata["loaded_scenario_count"], metadata["selected_scenario_count"]) == (1, 0)


async def test_a_confirmation_is_held_against_the_last_run_of_the_same_target(tmp_path: Path) -> None:
    def asked(kind: Any, folder: str) -> Asked:
        return Asked(kind=kind, scenarios=str(tmp_path / folder), report_dir=str(tmp_path / "r"))

    for folder, names in (("a", "x"), ("b", "yz")):
        for name in names:
            write_scenario(tmp_path / folder / f"{name}.json", scenario("hi", scenario_id=name))
    first, second = (ScriptedTarget(lambda *_: "hi", name=name) for name in ("first", "second"))

    assert (await attempt(asked("run", "a"), target=first)).code == 3
    assert (await attempt(asked("run", "b"), target=second)).code == 3
    confirmed = await attempt(asked("confirm", "a"), target=first)

    assert confirmed.code == 0
    assert not [line for line in confirmed.out if "Partial" in line or "Not the same" in line]

    (tmp_path / "b/z.json").unlink()
    partly = await attempt(asked("confirm", "b"), target=second)

    assert partly.code == 3
    assert any("1 scenarios of the last run were not confirmed: z" in line for line in partly.out)
