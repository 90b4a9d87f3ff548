"""The process a callable lives in: it is loaded here once, and nowhere else, and called turn by turn.

Over an inherited socket come lines of JSON, and lines of JSON go back: what a callable returns crosses as plain data.
Standard input is empty, and what the callable prints stays out of the channel. A callable that is not async is called
in the main thread, one call after the other; an async one in one event loop, any number of calls at once.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import queue
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tinman.processes.modules import NoModule, module_at
from tinman.processes.threads import is_async, settle
from tinman.targets.functions.signature import Calling, Uncallable, read_calling
from tinman.text.visible import line_of, visible

MAX_ANSWER = 4_000_000
DETAIL_CHARS = 2_000
_OURS = str(Path(__file__).parents[2]) + os.sep


class Unusable(Exception):
    """Raised for a place that names no usable callable; its text is the whole message."""


def find(place: str) -> Callable[..., Any]:
    """Return the callable behind ``module:name`` or ``file.py:name``. Raises ``Unusable``; loading runs the code."""
    where, _, name = place.rpartition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = module_at(where, kind="target")
    except NoModule as error:
        raise Unusable(visible(str(error))) from error
    except ModuleNotFoundError as error:
        raise Unusable(f"cannot import {where}: {line_of(error, DETAIL_CHARS)}{place_of(error, where)}") from error
    except SystemExit as error:
        raise Unusable(f"cannot load {where}: it exited ({exit_code(error)}) while being imported") from error
    except BaseException as error:
        raise Unusable(f"cannot load {where}: {line_of(error, DETAIL_CHARS)}{place_of(error, where)}") from error
    found: Any = module
    try:
        for step in name.split("."):
            found = getattr(found, step)
    except AttributeError:
        found = None
    if not callable(found):
        raise Unusable(f"{where} has no callable {name!r}")
    called: Callable[..., Any] = found
    return called


def exit_code(error: SystemExit) -> int:
    """Return what the interpreter would make of ``sys.exit``'s argument."""
    return error.code if isinstance(error.code, int) else 0 if error.code is None else 1


def place_of(error: BaseException, where: str) -> str:
    """Return where an exception came from: its place in the user's own file, else the last one. Empty when unknown."""
    with suppress(Exception):
        if isinstance(error, SyntaxError) and error.filename:
            return ""  # its own text says it
        frames = [
            one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith((_OURS, "<frozen"))
        ]
        own = [one for one in frames if where.endswith(".py") and os.path.samefile(one.filename, where)]
        for one in (own or frames)[-1:]:
            return f" ({os.path.basename(one.filename)}, line {one.lineno})"
    return ""


