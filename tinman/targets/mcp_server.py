"""An MCP server as a target: its tools are called directly, one a turn. Needs the extra ``tinman[mcp]``.

What the user says is a call: ``{"tool": "look_up", "arguments": {"id": 4}}``, or the name of a tool alone. The reply is
the text of the result, or its structured content as JSON when there is no text; the call itself is the turn's trace.
Each conversation gets a server of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from tinman import clock
from tinman.config.settings import child_environment
from tinman.errors import ConfigError, TargetError, TinmanError
from tinman.messages import Reply, Request
from tinman.processes.groups import kill_marked, marked
from tinman.processes.threads import is_cancelled
from tinman.targets.base import fold
from tinman.targets.command import words_of
from tinman.targets.profile import TargetProfile
from tinman.targets.turn import CALLS, TurnSession, TurnTarget, as_target_error, said
from tinman.targets.world import World
from tinman.text.visible import line_of, shorten


def call_in(text: str) -> tuple[str, dict[str, Any]]:
    """Return tool and arguments of a turn's text. Raises ``TargetError`` for what is no call."""
    if not text.lstrip().startswith("{"):
        return text.strip(), {}
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TargetError(f"mcp: the turn is no JSON: {error}") from error
    tool, arguments = data.get("tool"), data.get("arguments", {})
    if not isinstance(tool, str) or not tool or not isinstance(arguments, dict) or data.keys() - {"tool", "arguments"}:
        raise TargetError('mcp: a turn is {"tool": NAME, "arguments": {...}} or the name of a tool')
    return tool, arguments


class McpTarget(TurnTarget):
    """Starts ``line`` as an MCP server over standard input and output, once for each conversation."""

    def __init__(self, line: str, profile: TargetProfile) -> None:
        self._words = words_of("mcp", line)
        able = replace(profile.capabilities, multi_turn=True)
        identity: dict[str, object] = {"kind": "mcp", "words": self._words}
        super().__init__(
            f"mcp:{line}",
            able,
            identity=identity,
            timeout_seconds=profile.timeout_seconds,
            canaries=profile.canaries,
        )
        self._named = profile.environment
        self._start_seconds = profile.start_seconds

    async def describe(self) -> tuple[str, ...]:
        """Start the server and return its tools. Raises ``TargetError``, or ``ConfigError`` without the extra."""
        async with self._session() as session:
            with as_target_error(f"target {self.name}: does not list its tools"), self._in_time():
                told = await session.list_tools()
            names = [shorten(str(tool.name), 60) for tool in told.tools]
        return (f"tools: {shorten(', '.join(names), 200) or 'none'}",)

    async def preflight(self) -> tuple[str, ...]:
        """Do what ``describe`` does: no call of a tool is known to be harmless."""
        return await self.describe()

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        try:
            with anyio.fail_after(self._start_seconds):
                yield
        except TimeoutError:
            raise TargetError(
                f"target {self.name}: no answer within {self._start_seconds:g} s of its start; is it an MCP server?"
                " see [target] start_seconds"
            ) from None

    @asynccontextmanager
    async def open(self, *, user: str, session: str, world: World) -> AsyncIterator[TurnSession]:
        """Open a conversation with a fresh server; it is ended with the conversation."""
        async with self._session() as client:
            yield TurnSession(fold(self._meter(self.within(partial(self._called, client))), self.layers))

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Any]:
        try:
            import mcp  # noqa: PLC0415 - an optional extra, and slow to load
            import mcp.client.stdio  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError("target: mcp: needs the MCP SDK; pip install 'tinman[mcp]'") from error

        environment, mark = marked(child_environment(self._named))
        program = mcp.StdioServerParameters(
            command=self._words[0], args=self._words[1:], env=environment, encoding_error_handler="replace"
        )
        try:
            async with self._opened(mcp, program) as client:
                yield client
        except BaseExceptionGroup as several:
            # The SDK's task group wraps whatever ends the conversation, errors of ours included.
            first: BaseException = several
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            if isinstance(first, TinmanError) or is_cancelled(first):
                raise first from None
            raise TargetError(f"target {self.name}: {line_of(first)}") from several
        finally:
            kill_marked(mark)

    @asynccontextmanager
    async def _opened(self, mcp: Any, program: Any) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            # What the server prints on its standard error is not ours to show: it is untrusted.
            quiet = stack.enter_context(Path(os.devnull).open("w"))  # noqa: ASYNC230, SIM115 - the stack closes it
            with as_target_error(f"target {self.name}: cannot be started"):
                streams = await stack.enter_async_context(mcp.client.stdio.stdio_client(program, errlog=quiet))
                client = await stack.enter_async_context(mcp.ClientSession(streams[0], streams[1]))
                with self._in_time():
                    await client.initialize()
            yield client

    async def _called(self, client: Any, request: Request) -> Reply:
        tool, arguments = call_in(request.messages[-1].text)
        started = clock.monotonic()
        with as_target_error(f"target {self.name}"):
            result = await client.call_tool(tool, arguments)
        failed = bool(getattr(result, "is_error", getattr(result, "isError", False)))
        data = getattr(result, "structured_content", getattr(result, "structuredContent", None))
        texts = [part.text for part in getattr(result, "content", ()) if isinstance(getattr(part, "text", None), str)]
        reply = said("\n".join(texts) or ("" if data is None else json.dumps(data)))
        record = {
            "tool_name": tool,
            "arguments": arguments,
            "correlation_id": request.correlation_id or None,
            "duration_ms": round((clock.monotonic() - started) * 1000),
            "status": "error" if failed else "ok",
            "raw_result": data if data is not None else reply.message.text,
        }
        return Reply(message=reply.message, extra={CALLS: [record]})
