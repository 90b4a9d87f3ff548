"""One worker process as its owner sees it: started, asked any number of things at once, ended with all it started."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import anyio

from tinman.errors import ConfigError, TargetError, WorkerDied
from tinman.processes.groups import kill_session, marked
from tinman.processes.output import BoundedOutput
from tinman.text.visible import shorten, visible

MAX_LINE = 32_000_000
MAX_PRINTED = 64_000
ENDING_SECONDS = 1.0
"""How long a call that is given up may take to end before its whole process is killed."""
_BOOT = "import sys; sys.path[:] = {path!r}; from tinman.targets.functions.worker import main; main({descriptor})"


@dataclass(frozen=True)
class About:
    """What a worker tells of its callable: whether it is async, what it is told, and how it is called."""

    is_async: bool
    roles: frozenset[str]
    call: str


class _Channel(asyncio.Protocol):
    """Lines of JSON to and from the worker; each answer goes to whoever asked."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.is_lost = False
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand whole lines to those who wait for them; what is no answer ends the channel."""
        self._buffer += data
        try:
            *lines, rest = self._buffer.split(b"\n")
            for line in lines:
                answer = json.loads(line)
                future = self.waiting.pop(answer["id"], None)
                if future is not None and not future.done():
                    future.set_result(answer)
            if len(rest) > MAX_LINE:
                raise ValueError("too long")
            self._buffer = bytearray(rest)
        except (ValueError, TypeError, LookupError, RecursionError):
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Let all who wait know that there will be no answer."""
        self.is_lost = True
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(ConnectionError())
        self.waiting.clear()

    def close(self) -> None:
        """Close the transport; whoever waits is told."""
        if self.transport is not None:
            self.transport.abort()


class FunctionProcess:
    """The worker process of one callable, ``place``. It is bound to the event loop that started it."""

    def __init__(self, place: str, environment: Mapping[str, str]) -> None:
        self.place = place
        self.about = About(is_async=False, roles=frozenset(), call="")
        self._environment, self._mark = marked(environment)
        self._numbers = count(1)
        self._channel = _Channel()
        self._is_over = False
        self._process: subprocess.Popen[bytes] | None = None
        self._output: BoundedOutput | None = None

    @property
    def is_over(self) -> bool:
        """Whether it was started and can be asked no more."""
        return self._is_over or self._channel.is_lost

    async def start(self, *, session_parameter: str = "", within_seconds: float) -> None:
        """Start the process and load the callable. Raises ``ConfigError`` in one line that says why it cannot be."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._spawn(theirs.fileno())
        await asyncio.get_running_loop().create_connection(lambda: self._channel, sock=ours)
        where = self.place.rpartition(":")[0]
        try:
            with anyio.fail_after(within_seconds):
                told = await self._ask(op="load", place=self.place, session_parameter=session_parameter)
        except TimeoutError:
            await self.end()
            raise ConfigError(
                f"target: cannot load {where}: it was still being imported after {within_seconds:g} s;"
                " move the work out of the import, or raise [target] start_seconds"
            ) from None
        except ConnectionError:
            raise ConfigError(f"target: cannot load {where}: it {await self.ending()} while being imported") from None
        except BaseException:
            await self.end()
            raise
        if "error" in told:
            await self.end()
            raise ConfigError(f"target: {visible(str(told['error']), keep_newlines=False)}")
        value = told["value"]
        self.about = About(bool(value["is_async"]), frozenset(value["roles"]), str(value["call"]))

    def _spawn(self, descriptor: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT.format(path=sys.path, descriptor=descriptor)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[descriptor],
        )
        assert self._process.stdout is not None
        self._output = BoundedOutput(self._process.stdout, MAX_PRINTED)
        self._output.start()

    async def turn(self, **question: Any) -> dict[str, Any]:
        """Return what the callable answered: ``text`` or ``reply``.

        Raises ``TargetError`` with what it raised, ``WorkerDied`` when its process ended. Cancelled, the call is ended:
        an async one by a cancellation of its own, any other with its process.
        """
        number = next(self._numbers)
        try:
            answer = await self._ask(number, op="turn", **question)
        except ConnectionError:
            raise WorkerDied(
                f"its process died: it {await self.ending()} before it answered{self.last_words()}"
            ) from None
        except asyncio.CancelledError:
            with anyio.CancelScope(shield=True):
                await self._give_up(number)
            raise
        if "error" in answer:
            raise TargetError(str(answer["error"]))
        return answer

    async def _ask(self, number: int | None = None, **question: Any) -> dict[str, Any]:
        if self.is_over:
            raise ConnectionError
        number = next(self._numbers) if number is None else number
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._channel.waiting[number] = future
        try:
            self._send(id=number, **question)
            return await future
        finally:
            self._channel.waiting.pop(number, None)

    def _send(self, **line: Any) -> None:
        assert self._channel.transport is not None
        self._channel.transport.write(json.dumps(line, ensure_ascii=True).encode("ascii") + b"\n")

    async def _give_up(self, number: int) -> None:
        """End one call. A process that does not let go of it in time is killed, whatever else runs in it."""
        if self.about.is_async and not self.is_over:
            ended: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._channel.waiting[number] = ended
            self._send(id=0, op="cancel", turn=number)
            with suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(ended, ENDING_SECONDS)
                return
            self._channel.waiting.pop(number, None)
        await self.end()

    async def ending(self) -> str:
        """Wait for the process's end and return how it ended, as words after "it"."""
        assert self._process is not None
        for _ in range(100):
            if self._process.poll() is not None:
                break
            await anyio.sleep(0.01)
        code = self._process.returncode
        await self.end()
        if code is None:
            return "closed the channel to us"
        if code >= 0:
            return f"exited ({code})"
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"

    def last_words(self, limit: int = 300) -> str:
        """Return what the process printed last, as words after a sentence; empty when it printed nothing."""
        printed = self._output.text().strip() if self._output is not None else ""
        return f"; it printed: {shorten(printed[-limit:], limit)}" if printed else ""

    async def end(self) -> None:
        """Kill the process with everything it started, and wait until it is gone. A cancellation waits for that."""
        with anyio.CancelScope(shield=True):
            self.kill()
            await asyncio.sleep(0)

    def kill(self) -> None:
        """Kill the process with everything it started, at once; the channel is closed when the loop comes to it."""
        self._is_over = True
        self._channel.close()
        process, output = self._process, self._output
        if process is None or output is None:
            return
        if process.returncode is None or (process.stdout is not None and not process.stdout.closed):
            kill_session(process.pid, self._mark)
            process.wait()
            output.join(ENDING_SECONDS)
            if process.stdout is not None and not output.is_alive():
                process.stdout.close()
