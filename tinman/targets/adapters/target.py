"""An adapter as a target: one named by its factory, in worker processes, or a live object of this process."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.abc import Process, UNIXSocketStream

from tinman.errors import TargetError, TurnBroken, WorkerDied
from tinman.messages import Reply, Request, say
from tinman.processes.groups import close_session, kill_session, marked
from tinman.processes.output import BoundedOutput
from tinman.processes.threads import call, settle
from tinman.targets.adapters.base import PreflightResult, RuntimeSpec
from tinman.targets.adapters.turn import AdapterTurn, encoded, plain, turn, turn_outside
from tinman.targets.base import Capabilities, fold
from tinman.targets.turn import CALLS, CAPTURE_ERROR, GARBLED, TurnSession, TurnTarget, as_target_error
from tinman.text.invalid import read_as
from tinman.text.visible import shorten

MAX_LINE = 32_000_000
MAX_PRINTED = 64_000
_GARBLED = "the target's process wrote into the channel of its adapter"
_BOOT = "import sys; sys.path[:] = {path!r}; from tinman.targets.adapters.worker import main; main({descriptor})"


class Taker(Protocol):
    """What an open adapter session asks: one turn, or one look at the target's state."""

    async def take(self, *, user: str, text: str, correlation_id: str) -> AdapterTurn: ...

    async def state(self, *, user: str, name: str, arguments: dict[str, Any]) -> bool | str | None: ...


class _Channel:
    """One line of JSON out, one line in. A question that was cancelled leaves the channel unusable."""

    def __init__(self, stream: UNIXSocketStream) -> None:
        self.stream = stream
        self._buffer = bytearray()
        self._lock = anyio.Lock()
        self.broken = ""

    async def line(self) -> Any:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > MAX_LINE:
                raise WorkerDied(f"the adapter answered more than {MAX_LINE} bytes")
            self._buffer += await self.stream.receive()
        text = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return json.loads(text)

    async def ask(self, **question: Any) -> Any:
        """Return the answer's value. Raises ``TargetError`` with what the adapter raised, else ``WorkerDied``."""
        async with self._lock:
            if self.broken:
                raise WorkerDied(f"not run: {self.broken}")
            self.broken = "an earlier turn did not end in time"
            number = secrets.token_hex(8)
            try:
                await self.stream.send(encoded({**question, "id": number}))
                answer = await self.line()
                if not isinstance(answer, dict) or answer.get("id") != number or not answer.keys() & {"value", "error"}:
                    raise ValueError(_GARBLED)
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                self.broken = "the target's process ended in an earlier turn"
                raise WorkerDied("the target's process ended before it answered (it exited or crashed)") from None
            except (ValueError, RecursionError):
                self.broken = "the target's process garbled its channel in an earlier turn"
                raise WorkerDied(_GARBLED) from None
            self.broken = ""
        if "error" in answer:
            raise TargetError(str(answer["error"]))
        return answer["value"]


