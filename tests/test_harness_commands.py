"""``tinman scenarios``: its flags, exit codes and outputs; data on one side, talk on the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import structlog
from harness_targets import written
from loopback import Say, serve

from tinman.cli.main import main

HERE = Path(__file__).parent
ADAPTER = ("--adapter", f"{HERE / 'harness_targets.py'}:wayward", "--user-id", "u-1")
HI = {"type": "assistant_contains_any", "values": ["hi"]}


def a(name: str, user: str = "hi", **more: Any) -> dict[str, Any]:
    return {"scenario_id": name, "turns": [{"user": user, "checks": [HI]}], **more}


class Shell:
    """The command line in a folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["scenarios", *arguments])
        code = left.value.code
        said = self._capsys.readouterr()
        return code if isinstance(code, int) else 0, said.out, said.err


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    yield Shell(tmp_path, capsys)
    # The command line sets logs up for the standard error of this test, which is closed after it.
    structlog.reset_defaults()


@pytest.mark.slow
async def test_the_judge_is_asked_where_the_settings_say_that_models_are(tmp_path: Path) -> None:
    kind = {"type": "judged", "criterion": "the reply is kind"}
    written(tmp_path, {"scenario_id": "s", "turns": [{"user": "hi", "checks": [kind]}]})
    verdict = {"verdict": "fails", "reason": "it is not kind", "quote": ""}
    async with serve(lambda _: Say(json.dumps(verdict))) as judge:
        (tmp_path / "tinman.toml").write_text(f'reasoner_base_url = "{judge.openai_url}"\n')
        told = ["scenarios", "run", "--target", "sandbox", "--scenarios", "scenarios", "--judge", "openai:judge"]
        done = await anyio.run_process([sys.executable, "-m", "tinman", *told], cwd=tmp_path, check=False)

    assert [asked["model"] for asked in judge.requests] == ["judge"]
    assert b"it is not kind" in done.stdout


def test_run_and_confirm_end_to_end(shell: Shell) -> None:
    written(shell.folder, a("one"), a("two"))
    run = shell("run", *ADAPTER, "--scenarios", "scenarios")
    confirm = shell("confirm", *ADAPTER, "--scenarios", "scenarios", "--non-interactive")
    written(shell.folder, a("one"), a("two", "no"))
    red = shell("run", *ADAPTER, "--scenarios", "scenarios")
    again = shell("run", *ADAPTER, "--scenarios", "scenarios", "--failed-from", "artifacts/reports")
    gone = shell("run", *ADAPTER, "--scenarios", "scenarios", "--scenario", "three")

    assert [code for code, _, _ in (run, confirm, red, again, gone)] == [3, 0, 1, 1, 2]
    assert "Scenarios: 2, passed: 2, failed: 0" in run[1]
    assert "tinman scenarios confirm" in run[2]
    assert confirm[2] == ""
    assert "- [FAIL] two: two\n  turn 1: assistant_contains_any: none of: 'hi'" in red[1]
    assert "Scenarios: 1," in again[1]
    assert (gone[1], "'three'" in gone[2], "Report: artifacts/reports/tinkerloop-" in gone[2]) == ("", True, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run",), "Missing option '--scenarios'"),
        (("run", "--scenarios", "s"), "give exactly one of --adapter and --target"),
        (("run", "--scenarios", "s", "--adapter", "a:b", "--target", "sandbox"), "give exactly one"),
        (("run", "--scenarios", "s", "--adapter", "a:b"), "--user-id is missing"),
        (("run", "--scenarios", "s", "--target", "sandbox", "--require", "nonsense"), "gate 'nonsense'"),
        (("run", "--scenarios", "s", "--target", "sandbox", "--repeat", "0"), "--repeat"),
        (("confirm", "--flag"), "No such option"),
        (("measure",), "No such command"),
        (("validate",), "name a scenario file"),
        (("promote", "x"), "give exactly one of --adapter and --target"),
    ],
)
def test_a_wrong_command_line_is_exit_two(shell: Shell, arguments: tuple[str, ...], told: str) -> None:
    code, out, err = shell(*arguments)

    assert code == 2
    assert told in err
    assert out == ""


def test_without_a_command_there_is_help(shell: Shell) -> None:
    for arguments in ((), ("--help",)):
        code, out, err = shell(*arguments)
        assert code == 0
    for command in ("validate", "list", "run", "confirm", "promote", "export"):
        assert command in out + err


def test_a_target_by_name_needs_no_adapter_and_no_user(shell: Shell) -> None:
    written(shell.folder, {"scenario_id": "hello", "turns": [{"user": "Hello!"}]})
    code, out, _ = shell("run", "--target", "sandbox:sound", "--scenarios", "scenarios")
    report = json.loads((shell.folder / "artifacts/reports/latest.json").read_text())

    assert code == 3, out
    assert report["metadata"]["selected_runtime"]["provider"] == "sandbox"
    assert shell("run", "--target", "no-such", "--scenarios", "scenarios")[0] == 2


