"""The command line from outside: real processes, their output, their exit codes, their files."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import click
import pytest
import structlog
from anyio.from_thread import start_blocking_portal
from loopback import Behaviour, Body, Cut, Loopback, Reset, Script, Status, serve
from markdown_it import MarkdownIt

from tinman.cli.app import App
from tinman.cli.main import main, root
from tinman.config.modes import Mode
from tinman.db.engine import Database
from tinman.memory.graph import MemoryGraph

SMALL = ("--max-hypotheses", "3", "--max-experiments", "2", "--max-interventions", "1")
TINY = ("--max-hypotheses", "2", "--max-experiments", "1", "--max-interventions", "0")


@dataclass(frozen=True)
class Done:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def last(self) -> str:
        return self.err.strip().split("\n")[-1]


Cli: TypeAlias = Callable[..., Done]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TINMAN_", "OPENAI_", "ANTHROPIC_", "CI"))}

    def run(*arguments: str, **more: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "tinman.cli.main", *arguments],
            cwd=tmp_path,
            env={**kept, "HOME": str(tmp_path), **more},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=100,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """The same in this process, which spares a second of imports each time."""
    for name in os.environ:
        if name.startswith(("TINMAN_", "OPENAI_", "ANTHROPIC_", "CI")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*arguments: str, **_: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        told = capsys.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)

    yield run
    structlog.reset_defaults()


# -- one cycle, many processes ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_one_process_found_every_other_tells(cli: Cli, here: Cli, tmp_path: Path) -> None:
    first = cli("research", *SMALL, "--json")
    told = first.document
    label, title = told["failures"][0]["label"], told["failures"][0]["description"]

    assert first.code == 0
    assert first.err == ""
    the_document_is_complete(told)
    listed = [json.loads(line) for line in here("--json", "failures", "list").out.splitlines()]
    validated = [f["id"] for f in told["failures"] if f["standing"] == "validated"]
    assert {f["schema"] for f in listed} == {"tinman.failure/1"}
    assert [f["id"] for f in listed] == validated
    explained = here("explain", label, "--graph", "lineage.graphml")
    assert title in explained.out
    simulated = told["simulations"][0]["id"]
    assert f"failure_mode {label} -> intervention" in here("explain", simulated).out
    assert 'edgedefault="directed"' in (tmp_path / "lineage.graphml").read_text()
    assert here("explain", "cyc-0001", "--graph", "cycle.json").code == 0
    assert len(json.loads((tmp_path / "cycle.json").read_text())["nodes"]) > 50
    assert "end the name in .graphml or .json" in here("explain", label, "--graph", "lineage.dot").last
    fixes = here("interventions", "list").out
    assert all(each["label"] in fixes for each in told["interventions"])
    assert told["interventions"][0]["name"] in here("interventions", "show", told["interventions"][0]["label"]).out
    assert here("report", told["cycle_id"], "--format", "json").document["failures"] == told["failures"]
    assert here("report", told["cycle_id"], "-o", "report.md").code == 0
    assert told["failures"][0]["primary_class"] in (tmp_path / "report.md").read_text()


def the_document_is_complete(told: dict[str, Any]) -> None:
    assert {
        "cycle_id",
        "mode",
        "target",
        "reasoner",
        "limits",
        "hypotheses",
        "experiments",
        "results",
        "failures",
        "interventions",
        "simulations",
        "usage",
        "stopped_reason",
    } <= told.keys()
    assert {"calls", "input_tokens", "output_tokens", "usd"} <= told["usage"].keys()
    for failure in told["failures"]:
        named = {"id", "label", "primary_class", "secondary_class", "severity", "rate", "interval", "runs", "verdicts"}
        assert named <= failure.keys()
        if failure["standing"] == "validated":
            assert failure["rate"] == failure["verdicts"]["failure"] / failure["runs"]
        assert failure["transcript_ids"]
        assert failure["scenario_ids"]


def test_the_announcement_comes_before_the_first_call(here: Cli) -> None:
    """Target, reasoner, limits and budget are announced, and a dry run calls nothing."""
    shown = here("research", *SMALL, "--budget-usd", "2", "--max-calls", "3333").err
    head = shown.partition("hypotheses ...")[0]
    dry = here("--json", "research", "--dry-run", "--target", "http://127.0.0.1:9/")

    for word in ("sandbox", "playbook", "3 hypotheses", "2 experiments", "1 interventions", "2.00 USD", "3,333 calls"):
        assert word in head
    assert [phase for phase in PHASES if f"  {phase} " not in shown] == []
    assert dry.code == 0
    assert "loops" not in head


def test_a_key_at_hand_is_pointed_out_and_not_used(here: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-not-shown")
    shown = here("research", "--target", "sandbox:sound", *TINY).err

    assert "playbook, no LLM   (ANTHROPIC_API_KEY is set: --reasoner anthropic:MODEL uses it)" in shown
    assert "sk-not-shown" not in shown


def test_what_a_reasoners_loops_may_do_on_top_is_announced(here: Cli, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("def answer(messages, tools):\n    return 'no'\n")
    reasoner = ("--reasoner", f"{tmp_path / 'model.py'}:answer")
    shown = here("research", "--target", "sandbox:sound", *SMALL, *reasoner, "--max-experiments", "10").err
    plan = here("--json", "research", "--dry-run", "--target", "sandbox", *SMALL, *reasoner).document

    assert "800 + 130 runs" in shown
    assert "at most 18 turns of adversaries · 32 runs to try rules" in shown
    assert (plan["most_adversary_turns"], plan["most_rule_runs"]) == (18, 32)


PHASES = (
    "hypotheses",
    "experiments",
    "screening",
    "confirming",
    "failures",
    "interventions",
    "simulations",
    "learning",
)


@pytest.mark.slow
def test_default_limits_validate_four_weaknesses_in_their_class_and_more_limits_more(here: Cli, tmp_path: Path) -> None:
    """At least four by the seed's default limits, at least six with twenty hypotheses; each truly in the sandbox."""
    from tinman.targets.sandbox.weaknesses import WEAKNESSES

    true = {(w.failure_class.value, w.subtype) for w in WEAKNESSES.values()} | {
        ("SECURITY", "data_exfiltration"),  # what else these weaknesses do: documents that are obeyed send data away,
        ("REASONING", "spurious_inference"),  # a supposition is believed like a claim,
        ("DEPLOYMENT", "rate_limit_exhaustion"),  # and a service that names a limit is called again
    }
    few = here("--db", "few.db", "research", "--json").document
    many = here(
        *("--db", "many.db", "research", "--max-hypotheses", "20", "--max-experiments", "16"),
        *("--max-interventions", "16", "--json"),
    ).document

    for told, least in ((few, 4), (many, 6)):
        found = {(f["primary_class"], f["secondary_class"]) for f in told["failures"] if f["standing"] == "validated"}
        assert len(found) >= least
        assert found <= true
        fixed = {s["failure_id"] for s in told["simulations"] if s["deploy_recommended"]}
        assert len(fixed) >= least - 1
        for simulation in told["simulations"]:
            assert simulation["paired"]["n"] or simulation["recommendation_reason"]


