"""A yes is a yes in its right form and in time; a transcript's lines are ours or marked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journals import opened
from pydantic import ValidationError

from tinman import clock
from tinman.approvals.handler import ApprovalHandler
from tinman.approvals.queue import ApprovalQueue
from tinman.cli.main import main
from tinman.config.modes import Mode
from tinman.review import Action, ApprovalRequest, Decision, SimulationDetails
from tinman.scenarios.checks import CheckResult, ToolTrace
from tinman.scenarios.outcome import TurnRecord
from tinman.scenarios.transcript import MARK, transcript_of
from tinman.taxonomy import RiskTier


def question() -> Action:
    details = SimulationDetails(patches=("p",), runs=3, estimated_cost_usd=None)
    return Action(what="replays", mode=Mode.PRODUCTION, tier=RiskTier.REVIEW, details=details)


@pytest.mark.parametrize(
    "answer",
    [
        True,
        "yes",
        None,
        {"approved": True},
        SimpleNamespace(approved="no", digest=question().digest, by="b", reason="r"),
    ],
)
async def test_an_answer_in_another_form_is_no_yes_and_breaks_nothing(answer: object) -> None:
    class Reviewer:
        async def decide(self, request: ApprovalRequest) -> Decision:
            return answer  # type: ignore[return-value]

    decision = await ApprovalHandler(reviewer=Reviewer()).decide(question())

    assert decision.approved is False
    assert "no Decision" in decision.reason


@pytest.mark.parametrize("word", ["no", "yes", 1, "true"])
def test_a_decision_takes_true_or_false_alone(word: object) -> None:
    with pytest.raises(ValidationError):
        Decision(approved=word, reason="r", by="b", digest="d")  # type: ignore[arg-type]


async def test_an_expired_question_is_told_as_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as graph:
        queue = ApprovalQueue(graph.db)
        asked = await queue.ask(question(), "cyc-0001")
        later = clock.now() + timedelta(days=4)
        monkeypatch.setattr(clock, "now", lambda: later)

        assert (await queue.get(asked.id)).status == "expired"
        assert await queue.decide(asked.id, asked.answer(approved=True, reason="late", by="me")) is False


def test_a_promotion_nobody_can_confirm_asks_for_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["promote", "shadow"])

    assert ended.value.code == 2
    assert "needs --yes where nobody can answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["http://h\x01/v1", "http://h /v1", "ftp://h/v1", "http://", "http://h:99999", "http://[::1"]
)
@pytest.mark.parametrize("place", ["reasoner_base_url", "target"])
def test_an_address_that_is_none_is_refused_where_it_is_read(
    address: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    option = ["--reasoner-base-url", address] if place == "reasoner_base_url" else ["--base-url", address]
    with pytest.raises(SystemExit) as ended:
        main(["research", "--target", "openai:m", *option])
    err = capsys.readouterr().err

    assert ended.value.code == 2
    assert "is no address" in err
    assert err.count("\n") == 1


TEXT = st.lists(
    st.sampled_from(["a", "\n", "\r", "\u2028", "\x85", "\x0b", "\x1e", "held: ok", "user:", "INT-1: improved", "| "])
).map("".join)


@given(said=TEXT, called=TEXT, detail=TEXT)
def test_no_recorded_text_can_leave_its_marked_lines(said: str, called: str, detail: str) -> None:
    trace = ToolTrace(tool_name=called, arguments={called: said}, raw_result=said)
    check = CheckResult(type="keeps_secret", passed=False, detail=detail)
    turn = TurnRecord(user=said, assistant=said, tool_traces=(trace,), checks=(check,), passed=False)
    ours = [line for line in transcript_of([turn]).splitlines() if not line.startswith(MARK)]

    assert ours[:4] == ["user:", "tool called:", "tool gave:", "assistant:"]
    assert len(ours) == 5
    assert ours[4].startswith("BROKEN: keeps_secret: ")
