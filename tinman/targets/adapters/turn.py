"""One turn of an adapter, as plain data: what worker processes and live adapters share."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from tinman.frozen import frozen
from tinman.processes.threads import is_cancelled
from tinman.targets.adapters.base import TraceRecorder
from tinman.text.visible import line_of, shorten

DETAIL_CHARS = 500
MAX_CALLS = 10_000
MAX_DEPTH = 40


@frozen
class AdapterTurn:
    """What came of one turn. ``reply`` is ``None`` when there is none; ``error`` then says why.

    ``capture_error`` is empty while the calls are known. ``was_called`` is false when the recorder could not begin.
    """

    reply: str | None = None
    error: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    capture_error: str = ""
    is_garbled: bool = False
    was_called: bool = True


def plain(value: Any, depth: int = 0) -> Any:
    """Return ``value`` as JSON data: keys become text, what JSON cannot hold becomes its ``repr``, cut."""
    if depth > MAX_DEPTH:
        return "[nested too deeply]"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in value]
    return shorten(repr(value), DETAIL_CHARS)


def _field(call: Any, name: str) -> Any:
    return call.get(name) if isinstance(call, Mapping) else getattr(call, name, None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _call(call: Any) -> dict[str, Any]:
    """Return a recorder's entry, whatever its type, as the data of a ``ToolTrace``."""
    arguments = plain(_field(call, "arguments"))
    try:
        duration = max(0, int(_field(call, "duration_ms") or 0))
    except (TypeError, ValueError, OverflowError):
        duration = 0
    return {
        "tool_name": str(_field(call, "tool_name")),
        "arguments": arguments if isinstance(arguments, dict) else {} if arguments is None else {"": arguments},
        "correlation_id": _text(_field(call, "correlation_id")),
        "duration_ms": duration,
        "status": _text(_field(call, "status")),
        "user_safe_summary": _text(_field(call, "user_safe_summary")),
        "raw_result": plain(_field(call, "raw_result")),
    }


def calls_told(items: list[Any]) -> tuple[dict[str, Any], ...]:
    """Return the entries that name a tool, as the data of ``ToolTrace``; whoever told them, they are untrusted."""
    return tuple(_call(item) for item in items[:MAX_CALLS] if _field(item, "tool_name") is not None)


def _calls(recorder: Any) -> tuple[tuple[dict[str, Any], ...], str]:
    """Return the calls a recorder holds, and what is wrong with them; anything but a list counts as none."""
    held = getattr(recorder, "calls", None)
    problem = getattr(recorder, "capture_error", None)
    if not isinstance(held, list):
        return (), str(problem) if problem else ""
    held = [call for call in held if call is not None]
    if any(_field(call, "tool_name") is None for call in held):
        problem = problem or "a recorded call has no tool_name"
    known = calls_told(held)
    if len(held) > MAX_CALLS:
        problem = problem or f"more than {MAX_CALLS} calls in one turn"
    return known, str(problem) if problem else ""


async def turn(
    adapter: Any, wait: Callable[[Any], Awaitable[Any]], *, user_id: str, user_text: str, correlation_id: str
) -> AdapterTurn:
    """Take ``adapter`` through one turn: recorder, turn, recorder's end. Never raises what the target raises.

    ``wait`` awaits the target's reply when it has to be awaited. ``SystemExit`` is an answer of the target like any
    other exception. A reply that is no text is an error. Cancellation goes through, after the recorder has ended.
    """
    reply: Any = None
    error = finishing = ""
    try:
        recorder = getattr(adapter, "trace_recorder", TraceRecorder)()
        entered = recorder.__enter__()
    except BaseException as problem:
        if _is_ours(problem):
            raise
        return AdapterTurn(
            capture_error=f"could not initialise trace capture: {line_of(problem, DETAIL_CHARS)}", was_called=False
        )
    seen = entered if hasattr(entered, "calls") else recorder
    ended: tuple[Any, Any, Any] = (None, None, None)
    try:
        reply = adapter.send_user_turn(user_id=user_id, user_text=user_text, correlation_id=correlation_id)
        if inspect.isawaitable(reply):
            reply = await wait(reply)
    except BaseException as problem:
        if _is_ours(problem):
            with suppress(Exception):
                recorder.__exit__(type(problem), problem, problem.__traceback__)
            raise
        ended, error = (type(problem), problem, problem.__traceback__), line_of(problem, DETAIL_CHARS)
    try:
        recorder.__exit__(*ended)
    except BaseException as problem:
        if _is_ours(problem):
            raise
        finishing = f"could not finish trace capture: {line_of(problem, DETAIL_CHARS)}"
    calls, capture_error = _calls(seen)
    if not error and not isinstance(reply, str):
        error = f"TypeError: the target answered a {type(reply).__name__}; it has to be text"
    return AdapterTurn(
        reply=None if error else reply,
        error=error,
        calls=calls,
        capture_error=capture_error or finishing,
        is_garbled=bool(getattr(seen, "is_garbled", False)),
    )


def turn_outside(adapter: Any, settled: Callable[[Any], Any], **words: str) -> AdapterTurn:
    """Take a turn outside any event loop; ``settled`` waits, blocking, for what has to be awaited."""

    async def wait(reply: Any) -> Any:
        return settled(reply)

    try:
        turn(adapter, wait, **words).send(None)
    except StopIteration as end:
        done: AdapterTurn = end.value
        return done
    raise AssertionError("a turn whose waits block is not suspended")


def _is_ours(error: BaseException) -> bool:
    """Say whether an exception is not the target's: our own cancellation has to go through, and nothing else.

    Where no event loop runs (in a worker, or in a live adapter's thread) nobody cancels us.
    """
    return is_cancelled(error)


def encoded(data: Any) -> bytes:
    """Return one line of JSON; lone surrogates survive as escapes."""
    return json.dumps(data, ensure_ascii=True, default=repr).encode("ascii") + b"\n"
