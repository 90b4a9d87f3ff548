"""A run and a confirm from end to end: stages, selection, reports, status; bad input ends with 2 and a report."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from harness_targets import written

from tinman.errors import DefinitionError, NotApplicable
from tinman.harness.attempt import Asked, Ended, attempt
from tinman.harness.confirmation import binding_in, standing
from tinman.harness.inner_model import choose
from tinman.harness.measurement import Plan
from tinman.harness.metadata import Metadata
from tinman.harness.repeats import read_gate
from tinman.harness.reports.artifacts import Artifacts, read_artifact
from tinman.harness.reports.redaction import MAX_TEXT, Redactor, cap
from tinman.harness.results import summarize_results
from tinman.harness.selection import failed_ids, select
from tinman.targets.adapters.base import RuntimeSpec
from tinman.targets.adapters.target import revision_of
from tinman.testing import ScriptedTarget

HERE = Path(__file__).parent / "harness_targets.py"
HI = {"type": "assistant_contains_any", "values": ["hi"]}


def a(name: str, user: str = "hi", **more: Any) -> dict[str, Any]:
    """A scenario that is green when the user says "hi" and red when not."""
    return {"scenario_id": name, "turns": [{"user": user, "checks": [HI]}], **more}


class Bench:
    """A folder with scenarios and reports, and an echoing target."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports = folder / "reports"
        self.target = ScriptedTarget(lambda request, world: f"you said: {request.messages[-1].text}", name="echo")

    async def __call__(self, kind: Any, *scenarios: dict[str, Any], target: Any = None, **more: Any) -> Ended:
        if scenarios:
            for old in (self.folder / "scenarios").glob("*"):
                old.unlink()
            written(self.folder, *scenarios)
        asked = Asked(kind=kind, scenarios=str(self.folder / "scenarios"), report_dir=str(self.reports), **more)
        return await attempt(asked, target=target or self.target)

    def read(self, name: str) -> dict[str, Any]:
        return read_artifact(self.reports / name)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def factory(name: str) -> str:
    return f"{HERE}:{name}"


async def adapted(folder: Path, name: str, *scenarios: dict[str, Any], kind: Any = "run", **more: Any) -> Ended:
    """An attempt with an adapter in its own process."""
    place = written(folder, *(scenarios or (a("one"),)))
    plan = more.pop("plan", Plan(user="u-1"))
    asked = Asked(
        kind=kind, scenarios=str(place), adapter=factory(name), report_dir=str(folder / "reports"), plan=plan, **more
    )
    return await attempt(asked)


# -- exit codes and status


async def test_a_green_run_is_provisional_and_a_green_confirm_is_final(bench: Bench) -> None:
    run = await bench("run", a("one"), a("two"))
    confirm = await bench("confirm")

    assert (run.code, confirm.code) == (3, 0)
    assert "provisional" in run.err[0]
    assert "confirmation: missing" in run.err[0]
    assert confirm.err == ()
    assert bench.read("confirm-latest-diagnosis.json")["confirmation_status"] == "passing"


async def test_a_red_scenario_is_exit_one_for_both(bench: Bench) -> None:
    run = await bench("run", a("one"), a("two", "no"))
    confirm = await bench("confirm")

    assert (run.code, confirm.code) == (1, 1)
    assert bench.read("confirm-latest.json")["metadata"]["confirmation_status"] == "failing"


async def test_the_status_a_run_sees_is_the_last_confirmation_s(bench: Bench) -> None:
    def seen() -> Any:
        return bench.read("latest.json")["metadata"]["confirmation_status"]

    await bench("run", a("one"))
    assert seen() == "missing"
    await bench("confirm")
    await bench("run")
    assert seen() == "stale"
    await bench("confirm", a("one", "no"))
    await bench("run", a("one"))
    assert seen() == "failing"
    assert (await bench("confirm", ids=("nobody",))).code == 2
    await bench("run")
    assert seen() == "blocked"
    (bench.reports / "confirm-latest-diagnosis.json").write_text("{")
    await bench("run")
    assert seen() == "stale"


