"""A recording proxy between an agent and an MCP server: bytes go through untouched, tool calls are written down.

The agent starts the proxy where it would have started the server (standard input and output, one JSON-RPC message a
line). The calls go to a trace file as command adapters read it, so an agent run by ``CommandAppAdapter`` is traced
without a change of its own. Nothing that is said is interpreted beyond ``tools/call``.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from tinman import clock
from tinman.errors import ConfigError
from tinman.targets.adapters.base import CallRecord

MAX_LINE = 16_000_000
CLOSING_SECONDS = 2.0
_CHUNK = 65_536


class CallLog:
    """Reads along with both directions and keeps the trace file true after every call.

    What cannot be read along (a message of many megabytes) spoils the log, and the file says so: it is then no list,
    and whoever reads it knows that calls may be missing.
    """

    def __init__(self, file: Path | None) -> None:
        self.records: list[dict[str, Any]] = []
        self.spoiled = ""
        self._file = file
        self._pending: dict[str, tuple[dict[str, Any], float]] = {}
        self._written: list[str] = []
        self._write()

    def _write(self) -> None:
        """Bring the file up to date. Proxies of one turn share it: each takes out what it wrote and writes it anew."""
        if self._file is None:
            return
        with self._file.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            told = self._merged(file.read())
            file.seek(0)
            file.truncate()
            file.write(json.dumps(told))

    def _merged(self, text: str) -> Any:
        try:
            others = json.loads(text or "[]")
        except ValueError:
            others = []
        if self.spoiled or not isinstance(others, list):
            return {"error": self.spoiled} if self.spoiled else others
        left = list(self._written)
        kept = []
        for record in others:
            written = json.dumps(record)
            if written in left:
                left.remove(written)
            else:
                kept.append(record)
        self._written = [json.dumps(record) for record in self.records]
        return [*kept, *self.records]

    def spoil(self, reason: str) -> None:
        """Say that calls may be missing from now on."""
        self.spoiled = self.spoiled or reason
        self._write()

    def asked(self, line: bytes) -> None:
        """Take note of a line from the agent."""
        for message in _messages(line):
            params = message.get("params")
            if message.get("method") != "tools/call" or "id" not in message or not isinstance(params, dict):
                continue
            arguments = params.get("arguments")
            record = asdict(CallRecord(str(params.get("name")), arguments if isinstance(arguments, dict) else {}))
            self.records.append(record)
            self._pending[json.dumps(message["id"])] = (record, clock.monotonic())
            self._write()

    def answered(self, line: bytes) -> None:
        """Take note of a line from the server."""
        for message in _messages(line):
            if "method" in message or "id" not in message:
                continue
            record, started = self._pending.pop(json.dumps(message["id"]), (None, 0.0))
            if record is None:
                continue
            result, error = message.get("result"), message.get("error")
            failed = error is not None or (isinstance(result, dict) and result.get("isError") is True)
            record["duration_ms"] = round((clock.monotonic() - started) * 1000)
            record["status"] = "error" if failed else "ok"
            record["raw_result"] = error if error is not None else _content(result)
            self._write()


def _messages(line: bytes) -> list[dict[str, Any]]:
    """Return the JSON-RPC messages of a line: one, a batch, or none when it is not JSON."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return []
    return [one for one in (data if isinstance(data, list) else [data]) if isinstance(one, dict)]


def _content(result: Any) -> Any:
    """Return what a tool's result says: its structured content, else its texts, else the whole."""
    if not isinstance(result, dict):
        return result
    if result.get("structuredContent") is not None:
        return result["structuredContent"]
    parts = result.get("content")
    texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return "\n".join(text for text in texts if isinstance(text, str)) or result


@dataclass
class _Lines:
    """Cuts a stream of bytes into lines to read along."""

    note: Callable[[bytes], None]
    spoil: Callable[[str], None]
    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes) -> None:
        self._buffer += chunk
        while (end := self._buffer.find(b"\n")) >= 0:
            self.note(bytes(self._buffer[:end]))
            del self._buffer[: end + 1]
        if len(self._buffer) > MAX_LINE:
            self.spoil(f"a message of more than {MAX_LINE} bytes was not read along")
            self._buffer.clear()


Send = Callable[[bytes], Awaitable[None]]


async def _pass(read: Callable[[], Awaitable[bytes]], send: Send, lines: _Lines) -> None:
    """Hand bytes on as they come until there are no more; reading along never holds them up."""
    while chunk := await read():
        lines.feed(chunk)
        await send(chunk)


async def proxy(words: Sequence[str], *, file: Path | None, source: int = 0, sink: int = 1) -> int:
    """Run the server ``words`` behind the proxy and return its exit code.

    ``source`` and ``sink`` are the descriptors of the agent's side. When the agent closes its end, the server's input
    is closed and it has two seconds to leave. Raises ``ConfigError`` when it cannot be started.
    """
    log = CallLog(file)
    try:
        process = await anyio.open_process(list(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None)
    except (OSError, ValueError) as error:
        raise ConfigError(f"mcp-proxy: cannot start {words[0]!r}: {error}") from error
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    async def from_agent() -> bytes:
        return await anyio.to_thread.run_sync(os.read, source, _CHUNK, abandon_on_cancel=True)

    async def from_server() -> bytes:
        with suppress(anyio.EndOfStream):
            return await stdout.receive(_CHUNK)
        return b""

    async def to_agent(chunk: bytes) -> None:
        await anyio.to_thread.run_sync(_write_all, sink, chunk)

    try:
        async with anyio.create_task_group() as group:

            async def agent_side() -> None:
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                    await _pass(from_agent, stdin.send, _Lines(log.asked, log.spoil))
                await stdin.aclose()
                with anyio.move_on_after(CLOSING_SECONDS) as grace:
                    await process.wait()
                if grace.cancelled_caught:
                    process.kill()

            group.start_soon(agent_side)
            with suppress(BrokenPipeError):
                await _pass(from_server, to_agent, _Lines(log.answered, log.spoil))
            await process.wait()
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()
    return process.returncode or 0


def _write_all(sink: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(sink, view) :]
