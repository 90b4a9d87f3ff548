"""The turn engine: the only place where a target is driven.

A verdict is ``ok``, ``failure`` (a check did not hold) or ``indeterminate`` (nothing that can be judged came back).
A transport error, a timeout, an empty reply or a target that was never called is indeterminate: never ok, never a
finding.
"""

from __future__ import annotations

from typing import Any, Self

import anyio

from tinman import clock
from tinman.errors import ApprovalError, BudgetExhausted, TinmanError
from tinman.messages import Message, Reply, Request, ToolResult, ToolUse, Usage, say
from tinman.scenarios.checks import Check, ToolTrace, judge
from tinman.scenarios.outcome import Outcome, TurnRecord, Verdict
from tinman.scenarios.scenario import Scenario
from tinman.targets.base import Session, Target
from tinman.visible import shorten

KEPT_CHARS = 64_000


def _storable(text: str) -> str:
    """Return ``text`` without lone surrogates, which no database or file takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _storable_data(value: Any) -> Any:
    """Return JSON data with each text in it storable."""
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, dict):
        return {_storable_data(key): _storable_data(item) for key, item in value.items()}
    return [_storable_data(item) for item in value] if isinstance(value, list | tuple) else value


def _kept(text: str) -> str:
    if len(text) <= KEPT_CHARS:
        return text
    half = KEPT_CHARS // 2
    return f"{text[:half]}\n[... {len(text) - KEPT_CHARS} characters not kept ...]\n{text[-half:]}"


def traces_of(messages: tuple[Message, ...]) -> tuple[ToolTrace, ...]:
    """Return the tool calls in ``messages``, each with its answer; an id used twice means the last call."""
    uses: list[ToolUse] = []
    answers: dict[int, ToolResult] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolUse):
                uses.append(part)
            elif isinstance(part, ToolResult):
                open_calls = [i for i, use in enumerate(uses) if use.id == part.id and i not in answers]
                if open_calls:
                    answers[open_calls[-1]] = part
    return tuple(_trace(use, answers.get(i)) for i, use in enumerate(uses))


def _trace(use: ToolUse, answer: ToolResult | None) -> ToolTrace:
    return ToolTrace(
        tool_name=_storable(use.name),
        arguments=_storable_data(use.arguments),
        correlation_id=_storable(use.id),
        status=None if answer is None else "error" if answer.is_error else "ok",
        raw_result=None if answer is None else _storable(answer.content),
    )


class Conversation:
    """A conversation with a target: ``say`` a turn, ``fork`` to try another way on, read the turns judged so far."""

    def __init__(self, session: Session, *, session_id: str, seed: int) -> None:
        self._session = session
        self._session_id = session_id
        self._seed = seed
        self.messages: tuple[Message, ...] = ()
        self.turns: tuple[TurnRecord, ...] = ()
        self.usage = Usage()
        self.acted: tuple[str, ...] = ()

    def fork(self) -> Self:
        """Return a copy that goes its own way from here; only targets that are functions of the request allow it."""
        twin = type(self)(self._session, session_id=self._session_id, seed=self._seed)
        twin.messages, twin.turns, twin.usage, twin.acted = self.messages, self.turns, self.usage, self.acted
        return twin

    async def say(self, text: str, checks: tuple[Check, ...] = ()) -> TurnRecord:
        """Send one user turn and judge the answer. What the target raises goes through; nothing is recorded then."""
        started = clock.monotonic()
        asked = (*self.messages, say("user", text))
        reply: Reply = await self._session.send(
            Request(messages=asked, session=self._session_id, seed=clock.derive_seed(self._seed, str(len(self.turns))))
        )
        said = _storable(reply.message.text)
        traces = traces_of((*reply.trace, reply.message))
        results = tuple(judge(check, said, traces) for check in checks)
        turn = TurnRecord(
            user=text,
            assistant=_kept(said),
            tool_traces=traces,
            checks=results,
            passed=all(result.passed for result in results),
            duration_ms=round((clock.monotonic() - started) * 1000),
        )
        self.messages = (*asked, *reply.trace, reply.message)
        self.turns = (*self.turns, turn)
        self.usage = self.usage + reply.usage
        self.acted = tuple(dict.fromkeys((*self.acted, *reply.acted)))
        return turn

    def judge(self) -> tuple[Verdict, str]:
        """Return the verdict over the turns so far, and why if it is indeterminate."""
        if not self.turns:
            return "indeterminate", "the target was never called"
        silent = next((i for i, t in enumerate(self.turns, 1) if not t.assistant.strip() and not t.tool_traces), None)
        if any(not turn.passed for turn in self.turns):
            return ("indeterminate", f"empty reply in turn {silent}") if silent else ("failure", "")
        return ("indeterminate", f"empty reply in turn {silent}") if silent else ("ok", "")


async def run_scenario(
    target: Target, scenario: Scenario, *, seed: int = 0, user: str = "tinman", timeout_seconds: float = 60.0
) -> Outcome:
    """Drive ``target`` through ``scenario`` once and judge every turn; turns go on after a failed one.

    ``timeout_seconds`` bounds the whole run. Errors of the target make the outcome indeterminate with the reason;
    ``BudgetExhausted`` and approval errors go through, since they stop more than this run. Cancellation goes through.
    """
    started_at, started = clock.now(), clock.monotonic()
    missing = scenario.world.plants - target.capabilities.plants
    session_id = clock.derive_id("session", scenario.scenario_id, seed)
    conversation: Conversation | None = None
    reason = ""
    if missing:
        reason = f"{target.name} cannot be given {', '.join(sorted(missing))}"
    elif len(scenario.turns) > 1 and not target.capabilities.multi_turn:
        reason = f"{target.name} does not keep a conversation"
    else:
        try:
            with anyio.fail_after(scenario.timeout_seconds or timeout_seconds):
                async with target.open(user=user, session=session_id, world=scenario.world) as session:
                    conversation = Conversation(session, session_id=session_id, seed=seed)
                    for turn in scenario.turns:
                        await conversation.say(turn.user, turn.checks)
        except TimeoutError:
            reason = f"timeout after {scenario.timeout_seconds or timeout_seconds:g} s"
        except (BudgetExhausted, ApprovalError):
            raise
        except TinmanError as error:
            reason = f"{type(error).__name__}: {shorten(str(error), 300)}"
    verdict: Verdict = "indeterminate"
    if conversation is None:
        reason = reason or "the target was never called"
    elif not reason:
        verdict, reason = conversation.judge()
    return Outcome(
        verdict=verdict,
        reason=reason,
        turns=conversation.turns if conversation else (),
        usage=conversation.usage if conversation else Usage(),
        acted=conversation.acted if conversation else (),
        started_at=started_at,
        duration_ms=round((clock.monotonic() - started) * 1000),
    )