# -- selection


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, ["plain", "tagged"]),
        ({"ids": ["tagged"]}, ["tagged"]),
        ({"tags": ["x", "z"]}, ["tagged"]),
        ({"ids": ["plain", "tagged"], "tags": ["y"]}, ["tagged"]),
        ({"allows_destructive": True}, ["plain", "tagged", "sharp"]),
        ({"tags": ["x"], "allows_destructive": True}, ["tagged", "sharp"]),
    ],
)
def test_what_is_selected(choice: dict[str, Any], expected: list[str]) -> None:
    from harness_targets import scenario

    loaded = [
        scenario(scenario_id="plain"),
        scenario(scenario_id="tagged", tags=["x", "y"]),
        scenario(scenario_id="sharp", tags=["x"], destructive=True),
    ]

    assert [one.scenario_id for one in select(loaded, **{"allows_destructive": False, **choice})] == expected


async def test_nothing_selected_is_exit_two_and_names_what_was_asked(bench: Bench) -> None:
    ended = await bench("run", a("one", tags=["x"]), a("sharp", destructive=True), ids=("sharp",), tags=())

    assert ended.code == 2
    assert "ids: 'sharp'" in ended.err[0]
    assert "1 destructive left out" in ended.err[0]
    assert "selected" in bench.read("latest.json")["metadata"]["scenario_error"]
    assert bench.target.requests == []


async def test_what_failed_runs_again_beside_what_is_named(bench: Bench) -> None:
    await bench("run", a("one"), a("two", "no"), a("three"))
    again = await bench("run", failed_from=str(bench.reports))
    both = await bench("run", failed_from=str(again.report), ids=("three",))
    told = bench.read("latest.json")

    assert again.code == 1
    assert [trials.scenario_id for trials in both.measurement.trials] == ["two", "three"]  # type: ignore[union-attr]
    assert told["metadata"]["rerun_failed_scenario_ids"] == ["two"]
    assert told["metadata"]["rerun_failed_from"] == str(again.report)


def test_the_report_behind_a_folder(tmp_path: Path) -> None:
    def report(name: str, *ids: str, **more: Any) -> None:
        (tmp_path / name).write_text(json.dumps({"summary": {"failed_scenario_ids": list(ids)}, **more}))

    report("tinkerloop-9.json", "nine")
    report("tinkerloop-10.json", "ten")
    assert failed_ids(tmp_path)[1] == ["ten"]
    report("latest.json", "latest")
    assert failed_ids(tmp_path)[1] == ["latest"]
    report("latest-failures.json", "failures")
    assert failed_ids(tmp_path)[1] == ["failures"]
    assert failed_ids(tmp_path, prefix="confirm-")[1] == ["failures"]
    report("confirm-tinkerloop-1.json", "confirmed")
    assert failed_ids(tmp_path, prefix="confirm-")[1] == ["confirmed"]
    (tmp_path / "odd.json").write_text(json.dumps({"summary": {}, "failures": [{"scenario_id": "told"}]}))
    assert failed_ids(tmp_path / "odd.json")[1] == ["told"]
    for text in ("{", "[]", "{}"):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(DefinitionError, match="failed-from"):
            failed_ids(tmp_path / "odd.json")
    with pytest.raises(DefinitionError, match="there is no report at"):
        failed_ids(tmp_path / "nowhere")


# -- reports


