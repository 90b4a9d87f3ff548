"""Where a loop's changes become durable: nowhere, a state file, or (``journal.py``) a database."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

import anyio

from tinman.errors import LoopStateError
from tinman.loop.result import LoopStatus
from tinman.loop.state import statefile
from tinman.loop.state.changes import Change
from tinman.loop.state.records import Intent, State
from tinman.processes.threads import in_thread

T = TypeVar("T")
Work = Callable[[], Awaitable[tuple[Change, T]]]
"""Work that comes to a change, and to something beside it that need not last."""


class Halted(Exception):
    """Raised when the runtime around a loop is asked to stop; its cause is what the runtime raised."""


class Store(Protocol):
    """Keeps one loop. ``path`` is the file it is kept in, if it is one."""

    path: str | None

    async def open(self, fresh: State | None) -> State:
        """Take the right to run the loop and return its state; ``fresh`` starts a new one.

        Raises ``LoopOwned`` while another run has it, ``LoopStateError`` when it is not there or cannot be trusted.
        """
        ...

    async def commit(self, change: Change, state: State) -> None:
        """Make ``change``, which led to ``state``, durable. Under cancellation it is written whole or not at all."""
        ...

    async def perform(self, work: Work[T], follow: Callable[[Change], State]) -> tuple[State, T]:
        """Do ``work``, make its change durable, and return the state that ``follow`` says it leads to, and the rest.

        Asked to stop meanwhile, a runtime lets the work end and stores it. When ``work`` raises nothing is stored.
        """
        ...

    async def once(self, intent: Intent, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do what ``intent``, which is committed, says: never twice, whatever kills the process.

        Returns what ``work`` returns, ``None`` when it was done by an earlier process.
        """
        ...

    async def has_happened(self, intent: Intent) -> bool | None:
        """Say whether what an intent without outcome says was done; ``None`` when only somebody who looks can tell."""
        ...

    async def settle(self, intent: Intent, *, happened: bool) -> None:
        """Note what somebody found out about an intent without outcome."""
        ...

    async def keep(self, text: str) -> str:
        """Keep a text that is too long for the state and return its name, the SHA-256 of it."""
        ...

    async def close(self) -> None:
        """Give the right back."""
        ...


def name_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _StateStore(ABC):
    """A store of states: what was done between two of them nobody wrote down."""

    path: str | None = None

    @abstractmethod
    async def commit(self, change: Change, state: State) -> None:
        """Keep the state that the change led to."""

    async def perform(self, work: Work[T], follow: Callable[[Change], State]) -> tuple[State, T]:
        """Do it, keep the state it led to."""
        change, beside = await work()
        state = follow(change)
        await self.commit(change, state)
        return state, beside

    async def once(self, intent: Intent, work: Callable[[], Awaitable[T]]) -> T:
        """Do it: the state holds the intent, and nobody else has the right to run the loop."""
        return await work()

    async def has_happened(self, intent: Intent) -> bool | None:
        """Return ``None``: the state says no more than the intent."""
        return None

    async def settle(self, intent: Intent, *, happened: bool) -> None:
        """The next commit says it."""
        return


class MemoryStore(_StateStore):
    """Keeps the state in this object, for a loop that is not to outlive its process."""

    def __init__(self) -> None:
        self._state: State | None = None
        self._texts: dict[str, str] = {}

    async def open(self, fresh: State | None) -> State:
        """Return what is here, or ``fresh``."""
        if self._state is None:
            self._state = fresh
        if self._state is None:
            raise LoopStateError("loop: there is no state to go on from")
        return self._state

    async def commit(self, change: Change, state: State) -> None:
        """Remember the state."""
        self._state = state

    async def keep(self, text: str) -> str:
        """Keep it here."""
        self._texts[name_of(text)] = text
        return name_of(text)

    async def close(self) -> None:
        """Nothing is held."""


class FileStore(_StateStore):
    """Keeps the state in a file, with a lock beside it; long texts in a folder beside it, by their SHA-256."""

    def __init__(self, path: Path, *, key: bytes | None = None) -> None:
        self.path = str(path)
        self._path = path
        self._key = key
        self._lock = statefile.Lock(path)

    async def open(self, fresh: State | None) -> State:
        """Take the lock and read the file. With ``fresh``, an unfinished loop that is there is moved aside first."""
        self._lock.take()
        try:
            if fresh is None:
                return await in_thread(State.load, self._path, key=self._key)
            if self._path.exists():
                await in_thread(self._move_aside)
            await self._write(fresh)
        except BaseException:
            self._lock.free()
            raise
        return fresh

    def _move_aside(self) -> None:
        try:
            there = State.load(self._path, key=self._key)
        except LoopStateError as error:
            raise LoopStateError(f"{error}; it is left as it is: move it away or choose another state_path") from error
        if there.ending is None or there.ending.status != LoopStatus.SUCCESS:
            self._path.rename(self._path.with_name(f"{self._path.name}.{there.loop_id}"))

    async def commit(self, change: Change, state: State) -> None:
        """Write the state that the change led to."""
        await self._write(state)

    async def _write(self, state: State) -> None:
        with anyio.CancelScope(shield=True):
            await in_thread(statefile.write, self._path, state, key=self._key)

    async def keep(self, text: str) -> str:
        """Write it to a file of its own, whole or not at all."""
        name = name_of(text)
        await in_thread(self._keep, name, text)
        return name

    def _keep(self, name: str, text: str) -> None:
        target = self._path.with_name(f"{self._path.name}.payloads") / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = target.with_suffix(".tmp")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "surrogatepass"))
            temporary.replace(target)
        except OSError as error:
            raise LoopStateError(f"payload {target}: cannot be written: {error.strerror or error}") from error

    async def close(self) -> None:
        """Free the lock."""
        self._lock.free()