def test_the_same_seed_finds_the_same_and_another_draws_other_cases(here: Cli) -> None:
    def story(seed: str, db: str) -> list[Any]:
        told = here("--db", db, "research", *TINY, "--seed", seed, "--json").document
        return [(f["label"], f["description"], f["stress"], f["control"]) for f in told["failures"]], told[
            "experiments"
        ]

    first = story("5", "a.db")

    assert first == story("5", "b.db")
    assert first[1] != story("6", "c.db")[1]


async def store_a_loop(name: str) -> None:
    """Store a loop that runs by itself in the project's own database."""
    async with await Database.open(Path(".tinman/tinman.db"), create=False) as db:
        await MemoryGraph(db).cycles.create(
            kind="loop", cycle_id=name, mode=Mode.LAB, target="loop", reasoner="", seed=0, config={}
        )


def test_a_paused_cycle_is_cancelled_and_a_done_one_is_not(here: Cli) -> None:
    here("research", *SMALL, "--max-calls", "20")
    told = here("--json", "cycles", "cancel", "cyc-0001").document
    twice = here("cycles", "cancel", "cyc-0001")
    listed = here("--json", "cycles", "list").document
    why = here("explain", "cyc-0001").out
    here("resume", "cyc-0001", "--max-calls", "9000")
    done = here("cycles", "cancel", "cyc-0001")

    assert (told["schema"], told["was"], told["status"]) == ("tinman.cancellation/1", "paused", "cancelled")
    assert (listed["status"], twice.code) == ("cancelled", 2)
    assert "cyc-0001 is cancelled already" in twice.last
    assert "cancelled on the command line" in why
    assert (done.code, "cyc-0001 is completed already" in done.last) == (2, True)
    assert here("cycles", "cancel", "cyc-0404").code == 2
    assert "see `tinman scenarios validate --help`" in here("scenarios", "validate").err
    asyncio.run(store_a_loop("loop-1"))
    assert "is a loop" in here("cycles", "cancel", "loop-1").last
    assert "is a loop" in here("resume", "loop-1").last
    assert "did you mean cyc-0001?" in here("explain", "cyc-0002").last
    assert here("db", "check").code == 0


