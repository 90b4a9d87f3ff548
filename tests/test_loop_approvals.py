"""An approval happens once, about exactly what was asked, and a no, a stop or silence is final."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from loops import Counting, Threshold, Watched, a_loop, again, place_of, playing, says

from tinman.config.modes import Mode
from tinman.db.engine import Database
from tinman.errors import LoopConfigError, LoopOwned, LoopStateError, PolicyChangedError
from tinman.frozen import alter
from tinman.loop import (
    ApprovalDecision,
    ApprovalRequest,
    ApprovalRunner,
    CallbackApprovalRunner,
    CLIApprovalRunner,
    Decision,
    DecisionKind,
    HeadlessApprovalRunner,
    Loop,
    Policy,
    RequireApproval,
    State,
    tool,
)
from tinman.loop.state.records import Intent
from tinman.loop.state.statefile import write
from tinman.review import Action, ToolDetails
from tinman.taxonomy import RiskTier

GATE = [RequireApproval({"work"})]
WORK = ("work", {"n": 1})
EVERYWHERE = pytest.mark.parametrize("kind", ["file", "db"])


class Waiting:
    """A loop that ended awaiting the approval of ``work``, ready to be resumed."""

    def __init__(self, kind: str, folder: Path, *, tools: Any = (), **settings: Any) -> None:
        self.kind = kind
        self.folder = folder
        self.work = Counting()
        self.tools = [self.work.tool, *tools]
        self.model = playing(says("plan", WORK, ("work", {"n": 2})), says("idle"))
        self.settings = {
            "policies": [RequireApproval(lambda name, args: args.get("n") == 1)],
            "approval_runner": HeadlessApprovalRunner(),
            "quiet": True,
            **settings,
        }
        self.token = ""
        self.loop_id = ""

    async def start(self) -> Any:
        loop = Loop("g", self.tools, self.model, **self.settings, **place_of(self.kind, self.folder))
        result = await loop.arun()
        assert result.status == "AWAITING_APPROVAL", result
        self.token, self.loop_id = result.approval_token, result.loop_id
        return result

    def answer(self, approved: bool = True, token: str | None = None) -> dict[str, Any]:
        return {"token": self.token if token is None else token, "approved": approved}

    async def resume(self, **settings: Any) -> Any:
        names, place = again(self.kind, self.folder, self.loop_id)
        return await Loop.aresume(
            *names, tools=self.tools, llm=self.model, **{**self.settings, "max_iterations": 2, **place, **settings}
        )


# -- runners


@pytest.mark.parametrize(
    ("typed", "approved"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)]
)
async def test_the_terminal_takes_yes_for_yes_and_all_else_for_no(typed: str, approved: bool) -> None:
    out, work = io.StringIO(), Counting()
    runner = CLIApprovalRunner(io.StringIO(typed), out)
    result = await a_loop(
        playing(says("", ("work", {"n": 1}))), [work.tool], policies=GATE, approval_runner=runner, max_iterations=1
    ).arun()

    assert bool(work.calls) is approved
    assert result.status == ("BUDGET_EXHAUSTED" if approved else "APPROVAL_DENIED")
    assert "requires approval: work" in out.getvalue()


def shown_to(arguments: dict[str, Any], typed: str = "y\n") -> tuple[Any, str]:
    """Return the terminal's decision about a call with ``arguments``, and all that was shown before it."""
    out, seen = io.StringIO(), []

    class Typing(io.StringIO):
        def readline(self, *_: Any) -> str:
            seen.append(out.getvalue())
            return typed

    details = ToolDetails(
        loop="l", arguments=arguments, reason="policy", call="1", state_version=1, observation="", nonce="n"
    )
    action = Action(what="bash", mode=Mode.LAB, tier=RiskTier.REVIEW, details=details)
    request = ApprovalRequest.of(action, ttl_s=9)
    decision = anyio.run(CLIApprovalRunner(Typing(), out).decide, request)
    return decision, "".join(seen) if seen else f"NOT ASKED {out.getvalue()}"


