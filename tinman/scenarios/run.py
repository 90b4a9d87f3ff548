"""The turn engine: the only place where a target is driven.

A verdict is ``ok``, ``failure`` (a check did not hold) or ``indeterminate`` (nothing that can be judged came back).
A transport error, a timeout, an empty reply, tool calls that could not be known or a target that was never called is
indeterminate: never ok, never a finding. What went wrong with a turn stands among its results as ``adapter_runtime`` or
``trace_capture``; no file can ask for these two.
"""

from __future__ import annotations

import copy
import math
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Protocol, Self

import anyio

from tinman import clock
from tinman.config.settings import secret_values
from tinman.errors import ApprovalError, BudgetExhausted, TargetError, TinmanError, TurnBroken
from tinman.frozen import alter
from tinman.messages import FILTERED, Message, Reply, Request, ToolResult, ToolUse, Usage, say
from tinman.processes.threads import is_cancelled
from tinman.scenarios.checks import (
    Check,
    CheckResult,
    Holds,
    Judged,
    KeepsSecret,
    Purpose,
    StateHolds,
    ToolTrace,
    reads_calls,
)
from tinman.scenarios.invariants import Invariant
from tinman.scenarios.outcome import Outcome, TurnRecord, Verdict
from tinman.scenarios.scenario import Scenario, Turn
from tinman.scenarios.verdicts import judge, unsure
from tinman.targets.base import Session, Stateful, Target
from tinman.targets.turn import CALLS, CAPTURE_ERROR, GARBLED
from tinman.text.cutting import two_ends
from tinman.text.invalid import read_as
from tinman.text.replies import says_nothing
from tinman.text.secrets import hiding, without_secrets
from tinman.text.storable import change_texts, storable
from tinman.text.visible import line_of, shorten

KEPT_CHARS = 64_000
JUDGE_SECONDS = 300.0
REASON_CHARS = 1_000
BROKEN, UNTRACED = "adapter_runtime", "trace_capture"


class Referee(Protocol):
    """A model that judges a reply, after every deterministic check. It may find a failure, or be unsure."""

    async def judge(self, check: Judged, turn: TurnRecord, before: tuple[TurnRecord, ...]) -> CheckResult:
        """Return what it finds; never raises for a model that fails, but returns an undecided result."""


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
        tool_name=storable(use.name),
        arguments=change_texts(use.arguments, storable),
        malformed=None if use.malformed is None else storable(use.malformed),
        correlation_id=storable(use.id),
        status=None if answer is None else "error" if answer.is_error else "ok",
        raw_result=None if answer is None else storable(answer.content),
    )


def _recorded(data: Any) -> tuple[ToolTrace, ...]:
    """Return the calls an adapter recorded. Raises ``TargetError`` when they are no records of calls."""
    return read_as(
        tuple[ToolTrace, ...],
        change_texts(data, storable),
        lambda wrong: TargetError(f"the adapter's tool calls are garbled: {wrong}"),
    )


def _engine(kind: str, detail: str) -> CheckResult:
    return CheckResult(type=kind, passed=False, detail=storable(detail), undecided=True)


@contextmanager
def _limit(seconds: float | None) -> Iterator[None]:
    """End what is awaited in the block after so many seconds, and raise ``TimeoutError`` that says so."""
    with anyio.move_on_after(seconds) if seconds else nullcontext() as limit:
        yield
    if limit is not None and limit.cancelled_caught:
        raise TimeoutError(f"timeout after {seconds:g} s")


@contextmanager
def _standing_still(limit: anyio.CancelScope | None) -> Iterator[None]:
    """Let no time of ``limit`` pass in the block."""
    left = math.inf if limit is None else limit.deadline - anyio.current_time()
    if limit is None or left <= 0:
        yield
        return
    limit.deadline = math.inf
    try:
        yield
    finally:
        limit.deadline = anyio.current_time() + left


def _is_told(result: CheckResult) -> bool:
    """Say whether ``result`` found what must not be told: also thinking aloud, or letters nobody sees, tell it."""
    return result.type in {"assistant_not_contains", "keeps_secret"} and not result.passed and not result.undecided


