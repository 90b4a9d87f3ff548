"""What the reference does wrong, D-1 to D-17, done right here. Each test is named after its defect."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from harness_targets import Calls, Quiet, Wayward, commanding, results, scenario, written
from test_harness_attempts import Bench, a, adapted, bench
from test_harness_execution import CALL, LOOKED, Traced, app

from tinman.harness.attempt import Asked, attempt
from tinman.harness.inner_model import choose
from tinman.harness.measurement import Plan
from tinman.harness.reports.artifacts import read_artifact
from tinman.harness.results import Trials, result_of
from tinman.harness.selection import failed_ids
from tinman.scenarios import load_scenarios, run_scenario
from tinman.scenarios.verdicts import is_subset
from tinman.targets import env_files
from tinman.targets.adapters.base import CommandAppAdapter, PythonAppAdapter, RuntimeSpec
from tinman.targets.adapters.target import AdapterProcess
from tinman.testing import ScriptedTarget

__all__ = ["bench"]
QUICK = Plan(user="u-1", turn_timeout_seconds=0.4)


def first_checks(folder: Path) -> dict[str, list[str]]:
    """The failing details of each scenario of the last report, by its id."""
    report = read_artifact(folder / "reports" / "latest.json")
    return {
        one["scenario_id"]: [
            check["detail"] for turn in one["turns"] for check in turn["checks"] if not check["passed"]
        ]
        for one in report["results"]
    }


async def test_d_1_a_target_that_exits_is_a_failed_turn_and_never_a_green_exit(tmp_path: Path) -> None:
    ended = await adapted(tmp_path, "wayward", a("exits", "exit"), a("vanishes", "vanish"), a("stays"), kind="confirm")
    report = read_artifact(tmp_path / "reports" / "confirm-latest.json")

    assert ended.code == 1
    assert [(one["scenario_id"], one["passed"]) for one in report["results"]] == [
        ("exits", False),
        ("vanishes", False),
        ("stays", True),
    ]
    checks = [one["turns"][0]["checks"][0] for one in report["results"]]
    assert [check["check_type"] for check in checks[:2]] == ["adapter_runtime"] * 2
    assert "SystemExit: 0" in checks[0]["detail"]
    assert "ended before it answered" in checks[1]["detail"]


async def test_d_1_a_target_that_forks_answers_once_and_as_itself(tmp_path: Path) -> None:
    copies = {"type": "assistant_contains_any", "values": ["the copy says PASS"]}
    forks = {
        "scenario_id": "forks",
        "turns": [{"user": "fork", "checks": [copies]}, {"user": "hi again", "checks": []}],
    }
    ended = await adapted(tmp_path, "wayward", forks)
    turns = read_artifact(tmp_path / "reports" / "latest.json")["results"][0]["turns"]

    assert ended.code == 1
    assert turns[0]["assistant"] == "the original"
    assert turns[1]["assistant"].startswith("hi again | turn 2")


@pytest.mark.parametrize("word", ["none", "mapping"])
def test_d_2_a_reply_that_is_no_text_is_a_failed_turn(word: str) -> None:
    check = {"type": "assistant_contains_any", "values": ["PASS"]}
    found = run_scenario(scenario((word, check)), adapter=Wayward())

    assert results(found) == [("adapter_runtime", False)]
    assert "it has to be text" in found.turns[0].checks[0].detail


def test_d_2_asynchronous_adapters_work_and_synchronous_ones_may_run_loops_of_their_own() -> None:
    assert run_scenario(scenario("hello"), adapter=Quiet()).turns[0].assistant == "quietly: hello"
    assert run_scenario(scenario("loop"), adapter=Wayward()).turns[0].assistant == "soon"


async def test_d_3_a_report_without_failures_runs_nothing_instead_of_everything(bench: Bench) -> None:
    await bench("run", a("one"))
    before = len(bench.target.requests)
    ended = await bench("run", failed_from=str(bench.reports))

    assert ended.code == 2
    assert "nothing failed in it" in ended.err[0]
    assert len(bench.target.requests) == before


async def test_d_4_an_attempt_that_measured_nothing_leaves_the_failures_known(bench: Bench) -> None:
    await bench("run", a("one"), a("two", "no"))
    blocked = await bench("run", ids=("nobody",))

    assert blocked.code == 2
    assert failed_ids(bench.reports)[1] == ["two"]
    assert bench.read("latest.json")["summary"]["scenario_total"] == 0


async def test_d_4_where_there_was_no_failures_file_an_empty_one_is_written(bench: Bench) -> None:
    await bench("run", a("one"), ids=("nobody",))

    assert bench.read("latest-failures.json")["failures"] == []


async def test_d_5_what_crashed_the_reference_is_exit_two_with_a_report(bench: Bench) -> None:
    for wrong in ({"type": "tool_used", "values": [1]}, {"type": "tool_call_count_at_most", "max": "two"}):
        ended = await bench("run", {"scenario_id": "x", "turns": [{"user": "x", "checks": [wrong]}]})
        assert ended.code == 2
        assert "scenario_error" in bench.read("latest.json")["metadata"]


async def test_d_5_metadata_that_cannot_be_written_as_json_is_told_as_text(tmp_path: Path) -> None:
    ended = await adapted(tmp_path, "odd")
    told = read_artifact(tmp_path / "reports" / "latest.json")["metadata"]["adapter"]

    assert ended.code == 3
    assert told["when"].startswith("<object object at")
    assert (told["secret"], told["deep"]["api_key"]) == ("[redacted]", "[redacted]")


def test_d_5_a_folder_called_like_a_file_and_calls_without_arguments_do_no_harm(tmp_path: Path) -> None:
    place = written(tmp_path, a("one"))
    (place / "x.json").mkdir()
    found = run_scenario(scenario(("x", LOOKED)), adapter=Traced(Calls([{**CALL, "arguments": None}])))

    assert [one.scenario_id for one in load_scenarios(place)] == ["one"]
    assert found.passed
    assert found.turns[0].tool_traces[0].arguments == {}


async def test_d_6_text_is_not_taken_for_a_list_nor_for_a_boolean(bench: Bench) -> None:
    letters = {"type": "assistant_contains_all", "values": "Preview"}
    for wrong in (
        {"scenario_id": "x", "turns": [{"user": "x", "checks": [letters]}]},
        a("x", destructive="false"),
    ):
        assert (await bench("run", wrong)).code == 2
    assert bench.target.requests == []


async def test_d_7_a_green_confirm_of_a_part_is_partial_and_exit_three(bench: Bench) -> None:
    await bench("run", a("one"), a("two"))
    part = await bench("confirm", ids=("one",))
    told = bench.read("confirm-latest.json")["metadata"]
    whole = await bench("confirm")

    assert (part.code, told["confirmation_status"], told["uncovered_scenario_ids"]) == (3, "partial", ["two"])
    assert (whole.code, bench.read("confirm-latest.json")["metadata"]["confirmation_status"]) == (0, "passing")


async def test_d_7_without_a_run_a_part_of_the_library_is_partial_too(bench: Bench) -> None:
    part = await bench("confirm", a("one"), a("two", tags=["x"]), a("sharp", destructive=True), tags=("x",))

    assert part.code == 3
    assert bench.read("confirm-latest.json")["metadata"]["uncovered_scenario_ids"] == ["one"]


async def test_d_7_what_differs_from_the_last_run_is_said(bench: Bench) -> None:
    await bench("run", a("one"))
    other = ScriptedTarget(lambda request, world: "hi", name="realistic")
    ended = await bench("confirm", target=other)

    assert ended.code == 0
    assert "target_revision" in bench.read("confirm-latest.json")["metadata"]["differs_from_last_run"]
    assert any(line.startswith("Not the same as the last run: target") for line in ended.out)


def test_d_8_tools_that_raise_that_are_imported_by_name_and_that_are_asynchronous_are_seen(tmp_path: Path) -> None:
    adapter = app(tmp_path, "d_eight")
    raising = run_scenario(scenario("bad"), adapter=adapter).turns[0]
    adapter.handler_path = "d_eight_app:later"
    late = run_scenario(scenario("slow"), adapter=adapter).turns[0]

    assert raising.assistant == "it failed"
    assert (raising.tool_traces[0].status, raising.tool_traces[0].raw_result) == ("error", "LookupError: no such thing")
    assert (late.tool_traces[0].arguments, late.tool_traces[0].status) == ({"q": 2}, "late")


def test_d_8_missing_traces_fail_no_turn_that_needs_none() -> None:
    check = {"type": "assistant_contains_any", "values": ["hi"]}
    needless = run_scenario(scenario(("x", check)), adapter=Traced(Calls([], "disk full")))
    needed = run_scenario(scenario(("x", LOOKED)), adapter=Traced(Calls([], "disk full")))

    assert needless.passed
    assert results(needless) == [("assistant_contains_any", True), ("trace_capture", True)]
    assert "disk full" in needless.turns[0].checks[1].detail
    assert not needed.passed


def test_traces_that_nobody_can_read_fail_the_turn_whatever_it_checks(tmp_path: Path) -> None:
    check = {"type": "assistant_contains_any", "values": ["hi"]}
    code = "import os; open(os.environ['TINKERLOOP_TRACE_FILE'], 'w').write({!r}); print('hi')"
    garbled, sound = ("oops", '{"a": 1}', '[{"tool_name": "x"}]'), ("", "[]")
    for content in (*garbled, *sound):
        adapter = CommandAppAdapter(
            command_builder=lambda *_, c=content: [sys.executable, "-c", code.format(c)],  # type: ignore[misc]
            workdir=tmp_path,
        )
        found = run_scenario(scenario(("x", check)), adapter=adapter)
        assert found.passed is (content in sound), content
        assert (("trace_capture", False) in results(found)) is (content in garbled)


def test_a_handler_that_cannot_be_imported_is_named_as_it_was_configured(tmp_path: Path) -> None:
    adapter = PythonAppAdapter(handler_path="missing_module_of_mine:handle", repo_root=tmp_path)
    [turn] = run_scenario(scenario("x"), adapter=adapter).turns

    assert "handler 'missing_module_of_mine:handle': cannot import" in turn.checks[0].detail


@pytest.mark.parametrize(
    ("expected", "actual"), [(True, 1), (1, True), (False, 0), ([True], [1]), ({"a": 1}, {"a": True})]
)
def test_d_9_true_is_not_one(expected: Any, actual: Any) -> None:
    assert not is_subset({"x": expected}, {"x": actual})


async def test_d_10_an_unknown_id_is_an_error_even_beside_a_known_one(bench: Bench) -> None:
    ended = await bench("run", a("one"), ids=("one", "onee"))

    assert ended.code == 2
    assert "'onee'; did you mean 'one'?" in ended.err[0]
    assert bench.target.requests == []


def test_d_11_providers_match_whatever_their_case() -> None:
    known = RuntimeSpec("OpenAI", "small", "env", "high")

    for typed in ("openai", "OpenAI", " OPENAI "):
        found = choose(None, [known], provider=typed).runtime
        assert (found.provider, found.model, found.source, found.confidence) == (
            "openai",
            "small",
            "cli_override",
            "explicit",
        )


async def test_d_12_a_hanging_python_target_is_stopped_and_the_others_run(tmp_path: Path) -> None:
    hangs = {"scenario_id": "hangs", "turns": [{"user": "hang"}, {"user": "hi"}]}
    started = time.monotonic()
    ended = await adapted(tmp_path, "wayward", hangs, a("two"), plan=QUICK)

    assert time.monotonic() - started < 10
    assert ended.code == 1
    assert first_checks(tmp_path)["hangs"] == [
        "timeout after 0.4 s",
        "WorkerDied: not run: an earlier turn did not end in time",
    ]
    assert first_checks(tmp_path)["two"] == []


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


async def _gone(pid: int) -> bool:
    for _ in range(200):
        if _is_gone(pid):
            return True
        await anyio.sleep(0.01)
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see other processes")
async def test_d_12_what_a_python_target_leaves_behind_is_ended_with_its_scenario(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    await adapted(tmp_path, "wayward", {"scenario_id": "leaves", "turns": [{"user": f"leave {note}"}]})

    assert await _gone(int(note.read_text()))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see other processes")
async def test_d_12_a_command_that_takes_too_long_ends_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"open({str(note)!r}, 'w').write(str(p.pid)); time.sleep(60)"
    )
    adapter = commanding(tmp_path, timeout_seconds=1)
    adapter.command_builder = lambda user, text, correlation: [sys.executable, "-c", program]
    found = await anyio.to_thread.run_sync(lambda: run_scenario(scenario("x"), adapter=adapter))

    assert found.turns[0].checks[0].detail.endswith("command timeout after 1 s")
    assert await _gone(int(note.read_text()))


async def test_d_13_reports_hold_no_secret_and_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API_TOKEN", "a-value-nobody-may-read")
    target = ScriptedTarget(lambda request, world: "hi a-value-nobody-may-read " + "y" * 500_000, name="t")
    await bench("run", a("one"), a("two", "no"), target=target)

    for place in bench.reports.iterdir():
        assert "a-value-nobody-may-read" not in place.read_text()
        assert place.stat().st_size < 400_000


def test_d_14_the_process_s_environment_wins_for_both_adapters_and_export_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("D14_SET", "process")
    monkeypatch.setenv("D14_BOTH", "process")
    (tmp_path / "e").write_text("export D14_NEW='from file'\nD14_SET=file\nD14_BOTH=file\n# D14_NO=1\nnothing\n=x\n")
    adapter = commanding(tmp_path, env_files=[tmp_path / "e"], env_overrides={"D14_BOTH": "override"})

    def told(name: str) -> str:
        return run_scenario(scenario(f"env {name}"), adapter=adapter).turns[0].assistant

    assert [told(name) for name in ("D14_NEW", "D14_SET", "D14_BOTH", "D14_NO")] == [
        "from file",
        "process",
        "override",
        "unset",
    ]
    assert "D14_NEW" not in os.environ


async def test_d_14_env_files_of_a_python_target_do_not_leak_into_the_harness(tmp_path: Path) -> None:
    (tmp_path / "e").write_text("D14_LEAK=leaked\nD14_SET=file\n")
    (tmp_path / "envapp.py").write_text(
        "import os\ndef handle(*, user_id, user_text, correlation_id):\n"
        "    return 'hi ' + os.environ.get('D14_LEAK', 'unset')\n"
    )
    (tmp_path / "make.py").write_text(
        "from tinman.scenarios.adapters import PythonAppAdapter\ndef make():\n"
        f"    return PythonAppAdapter(handler_path='envapp:handle', repo_root={str(tmp_path)!r},"
        f" env_files=[{str(tmp_path / 'e')!r}])\n"
    )
    asked = Asked(
        kind="run",
        scenarios=str(written(tmp_path, a("one"))),
        adapter=f"{tmp_path / 'make.py'}:make",
        report_dir=str(tmp_path / "reports"),
        provider="p",
        model="m",
    )
    await attempt(asked)

    assert read_artifact(tmp_path / "reports" / "latest.json")["results"][0]["turns"][0]["assistant"] == "hi leaked"
    assert "D14_LEAK" not in os.environ


def test_d_14_env_file_syntax() -> None:
    text = 'A=1\n B = two words # kept \nexport C="q"\nD=\'x\nE=a=b\n#F=1\nG\n=h\nA=2\nI=\n'

    assert env_files.parse(text) == {
        "A": "2",
        "B": "two words # kept",
        "C": "q",
        "D": "'x",
        "E": "a=b",
        "I": "",
    }


async def test_d_15_repeats_show_what_one_sample_hides(bench: Bench) -> None:
    turns = iter(range(100))
    flaky = ScriptedTarget(lambda request, world: "hi" if next(turns) % 3 else "no", name="flaky")
    ended = await bench("run", a("one"), target=flaky, plan=Plan(repeat=6, concurrency=1))

    assert ended.code == 1
    assert bench.read("latest.json")["summary"]["flaky_scenario_ids"] == ["one"]


async def test_d_16_the_last_colon_splits_so_places_may_hold_others(tmp_path: Path) -> None:
    folder = tmp_path / "C:strange"
    folder.mkdir()
    (folder / "ad.py").write_text(Path(__file__).with_name("harness_targets.py").read_text())
    async with AdapterProcess(f"{folder / 'ad.py'}:wayward") as process:
        await process.load()

        assert process.name == "Wayward"


async def test_d_17_a_confirm_reads_its_own_reports_first(tmp_path: Path) -> None:
    def report(name: str, failed: str) -> None:
        (tmp_path / name).write_text(json.dumps({"summary": {"failed_scenario_ids": [failed]}}))

    report("tinkerloop-99.json", "plain")
    report("confirm-tinkerloop-5.json", "own")
    report("confirm-tinkerloop-40.json", "own, newer")

    assert failed_ids(tmp_path, prefix="confirm-")[1] == ["own, newer"]
    assert failed_ids(tmp_path)[1] == ["plain"]


def test_a_run_cut_short_has_an_interval_that_knows_it() -> None:
    from tinman.clock import now
    from tinman.scenarios.outcome import Outcome

    one = scenario("x")
    run = result_of(one, Outcome(verdict="indeterminate", reason="r", started_at=now(), duration_ms=1), user="u")
    cut = Trials(scenario_id="s", digest="d", planned=9, runs=(run,))
    whole = Trials(scenario_id="s", digest="d", planned=1, runs=(run,))

    assert cut.interval.high > whole.interval.high