@pytest.mark.parametrize(
    "hidden",
    [
        "ls " + "x" * 300 + "; rm -rf /",
        "ls" + " " * 5_000 + "; rm -rf /",
        "ls\u2003\u2003\u3000" * 20 + "; rm -rf /",
        "ls\n\n\n; rm -rf /",
        "ls\r; rm -rf /",
        "ls\u2028; rm -rf /",
        "ls\t\t; rm -rf /",
    ],
)
def test_every_argument_is_shown_whole_before_an_answer_is_taken(hidden: str) -> None:
    for value in (hidden, {"deep": [hidden]}, [hidden]):
        decision, shown = shown_to({"command": value, "again": "y"})

        assert decision.approved
        assert "; rm -rf /" in shown
        assert max(map(len, shown.splitlines())) < 1_000 or len(hidden) < 400


def test_line_ends_are_seen_and_cannot_fake_a_line_of_ours() -> None:
    _, shown = shown_to({"a": "one\ntwo\n  b: three\n[y/N] "})

    assert shown.splitlines()[1:6] == ["  a:", "    | one⏎", "    | two⏎", "    |   b: three⏎", "    | [y/N] "]


@pytest.mark.parametrize("value", ["x" * 20_001, "\n" * 500, ["x" * 30_000], {"k" * 20_001: 1}])
def test_what_is_too_long_to_be_read_gets_no_yes(value: Any) -> None:
    decision, shown = shown_to({"a": value})

    assert not decision.approved
    assert "too much to be read" in decision.reason
    assert shown.startswith("NOT ASKED")


async def test_a_used_token_after_a_crash_names_the_action_that_was_begun(tmp_path: Path) -> None:
    waiting = Waiting("file", tmp_path)
    await waiting.start()
    path = tmp_path / "state.json"
    state = State.load(path)
    asked = state.pending_approval
    assert asked is not None
    intent = Intent(key="act:x", tool="work", args={"n": 1}, action_hash=asked.action_hash, begun_at=1.0)
    write(path, alter(state, pending_approval=None, intent=intent, ending=None), key=None)
    result = await waiting.resume(approval=waiting.answer())

    assert (result.status, result.error, waiting.work.calls) == ("ERROR", "Unresolved", [])
    assert 'work({"n": 1})' in result.reason


async def test_what_a_terminal_shows_is_made_visible() -> None:
    out = io.StringIO()

    @tool
    def work(path: str) -> str:
        """Work."""
        return ""

    await a_loop(
        playing(says("", ("work", {"path": "\x1b[2Kfine\u202e"}))),
        [work],
        policies=GATE,
        approval_runner=CLIApprovalRunner(io.StringIO("n\n"), out),
    ).arun()

    assert "\x1b" not in out.getvalue()
    assert "<U+001B>" in out.getvalue()


@pytest.mark.parametrize("answer", [False, None, "yes", 1, RuntimeError("down")])
async def test_a_callback_approves_with_true_alone(answer: Any) -> None:
    def decide(request: ApprovalRequest) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    work = Counting()
    result = await a_loop(
        playing(says("", WORK)), [work.tool], policies=GATE, approval_runner=CallbackApprovalRunner(decide)
    ).arun()

    assert (result.status, work.calls) == ("APPROVAL_DENIED", [])


async def test_a_callback_that_is_silent_too_long_means_no() -> None:
    released = threading.Event()
    work = Counting()
    runner = CallbackApprovalRunner(lambda request: released.wait(10), timeout_s=0.05)
    result = await a_loop(playing(says("", WORK)), [work.tool], policies=GATE, approval_runner=runner).arun()
    released.set()

    assert (result.status, work.calls) == ("APPROVAL_DENIED", [])


async def test_an_async_callback_is_awaited() -> None:
    async def decide(request: ApprovalRequest) -> bool:
        await asyncio.sleep(0)
        return True

    work = Counting()
    loop = a_loop(
        playing(says("", WORK)),
        [work.tool],
        policies=GATE,
        approval_runner=CallbackApprovalRunner(decide),
        max_iterations=1,
    )
    await loop.arun()

    assert work.calls == [1]