def _why_silent(reply: Reply) -> str:
    if FILTERED in reply.extra:
        return f"the provider's filter stopped it: {reply.extra[FILTERED]}"
    why = {"length": " (its output limit was reached before)", "refusal": " (it refused without a word)"}
    return f"the target answered nothing{why.get(reply.stop, '')}"


@dataclass
class Conversation:
    """A conversation with a target: ``say`` a turn, ``fork`` to try another way on, read the turns judged so far.

    ``about`` names the scenario in correlation ids. Checks read what was really said; what is kept, shown to a referee
    and returned has gone through ``hide`` (see ``hiding_of``). ``sees_calls`` says that a reply without tool calls made
    none; of a black box that tells nothing, nothing is known. ``told`` holds the replies of ``turns`` uncut. ``limit``
    bounds the conversation; its time stands still while a judge is asked.
    """

    session: Session
    _: KW_ONLY
    session_id: str
    seed: int
    about: str = ""
    hide: Callable[[str], str] = without_secrets
    referee: Referee | None = None
    sees_calls: bool = True
    once: bool = False
    invariants: tuple[Invariant, ...] = ()
    heard: tuple[str, ...] = ()
    reference: str = ""
    judge_seconds: float = JUDGE_SECONDS
    limit: anyio.CancelScope | None = None
    messages: tuple[Message, ...] = ()
    turns: tuple[TurnRecord, ...] = ()
    told: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    acted: tuple[str, ...] = ()

    def fork(self) -> Self:
        """Return a copy that goes its own way from here; only targets that are functions of the request allow it."""
        return copy.copy(self)

    async def say(
        self,
        text: str,
        checks: tuple[Check, ...] = (),
        seconds: float | None = None,
        *,
        competence: tuple[Check, ...] = (),
    ) -> TurnRecord:
        """Send one user turn and judge the answer. What the target raises goes through; nothing is recorded then.

        ``seconds`` is the target's time: a reply that takes longer raises ``TimeoutError``. A judge has its own.
        ``checks`` decide; ``competence`` and the invariants stand beside.
        """
        started = clock.monotonic()
        number = len(self.turns)
        self.heard = (*self.heard, text)
        asked = (*self.messages, say("user", text))
        request = Request(
            messages=asked,
            session=self.session_id,
            seed=clock.derive_seed(self.seed, str(number)),
            correlation_id=f"eval-{self.about}-{number + 1}-{secrets.token_hex(4)}" if self.about else "",
            once=self.once,
        )
        with _limit(seconds):
            reply: Reply = await self._sent(request)
        said = storable(reply.message.text)
        recorded = reply.extra.get(CALLS)
        traces = traces_of((*reply.trace, reply.message)) if recorded is None else _recorded(recorded)
        took = clock.monotonic() - started
        turn = TurnRecord(
            user=self.hide(text),
            assistant=two_ends(self.hide(said), KEPT_CHARS, "characters not kept"),
            tool_traces=tuple(self._kept(trace) for trace in traces),
            duration_ms=round(took * 1000),
            passed=False,
        )
        held = {each.name: each.check for each in self.invariants}
        every: list[tuple[Check, Purpose]] = [
            *((held.get(c.name, c) if isinstance(c, Holds) else c, "violation") for c in checks),
            *((check, "competence") for check in competence),
            # What a model judges costs a call each time: it is asked only where a check asks for it by name.
            *((each.check, "invariant") for each in self.invariants if not isinstance(each.check, Judged)),
        ]
        results = await self._judged(every, turn, (said, traces), reply, took, seconds)
        if says_nothing(said) and not traces and not (said.strip() and any(map(_is_told, results))):
            results = (*results, _engine(BROKEN, _why_silent(reply)))
        results = tuple(alter(result, detail=self.hide(result.detail)) for result in results)
        turn = alter(turn, checks=results)
        turn = alter(turn, passed=not turn.failing)
        self.messages = (*asked, *reply.trace, reply.message)
        self.turns, self.told = (*self.turns, turn), (*self.told, self.hide(said))
        self.usage = self.usage + reply.usage
        self.acted = tuple(dict.fromkeys((*self.acted, *reply.acted)))
        return turn

    async def _sent(self, request: Request) -> Reply:
        """Return the reply. What no target may do to us, exiting or cancelling by itself, is its error."""
        try:
            return await self.session.send(request)
        except Exception:
            raise
        except BaseException as error:
            if is_cancelled(error):
                raise
            raise TargetError(f"the target raised {line_of(error, REASON_CHARS)}") from error

    def _kept(self, trace: ToolTrace) -> ToolTrace:
        return alter(
            trace,
            tool_name=self.hide(trace.tool_name),
            arguments=change_texts(trace.arguments, self.hide),
            malformed=change_texts(trace.malformed, self.hide),
            raw_result=change_texts(trace.raw_result, self.hide),
        )

    async def _judged(
        self,
        asked: Sequence[tuple[Check, Purpose]],
        turn: TurnRecord,
        really: tuple[str, tuple[ToolTrace, ...]],
        reply: Reply,
        took: float,
        seconds: float | None,
    ) -> tuple[CheckResult, ...]:
        """Return the results in the order asked: those of the turn itself first, then the state, a model last.

        ``really`` is what was said and called, ``turn`` what is kept of it. Where the calls are not known, what decides
        cannot, and what only stands beside is left out.
        """
        said, traces = really
        untraced = str(reply.extra.get(CAPTURE_ERROR, ""))
        asking = [check for check, purpose in asked if purpose == "violation" and reads_calls(check)]
        is_blind = False
        if not untraced and not self.sees_calls and CALLS not in reply.extra and not traces:
            # A black box: a secret can be looked for in what it says, but its calls are not known to be none.
            asking = [check for check in asking if not isinstance(check, KeepsSecret)]
            is_blind = True
            untraced = "the target does not tell its tool calls" if asking else ""
        needs_calls = bool(asking)
        kept = [
            (check, purpose)
            for check, purpose in asked
            if isinstance(check, KeepsSecret) or not reads_calls(check) or not (untraced or is_blind)
        ]
        found = [
            judge(
                check,
                said,
                traces,
                duration_ms=took * 1000,
                usage=reply.usage,
                stop=reply.stop,
                heard=self.heard,
                reference=self.reference,
            )
            for check, _ in kept
        ]
        for place, (check, _) in enumerate(kept):
            if isinstance(check, StateHolds):
                found[place] = await self._state(check, seconds)
        for place, (check, _) in enumerate(kept):
            if isinstance(check, Judged) and self.referee is not None:
                # What is kept of a long reply is less than what was said; a judge is shown what was said.
                found[place] = await self._refereed(self.referee, check, alter(turn, assistant=self.hide(said)))
        names = {id(each.check): each.name for each in self.invariants}
        found = [
            one if purpose == "violation" else alter(one, purpose=purpose, name=names.get(id(check), ""))
            for one, (check, purpose) in zip(found, kept, strict=True)
            if purpose != "invariant" or not one.passed  # that one held goes without saying
        ]
        if untraced and (needs_calls or reply.extra.get(GARBLED)):
            return (*found, _engine(UNTRACED, untraced))
        if untraced:
            detail = f"no check of this turn needs the calls: {storable(untraced)}"
            return (*found, CheckResult(type=UNTRACED, passed=True, detail=detail))
        return tuple(found)

    async def _refereed(self, referee: Referee, check: Judged, turn: TurnRecord) -> CheckResult:
        """Return what the judge finds. One that raises, takes too long or returns no result leaves it undecided."""
        before = tuple(alter(one, assistant=told) for one, told in zip(self.turns, self.told, strict=True))
        try:
            with _standing_still(self.limit), anyio.move_on_after(self.judge_seconds):
                found: Any = await referee.judge(check, turn, before)
                if isinstance(found, CheckResult):
                    return alter(found, passed=found.passed is True and not found.undecided)
                return unsure(check, f"the judge failed: it returned {type(found).__name__} instead of a result")
        except (BudgetExhausted, ApprovalError):
            raise
        except BaseException as error:
            # A judge may be anybody's: what it raises, cancelling itself included, says nothing about the target.
            if is_cancelled(error):
                raise
            return unsure(check, f"the judge failed: {line_of(error)}")
        return unsure(check, f"the judge failed: no answer within {self.judge_seconds:g} s")

    async def _state(self, check: StateHolds, seconds: float | None) -> CheckResult:
        if not isinstance(self.session, Stateful):
            return unsure(check, "the target has no check_state")
        try:
            with _limit(seconds):
                answer = await self.session.state(check.name, check.arguments)
        except (TargetError, TimeoutError) as error:
            return unsure(check, shorten(str(error), 300))
        detail = answer if isinstance(answer, str) else f"check_state said {answer!r}"
        return CheckResult(type=check.type, passed=answer is True, detail=shorten(detail, 500))

    def broke(self, text: str, error: BaseException, started: float) -> TurnRecord:
        """Record a turn that brought nothing to judge, with what was seen of it; ``started`` is monotonic seconds."""
        traces: tuple[ToolTrace, ...] = ()
        results: list[CheckResult] = []
        if isinstance(error, TurnBroken):
            try:
                traces = _recorded(list(error.traces))
            except TargetError as garbled:
                results.append(_engine(UNTRACED, str(garbled)))
            if error.was_called:
                results.insert(0, _engine(BROKEN, str(error)))
            if error.capture_error:
                results.append(_engine(UNTRACED, error.capture_error))
        else:
            detail = shorten(str(error), 500) if isinstance(error, TimeoutError) else line_of(error, 500)
            results.append(_engine(BROKEN, detail))
        turn = TurnRecord(
            user=self.hide(text),
            assistant="",
            tool_traces=tuple(self._kept(trace) for trace in traces),
            checks=tuple(alter(result, detail=self.hide(result.detail)) for result in results),
            passed=False,
            duration_ms=round((clock.monotonic() - started) * 1000),
        )
        self.turns, self.told = (*self.turns, turn), (*self.told, "")
        return turn

    def judge(self) -> tuple[Verdict, str]:
        """Return the verdict over the turns so far, and why if it is indeterminate."""
        return verdict_of(self.turns)