async def test_the_three_reports_have_the_members_of_their_schemas(bench: Bench) -> None:
    ended = await bench("run", a("one"), a("two", "no", description="says no"))
    report, failures, diagnosis = (bench.read(f"latest{kind}.json") for kind in ("", "-failures", "-diagnosis"))

    assert report["schema_version"] == "tinkerloop.report.v1"
    assert failures["schema_version"] == "tinkerloop.failures.v1"
    assert diagnosis["schema_version"] == "tinkerloop.diagnosis.v1"
    assert report == json.loads(ended.report.read_text())  # type: ignore[union-attr]
    assert report["summary"] == {
        "scenario_total": 2,
        "scenario_passed": 1,
        "scenario_failed": 1,
        "failed_turn_total": 1,
        "failed_scenario_ids": ["two"],
        "preflight_status": "ready",
        "selected_runtime": {"provider": "target", "model": "echo"},
    }
    check = {"check_type": "assistant_contains_any", "passed": False, "detail": "none of: 'hi'"}
    failed_turn = {
        "turn_index": 1,
        "user": "no",
        "assistant": "you said: no",
        "failing_checks": [check],
        "tool_trace_count": 0,
    }
    assert report["failures"] == [{"scenario_id": "two", "description": "says no", "failed_turns": [failed_turn]}]
    assert failures["failures"] == report["failures"]
    assert {
        "scenario_id",
        "description",
        "destructive",
        "user_id",
        "started_at",
        "duration_ms",
        "passed",
        "turns",
    } <= set(report["results"][0])
    assert set(report["results"][0]["turns"][0]) == {
        *("user", "assistant", "tool_traces", "checks", "passed", "duration_ms")
    }
    assert failures["summary"]["failed_scenario_count"] == 1
    assert diagnosis["confirmation_status"] == "missing"
    item = diagnosis["diagnosis_items"][0]
    assert item["primary_symptoms"] == ["none of: 'hi'"]
    assert item["turns"][0]["assistant_excerpt"] == "you said: no"
    assert diagnosis["rerun"]["scenario_ids"] == ["two"]
    assert isinstance(report["generated_at"], int)
    assert {
        *("adapter_path", "run_kind", "confirmation_status", "adapter", "preflight", "resolved_runtime"),
        *("runtime_selection_mode", "selected_runtime", "loaded_scenario_count", "scenario_filter"),
        "selected_scenario_count",
    } <= set(report["metadata"])


async def test_each_report_has_a_name_of_its_own_and_a_confirmation_its_prefix(bench: Bench) -> None:
    for _ in range(3):
        await bench("run", a("one"))
    await bench("confirm")
    names = sorted(place.name for place in bench.reports.iterdir())

    assert sum(name.startswith("tinkerloop-") for name in names) == 3
    assert sum(name.startswith("confirm-tinkerloop-") for name in names) == 1
    assert {
        f"{prefix}latest{kind}.json" for prefix in ("", "confirm-") for kind in ("", "-failures", "-diagnosis")
    } < set(names)
    assert not [name for name in names if name.startswith(".")]


async def test_the_order_of_the_report_is_that_of_the_files_whatever_ends_first(bench: Bench) -> None:
    async def slow_first(request: Any, world: Any) -> str:
        await anyio.sleep(0.03 if request.messages[-1].text == "hi 0" else 0)
        return "hi"

    target = ScriptedTarget(slow_first, name="slow")
    await bench("run", *(a(f"s{n}", f"hi {n}") for n in range(5)), target=target, plan=Plan(concurrency=5))

    assert [one["scenario_id"] for one in bench.read("latest.json")["results"]] == [f"s{n}" for n in range(5)]


async def test_scenarios_run_side_by_side_up_to_the_limit_and_turns_in_order(bench: Bench) -> None:
    inside, peak, said = 0, 0, []

    async def watched(request: Any, world: Any) -> str:
        nonlocal inside, peak
        inside += 1
        peak = max(peak, inside)
        said.append((request.session, request.messages[-1].text))
        await anyio.sleep(0.01)
        inside -= 1
        return "hi"

    turns = [{"user": f"hi {n}"} for n in range(3)]
    scenarios = ({"scenario_id": f"s{n}", "turns": turns} for n in range(6))
    await bench("run", *scenarios, target=ScriptedTarget(watched), plan=Plan(concurrency=3))

    assert peak == 3
    for session in {session for session, _ in said}:
        assert [text for one, text in said if one == session] == ["hi 0", "hi 1", "hi 2"]
    assert len({session for session, _ in said}) == 6