class AdapterProcess:
    """The worker process of one adapter. ``async with`` starts and ends it, with everything that it started."""

    def __init__(self, place: str, *, timeout_seconds: float = 120.0) -> None:
        self.place = self.name = place
        self.root = ""
        self.turn_timeout_seconds = 0.0
        self._timeout = timeout_seconds
        self._fresh = True
        self._process: Process | None = None
        self._control: _Channel | None = None
        self._output: BoundedOutput | None = None
        self._pipe: IO[bytes] | None = None
        self._mark = ""
        self._forking = anyio.Lock()

    async def __aenter__(self) -> AdapterProcess:
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        self._pipe = os.fdopen(reading, "rb", 0)
        self._output = BoundedOutput(self._pipe, MAX_PRINTED)
        self._output.start()
        environment, self._mark = marked()
        with theirs, os.fdopen(writing, "wb", 0) as prints:
            boot = _BOOT.format(path=[*sys.path], descriptor=theirs.fileno())
            self._process = await anyio.open_process(
                [sys.executable, "-c", boot],
                stdin=subprocess.DEVNULL,
                stdout=prints,
                stderr=prints,
                env=environment,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        self._control = _Channel(await UNIXSocketStream.from_socket(ours))
        return self

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            if self._control is not None:
                await self._control.stream.aclose()
            if self._process is not None:
                await close_session(self._process, grace_seconds=0, mark=self._mark)
        if self._output is not None and self._pipe is not None:
            self._output.join(1.0)
            self._pipe.close()

    def last_words(self, limit: int = 400) -> str:
        """Return the end of what the adapter's process printed, in one visible line."""
        if self._output is None:
            return ""
        self._output.join(0.2)  # what a process said last is on its way when its channel closes
        return shorten(self._output.text()[-limit:], limit)

    async def ask(self, op: str, **question: Any) -> Any:
        """Ask the loaded adapter. Raises ``TargetError``: what it raised, that it ended, or that it took too long."""
        assert self._control is not None
        try:
            with anyio.fail_after(self._timeout):
                return await self._control.ask(op=op, **question)
        except TimeoutError:
            raise TargetError(f"the adapter did not answer within {self._timeout:g} s") from None
        except WorkerDied as error:
            words = self.last_words()
            raise WorkerDied(f"{error}; it said: {words}" if words else str(error)) from None

    async def load(self) -> None:
        """Make the adapter. Raises ``TargetError`` with the whole reason."""
        told = await self.ask("load", place=self.place)
        self.name, self.root = str(told["name"]), str(told["root"])
        self._fresh = bool(told["fresh"])
        self.turn_timeout_seconds = float(told["timeout_seconds"])

    async def metadata(self) -> dict[str, Any]:
        """Return what the report should say about the adapter."""
        told: dict[str, Any] = await self.ask("metadata")
        return told

    async def preflight(self, user: str) -> PreflightResult:
        """Return whether the target can be measured now."""
        return PreflightResult(**await self.ask("preflight", user_id=user))

    async def runtimes(self, user: str) -> tuple[RuntimeSpec | None, tuple[RuntimeSpec, ...]]:
        """Return the model inside the target, if the adapter knows it, and what it may be."""
        known = await self.ask("runtime", user_id=user)
        resolved = RuntimeSpec(**known["resolved"]) if known["resolved"] else None
        return resolved, tuple(RuntimeSpec(**one) for one in known["candidates"] if one)

    async def select(self, runtime: RuntimeSpec) -> None:
        """Tell the adapter which model was chosen."""
        await self.ask("select", runtime=asdict(runtime))

    @asynccontextmanager
    async def scenario(self) -> AsyncIterator[Taker]:
        """Open a child for one scenario; it is killed at the end, with everything it started."""
        assert self._control is not None
        if not self._fresh:
            yield _Remote(self._control)
            return
        ours, theirs = socket.socketpair()
        leader, mark = 0, ""
        channel = _Channel(await UNIXSocketStream.from_socket(ours))
        try:
            with theirs, anyio.fail_after(self._timeout):
                async with self._forking:
                    await self._control.stream.send_fds(encoded({"op": "fork"}), [theirs.fileno()])
                theirs.close()
                hello = await channel.line()
                leader, mark = int(hello["pid"]), str(hello["mark"])
            yield _Remote(channel)
        except TimeoutError as error:
            # Before the hello it is ours; afterwards it is the caller's own limit, which ends this block.
            if leader:
                raise
            raise WorkerDied(f"the adapter's process made no child within {self._timeout:g} s") from error
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            raise WorkerDied("the adapter's process is gone; look at what it prints or whether it exits") from error
        finally:
            with anyio.CancelScope(shield=True):
                if leader:
                    kill_session(leader, mark)
                await channel.stream.aclose()


@dataclass(frozen=True)
class _Remote:
    """A session in a worker process."""

    channel: _Channel

    async def take(self, *, user: str, text: str, correlation_id: str) -> AdapterTurn:
        """Return what came of one turn. Raises ``WorkerDied``."""
        data = await self.channel.ask(op="turn", user_id=user, user_text=text, correlation_id=correlation_id)
        return read_as(AdapterTurn, data, lambda _: WorkerDied(_GARBLED))

    async def state(self, *, user: str, name: str, arguments: dict[str, Any]) -> bool | str | None:
        """Return what the adapter's ``check_state`` returned: true, or what is wrong."""
        found: bool | str | None = await self.channel.ask(op="state", user_id=user, name=name, arguments=arguments)
        return found


@dataclass(frozen=True)
class _Live:
    """A session with an adapter object of this process."""

    adapter: Any

    async def take(self, *, user: str, text: str, correlation_id: str) -> AdapterTurn:
        """Return what came of one turn. A synchronous adapter runs in a thread that is abandoned when it hangs."""
        words = {"user_id": user, "user_text": text, "correlation_id": correlation_id}
        if inspect.iscoroutinefunction(self.adapter.send_user_turn):
            return await turn(self.adapter, settle, **words)
        own = os.getpid()

        def work() -> AdapterTurn:
            done = turn_outside(self.adapter, lambda reply: anyio.from_thread.run(settle, reply), **words)
            if os.getpid() != own:
                os._exit(0)
            return done

        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)

    async def state(self, *, user: str, name: str, arguments: dict[str, Any]) -> bool | str | None:
        """Return what the adapter's ``check_state`` returned: true, or what is wrong."""
        hook = getattr(self.adapter, "check_state", None)
        if hook is None:
            raise TargetError(f"{type(self.adapter).__name__} has no check_state")
        with as_target_error(f"check_state {name!r}"):
            found = await call(hook, user_id=user, name=name, arguments=arguments)
        answer: bool | str | None = plain(found)
        return answer