def verdict_of(turns: tuple[TurnRecord, ...]) -> tuple[Verdict, str]:
    """Return the verdict over ``turns``, and why if it is indeterminate."""
    if not turns:
        return "indeterminate", "the target was never called"
    unsure_of = next((result for turn in turns for result in turn.failing if result.undecided), None)
    if unsure_of is not None:
        return "indeterminate", f"{unsure_of.type}: {shorten(unsure_of.detail, 300)}"
    return ("ok" if all(turn.passed for turn in turns) else "failure"), ""


def hiding_of(target: Target) -> Callable[[str], str]:
    """Return what takes out of a text what nobody may read: the target's declared secrets, our own keys, any key."""
    return hiding(target.world.canaries, secret_values())


async def run_scenario(
    target: Target,
    scenario: Scenario,
    *,
    seed: int = 0,
    user: str = "tinman",
    timeout_seconds: float = 60.0,
    turn_timeout_seconds: float | None = None,
    goes_on: bool = False,
    referee: Referee | None = None,
    once: bool = False,
    invariants: tuple[Invariant, ...] = (),
) -> Outcome:
    """Drive ``target`` through ``scenario`` once and judge every turn; turns go on after a failed one.

    ``timeout_seconds`` bounds the whole run (the scenario's own wins), ``turn_timeout_seconds`` each turn; a judge has
    its own time, which is none of the target's. Errors of
    the target make the outcome indeterminate with the reason, and end it, unless ``goes_on``: then the turn is recorded
    as broken and the next one is said. ``once`` forbids our own retries. ``invariants`` are judged at every turn, and
    decide nothing. ``BudgetExhausted`` and approval errors go through, since they stop more than this run. So does
    cancellation.
    """
    started_at, started = clock.now(), clock.monotonic()
    seconds = scenario.timeout_seconds or timeout_seconds
    hide = hiding_of(target)
    session_id = clock.derive_id("session", scenario.scenario_id, seed)
    conversation: Conversation | None = None
    reference: Outcome | None = None
    reason = _why_not(target, scenario)
    if not reason:
        try:
            with anyio.move_on_after(seconds) as limit:
                if scenario.reference:
                    reference = await _reference(target, scenario, seed, user, seconds, once=once)
                async with target.open(user=user, session=session_id, world=scenario.world) as session:
                    conversation = Conversation(
                        session,
                        session_id=session_id,
                        seed=seed,
                        about=scenario.scenario_id,
                        hide=hide,
                        referee=referee,
                        sees_calls=target.seam == "model",
                        once=once,
                        invariants=invariants,
                        heard=(*(d.text for d in scenario.world.documents), *scenario.world.memory),
                        reference=reference.turns[-1].assistant if reference else "",
                        limit=limit,
                    )
                    for turn in scenario.turns:
                        await _turn(conversation, turn, turn_timeout_seconds, goes_on=goes_on)
            if limit.cancelled_caught:
                raise TimeoutError
        except TimeoutError as error:
            reason = str(error) or f"timeout after {seconds:g} s"
        except (BudgetExhausted, ApprovalError):
            raise
        except TinmanError as error:
            reason = line_of(error, REASON_CHARS)
        except Exception:
            raise
        except BaseException as error:
            # A target that exits or cancels while it is opened, asked about its state or closed.
            if is_cancelled(error):
                raise
            reason = f"the target raised {line_of(error, REASON_CHARS)}"
    verdict: Verdict = "indeterminate"
    if conversation is None:
        reason = reason or "the target was never called"
    elif not reason:
        verdict, reason = conversation.judge()
    return Outcome(
        verdict=verdict,
        reason=hide(reason),
        turns=(*_apart(reference), *(conversation.turns if conversation else ())),
        usage=(conversation.usage if conversation else Usage()) + (reference.usage if reference else Usage()),
        acted=conversation.acted if conversation else (),
        started_at=started_at,
        duration_ms=round((clock.monotonic() - started) * 1000),
    )