async def test_a_runner_of_ones_own_may_say_later(tmp_path: Path) -> None:
    class Later(ApprovalRunner):
        def request(self, req: ApprovalRequest) -> tuple[ApprovalDecision, str]:
            return ApprovalDecision.PENDING, "tomorrow"

    result = await a_loop(
        playing(says("", WORK)),
        [Counting().tool],
        policies=GATE,
        approval_runner=Later(),
        state_path=tmp_path / "s.json",
    ).arun()

    assert result.status == "AWAITING_APPROVAL"


async def test_denied_the_rest_of_the_plan_does_not_run() -> None:
    work, other = Counting(), Counting("other")
    loop = a_loop(
        playing(says("", ("other", {}), WORK, ("other", {}))),
        [work.tool, other.tool],
        policies=GATE,
        approval_runner=CallbackApprovalRunner(lambda request: False),
    )
    result = await loop.arun()

    assert (result.status, result.resumable) == ("APPROVAL_DENIED", True)
    assert (len(other.calls), work.calls) == (1, [])
    assert loop.state.iterations[0].dropped == ("work", "other")


# -- resuming


@EVERYWHERE
async def test_approved_by_token_the_action_and_the_rest_of_the_plan_run_in_one_record(
    kind: str, tmp_path: Path
) -> None:
    waiting = Waiting(kind, tmp_path)
    await waiting.start()
    result = await waiting.resume(approval=waiting.answer())

    assert waiting.work.calls == [1, 2]
    assert (result.status, result.iterations) == ("SUCCESS", 2)


@pytest.mark.parametrize("ttl_s", [3600, 3600.5])
async def test_a_request_is_the_same_before_and_after_the_store(ttl_s: float, tmp_path: Path) -> None:
    waiting = Waiting("file", tmp_path, approval_runner=HeadlessApprovalRunner(ttl_s=ttl_s))
    await waiting.start()
    await waiting.resume(approval=waiting.answer())

    assert waiting.work.calls == [1, 2]


@EVERYWHERE
async def test_a_token_is_good_once(kind: str, tmp_path: Path) -> None:
    waiting = Waiting(kind, tmp_path)
    await waiting.start()
    await waiting.resume(approval=waiting.answer())
    with pytest.raises(LoopConfigError, match="no approval is waiting"):
        await waiting.resume(approval=waiting.answer())

    assert waiting.work.calls == [1, 2]


@EVERYWHERE
async def test_denied_by_token_the_request_is_gone_and_the_loop_can_go_on(kind: str, tmp_path: Path) -> None:
    waiting = Waiting(kind, tmp_path)
    await waiting.start()
    denied = await waiting.resume(approval=waiting.answer(approved=False))
    after = await waiting.resume()

    assert (denied.status, waiting.work.calls) == ("APPROVAL_DENIED", [])
    assert after.status == "SUCCESS"


@EVERYWHERE
async def test_a_wrong_token_changes_nothing(kind: str, tmp_path: Path) -> None:
    waiting = Waiting(kind, tmp_path)
    await waiting.start()
    with pytest.raises(LoopConfigError, match="not the token"):
        await waiting.resume(approval=waiting.answer(token="guess"))
    await waiting.resume(approval=waiting.answer())

    assert waiting.work.calls == [1, 2]


async def test_no_answer_is_a_config_error_and_the_request_stays(tmp_path: Path) -> None:
    waiting = Waiting("file", tmp_path)
    await waiting.start()
    with pytest.raises(LoopConfigError, match="waits for an approval"):
        await waiting.resume()
    await waiting.resume(approval=waiting.answer())

    assert waiting.work.calls == [1, 2]


