"""Synchronous functions awaited in daemon threads: one that hangs is abandoned and never delays the process's exit.

That is why ``anyio.to_thread`` does not do: its threads are joined when the interpreter ends. What a thread started and
has to end when its call is given up is registered in the ``CallScope`` of that call.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar, cast

from tinman.text.visible import words_of


class CallScope:
    """One call of a tool: what has to end when the call is given up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._endings: list[Callable[[], object]] = []
        self.is_aborted = False

    @contextmanager
    def ending(self, end: Callable[[], object]) -> Iterator[None]:
        """Have ``end`` called when the call is given up while the block runs, at once if it was already."""
        with self._lock:
            self._endings.append(end)
            is_late = self.is_aborted
        if is_late:
            end()
        try:
            yield
        finally:
            with self._lock:
                self._endings.remove(end)

    def abort(self) -> None:
        """End everything that was registered."""
        with self._lock:
            self.is_aborted = True
            endings = list(self._endings)
        for end in endings:
            end()


current_call: ContextVar[CallScope | None] = ContextVar("tinman_call", default=None)


T = TypeVar("T")
_IDLE_SECONDS = 5.0
_KEPT = 8
_idle: list[_Worker] = []  # appended to, popped and removed from, each at one stroke: no lock is needed


class Exited(RuntimeError):
    """Raised in the caller when a function tried to end the process or the task (``SystemExit`` and the like)."""


class OutOfTime(Exception):
    """Raised when the time for a wait is over."""


class _Job:
    """One call on its way through a thread."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self.value: Any = None
        self.error: BaseException | None = None
        self.is_late = False

    def run(self) -> None:
        """Do it, in the worker."""
        try:
            self.value = self._work()
        except BaseException as error:  # noqa: BLE001 - a thread's last resort: it is raised where it is awaited
            self.error = error

    def deliver(self) -> None:
        """Wake the waiter."""
        with suppress(RuntimeError):  # the event loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def give_up(self) -> None:
        """Wake the waiter before it is done; what comes out of it is dropped."""
        self.is_late = not self.done.done()
        self._wake()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # a forked process has none of its parent's threads


class _Worker(threading.Thread):
    """Runs one job after another; leaves after a while without any."""

    def __init__(self) -> None:
        super().__init__(name="tinman-loop-worker", daemon=True)
        self.jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()

    def run(self) -> None:
        """Run jobs until none comes for a while."""
        is_kept = True
        while is_kept:
            try:
                job = self.jobs.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with suppress(ValueError):  # it is taken: a job is on its way
                    _idle.remove(self)
                    return
                continue
            job.run()
            is_kept = len(_idle) < _KEPT
            if is_kept:  # before the waiter knows, who may have the next job ready
                _idle.append(self)
            job.deliver()
            del job


async def in_thread(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Return what ``function`` returns, or raise what it raises, run in a daemon thread with this context's variables.

    Cancelled, it leaves the thread to itself; whatever comes out of it is dropped.
    """
    return await in_thread_within(None, function, *args, **kwargs)


async def in_thread_within(seconds: float | None, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Do what ``in_thread`` does, for so many seconds at most. Raises ``OutOfTime`` and leaves the thread to itself.

    A plain timer: one anyio cancel scope costs as much as waking the thread.
    """
    job = _Job(partial(contextvars.copy_context().run, function, *args, **kwargs))
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
        worker.start()
    worker.jobs.put(job)
    timer = None if seconds is None else asyncio.get_running_loop().call_later(seconds, job.give_up)
    try:
        await job.done
    finally:
        if timer is not None:
            timer.cancel()
    if job.is_late:
        raise OutOfTime
    if job.error is None:
        return cast(T, job.value)
    if isinstance(job.error, Exception):
        raise job.error
    raise Exited(words_of(job.error)) from job.error


def wait_for_thread(work: Callable[[], T]) -> T:
    """Return what ``work`` returns, or raise what it raises, run in a daemon thread of its own; this thread waits."""
    outcome: Future[T] = Future()
    variables = contextvars.copy_context()

    def body() -> None:
        try:
            outcome.set_result(variables.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            outcome.set_exception(error)

    threading.Thread(target=body, name="tinman-loop-run", daemon=True).start()
    return outcome.result()


async def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Await an async function here, a synchronous one in a daemon thread; an awaitable it returns is awaited too."""
    if is_async(function):
        return await function(*args, **kwargs)
    value = await in_thread(function, *args, **kwargs)
    return await value if inspect.isawaitable(value) else value


async def settle(value: Awaitable[T]) -> T:
    """Await anything that can be awaited, where a coroutine is asked for."""
    return await value


def is_async(function: Callable[..., Any]) -> bool:
    """Say whether calling ``function`` gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object whose __call__ is a coroutine function
    )


def is_cancelled(error: BaseException) -> bool:
    """Say whether ``error`` is the cancellation of the task that runs, which has to go through.

    A ``CancelledError`` that nobody asked this task for is the doing of the code that raised it.
    """
    if not isinstance(error, asyncio.CancelledError):
        return False
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