def test_readers_take_the_reference_s_files_and_ignore_what_they_do_not_know(tmp_path: Path) -> None:
    head = {"generated_at": 1, "metadata": {"x": 1}, "summary": {"failed_scenario_ids": []}, "novel": True}
    for name in ("report", "failures", "diagnosis"):
        (tmp_path / "r.json").write_text(json.dumps({"schema_version": f"tinkerloop.{name}.v1", **head}))
        assert read_artifact(tmp_path / "r.json")["novel"] is True
    for text in ("[]", "{", json.dumps({"schema_version": "other", **head}), json.dumps({"schema_version": "x"})):
        (tmp_path / "r.json").write_text(text)
        with pytest.raises(DefinitionError, match="report"):
            read_artifact(tmp_path / "r.json")


async def test_secrets_do_not_reach_the_disk_and_long_texts_are_cut_with_their_digest(
    bench: Bench, tmp_path: Path
) -> None:
    key, own = "sk-abcdefghijklmnopqrstuvwxyz", "own-secret-value"
    long = "hi " + "x" * 2 * MAX_TEXT
    target = ScriptedTarget(lambda request, world: f"{key} Bearer {own * 2} {long}", name="leaky")
    ended = await bench("run", a("one", "no"), a(key[:20], "hi"), target=target, junit=str(tmp_path / "j.xml"))
    everything = "".join(place.read_text() for place in bench.reports.iterdir()) + (tmp_path / "j.xml").read_text()

    assert key not in everything
    assert f"Bearer {own}" not in everything
    assert "characters cut, sha256 of all" in everything
    assert all(place.stat().st_size < 4 * MAX_TEXT for place in bench.reports.iterdir())
    assert ended.code == 3
    assert bench.read("latest.json")["results"][1]["scenario_id"] == key[:20]


def test_redaction_takes_known_secrets_shapes_and_names() -> None:
    redactor = Redactor(["hunter2-hunter2", "short"])
    data = {
        "note": "it is hunter2-hunter2, not short",
        "api_key": "abc",
        "user_token": "abc",
        "tokens": 5,
        "monkey": "banana",
        "url": "https://me:pass@host/x",
        "list": ["AKIAABCDEFGHIJKLMNOP", {"Authorization": "x"}],
        "object": object(),
    }
    found = redactor.data(data)

    assert found["note"] == "it is [redacted], not short"
    assert found["api_key"] == found["user_token"] == "[redacted]"
    assert (found["tokens"], found["monkey"]) == (5, "banana")
    assert found["url"] == "https://[redacted]@host/x"
    assert found["list"] == ["[redacted]", {"Authorization": "[redacted]"}]
    assert isinstance(found["object"], str)
    assert cap("x" * 10, 10) == "x" * 10
    assert cap("x" * 11, 10).startswith("xxxxx\n[... 1 characters cut")


# -- stages and bad input


@pytest.mark.parametrize(
    ("name", "key", "told"),
    [
        ("nowhere", "adapter_error", "has no 'nowhere'"),
        ("nothing", "adapter_error", "the factory returned None"),
        ("exits", "adapter_error", "SystemExit: 0"),
        ("HERE", "adapter_error", "has no 'HERE'"),
        ("broken", "preflight_error", "no preflight today"),
        ("unready", "preflight_error", "Ready: almost"),
        ("unknown", "runtime_error", "--inner-provider and --inner-model"),
        ("torn", "runtime_error", "OpenAI small (low): in .env; Acme big (low)"),
    ],
)
async def test_the_first_stage_that_fails_ends_the_attempt(tmp_path: Path, name: str, key: str, told: str) -> None:
    ended = await adapted(tmp_path, name)
    metadata = read_artifact(tmp_path / "reports" / "latest.json")["metadata"]

    assert ended.code == 2
    assert told in ended.err[0]
    assert told in metadata[key]
    assert "scenario_error" not in metadata
    assert "selected_scenario_count" not in metadata


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("no-colon", "is not <module-or-file>:<callable>"),
        ("/no/such/file.py:make", "there is no file"),
        ("no_such_module_at_all:make", "ModuleNotFoundError"),
        ("json:dumps", "TypeError"),
        ("json:__name__", "has to be callable"),
        ("collections:OrderedDict", "has no send_user_turn"),
    ],
)
async def test_a_wrong_factory_is_an_adapter_error(tmp_path: Path, place: str, told: str) -> None:
    asked = Asked(kind="run", scenarios=str(written(tmp_path, a("one"))), adapter=place, report_dir=str(tmp_path / "r"))
    ended = await attempt(asked)

    assert ended.code == 2
    assert told in read_artifact(tmp_path / "r" / "latest.json")["metadata"]["adapter_error"]