@dataclass(frozen=True)
class AdapterSession(TurnSession):
    """One conversation by way of an adapter; ``state`` asks the target what checks want to know."""

    taker: Taker
    user: str

    async def state(self, name: str, arguments: dict[str, Any]) -> bool | str | None:
        """Return true, or what is wrong with the target's state. Raises ``TargetError``."""
        return await self.taker.state(user=self.user, name=name, arguments=arguments)


class AdapterTarget(TurnTarget):
    """An adapter behind the target protocol. One scenario at a time unless the caller says otherwise."""

    def __init__(self, name: str, source: AdapterProcess | Any, *, revision: str = "") -> None:
        seconds = source.turn_timeout_seconds if isinstance(source, AdapterProcess) else 0.0
        super().__init__(
            name,
            Capabilities(multi_turn=True, turn_timeout_seconds=seconds, side_by_side=1),
            identity={"kind": "adapter", "place": name, "revision": revision},
        )
        self._source = source
        self.revision = revision

    @asynccontextmanager
    async def open(self, *, user: str, session: str, world: Any) -> AsyncIterator[AdapterSession]:
        """Open a conversation with an adapter nobody has talked to yet."""
        async with self._taker() as taker:

            async def take(request: Request) -> Reply:
                text, mark = request.messages[-1].text, request.correlation_id or session
                return _reply(await taker.take(user=user, text=text, correlation_id=mark))

            yield AdapterSession(fold(self._meter(take), self.layers), taker, user)

    @asynccontextmanager
    async def _taker(self) -> AsyncIterator[Taker]:
        if isinstance(self._source, AdapterProcess):
            async with self._source.scenario() as taker:
                yield taker
        else:
            yield _Live(self._source)


def _reply(done: AdapterTurn) -> Reply:
    if done.reply is None:
        raise TurnBroken(
            done.error or done.capture_error,
            traces=done.calls,
            capture_error=done.capture_error,
            was_called=done.was_called,
        )
    extra: dict[str, Any] = {CALLS: list(done.calls)}
    if done.capture_error:
        extra[CAPTURE_ERROR] = done.capture_error
        extra[GARBLED] = done.is_garbled
    return Reply(message=say("assistant", done.reply), extra=extra)


def revision_of(
    root: Path, *, without: Sequence[Path] = (), most_files: int = 2_000, most_bytes: int = 50_000_000
) -> str:
    """Return a digest of the text files below ``root``: the target's revision. Empty when there are too many.

    ``without`` names folders or files that are no part of the target, such as its scenarios and reports. Hidden
    folders, caches and virtual environments are left out, and files that are neither source nor data.
    """
    left_out = {path.resolve() for path in without}
    total = hashlib.sha256()
    files = size = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _NOT_SOURCE and Path(folder, name).resolve() not in left_out
        )
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix not in _SOURCE or not path.is_file() or path.resolve() in left_out:
                continue
            with suppress(OSError):
                content = path.read_bytes()
                files, size = files + 1, size + len(content)
                if files > most_files or size > most_bytes:
                    return ""
                total.update(
                    f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode("utf-8", "surrogateescape")
                )
                total.update(content)
    return total.hexdigest()[:16] if files else ""


_SOURCE = frozenset(
    {".py", ".json", ".toml", ".yaml", ".yml", ".txt", ".md", ".js", ".ts", ".mjs", ".sh", ".sql", ".j2", ".jinja"}
)
_NOT_SOURCE = frozenset({"__pycache__", "node_modules", "venv", "artifacts", "build", "dist", "reports"})
