"""What each patch does to a call, as a sans-IO generator, and the one driver that runs it.

A flow yields requests to make (or a wait, or a question to a reviewer), is sent the replies (or thrown the error), and
returns the reply; the idea is httpx's ``Auth.auth_flow``. When a call the model wants is forbidden, every sibling call
is answered too, since providers refuse anything less, and the model is asked again at most three times, outside the
application's history, its usage counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from typing import Any, assert_never

import anyio
import structlog

from tinman.clock import REFUSAL_PRIME, RETRY_PRIME
from tinman.errors import ProviderError, TargetError
from tinman.frozen import frozen
from tinman.messages import Message, Part, Reply, Request, Text, ToolResult, ToolUse, Usage, say
from tinman.patches.kinds import (
    CircuitBreaker,
    ContextLimit,
    Guardrail,
    HumanReview,
    ParameterTune,
    Patch,
    PromptPatch,
    RetryPolicy,
    ToolRestriction,
    patch_digest,
)
from tinman.targets.world import is_retrieved
from tinman.text.matching import tells, told_by
from tinman.text.patterns import Searches

_log = structlog.get_logger(__name__)
ASK_AGAIN = 3
REMOVED = "[removed]"
_SENTENCE = re.compile(r"[^.!?\n]*[.!?]+[\"')\]]*\s*|[^\n]*\n|[^.!?\n]+\Z")


@frozen
class Wait:
    """Wait before going on."""

    seconds: float


@frozen
class Ask:
    """A question to a reviewer: may this call be made?"""

    question: str
    call: ToolUse


Flow = Generator[Request | Wait | Ask, Any, Reply]
Reviewer = Callable[[Ask], Awaitable[bool]]


async def nobody(question: Ask) -> bool:
    """Answer no: no reviewer means no."""
    return False


def flow(patch: Patch, request: Request) -> Flow:
    """Return the generator that carries ``patch`` through one call."""
    name = patch_digest(patch)
    match patch:
        case PromptPatch():
            return _prompt(patch, name, request)
        case Guardrail(direction="in"):
            return _filter_in(patch, name, request)
        case Guardrail():
            return _filter_out(patch, name, request)
        case ParameterTune():
            return _tune(patch, name, request)
        case ToolRestriction():
            return _restrict(patch, name, request)
        case ContextLimit():
            return _limit(patch, name, request)
        case RetryPolicy():
            return _retry(patch, name, request)
        case CircuitBreaker():
            return _breaker(patch, name, request)
        case HumanReview():
            return _review(patch, name, request)
        case _:
            assert_never(patch)


def _mark(reply: Reply, name: str, changed: bool) -> Reply:
    """Return ``reply`` with the patch named among those that acted on it, if it ``changed`` anything."""
    return replace(reply, acted=(*reply.acted, name)) if changed else reply


def _ask(request: Request) -> Generator[Request | Wait | Ask, Any, Reply]:
    reply: Reply = yield request
    return reply


def _prompt(patch: PromptPatch, name: str, request: Request) -> Flow:
    first = request.messages[0] if request.messages else None
    if not patch.text.strip():
        return (yield from _ask(request))
    if first is not None and first.role == "system":
        *before, last = first.parts or (Text(text=""),)
        joined = (Text(text=f"{last.text}\n{patch.text}"),) if isinstance(last, Text) else (last, Text(text=patch.text))
        messages = (replace(first, parts=(*before, *joined)), *request.messages[1:])
    else:
        messages = (say("system", patch.text), *request.messages)
    reply = yield from _ask(replace(request, messages=messages))
    return _mark(reply, name, True)


def _hits(patch: Guardrail, text: str, searches: Searches) -> bool:
    return any(searches.finds(one, text) for one in patch.patterns) or any(tells(text, one) for one in patch.secrets)


def _without_hits(patch: Guardrail, text: str, searches: Searches) -> str:
    kept = "".join(piece for piece in _SENTENCE.findall(text) if not _hits(patch, piece, searches))
    return kept if kept.strip() else REMOVED  # providers refuse empty text


def _filter_in(patch: Guardrail, name: str, request: Request) -> Flow:
    searches = Searches()

    def clean(part: Part, role: str) -> Part:
        if isinstance(part, ToolResult) and "tool_result" in patch.scope and _hits(patch, part.content, searches):
            return replace(part, content=_without_hits(patch, part.content, searches))
        if (
            isinstance(part, Text)
            and role == "user"
            and ("retrieved" if is_retrieved(part.text) else "user") in patch.scope
            and _hits(patch, part.text, searches)
        ):
            return replace(part, text=_without_hits(patch, part.text, searches))
        return part

    messages = tuple(replace(m, parts=tuple(clean(part, m.role) for part in m.parts)) for m in request.messages)
    changed = messages != request.messages
    reply = yield from _ask(replace(request, messages=messages) if changed else request)
    return _mark(reply, name, changed)


def _filter_out(patch: Guardrail, name: str, request: Request) -> Flow:
    reply = yield from _ask(request)
    said = "\n".join([reply.message.text, *(told_by(use.arguments, use.malformed) for use in reply.message.calls)])
    if not _hits(patch, said, Searches()):
        return reply
    refused = Message(role="assistant", parts=(Text(text=patch.refusal),))
    return _mark(replace(reply, message=refused, stop="end"), name, True)


def _tune(patch: ParameterTune, name: str, request: Request) -> Flow:
    reply = yield from _ask(replace(request, params={**request.params, **patch.params}))
    return _mark(reply, name, True)


def _ask_again(
    request: Request, may_run: Callable[[ToolUse], Generator[Request | Wait | Ask, Any, bool]], name: str, changed: bool
) -> Flow:
    """Ask, and as long as the reply wants a forbidden call, answer all its calls and ask again."""
    usage, history = Usage(), request.messages
    for attempt in range(ASK_AGAIN + 1):
        asked = replace(request, messages=history, seed=request.seed + REFUSAL_PRIME * attempt)
        reply = yield from _ask(asked)
        usage = usage + reply.usage
        forbidden: set[str] = set()
        for use in reply.message.calls:
            if not (yield from may_run(use)):
                forbidden.add(use.id)
        if not forbidden:
            return _mark(replace(reply, usage=usage), name, changed)
        changed = True
        said = {True: "not allowed", False: "not run, ask again"}
        answers = tuple(
            ToolResult(id=use.id, name=use.name, content=said[use.id in forbidden], is_error=True)
            for use in reply.message.calls
        )
        history = (*history, reply.message, Message(role="user", parts=answers))
    kept = tuple(part for part in reply.message.parts if not isinstance(part, ToolUse))
    refused = replace(reply.message, parts=kept or (Text(text="I can't do that."),))
    return _mark(replace(reply, message=refused, usage=usage, stop="end"), name, True)


def _restrict(patch: ToolRestriction, name: str, request: Request, changed: bool = False) -> Flow:
    searches = Searches()

    def may_run(use: ToolUse) -> Generator[Request | Wait | Ask, Any, bool]:
        yield from ()
        rules = patch.allow.get(use.name, {})
        return use.name not in patch.deny and all(
            searches.fits(pattern, str(use.arguments.get(argument, ""))) for argument, pattern in rules.items()
        )

    offered = tuple(tool for tool in request.tools if tool.name not in patch.deny)
    changed = changed or len(offered) != len(request.tools)
    return (yield from _ask_again(replace(request, tools=offered), may_run, name, changed))


def _limit(patch: ContextLimit, name: str, request: Request) -> Flow:
    def cut(part: Part) -> Part:
        size = patch.max_part_chars
        text = part.text if isinstance(part, Text) else part.content if isinstance(part, ToolResult) else ""
        if size is None or len(text) <= size:
            return part
        short = f"{text[: size // 2]}\n[...]\n{text[-(size // 2) :]}"
        if isinstance(part, Text):
            return replace(part, text=short)
        return replace(part, content=short) if isinstance(part, ToolResult) else part

    system = tuple(m for m in request.messages if m.role == "system")
    rest = tuple(m for m in request.messages if m.role != "system")
    if patch.keep_turns is not None:
        starts = [i for i, m in enumerate(rest) if m.role == "user" and any(isinstance(p, Text) for p in m.parts)]
        if len(starts) > patch.keep_turns:
            # What was retrieved stands before the first thing said, and outlives the turn it came with.
            retrieved = tuple(p for p in rest[0].parts if isinstance(p, Text) and is_retrieved(p.text))
            head, *tail = rest[starts[-patch.keep_turns] :]
            rest = (replace(head, parts=(*retrieved, *head.parts)), *tail)
    messages = tuple(replace(m, parts=tuple(cut(part) for part in m.parts)) for m in rest)
    if (*system, *messages) == request.messages:
        return (yield from _ask(request))
    reply = yield from _ask(replace(request, messages=(*system, *messages)))
    return _mark(reply, name, True)


def _retry(patch: RetryPolicy, name: str, request: Request) -> Flow:
    usage = Usage()
    for attempt in range(patch.max_attempts):
        is_last = attempt == patch.max_attempts - 1
        try:
            reply = yield from _ask(replace(request, seed=request.seed + RETRY_PRIME * attempt))
        except (ProviderError, TargetError):
            if is_last or "error" not in patch.retry_on:
                raise
        else:
            usage = usage + reply.usage
            is_empty = not reply.message.text.strip() and not reply.message.calls
            wanted = ("empty" in patch.retry_on and is_empty) or ("length" in patch.retry_on and reply.stop == "length")
            if is_last or not wanted:
                return _mark(replace(reply, usage=usage), name, attempt > 0)
        if patch.wait_seconds:
            yield Wait(seconds=patch.wait_seconds * 2**attempt)
    raise AssertionError("a retry policy makes at least one attempt")


def _breaker(patch: CircuitBreaker, name: str, request: Request) -> Flow:
    # A turn begins where the user last said something; what stands after it are calls and their results.
    last_said = max(
        (i for i, m in enumerate(request.messages) if m.role == "user" and any(isinstance(p, Text) for p in m.parts)),
        default=0,
    )
    calls = Counter(use.name for message in request.messages[last_said:] for use in message.calls)
    tripped = {tool for tool, n in calls.items() if n >= patch.max_calls and patch.tool in (None, tool)}
    if not tripped:
        return (yield from _ask(request))
    return (yield from _restrict(ToolRestriction(deny=tuple(tripped)), name, request, changed=True))


def _review(patch: HumanReview, name: str, request: Request) -> Flow:
    def may_run(use: ToolUse) -> Generator[Request | Wait | Ask, Any, bool]:
        if use.name not in patch.tools:
            return True
        answer: bool = yield Ask(question=f"May {use.name} be called?", call=use)
        return answer

    return (yield from _ask_again(request, may_run, name, False))


async def drive(steps: Flow, call: Callable[[Request], Awaitable[Reply]], ask: Reviewer = nobody) -> Reply:
    """Run a flow: make its requests with ``call``, its waits on our clock, its questions with ``ask``.

    Errors of ``call`` are thrown into the flow. Only ``True`` is a yes, and a reviewer that raises means no.
    Cancellation goes through.
    """
    try:
        wanted = next(steps)
        while True:
            if isinstance(wanted, Wait):
                await anyio.sleep(wanted.seconds)
                wanted = steps.send(None)
            elif isinstance(wanted, Ask):
                wanted = steps.send(await _is_allowed(wanted, ask))
            else:
                try:
                    reply = await call(wanted)
                except (ProviderError, TargetError) as error:
                    wanted = steps.throw(error)
                else:
                    wanted = steps.send(reply)
    except StopIteration as stop:
        result: Reply = stop.value
        return result
    finally:
        steps.close()


async def _is_allowed(question: Ask, ask: Reviewer) -> bool:
    try:
        return await ask(question) is True
    except Exception as error:  # noqa: BLE001 - whatever a reviewer raises means no, and is reported
        _log.warning("review.failed", tool=question.call.name, error=f"{type(error).__name__}: {error}")
        return False