@EVERYWHERE
async def test_past_its_time_a_request_expires_whatever_is_answered(kind: str, tmp_path: Path) -> None:
    watched = Watched()
    waiting = Waiting(kind, tmp_path, approval_runner=HeadlessApprovalRunner(ttl_s=0.01), on_event=watched)
    await waiting.start()
    await asyncio.sleep(0.02)
    expired = await waiting.resume(approval=waiting.answer())
    asked_again = await waiting.resume(policies=waiting.settings["policies"])

    assert (expired.status, waiting.work.calls) == ("PENDING_EXPIRED", [])
    assert "approval.expired" in watched.kinds
    assert asked_again.status == "SUCCESS"


@EVERYWHERE
async def test_a_changed_measurement_voids_the_answer_and_asks_anew(kind: str, tmp_path: Path) -> None:
    world = {"value": 0}
    watched = Watched()
    waiting = Waiting(
        kind, tmp_path, observe=lambda state: str(world["value"]), goal_metric=Threshold(9), on_event=watched
    )
    await waiting.start()
    old = waiting.token
    world["value"] = 1
    anew = await waiting.resume(approval=waiting.answer())

    assert (anew.status, waiting.work.calls) == ("AWAITING_APPROVAL", [])
    assert anew.approval_token not in (None, old)
    assert "approval.invalidated" in watched.kinds
    with pytest.raises(LoopConfigError, match="not the token"):
        await waiting.resume(approval=waiting.answer())

    waiting.token = anew.approval_token
    await waiting.resume(approval=waiting.answer())
    assert waiting.work.calls == [1, 2]


@EVERYWHERE
async def test_the_policies_are_wanted_again(kind: str, tmp_path: Path) -> None:
    waiting = Waiting(kind, tmp_path)
    await waiting.start()
    with pytest.raises(PolicyChangedError):
        await waiting.resume(approval=waiting.answer(), policies=[])

    assert waiting.work.calls == []


async def test_answered_in_the_queue_it_goes_on_without_a_token(tmp_path: Path) -> None:
    from tinman.approvals.queue import ApprovalQueue

    waiting = Waiting("db", tmp_path)
    await waiting.start()
    still = await waiting.resume()
    async with await Database.open(tmp_path / "tinman.db") as db:
        queue = ApprovalQueue(db)
        (asked,) = await queue.pending()
        await queue.decide(asked.id, asked.answer(approved=True, reason="looked", by="somebody"))
    await waiting.resume()

    assert still.status == "AWAITING_APPROVAL"
    assert waiting.work.calls == [1, 2]


@pytest.mark.slow
async def test_answered_on_the_command_line_it_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = Waiting("db", tmp_path)
    await waiting.start()

    def tinman(*arguments: str) -> tuple[int, str]:
        from tinman.cli.main import main

        with pytest.raises(SystemExit) as left:
            main(["--db", str(tmp_path / "tinman.db"), *arguments])
        shown = capsys.readouterr()
        return int(left.value.code or 0), shown.out + shown.err

    _, listed = await asyncio.to_thread(tinman, "review", "list")
    code, told = await asyncio.to_thread(tinman, "review", "approve", listed.split()[0], "--reason", "looked")
    refused = await asyncio.to_thread(tinman, "resume", waiting.loop_id)
    await waiting.resume()

    assert (code, waiting.work.calls) == (0, [1, 2])
    assert f"Loop.resume('{waiting.loop_id}'" in told
    assert refused[0] == 2
    assert "is a loop" in refused[1]


async def test_of_two_answers_the_first_counts(tmp_path: Path) -> None:
    from tinman.approvals.queue import ApprovalQueue

    waiting = Waiting("db", tmp_path)
    await waiting.start()
    async with await Database.open(tmp_path / "tinman.db") as db:
        queue = ApprovalQueue(db)
        (asked,) = await queue.pending()
        await queue.decide(asked.id, asked.answer(approved=False, reason="no", by="somebody"))
    result = await waiting.resume(approval=waiting.answer())

    assert (result.status, waiting.work.calls) == ("APPROVAL_DENIED", [])