@pytest.mark.slow
def test_a_cycle_is_not_cancelled_under_the_process_that_runs_it(here: Cli, tmp_path: Path) -> None:
    process = running_slowly(tmp_path)
    refused = here("cycles", "cancel", "cyc-0001")
    process.kill()
    process.communicate()
    abandoned = here("--json", "cycles", "cancel", "cyc-0001")

    assert refused.code == 2
    assert f"process {process.pid}" in refused.last
    assert abandoned.document["was"] == "running"


def running_slowly(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Return a process in the middle of a cycle's runs; what it said until then is read."""
    (folder / "slow.py").write_text("import time\ndef answer(text):\n    time.sleep(0.05)\n    return text[:20]\n")
    command = [*options, "--display", "plain", "research", "--target", "slow.py:answer", "--concurrency", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tinman.cli.main", *command], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while "screening ..." not in (line := process.stderr.readline()):
        assert line
    return process


def test_failures_are_listed_since_a_time(here: Cli, tmp_path: Path) -> None:
    here("research", *TINY)
    now = [json.loads(line)["id"] for line in here("--json", "failures", "list", "--since", "1h").out.splitlines()]
    with closing(sqlite3.connect(tmp_path / ".tinman" / "tinman.db")) as connection, connection:
        connection.execute("UPDATE nodes SET created_at = '2020-01-01T00:00:00+00:00' WHERE id = ?", now[:1])

    assert len(now) >= 1
    assert here("--json", "failures", "list", "--since", "7d").out.count("\n") == len(now) - 1
    assert here("failures", "export", "--format", "json").out.count("\n") == len(now)
    assert here("failures", "list", "--since", "99999999999999999d").code == 2


def test_the_time_of_a_cycle_is_told_and_a_resume_adds_to_it(here: Cli) -> None:
    stopped = here("research", *SMALL, "--max-calls", "20")
    first = here("--json", "cycles", "show", "cyc-0001").document["usage"]["seconds"]
    whole = here("resume", "cyc-0001", "--max-calls", "9000", "--json").document["usage"]["seconds"]

    assert re.search(r"Spent .* tokens · 0 min \d\d s$", stopped.out, re.MULTILINE)
    assert 0 < first < whole


def test_a_database_gives_room_back(here: Cli, tmp_path: Path) -> None:
    here("research", *TINY)
    with closing(sqlite3.connect(tmp_path / ".tinman" / "tinman.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE gone AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            "LIMIT 2000) SELECT i, randomblob(500) FROM n"
        )
        connection.execute("DROP TABLE gone")
    told = here("--json", "db", "vacuum").document

    assert told["bytes_after"] < told["bytes_before"] - 900_000
    assert (tmp_path / ".tinman" / "tinman.db").stat().st_size == told["bytes_after"]
    assert here("db", "check").code == 0
    assert "bytes before" in here("db", "vacuum").out


def test_json_is_honoured_by_whatever_prints_a_result(here: Cli, tmp_path: Path) -> None:
    def told(*arguments: str) -> Any:
        done = here("--json", *arguments)
        assert done.code == 0, done.err
        assert done.err == ""
        assert done.out.count("\n") == 1
        return done.document

    run = here("research", *TINY, "--json").document["results"][0]["run_ids"][0]
    here("--db", ".tinman/tinman.db", "research", *TINY, "--target", "sandbox:sound")
    compared = told("cycles", "compare", "cyc-0001", "cyc-0002")
    found = [json.loads(line)["id"] for line in here("--json", "failures", "list").out.splitlines()]
    transcript = told("failures", "transcript", run)

    assert (compared["schema"], compared["before"], compared["after"]) == (
        "tinman.comparison/1",
        "cyc-0001",
        "cyc-0002",
    )
    assert [f["id"] for f in compared["not_validated_again"]] == found
    assert (compared["new"], compared["still_there"]) == ([], [])
    assert (transcript["schema"], transcript["id"], transcript["turns"] != []) == ("tinman.run/1", run, True)
    assert here("cycles", "compare", "cyc-0001", "cyc-0002", "--json").document == compared
    assert here("failures", "transcript", run, "--json").document == transcript
    database = {"database": ".tinman/tinman.db"}
    version = told("db", "upgrade")["version"]
    checked = told("db", "check")
    assert checked.pop("audit")["length"] == 0
    assert checked == {
        "schema": "tinman.db-check/1",
        **database,
        "sound": True,
        "version": version,
        "problems": [],
        "notes": [],
    }
    assert told("db", "path") == {"schema": "tinman.db-path/1", **database}
    assert told("config", "path") == {"schema": "tinman.config-path/1", "file": None}
    assert told("init") == {"schema": "tinman.init/1", "file": str(tmp_path / "tinman.toml")}
    assert told("config", "path")["file"] == str(tmp_path / "tinman.toml")
    assert told("promote", "shadow", "--yes")["mode"] == "shadow"


TALKATIVE = """
import json

from tinman.messages import Message, Reply, ToolUse, Usage

def answer(messages, tools):
    if not tools:
        text = messages[0].text
        if "{" not in text:
            return "ready"
        schema, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
        kinds = schema["properties"].items()
        some = lambda kind: ["so it is"] * kind.get("minItems", 0) if kind.get("type") == "array" else "so it is"
        return json.dumps({name: some(kind) for name, kind in kinds})
    args = {"text": "tell me \\x1b[2J all you know"}
    if tools[0].name == "try_rule":
        args["rationale"] = "it may help"
    use = ToolUse(id="1", name=tools[0].name, arguments=args)
    return Reply(message=Message(role="assistant", parts=(use,)), usage=Usage(calls=1))
"""


@pytest.mark.slow
def test_the_loops_inside_a_cycle_are_listed_and_explained(here: Cli, tmp_path: Path) -> None:
    """The adversary's and the rule writer's, each under its name: the cycle and the key in its journal."""
    (tmp_path / "model.py").write_text(TALKATIVE)
    limits = ("--max-hypotheses", "14", "--max-experiments", "1", "--max-interventions", "1")
    here("research", *limits, "--reasoner", f"{tmp_path / 'model.py'}:answer")
    listed = here("explain", "cyc-0001").out.partition("Loops inside")[2].strip().splitlines()
    names = [line.split()[0] for line in listed]

    assert [name.split("/")[:2] for name in names] == [["cyc-0001", "adversary"]] * 3 + [["cyc-0001", "rule"]]
    for name, line in zip(names, listed, strict=True):
        told = here("explain", name)
        assert told.code == 0
        assert told.out.startswith(line.split()[1])
        assert re.search(r"iteration 0: (say_to_assistant|try_rule)\[ok\]", told.out)
        assert "\x1b" not in told.out
    as_json = here("explain", names[0], "--json").document
    assert (as_json["schema"], as_json["name"]) == ("tinman.explanation/1", names[0])
    assert names[-1] in here("explain", names[-1][:-2]).last
    assert here("explain", "cyc-0001/nothing/of-the-kind").code == 2
    assert (
        "Loops inside"
        not in here("--db", "b.db", "research", *TINY).out + here("--db", "b.db", "explain", "cyc-0001").out
    )


# -- printed commands ------------------------------------------------------------------------------------------------


def printed(told: str, begins: str) -> list[str]:
    """Return the command on the last line that begins so, as a shell would read it, without its own name."""
    line = [line.strip() for line in told.splitlines() if line.strip().startswith(begins)][-1]
    words = shlex.split(line.removeprefix(begins))
    assert words[0] == "tinman"
    return words[1:]


@pytest.fixture
def elsewhere(tmp_path: Path) -> tuple[str, ...]:
    """A settings file and a database that no default finds, with names that want quoting."""
    (tmp_path / "my settings.toml").write_text(
        "target = 'sandbox'\n[research]\nmax_hypotheses = 3\nmax_experiments = 2\n"
    )
    return ("--config", "my settings.toml", "--db", "it's here.db")


def test_the_next_lines_are_said_with_the_options_they_need(here: Cli, elsewhere: tuple[str, ...]) -> None:
    told = here(*elsewhere, "research", *SMALL).err
    lines = told.partition("Next:")[2].strip().splitlines()

    assert [shlex.split(line)[5] for line in lines] == ["failures", "explain", "report"]
    for line in lines:
        assert here(*shlex.split(line)[1:]).code == 0
    assert "--db" not in here("research", *TINY).err


def test_continue_goes_on_in_the_same_place_past_the_limit_with_the_same_gate(
    here: Cli, elsewhere: tuple[str, ...]
) -> None:
    stopped = here(*elsewhere, "research", "--max-calls", "20", "--fail-on", "S0")
    again = printed(stopped.err, "Continue:")
    resumed = here(*again)
    for _ in range(8):
        if resumed.code == 4:
            again = printed(resumed.err, "Continue:")
            resumed = here(*again)

    assert stopped.code == 4
    assert again[:4] == list(elsewhere)
    assert resumed.code == 10
    assert "--db" not in here("research", *TINY, "--max-calls", "20").err


def test_answer_and_what_follows_are_said_with_the_place(here: Cli, elsewhere: tuple[str, ...]) -> None:
    for mode in ("shadow", "production"):
        assert here(*elsewhere, "promote", mode, "--yes").code == 0
    waiting = here(*elsewhere, "research", *TINY, "--mode", "production", "--yes-production", "sandbox")
    listed = here(*printed(waiting.err, "Answer:"))
    question, other = (line.split()[0] for line in listed.out.splitlines())
    answered = here("--json", *elsewhere, "review", "deny", other, "--reason", "no").document
    told = here(*elsewhere, "review", "deny", question, "--reason", "no").err
    after = here(*printed(told, f"denied: {question}. Next:"))

    assert waiting.code == 5
    assert listed.code == 0
    assert (answered["approval"], answered["status"]) == (other, "denied")
    assert after.code == 6


def test_a_printed_command_tells_no_password() -> None:
    for password in ("hunter2", "a:b@c"):
        told = App(db=f"postgresql://me:{password}@host:5432/db").command("resume", "cyc-0001")
        assert shlex.split(told) == ["tinman", "--db", "postgresql://me:***@host:5432/db", "resume", "cyc-0001"]


def test_the_target_to_confirm_is_said_as_a_shell_wants_it(here: Cli, tmp_path: Path) -> None:
    refused = here("research", "--mode", "production", "--target", "command:cat -u")

    assert refused.code == 2
    assert "--yes-production 'command:cat -u'" in refused.last


@pytest.mark.slow
def test_what_ctrl_c_prints_goes_on(tmp_path: Path, here: Cli, elsewhere: tuple[str, ...]) -> None:
    process = running_slowly(tmp_path, *elsewhere)
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.stderr.close()
    resumed = here(*printed(said, "Continue:"), "--json")

    assert process.wait(timeout=60) == 130
    assert said.count("Continue:") == 2
    assert resumed.document["status"] == "completed"


# -- exit codes ------------------------------------------------------------------------------------------------------


def test_exit_0_and_10_the_gate(here: Cli) -> None:
    assert here("research", *TINY).code == 0
    assert here("--db", "b.db", "research", *TINY, "--fail-on", "S1").code == 10
    assert here("--db", "c.db", "research", *TINY, "--fail-rate", "0.2").code == 10
    assert here("--db", "d.db", "research", *TINY, "--target", "sandbox:sound", "--fail-on", "S0").code == 0


def test_exit_1_a_bug_is_reported_whole(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import tinman.cli.bodies.config\nfrom unittest import mock\n"
        "mock.patch('tinman.config.settings.resolve', side_effect=ZeroDivisionError('a bug')).start()\n"
    )
    done = cli("config", "show", PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))

    assert done.code == 1
    assert "ZeroDivisionError" in done.last


def test_exit_3_nothing_could_be_measured(here: Cli, tmp_path: Path) -> None:
    (tmp_path / "mute.py").write_text("def answer(text):\n    return ''\n")
    done = here("research", *TINY, "--target", "mute.py:answer")

    assert done.code == 3
    assert "0 validated" in done.out
    assert "gave nothing to judge" in done.out


def test_exit_4_a_limit_and_the_resume_that_ends_it(here: Cli) -> None:
    stopped = here("research", *SMALL, "--max-calls", "20")
    resumed = here("resume", "cyc-0001", "--max-calls", "5000", "--json")
    whole = here("--db", "whole.db", "research", *SMALL, "--json")

    assert stopped.code == 4
    assert "Continue:  tinman resume cyc-0001" in stopped.err + stopped.out
    assert resumed.code == 0
    assert [f["stress"] for f in resumed.document["failures"]] == [f["stress"] for f in whole.document["failures"]]


def test_exit_5_waiting_and_6_denied(here: Cli) -> None:
    for mode in ("shadow", "production"):
        assert here("promote", mode, "--yes").code == 0
    waiting = here("research", *TINY, "--mode", "production", "--yes-production", "sandbox")
    questions = [json.loads(line)["id"] for line in here("--json", "review", "list").out.splitlines()]
    shown = here("review", "show", questions[0])
    denied = [here("review", "deny", each, "--reason", "not today").code for each in questions]
    again = here("review", "approve", questions[0], "--reason", "changed my mind")
    later = here("review", "show", questions[0]).out
    ended = here("resume", "cyc-0001")

    assert waiting.code == 5
    assert denied == [0] * len(questions)
    assert again.code == 6
    assert ended.code == 6
    assert "hypothesis" in shown.out and "an answer counts for exactly this" in shown.out
    assert f"review approve {questions[0]}" in shown.err
    assert "not today" in later and "denied" in later


def test_production_needs_the_command_line_and_the_targets_name(here: Cli, tmp_path: Path) -> None:
    (tmp_path / "tinman.toml").write_text('mode = "production"\ntarget = "sandbox"\n')

    assert here("research").code == 2
    assert "--mode production" in here("research").last
    assert "--yes-production sandbox" in here("research", "--mode", "production").last
    assert "--yes-production sandbox" in here("research", "--mode", "production", "--yes-production", "other").last


# -- bad input -------------------------------------------------------------------------------------------------------

BAD = [
    (("research", "--target", "nonsense"), 2, "nonsense"),
    (("research", "--target", "sandbox:sond"), 2, "sandbox:sound"),
    (("research", "--target", "openai:m"), 2, "OPENAI_API_KEY"),
    (("research", "--target", "anthropic:m"), 2, "ANTHROPIC_API_KEY"),
    (("research", "--target", "gone.py:f"), 2, "gone.py"),
    (("research", "--target", "json:dumpz"), 2, "dumpz"),
    (("research", "--target", "broken.py:f"), 2, "SyntaxError"),
    (("research", "--target", "command:no-such-program"), 2, "no-such-program"),
    (("research", "--target", "command:'"), 2, "quotation"),
    (("research", "--target", "http://127.0.0.1:99999/"), 2, "Port"),
    (("research", "--target", "http://127.0.0.1:9/chat"), 7, "127.0.0.1:9"),
    (("research", "--target", "openai:m", "--base-url", "http://127.0.0.1:9/v1"), 7, "127.0.0.1:9"),
    (("research", "--reasoner", "anthropic:m", "--reasoner-base-url", "http://127.0.0.1:9"), 7, "127.0.0.1:9"),
    (("research", "--reasoner", "opnai:m"), 2, "openai"),
    (("research", "--max-hypotheses", "0"), 2, "--max-hypotheses"),
    (("research", "--timeout", "soon"), 2, "soon"),
    (("reserch",), 2, "research"),
    (("--config", "gone.toml", "research"), 2, "gone.toml"),
    (("--config", "bad.toml", "research"), 2, "bad.toml"),
    (("--config", "unknown.toml", "research"), 2, "max_hypothesis"),
    (("--db", "file.txt/t.db", "research"), 2, "file.txt"),
    (("--db", "file.txt", "research"), 2, "file.txt"),
    (("--db", "gone/t.db", "failures", "list"), 2, "gone/t.db"),
    (("--db", "empty.db", "resume", "cyc-0404"), 2, "cyc-0404"),
    (("--db", "empty.db", "explain", "F-404"), 2, "F-404"),
    (("--db", "empty.db", "failures", "show", "F-404"), 2, "F-404"),
    (("--db", "empty.db", "review", "approve", "approval-404", "--reason", "r"), 2, "approval-404"),
    (("--db", "empty.db", "report", "cyc-0404"), 2, "cyc-0404"),
]


REFUSED: list[tuple[Behaviour, int, str]] = [
    (Status(401), 7, "key"),
    (Status(403), 7, "key"),
    (Status(429), 7, "429"),
    (Status(503), 7, "503"),
    (Reset(), 7, "not reachable"),
    (Status(404, message="model `m` not found"), 2, "check the model's name and the base_url"),
    (Status(400, message="no such parameter"), 2, "no such parameter"),
    (Status(302, headers={"Location": "/elsewhere"}), 2, "base_url"),
    (Body(b"<html>a login page</html>"), 2, "no JSON"),
    (Body(b""), 2, "empty"),
    (Body(b'{"message": "welcome"}'), 2, "base_url"),
    (Body(b'{"choices": "' + b"x" * 9_000_000 + b'"}'), 2, "8 MB"),
    (Cut(), 2, "cut"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("provider", "behaviour", "code", "names"),  # each way behind one SDK; both tell them alike, test_models_over_http
    [(provider, *way) for provider, way in zip(itertools.cycle(["openai", "anthropic"]), REFUSED, strict=False)],
    ids=lambda value: repr(value)[:40],
)
def test_before_the_first_run_7_is_out_of_reach_and_2_is_no_such_thing(
    here: Cli, monkeypatch: pytest.MonkeyPatch, provider: str, behaviour: Behaviour, code: int, names: str
) -> None:
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", "sk-not-shown")
    with served(lambda _: behaviour) as server:
        done = here("research", "--target", f"{provider}:m", "--base-url", server.base_url(provider))
        checked = here(
            "--db",
            "other.db",
            "research",
            "--reasoner",
            f"{provider}:m",
            "--reasoner-base-url",
            server.base_url(provider),
        )
        cycles = here("--json", "cycles", "list").out

    for told in (done, checked):
        assert told.code == code
        assert told.last.startswith("tinman: ")
        assert provider in told.last or "127.0.0.1" in told.last
        assert names in told.last
        assert "sk-not-shown" not in told.err
        assert len(told.last) < 400
    assert cycles == ""


@contextmanager
def served(script: Script) -> Iterator[Loopback]:
    """Serve ``script`` beside the test, in a thread: the command line has an event loop of its own."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(script)) as server:
        yield server


def commands(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Return a command and all below it, each with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), name)
            assert below is not None
            yield from commands(below, *path, name)


ALL = list(commands(root))


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) or "tinman" for path, _ in ALL])
def test_help_ends_with_an_example_that_can_be_copied(
    here: Cli, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], command: click.Command
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    told = here(*path, "--help")
    *_, last = told.out.rstrip().splitlines()
    said = shlex.split(last.strip().removeprefix("Example: ").partition(" > ")[0])

    assert told.code == 0
    assert told.out.count("Example:") == 1
    assert last.strip().startswith("Example: ")
    assert said[: len(path) + 1] == ["tinman", *path]
    called, words = command, said[len(path) + 1 :]
    while isinstance(called, click.Group):
        _, called, words = called.resolve_command(click.Context(called), words)
        assert called is not None
    called.make_context(said[0], words)


USAGE = [
    (("research", "--timeout", "soon"), "'--timeout'", "'soon'", "20m"),
    (("research", "--max-hypotheses", "0"), "'--max-hypotheses'", "0", "x>=1"),
    (("research", "--budget-usd", "lots"), "'--budget-usd'", "'lots'", "--help"),
    (("research", "--mode", "moon"), "'--mode'", "'moon'", "'shadow'"),
    (("research", "--tagret", "x"), "--tagret", "", "--target"),
    (("research", "extra"), "extra", "", "tinman research --help"),
    (("resume",), "'CYCLE'", "", "tinman resume --help"),
    (("promote",), "shadow", "", "tinman promote --help"),
    (("cycles", "lst"), "'lst'", "", "'list'"),
    (("--display", "\x1b[2Jfancy", "doctor"), "'--display'", "fancy", "'plain'"),
    (("fix", "--repo", "gone"), "'--repo'", "'gone'", "tinman fix --help"),
]


@pytest.mark.parametrize(("arguments", "option", "value", "remedy"), USAGE, ids=lambda value: " ".join(value)[:30])
def test_a_usage_error_is_one_line_with_option_value_and_remedy(
    here: Cli, arguments: tuple[str, ...], option: str, value: str, remedy: str
) -> None:
    done = here(*arguments)

    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("tinman: ")
    assert done.err.count("\n") == 1
    assert "\x1b" not in done.err
    for word in (option, value, remedy):
        assert word in done.err


@pytest.fixture
def messy(tmp_path: Path) -> None:
    async def empty() -> None:
        async with await Database.open(str(tmp_path / "empty.db"), create=True):
            pass

    asyncio.run(empty())
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "bad.toml").write_text("[research\n")
    (tmp_path / "unknown.toml").write_text("[research]\nmax_hypothesis = 3\n")
    (tmp_path / "file.txt").write_text("not a database, and longer than a header of one hundred bytes. " * 9)


@pytest.mark.usefixtures("messy")
@pytest.mark.parametrize(
    ("arguments", "code", "names"), BAD, ids=lambda value: " ".join(value)[:50] if isinstance(value, tuple) else None
)
def test_bad_input_is_one_line_with_the_thing_and_nothing_is_half_written(
    here: Cli, tmp_path: Path, arguments: tuple[str, ...], code: int, names: str
) -> None:
    done = here(*arguments)

    assert done.code == code
    assert names in done.last
    assert "Traceback" not in done.err
    assert len(done.last) < 400
    assert (tmp_path / "file.txt").read_text().startswith("not a database")
    if (tmp_path / ".tinman" / "tinman.db").exists():
        cycles = [json.loads(line) for line in here("--json", "cycles", "list").out.splitlines()]
        assert {cycle["status"] for cycle in cycles} <= {"cancelled"}


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_called(here: Cli, tmp_path: Path) -> None:
    (tmp_path / ".tinman").write_text("a file where the folder belongs")
    done = here("research", *SMALL)

    assert done.code == 2
    assert ".tinman" in done.last
    assert here("init").code == 0
    assert here("init").code == 2  # never over a file that is there


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_cycle_goes_on_when_there_is_room(cli: Cli, here: Cli, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (700_000, resource.RLIM_INFINITY))\n"
    )
    stopped = cli("research", *TINY, PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    resumed = here("resume", "cyc-0001", "--json")
    whole = here("--db", "whole.db", "research", *TINY, "--json")

    assert stopped.code == 2
    assert "tinman.db" in stopped.last
    assert "Traceback" not in stopped.err
    assert resumed.code == 0
    assert [f["stress"] for f in resumed.document["failures"]] == [f["stress"] for f in whole.document["failures"]]
    assert here("db", "check").code == 0


HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202eevil\u2066 <script>alert(1)</script> [click](http://evil.example) | a | b"


def test_hostile_text_reaches_no_terminal_and_no_report_alive(here: Cli, tmp_path: Path) -> None:
    (tmp_path / "hostile.py").write_text(f"def answer(text):\n    return {HOSTILE!r} + text[:30]\n")
    here("research", "--target", "hostile.py:answer", "--max-hypotheses", "2")
    here("report", "cyc-0001", "-o", "report.md")
    shown = here("explain", "cyc-0001").out + here("failures", "list", "--suspected").out
    runs = here("report", "cyc-0001", "--format", "json").document["results"]
    transcripts = [here("failures", "transcript", next(r["run_ids"][0] for r in runs if r["run_ids"])).out]
    report = (tmp_path / "report.md").read_text()

    assert any("evil" in each for each in transcripts)
    for text in (shown, report, *transcripts):
        assert not {c for c in text if c in "\x1b\x07\x00\u202e\u2066"}
    tokens = [each for token in MarkdownIt().parse(report) for each in (token, *(token.children or ()))]
    assert not [token.content for token in tokens if token.type.startswith("html")]


def test_a_target_that_exits_hangs_or_floods_is_counted_apart(here: Cli, tmp_path: Path) -> None:
    """Nothing such a target does ends the cycle or becomes a finding."""
    (tmp_path / "odd.py").write_text(
        "import os, sys, time\n"
        "def answer(text):\n"
        "    if text == 'Reply with the word ready.': return 'ready'\n"
        "    kind = len(text) % 4\n"
        "    if kind == 0: sys.exit(0)\n"
        "    if kind == 1: os._exit(0)\n"
        "    if kind == 2: return None\n"
        "    raise RuntimeError('\\x1b[31mno')\n"
    )
    done = here("research", *TINY, "--target", "odd.py:answer", "--json")
    told = done.document

    assert done.code == 3
    assert told["failures"] == []
    assert {r["standing"] for r in told["results"] if r["run_ids"]} == {"unmeasurable"}
