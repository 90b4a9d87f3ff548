"""What the model is shown stays bounded, keeps what matters, and is made once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loops import NEVER, Counting, Threshold, a_loop, again, place_of, playing, says

from tinman.errors import ArtifactDriftError, SchemaChangedError
from tinman.loop import Loop, tool
from tinman.messages import Request
from tinman.text.cutting import head_and_tail
from tinman.text.secrets import without_secrets


def sizes(requests: list[Request]) -> list[int]:
    return [sum(len(message.text) for message in request.messages) for request in requests]


@pytest.mark.parametrize("length", [20, 400, 5_000])
async def test_at_round_200_the_prompt_is_at_most_one_and_a_half_times_that_at_20(length: int) -> None:
    plans = [says(f"plan {n} " + "x" * (length // 4), ("work", {"n": n})) for n in range(200)]
    model = playing(*plans)
    loop = a_loop(
        model,
        [Counting(answer="result " + "y" * length).tool],
        observe=lambda state: f"seen {len(state.iterations)} " + "z" * length,
        max_iterations=200,
        token_limit=10**9,
    )
    await loop.arun()
    measured = sizes(model.requests)

    assert len(measured) == 200
    assert max(measured[20:]) <= 1.5 * measured[19]
    assert len(loop.state.artifacts) <= 16


async def test_goal_facts_and_failed_approaches_are_in_every_prompt() -> None:
    model = playing(says("", ("work", {"n": 1})))
    values = iter([str(10 - n) for n in range(30)])

    loop = a_loop(
        model,
        [Counting().tool],
        pinned_facts=["never touch main"],
        observe=lambda state: next(values),
        goal_metric=Threshold(99),
        max_iterations=15,
    )
    await loop.arun()
    last = model.requests[-1].messages[0].text

    assert "Goal: reach the goal" in last
    assert "- never touch main" in last
    assert last.count("metric regressed") == 8
    assert "iteration 12" in last


async def test_the_last_rounds_are_verbatim_and_earlier_ones_summed_up() -> None:
    model = playing(*[says(f"thought {n}", ("work", {"n": n})) for n in range(8)])
    loop = a_loop(model, [Counting().tool], max_iterations=8, verbatim_window=2)
    await loop.arun()
    text = model.requests[-1].messages[1].text

    assert "### Round 5" in text
    assert "### Round 6" in text
    assert "### Round 4" not in text
    assert "#4: thought 4" in text
    assert [(a.first, a.last) for a in loop.state.artifacts] == [(0, 3), (4, 4), (5, 5)]


async def test_a_summarizer_sums_up_each_round_once_and_is_counted() -> None:
    summarizer = playing(says("in short", tokens=(7, 3)))
    loop = a_loop(
        playing(*[says("", ("work", {"n": n})) for n in range(5)]),
        [Counting().tool],
        summarizer=summarizer,
        max_iterations=5,
        verbatim_window=2,
    )
    result = await loop.arun()

    assert len(summarizer.requests) == 3
    assert [artifact.content for artifact in loop.state.artifacts] == ["in short"] * 3
    assert result.metrics.total_tokens == 5 * 15 + 3 * 10


async def test_a_summarizer_that_is_away_does_not_end_the_loop() -> None:
    from tinman.errors import ProviderUnavailable

    loop = a_loop(
        playing(*[says("", ("work", {"n": n})) for n in range(5)]),
        [Counting().tool],
        summarizer=playing(ProviderUnavailable("away")),
        max_iterations=5,
        verbatim_window=2,
        max_attempts=1,
    )
    result = await loop.arun()

    assert result.status == "BUDGET_EXHAUSTED"
    assert loop.state.artifacts[0].content.startswith("#0:")


@pytest.mark.parametrize("kind", ["file", "db"])
async def test_stored_summaries_are_used_as_they_are_and_drift_is_refused(kind: str, tmp_path: Path) -> None:
    work = Counting()
    settings: dict[str, Any] = {"policies": [], "quiet": True}
    plans = [says("", ("work", {"n": n})) for n in range(9)]
    loop = Loop("g", [work.tool], playing(*plans), max_iterations=6, **settings, **place_of(kind, tmp_path))
    result = await loop.arun()
    names, place = again(kind, tmp_path, result.loop_id)
    with pytest.raises(ArtifactDriftError):
        await Loop.aresume(*names, tools=[work.tool], llm=playing("x"), summarizer=playing("s"), **settings, **place)
    reopened = Loop.reopen(
        *names,
        tools=[work.tool],
        llm=playing("x"),
        summarizer=playing("s"),
        allow_artifact_drift=True,
        max_iterations=6,
        **settings,
        **place,
    )
    await reopened.arun()

    assert reopened.state.artifacts == loop.state.artifacts
    assert reopened.state.iterations == loop.state.iterations


async def test_other_tools_are_refused_unless_meant(tmp_path: Path) -> None:
    path = tmp_path / "s.json"

    @tool
    def work(n: int, more: str = "") -> str:
        """Work."""
        return ""

    settings: dict[str, Any] = {"policies": [], "exits": [NEVER], "quiet": True}
    await Loop("g", [Counting().tool], playing("x"), max_iterations=1, state_path=path, **settings).arun()
    with pytest.raises(SchemaChangedError):
        await Loop.aresume(path, tools=[work], llm=playing("x"), **settings)
    result = await Loop.aresume(path, tools=[work], llm=playing("x"), allow_schema_change=True, **settings)
    again_ = await Loop.aresume(path, tools=[work], llm=playing("x"), **settings)

    assert result.status == again_.status == "BUDGET_EXHAUSTED"


async def test_streaks_go_on_over_resumes_until_they_ended_a_session(tmp_path: Path) -> None:
    """A model that repeats itself is found out however often its limits are raised."""
    path = tmp_path / "s.json"
    settings: dict[str, Any] = {"tools": [], "llm": playing("x"), "exits": [NEVER], "quiet": True}
    first = await Loop("g", state_path=path, max_iterations=1, **settings).arun()
    ends = [first] + [await Loop.aresume(path, extend={"max_iterations": n}, **settings) for n in (2, 3, 4)]
    after = await Loop.aresume(path, extend={"max_iterations": 30}, **settings)

    assert [end.status for end in ends] == ["BUDGET_EXHAUSTED"] * 3 + ["NO_PROGRESS"]
    assert [end.iterations for end in ends] == [1, 2, 3, 3]
    assert (after.status, after.iterations) == ("NO_PROGRESS", 6)


async def test_invalid_rounds_are_counted_over_resumes_too(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    settings: dict[str, Any] = {"tools": [], "llm": playing(says("", ("nothing", {}))), "quiet": True}
    first = await Loop("g", state_path=path, max_iterations=1, **settings).arun()
    second = await Loop.aresume(path, extend={"max_iterations": 9}, **settings)
    third = await Loop.aresume(path, extend={"max_iterations": 9, "token_limit": 900_000}, **settings)

    assert [first.status, second.status, third.status] == ["BUDGET_EXHAUSTED", "PLAN_FAILED", "PLAN_FAILED"]
    assert [second.iterations, third.iterations] == [2, 4]


@pytest.mark.parametrize("kind", ["file", "db"])
async def test_stored_and_read_again_the_state_is_the_same(kind: str, tmp_path: Path) -> None:
    plans = [says("t", ("work", {"n": n})) for n in range(9)]
    loop = a_loop(playing(*plans), [Counting().tool], max_iterations=9, **place_of(kind, tmp_path))
    result = await loop.arun()
    names, place = again(kind, tmp_path, result.loop_id)
    reopened = Loop.reopen(*names, tools=[Counting().tool], llm=playing("x"), policies=[], quiet=True, **place)
    await reopened.arun()

    assert reopened.state.iterations == loop.state.iterations
    assert reopened.state.artifacts == loop.state.artifacts
    assert reopened.state.metrics.total_tokens == loop.state.metrics.total_tokens
    assert reopened.state.metrics.elapsed_s >= loop.state.metrics.elapsed_s
    assert reopened.state.sessions == 2


async def test_the_same_changes_give_the_same_state() -> None:
    from tinman.loop.state.changes import Change, apply
    from tinman.loop.state.store import MemoryStore

    changes: list[Change] = []

    class Noting(MemoryStore):
        async def commit(self, change: Change, state: Any) -> None:
            changes.append(change)
            await super().commit(change, state)

    loop = a_loop(playing(*[says("", ("work", {"n": n})) for n in range(6)]), [Counting().tool], max_iterations=6)
    before, loop._memory = loop.state, Noting()
    await loop.arun()
    for change in changes:
        before = apply(before, change)

    assert before == loop.state


async def test_killed_what_was_drawn_counts_as_spent(tmp_path: Path) -> None:
    from tinman.frozen import alter
    from tinman.loop.session.ceilings import spent_before
    from tinman.loop.state.records import State
    from tinman.loop.state.statefile import write

    path = tmp_path / "s.json"
    await a_loop(playing("x"), max_iterations=1, state_path=path).arun()
    clean = State.load(path)
    killed = alter(clean, ending=None, drawn=replace(clean.drawn, tokens=62_500))
    write(path, killed)

    assert spent_before(clean).tokens == clean.metrics.total_tokens
    assert spent_before(killed).tokens == 62_500
    result = await Loop.aresume(
        path, tools=[], llm=playing("x"), policies=[], extend={"token_limit": 62_000, "max_iterations": 9}, quiet=True
    )
    assert result.status == "BUDGET_EXHAUSTED"
    assert result.iterations == 1


# -- texts


@given(st.text(max_size=400), st.integers(1, 300))
def test_a_cut_text_is_never_longer_than_allowed_and_keeps_its_end(text: str, width: int) -> None:
    cut = head_and_tail(text, width)

    assert len(cut) <= width
    assert cut == text or len(text) > width
    if width > 150 and len(text) > width:
        assert cut.endswith(text[-20:])
        assert cut.startswith(text[:10])


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-" + "a1B2" * 8,
        "ghp_" + "a1" * 18,
        "AKIA" + "ABCD1234" * 2,
        "Authorization: Bearer " + "abc123" * 5,
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_key_is_taken_out(secret: str) -> None:
    clean = without_secrets(f"before {secret} after")

    assert secret.split()[-1] not in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")


def test_ordinary_words_stay() -> None:
    text = "the task-force asked sk-8; Bearer of news; AKIAN; risk-management-of-things-and-more"
    assert without_secrets(text) == text