async def test_every_session_and_decision_is_in_the_audit_trail(tmp_path: Path) -> None:
    from sqlalchemy import select

    from tinman.audit import AuditLog
    from tinman.db.tables import AuditRow

    waiting = Waiting("db", tmp_path)
    await waiting.start()
    await waiting.resume(approval=waiting.answer())
    async with await Database.open(tmp_path / "tinman.db") as db:
        async with db.read() as connection:
            rows = (await connection.execute(select(AuditRow.what, AuditRow.data).order_by(AuditRow.seq))).all()
        assert await AuditLog(db).broken_at() is None

    assert [row.what for row in rows] == [
        *("loop.started", "loop.ended", "loop.started", "review.approved", "tool.approved", "loop.ended"),
    ]
    assert [row.data["status"] for row in rows if row.what == "loop.ended"] == ["AWAITING_APPROVAL", "SUCCESS"]
    assert waiting.token not in str(rows)


async def test_no_key_gets_into_the_audit_trail(tmp_path: Path) -> None:
    from sqlalchemy import select

    from tinman.db.tables import AuditRow

    key = "sk-ant-api03-" + "A" * 40

    def login(_: Any) -> str:
        raise RuntimeError(f"login failed for {key}")

    path = tmp_path / "tinman.db"
    result = await Loop("g", [], playing("x"), observe=login, db=path, quiet=True).arun()
    async with await Database.open(path) as db, db.read() as connection:
        rows = (await connection.execute(select(AuditRow.what, AuditRow.data))).all()

    assert (result.status, [row.what for row in rows]) == ("ERROR", ["loop.started", "loop.ended"])
    assert "login failed" in str(rows)
    assert key not in str(rows) + result.reason
    assert key.encode() not in path.read_bytes()


async def test_what_cannot_be_audited_has_happened_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tinman.audit import AuditLog
    from tinman.errors import StoreError
    from tinman.memory.graph import MemoryGraph

    async def refuse(*_: Any) -> None:
        raise StoreError("locked")

    monkeypatch.setattr(AuditLog, "append", refuse)
    path = tmp_path / "tinman.db"
    result = await Loop("g", [Counting().tool], playing("x"), db=path, max_iterations=1, quiet=True).arun()
    async with await Database.open(path) as db:
        cycle = await MemoryGraph(db).cycles.get(result.loop_id)

    assert (result.status, result.resumable, cycle.status) == ("SUCCESS", False, "completed")


# -- exactly once


@EVERYWHERE
@pytest.mark.slow
def test_forty_resumes_with_one_token_run_the_action_once(kind: str, tmp_path: Path) -> None:
    waiting = Waiting(kind, tmp_path)
    asyncio.run(waiting.start())
    start = threading.Barrier(40)

    def resume() -> str:
        names, place = again(kind, tmp_path, waiting.loop_id)
        start.wait()
        try:
            return str(
                Loop.resume(
                    *names,
                    tools=waiting.tools,
                    llm=playing(says("idle")),
                    approval=waiting.answer(),
                    **{**waiting.settings, "max_iterations": 2, **place},
                ).status
            )
        except (LoopOwned, LoopConfigError) as error:
            return type(error).__name__

    with ThreadPoolExecutor(40) as pool:
        outcomes = list(pool.map(lambda _: resume(), range(40)))

    assert waiting.work.calls == [1, 2]
    assert outcomes.count("SUCCESS") == 1
    assert set(outcomes) <= {"SUCCESS", "LoopOwned", "LoopConfigError"}
    if kind == "file":
        assert State.load(tmp_path / "state.json").intent is None


async def test_the_token_is_stored_nowhere(tmp_path: Path) -> None:
    waiting = Waiting("file", tmp_path, trace_path=tmp_path / "trace.jsonl")
    await waiting.start()
    written = "".join(path.read_text() for path in tmp_path.iterdir() if path.is_file())

    assert waiting.token not in written
    assert "approval.requested" in written