def test_the_mode_says_what_may_run(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    written(shell.folder, {"scenario_id": "hello", "turns": [{"user": "Hello!"}]})
    common = ("--target", "sandbox:sound", "--scenarios", "scenarios")
    monkeypatch.setenv("TINMAN_MODE", "shadow")
    plain, sharp = shell("run", *common), shell("run", *common, "--allow-destructive")
    monkeypatch.setenv("TINMAN_MODE", "production")
    run, unnamed = shell("run", *common), shell("confirm", *common, "--non-interactive", "--yes-production", "other")
    named = shell("confirm", *common, "--yes-production", "sandbox:sound")

    assert [code for code, _, _ in (plain, sharp, run, unnamed, named)] == [3, 2, 2, 2, 0]
    assert "destructive scenarios run in the lab" in sharp[2]
    assert "only confirmed" in run[2]
    assert "--yes-production sandbox:sound" in unnamed[2]


def test_validate_reads_and_runs_nothing(shell: Shell) -> None:
    written(shell.folder, a("one", owner="me"))
    good = shell("validate", "scenarios")
    (shell.folder / "bad.json").write_text('{"scenario_id": "x", "turns": []}')
    bad = shell("validate", "scenarios", "bad.json")
    schema = shell("validate", "--schema")

    assert good[0] == 0
    assert "1 scenarios read, 0 problems" in good[1]
    assert "warning: scenario 'one': unknown member 'owner'" in good[2]
    assert bad[0] == 2
    assert "scenario 'x': there are no turns" in bad[2]
    assert json.loads(schema[1])["required"] == ["scenario_id", "turns"]


def test_list_shows_what_there_is(shell: Shell) -> None:
    written(
        shell.folder, a("one", tags=["x"]), a("two \x1b[2J", destructive=True, provenance={"status": "quarantined"})
    )
    _, out, _ = shell("list", "scenarios")
    _, tagged, _ = shell("list", "scenarios", "--tag", "x")

    assert "\x1b" not in out
    assert "one" in out
    assert "[x]" in out
    assert "destructive  quarantined" in out
    assert len(tagged.splitlines()) == 1


def test_json_is_one_document_and_nothing_else(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    written(shell.folder, a("one"), a("two", "no"))
    with pytest.raises(SystemExit) as left:
        main(["--json", "scenarios", "run", *ADAPTER, "--scenarios", "scenarios"])
    said = capsys.readouterr()
    document = json.loads(said.out)

    assert left.value.code == document["exit_code"] == 1
    assert [(one["scenario_id"], one["passed"]) for one in document["scenarios"]] == [("one", True), ("two", False)]
    assert said.err == ""


def test_what_the_target_prints_does_not_reach_our_output(shell: Shell) -> None:
    written(shell.folder, a("prints", "print hi"))
    code, out, _ = shell("run", *ADAPTER, "--scenarios", "scenarios")

    assert code == 3
    assert "on standard output" not in out


def test_junit_is_written_for_an_attempt_that_measured_nothing_too(shell: Shell) -> None:
    written(shell.folder, a("one"))
    shell("run", *ADAPTER, "--scenarios", "scenarios", "--tag", "none", "--junit", "out/j.xml")

    assert "<error message=" in (shell.folder / "out/j.xml").read_text()


RED = {"type": "assistant_not_contains", "values": ["turn 1"]}


def test_a_failing_scenario_is_shrunk_into_another_file(shell: Shell) -> None:
    data = {"scenario_id": "long", "turns": [{"user": "Hello! What is the refund window? I am in a hurry."}]}
    data["turns"][0]["checks"] = [{"type": "assistant_not_contains", "values": ["could not find"]}]  # type: ignore[index]
    Path("long.json").write_text(json.dumps(data))
    code, out, err = shell("shrink", "long.json", "--target", "sandbox:sound", "-o", "short.json")
    sound = shell("shrink", "short.json", "--target", "sandbox:sound", "--reference", "sandbox:sound", "-o", "x.json")

    assert (code, out) == (0, "short.json\n"), err
    short = json.loads(Path("short.json").read_text())
    assert len(short["turns"][0]["user"]) < len("Hello! What is the refund window? I am in a hurry.")
    assert short["provenance"]["minimised"]["candidates"] > 0
    assert sound[0] == 1
    assert not Path("x.json").exists()


def test_promotion_on_an_adapter_moves_what_is_red_and_leaves_the_rest(shell: Shell) -> None:
    def found(name: str, user: str, failures: int) -> dict[str, Any]:
        provenance = {"status": "quarantined", "stress": {"failures": failures, "oks": 0}}
        return {"scenario_id": name, "turns": [{"user": user, "checks": [RED]}], "provenance": provenance}

    written(shell.folder, found("red", "hi", 6), found("broken", "exit", 6), a("plain"))
    code, out, err = shell("promote", "scenarios", *ADAPTER, "--into", "pack")
    again = shell("promote", "pack", *ADAPTER, "--into", "pack")

    assert code == 1, err
    assert "red: promoted (red 6 of 6, p 1.00) -> pack/00.json" in out
    assert "broken: stays in quarantine: 6 of 6 runs could not be measured" in out
    assert [place.name for place in Path("pack").iterdir()] == ["00.json"]
    assert sorted(place.name for place in Path("scenarios").iterdir()) == ["01.json", "02.json"]
    assert (again[0], "Nothing in pack is quarantined." in again[2]) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_keeps_what_was_measured_and_leaves_no_process(tmp_path: Path, number: int, code: int) -> None:
    written(tmp_path, a("one"), a("two", "hang"))
    env = {**os.environ, "PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE}", "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "tinman.cli.main", "scenarios", "run", *ADAPTER, "--scenarios", "scenarios"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as done:
        children: list[int] = []
        for _ in range(400):
            children = _children(done.pid)
            grandchildren = [pid for child in children for pid in _children(child)]
            if grandchildren:
                children += grandchildren
                break
            time.sleep(0.02)
        time.sleep(0.3)
        children += [pid for child in children for pid in _children(child)]
        done.send_signal(number)
        _, err = done.communicate(timeout=20)
    report = json.loads((tmp_path / "artifacts/reports/latest.json").read_text())

    assert done.returncode == code
    assert "is in artifacts/reports" in err
    assert report["metadata"]["interrupted"] is True
    assert [one["scenario_id"] for one in report["results"]] == ["one"]
    assert children
    assert not [pid for pid in set(children) if _is_alive(pid)]


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