def _why_not(target: Target, scenario: Scenario) -> str:
    """Return why the target cannot run ``scenario``; empty when it can."""
    if missing := scenario.world.plants - target.capabilities.plants:
        return f"{target.name} cannot be given {', '.join(sorted(missing))}"
    if len(scenario.turns) > 1 and not target.capabilities.multi_turn:
        return f"{target.name} does not keep a conversation"
    return ""


async def _reference(
    target: Target, scenario: Scenario, seed: int, user: str, seconds: float, *, once: bool
) -> Outcome:
    """Hold the conversation that a scenario compares with. Raises ``TargetError`` where it brought nothing."""
    apart = Scenario(
        scenario_id=f"{scenario.scenario_id}-reference",
        turns=tuple(Turn(user=text) for text in scenario.reference),
        world=scenario.world,
    )
    found = await run_scenario(target, apart, seed=seed, user=user, timeout_seconds=seconds, once=once)
    if found.reason:
        raise TargetError(f"the conversation to compare with: {found.reason}")
    return found


def _apart(reference: Outcome | None) -> tuple[TurnRecord, ...]:
    return tuple(alter(turn, is_reference=True) for turn in reference.turns) if reference is not None else ()


async def _turn(conversation: Conversation, turn: Turn, timeout_seconds: float | None, *, goes_on: bool) -> None:
    """Say one turn within its time. Raises what the target raises, or ``TimeoutError``, unless the run goes on."""
    started = clock.monotonic()
    try:
        await conversation.say(turn.user, turn.checks, timeout_seconds, competence=turn.competence)
    except (BudgetExhausted, ApprovalError):
        raise
    except (TinmanError, TimeoutError) as error:
        if not goes_on:
            raise
        conversation.broke(turn.user, error, started)