async def test_an_adapter_goes_through_all_stages_in_a_process_of_its_own(tmp_path: Path) -> None:
    ended = await adapted(tmp_path, "wayward", a("one"), a("two"))
    report = read_artifact(tmp_path / "reports" / "latest.json")
    replies = [result["turns"][0]["assistant"] for result in report["results"]]

    assert ended.code == 3
    assert all(" | turn 1 | u-1 | eval-" in reply for reply in replies), "every scenario meets a fresh adapter"
    assert all(reply.endswith("| m1") for reply in replies), "the chosen runtime was told before the first turn"
    assert report["metadata"]["preflight"]["summary"] == "for u-1"
    assert report["metadata"]["runtime_selection_mode"] == "resolved"
    assert report["metadata"]["binding"]["target_revision"]


async def test_an_adapter_of_one_method_needs_the_runtime_named(tmp_path: Path) -> None:
    without = await adapted(tmp_path, "quiet")
    named = await adapted(tmp_path, "quiet", a("one", "hi"), provider=" Acme ", model=" m ")
    report = read_artifact(tmp_path / "reports" / "latest.json")

    assert (without.code, named.code) == (2, 3)
    assert report["metadata"]["selected_runtime"]["provider"] == "acme"
    assert report["metadata"]["selected_runtime"]["source"] == "cli_override"
    assert report["results"][0]["turns"][0]["assistant"] == "quietly: hi"


async def test_a_metadata_hook_that_raises_is_told_and_the_run_goes_on(tmp_path: Path) -> None:
    ended = await adapted(tmp_path, "talkative")

    assert ended.code == 3
    assert (
        "no metadata today" in read_artifact(tmp_path / "reports" / "latest.json")["metadata"]["adapter_metadata_error"]
    )


async def test_bad_scenarios_end_an_attempt_before_anything_is_executed(bench: Bench) -> None:
    ended = await bench("run", a("one"), {"scenario_id": "bad", "turns": []})

    assert ended.code == 2
    assert "scenario 'bad'" in bench.read("latest.json")["metadata"]["scenario_error"]
    assert bench.target.requests == []


async def test_a_report_folder_that_cannot_be_used_is_said_before_running(bench: Bench) -> None:
    bench.reports.write_text("a file")

    with pytest.raises(DefinitionError, match="report-dir"):
        await bench("run", a("one"))
    assert bench.target.requests == []


async def test_a_confirm_that_could_not_measure_is_blocked_and_visible(bench: Bench) -> None:
    ended = await bench("confirm", a("one"), ids=("other",))

    assert ended.code == 2
    assert bench.read("confirm-latest-diagnosis.json")["confirmation_status"] == "blocked"


async def test_an_intervention_the_target_cannot_carry_ends_the_attempt(bench: Bench) -> None:
    def refuse(target: Any) -> Any:
        raise NotApplicable("patch: no seam")

    written(bench.folder, a("one"))
    asked = Asked(
        kind="run", scenarios=str(bench.folder / "scenarios"), report_dir=str(bench.reports), intervention="d1"
    )
    ended = await attempt(asked, target=bench.target, dress=refuse)

    assert ended.code == 2
    assert bench.read("latest.json")["metadata"]["intervention_error"] == "patch: no seam"