class Worker:
    """Loads one callable and answers for it. ``send`` writes a line to the other side."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._pid = os.getpid()
        self._sending = threading.Lock()
        self._asked: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._place = ""
        self._function: Callable[..., Any] = print
        self._calling = Calling(())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: dict[int, asyncio.Task[None]] = {}

    def send(self, answer: dict[str, Any]) -> None:
        """Send one answer. A forked copy of this process has nothing to say: it ends."""
        if os.getpid() != self._pid:
            os._exit(0)
        with self._sending:
            self._channel.sendall(json.dumps(answer).encode("ascii") + b"\n")

    def read(self) -> None:
        """Take in questions until the other side is gone; then nothing of this process stays."""
        with suppress(OSError, ValueError), self._channel.makefile("rb") as lines:
            for line in lines:
                asked = json.loads(line)
                if self._loop is None:
                    self._asked.put(asked)
                else:
                    self._loop.call_soon_threadsafe(self._begin, asked)
        with suppress(OSError):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    def serve(self) -> None:
        """Answer for good, in the main thread."""
        while True:
            asked = self._asked.get()
            if asked["op"] == "load":
                self._load(asked)
                if self._loop is not None:
                    self._serve_async(self._loop)
            elif asked["op"] == "turn":
                self._turn(asked)

    def _load(self, asked: dict[str, Any]) -> None:
        self._place = asked["place"]
        name = self._place.rpartition(":")[2]
        try:
            self._function = find(self._place)
            self._calling = read_calling(self._function, asked["session_parameter"])
        except Unusable as error:
            self.send({"id": asked["id"], "error": str(error)})
            return
        except Uncallable as error:
            self.send({"id": asked["id"], "error": f"{self._place} cannot be called: {error}"})
            return
        streams = any(
            inspect.isasyncgenfunction(each)
            for each in (self._function, getattr(self._function, "__call__", None))  # noqa: B004 - its method is asked for
        )
        together = is_async(self._function) or streams
        if together:
            self._loop = asyncio.new_event_loop()
        value = {"is_async": together, "roles": sorted(self._calling.roles), "call": self._calling.describe(name)}
        self.send({"id": asked["id"], "value": value})

    def _arguments(self, asked: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        messages = asked["messages"]
        return self._calling.filled(
            {
                "text": asked["text"],
                "messages": messages,
                "history": messages[:-1],
                "session": asked["session"],
                "user": asked["user"],
            }
        )

    def _turn(self, asked: dict[str, Any]) -> None:
        try:
            placed, named = self._arguments(asked)
            answer = self._function(*placed, **named)
            if inspect.isawaitable(answer):
                answer = asyncio.run(settle(answer))
            elif inspect.isasyncgen(answer):
                answer = asyncio.run(_joined(answer))
            elif inspect.isgenerator(answer):
                answer = _text_of(list(answer))
            told = as_data(answer)
        except BaseException as error:  # noqa: BLE001 - the callable's own: it is told, and the next call is made
            told = self._told(error)
        self.send({"id": asked["id"], **told})

    def _told(self, error: BaseException) -> dict[str, Any]:
        """Return what a callable raised as words; nothing of it may leave this function."""
        text = line_of(error, DETAIL_CHARS) + place_of(error, self._place.rpartition(":")[0])
        if isinstance(error, SystemExit | KeyboardInterrupt):
            return {"error": f"it tried to exit the process ({text})"}
        return {"error": text}

    # -- async callables

    def _serve_async(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while not self._asked.empty():
            loop.call_soon(self._begin, self._asked.get())
        while True:
            with suppress(SystemExit, KeyboardInterrupt):  # raised in a task the callable started: not in our turns
                loop.run_forever()

    def _begin(self, asked: dict[str, Any]) -> None:
        number = asked["id"]
        if asked["op"] == "cancel":
            task = self._running.get(asked["turn"])
            if task is not None:
                task.cancel()
        elif asked["op"] == "turn":
            assert self._loop is not None
            self._running[number] = self._loop.create_task(self._turn_async(asked))

    async def _turn_async(self, asked: dict[str, Any]) -> None:
        try:
            placed, named = self._arguments(asked)
            answer = self._function(*placed, **named)
            told = as_data(await _joined(answer) if inspect.isasyncgen(answer) else await answer)
        except BaseException as error:  # noqa: BLE001 - the callable's own, CancelledError and SystemExit included
            told = self._told(error)
        self._running.pop(asked["id"], None)
        self.send({"id": asked["id"], **told})


async def _joined(pieces: Any) -> str:
    return _text_of([piece async for piece in pieces])


def _text_of(pieces: list[Any]) -> str:
    for piece in pieces:
        if not isinstance(piece, str):
            raise TypeError(f"it streamed a {type(piece).__name__}; the pieces have to be text")
    return "".join(pieces)


def as_data(answer: Any) -> dict[str, Any]:
    """Return an answer as plain data: text, or one of our replies. Raises ``TypeError`` for anything else."""
    if isinstance(answer, str):
        text = str.__str__(answer)
        if len(text) > MAX_ANSWER:
            raise ValueError(f"it answered more than {MAX_ANSWER} characters")
        return {"text": text}
    messages = sys.modules.get("tinman.messages")
    if messages is not None and isinstance(answer, messages.Reply):
        from tinman.frozen import dump  # noqa: PLC0415 - whoever returns a reply has loaded it

        return {"reply": dump(answer)}
    raise TypeError(f"it answered a {type(answer).__name__}; it has to be text")


def main(descriptor: int) -> None:
    """Serve the inherited socket ``descriptor`` until it closes."""
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    # A copy that holds the channel open would hide that this process is gone.
    os.register_at_fork(after_in_child=lambda: os.close(descriptor))
    worker = Worker(channel)
    threading.Thread(target=worker.read, daemon=True).start()
    worker.serve()