@pytest.mark.parametrize("where", ["pending_approval", "round", "both"])
async def test_arguments_altered_in_the_file_are_found_out(where: str, tmp_path: Path) -> None:
    from dataclasses import replace

    waiting = Waiting("file", tmp_path)
    await waiting.start()
    state = State.load(tmp_path / "state.json")
    assert state.pending_approval is not None
    assert state.round is not None
    if where in ("pending_approval", "both"):
        state = replace(state, pending_approval=replace(state.pending_approval, args={"n": 666}))
    if where in ("round", "both"):
        first = replace(state.round.calls[0], args={"n": 666})
        state = replace(state, round=replace(state.round, calls=(first, *state.round.calls[1:])))
    write(tmp_path / "state.json", state)
    result = await waiting.resume(approval=waiting.answer())

    assert (result.status, result.error, waiting.work.calls) == ("ERROR", "ApprovalAltered", [])


async def test_even_with_a_recomputed_digest_altered_arguments_are_found_out(tmp_path: Path) -> None:
    """Whoever can write the file can recompute every digest in it, but not the seal: its key is the token."""
    from dataclasses import replace

    from tinman.config.modes import Mode
    from tinman.loop.approvals.questions import action_of

    waiting = Waiting("file", tmp_path)
    await waiting.start()
    state = State.load(tmp_path / "state.json")
    asked, open_round = state.pending_approval, state.round
    assert asked is not None
    assert open_round is not None
    forged = replace(open_round.calls[0], args={"n": 666})
    action = action_of(
        state,
        forged,
        reason=asked.reason,
        mode=Mode.LAB,
        observation_digest=asked.observation_digest,
        nonce=asked.nonce,
    )
    state = replace(
        state,
        pending_approval=replace(asked, args={"n": 666}, action_hash=action.digest),
        round=replace(open_round, calls=(forged, *open_round.calls[1:])),
    )
    write(tmp_path / "state.json", state)
    result = await waiting.resume(approval=waiting.answer())

    assert (result.error, waiting.work.calls) == ("ApprovalAltered", [])


async def test_a_state_sealed_with_a_key_is_refused_without_it(tmp_path: Path) -> None:
    waiting = Waiting("file", tmp_path, state_key=b"secret")
    await waiting.start()
    with pytest.raises(LoopStateError, match="another key"):
        await waiting.resume(approval=waiting.answer(), state_key=b"other")
    await waiting.resume(approval=waiting.answer())

    assert waiting.work.calls == [1, 2]


# -- stop is final


class Forbidding(Policy):
    def before_action(self, state: State, tool_name: str, args: dict[str, Any]) -> Decision:
        return Decision(kind=DecisionKind.STOP, reason="forbidden")


@pytest.mark.parametrize("order", [[*GATE, Forbidding()], [Forbidding(), *GATE]])
async def test_a_stop_on_an_action_asks_nobody(order: list[Policy]) -> None:
    asked: list[ApprovalRequest] = []
    work = Counting()

    def decide(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    result = await a_loop(
        playing(says("", WORK)), [work.tool], policies=order, approval_runner=CallbackApprovalRunner(decide)
    ).arun()

    assert (result.status, asked, work.calls) == ("ERROR", [], [])


async def test_what_a_reviewer_is_shown_cannot_be_altered() -> None:
    done: list[list[str]] = []

    @tool
    def work(paths: list[str]) -> str:
        """Work."""
        done.append(paths)
        return ""

    def decide(request: ApprovalRequest) -> bool:
        with pytest.raises((TypeError, AttributeError)):
            request.args["paths"] = ["other"]
        with pytest.raises((TypeError, AttributeError)):
            request.args["paths"].append("other")
        return True

    await a_loop(
        playing(says("", ("work", {"paths": ["one"]}))),
        [work],
        policies=GATE,
        approval_runner=CallbackApprovalRunner(decide),
        max_iterations=1,
    ).arun()

    assert done == [["one"]]


async def test_a_state_file_names_what_waits(tmp_path: Path) -> None:
    waiting = Waiting("file", tmp_path)
    await waiting.start()
    data = json.loads((tmp_path / "state.json").read_text())

    assert set(data) == {"integrity", "state"}
    assert data["state"]["pending_approval"]["tool"] == "work"
    assert data["state"]["pending_approval"]["args"] == {"n": 1}