async def test_an_interrupted_measurement_keeps_what_it_measured(bench: Bench) -> None:
    async def second_hangs(request: Any, world: Any) -> str:
        if "2" in request.messages[-1].text:
            await anyio.sleep_forever()
        return "hi"

    with anyio.move_on_after(0.1) as scope:
        await bench("run", a("one"), a("two", "hi 2"), target=ScriptedTarget(second_hangs), plan=Plan(concurrency=1))

    assert scope.cancelled_caught
    report = bench.read("latest.json")
    assert report["metadata"]["interrupted"] is True
    assert [one["scenario_id"] for one in report["results"]] == ["one"]


# -- runtime


KNOWN = RuntimeSpec("OpenAI", "small", "env", "high")
OTHER = RuntimeSpec("Acme", "big", "code", "low")


@pytest.mark.parametrize(
    ("resolved", "candidates", "given", "expected"),
    [
        (KNOWN, [], {}, ("resolved", "OpenAI", "small")),
        (KNOWN, [], {"provider": " X ", "model": " y "}, ("override", "x", "y")),
        (KNOWN, [], {"provider": "openai"}, ("override", "openai", "small")),
        (KNOWN, [OTHER], {"model": "big"}, ("override", "acme", "big")),
        (None, [KNOWN, OTHER], {"provider": "ACME"}, ("override", "acme", "big")),
        (None, [], {"provider": "x", "model": "y"}, ("override", "x", "y")),
        (KNOWN, [], {"provider": "other"}, None),
        (None, [], {"model": "big"}, None),
        (None, [], {}, None),
        (None, [OTHER], {}, None),
    ],
)
def test_the_runtime_is_known_or_named_never_guessed(resolved: Any, candidates: Any, given: Any, expected: Any) -> None:
    if expected is None:
        with pytest.raises(DefinitionError, match="runtime: "):
            choose(resolved, candidates, **given)
    else:
        found = choose(resolved, candidates, **given)
        assert (found.mode, found.runtime.provider, found.runtime.model) == expected


def test_a_person_is_asked_until_there_is_a_number_even_for_one_candidate() -> None:
    answers = iter(["", "0", "2", "x", "1"])
    shown: list[str] = []
    found = choose(None, [OTHER], ask=lambda text: (shown.append(text), next(answers))[1])

    assert (found.mode, found.runtime) == ("interactive_candidate", OTHER)
    assert "1. Acme big (low)" in shown[0]
    assert len(shown) == 5
    for word in ("q", "QUIT", "exit"):
        with pytest.raises(DefinitionError, match="nobody chose"):
            choose(None, [OTHER], ask=lambda _, word=word: word)


# -- confirmation


async def test_a_confirmation_stands_only_while_nothing_it_is_bound_to_changes(bench: Bench) -> None:
    await bench("run", a("one"))
    await bench("confirm")
    bound = binding_in(bench.read("confirm-latest.json"))
    assert bound is not None
    from dataclasses import replace

    assert standing(bench.reports, bound) == ("passing", [])
    for change in (
        {"scenario_set": "other"},
        {"target": "other"},
        {"target_revision": "other"},
        {"provider": "other"},
        {"model": "other"},
        {"intervention": "other"},
    ):
        assert standing(bench.reports, replace(bound, **change)) == ("stale", list(change))
    place = bench.reports / "confirm-latest.json"
    place.write_text(place.read_text().replace(f'"{bound.target_revision}"', '""'))
    assert standing(bench.reports, replace(bound, target_revision="")) == ("stale", ["target_revision"])
    assert standing(bench.folder, bound) == ("missing", [])


async def test_the_binding_follows_scenarios_target_runtime_and_intervention(bench: Bench) -> None:
    async def binding(*scenarios: dict[str, Any], **more: Any) -> Any:
        await bench("confirm", *scenarios, **more)
        return binding_in(bench.read("confirm-latest.json"))

    first = await binding(a("one"))
    same = await binding(a("one", description="called otherwise"))
    another = await binding(a("one", "hi!"))
    named = await binding(a("one"), provider="p", model="m")
    other = await binding(a("one"), target=ScriptedTarget(lambda request, world: "hi", name="other"))

    assert first == same
    assert first.scenario_set != another.scenario_set
    assert (named.provider, named.model) == ("p", "m")
    assert other.target_revision != first.target_revision


def test_the_revision_of_a_target_is_its_source_without_scenarios_and_reports(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1")
    (tmp_path / "scenarios").mkdir()
    without = [tmp_path / "scenarios"]
    first = revision_of(tmp_path, without=without)
    (tmp_path / "scenarios" / "a.json").write_text("{}")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "b.py").write_text("")
    (tmp_path / "picture.png").write_bytes(b"")
    assert revision_of(tmp_path, without=without) == first
    (tmp_path / "app.py").write_text("x = 2")

    assert revision_of(tmp_path, without=without) != first
    assert revision_of(tmp_path, most_files=0) == ""


# -- repeats


async def test_repeats_are_told_with_their_interval_and_flakiness(bench: Bench) -> None:
    seen: list[int] = []

    def now_and_then(request: Any, world: Any) -> str:
        seen.append(request.seed)
        return "hi" if len(seen) % 2 else "no"

    ended = await bench("run", a("one"), target=ScriptedTarget(now_and_then), plan=Plan(repeat=4, concurrency=1))
    told = bench.read("latest.json")["results"][0]["repeats"]

    assert ended.code == 1
    assert "  one: 2/4 passed, 95% [15, 85]  FLAKY" in ended.out
    assert (told["n"], told["passed"], told["flaky"], told["interval_kind"]) == (4, 2, True, "wilson")
    assert told["pass_at_k"]["2"] == pytest.approx(1 - 1 / 6, abs=1e-6)
    assert told["pass_hat_k"]["2"] == pytest.approx(1 / 6, abs=1e-6)
    assert len(told["runs"]) == 4
    assert len(set(seen)) == 4, "each try has dice of its own"


async def test_a_gate_decides_and_ends_the_tries_as_soon_as_it_is_decided(bench: Bench) -> None:
    never = ScriptedTarget(lambda request, world: "no")
    red = await bench("run", a("one"), target=never, plan=Plan(repeat=50, gate=read_gate("pass^3>=0.9")))
    ever = await bench("run", a("one"), plan=Plan(repeat=50, gate=read_gate("pass@2>=0.1")))
    told = bench.read("latest.json")

    assert (red.code, ever.code) == (1, 3)
    assert len(never.requests) == 2, "two failures of fifty leave at most 0.88 for three in a row"
    assert "Gate pass@2>=0.1: holds" in ever.out
    assert told["measurement"] == {"gate_holds": True, "cut_short": True}
    assert told["results"][0]["repeats"]["interval_kind"] == "confidence sequence"


async def test_a_gate_that_the_tries_cannot_answer_is_a_definition_error(bench: Bench) -> None:
    ended = await bench("run", a("one"), plan=Plan(repeat=2, gate=read_gate("pass^3>=0.9")))

    assert ended.code == 2
    assert "ask for --repeat 3" in ended.err[0]


async def test_nothing_in_a_summary_can_move_a_terminal(bench: Bench) -> None:
    ended = await bench("run", a("one", "no \x1b[2J", description="d \x1b]0;x\x07 \u202e"))
    trials = ended.measurement.trials  # type: ignore[union-attr]

    assert not any("\x1b" in line or "\u202e" in line for line in ended.out)
    assert "\x1b" not in summarize_results([trials[0].shown])


Work = Callable[[], Awaitable[None]]


def test_reports_are_whole_or_not_there(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "latest-diagnosis.json").mkdir()
    artifacts = Artifacts(tmp_path)
    with pytest.raises(DefinitionError, match="cannot be written"):
        (tmp_path / "latest-diagnosis.json").mkdir(exist_ok=True)
        artifacts.write(Metadata(adapter_path="x", run_kind="repair", confirmation_status="missing"))

    assert not list(tmp_path.glob(".*"))
    assert json.loads((tmp_path / "latest.json").read_text())["summary"]["scenario_total"] == 0
