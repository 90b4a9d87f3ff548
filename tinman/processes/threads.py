"""Synchronous functions awaited in daemon threads: one that hangs is abandoned and never delays the process's exit."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, cast

T = TypeVar("T")
_IDLE_SECONDS = 5.0
_KEPT = 8
_AT_ONCE_SECONDS = 0.0003
_MOST_DOUBLINGS = 6
_idle: list[_Worker] = []
_lock = threading.Lock()


class Exited(RuntimeError):
    """Raised in the caller when a function tried to end the process or the task (``SystemExit`` and the like)."""


class _Job:
    """One call on its way through a thread. Whoever comes second, worker or waiter, goes by what the first has left."""

    def __init__(self, work: Callable[[], Any], *, is_watched: bool) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._claim = threading.Lock()
        self._done = threading.Lock()
        self._done.acquire()
        if not is_watched:
            self._claim.acquire()
        self.future: asyncio.Future[None] = self._loop.create_future()
        self.value: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do it, in the worker."""
        try:
            self.value = self._work()
        except BaseException as error:  # noqa: BLE001 - a thread's last resort: it is raised where it is awaited
            self.error = error

    def deliver(self) -> None:
        """Tell the waiter, who is watching or waits for the future."""
        if self._claim.acquire(blocking=False):
            self._done.release()
        else:
            with suppress(RuntimeError):  # the event loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def is_done_at_once(self) -> bool:
        """Watch for a moment; if it is not done by then the future is to be awaited."""
        return self._done.acquire(timeout=_AT_ONCE_SECONDS) or not self._claim.acquire(blocking=False)


class _Patience:
    """Decides whether a job is watched for a moment before the event loop goes on without it.

    Most tools and observations are done in microseconds, and being woken through the selector costs more CPU than they
    do. Each miss doubles the number of jobs that are not watched, so that slow ones do not hold the event loop up.
    """

    def __init__(self) -> None:
        self._misses = 0
        self._unwatched = 0

    def is_ready(self) -> bool:
        """Say whether to watch the next job."""
        self._unwatched += 1
        if self._unwatched < 1 << min(self._misses, _MOST_DOUBLINGS):
            return False
        self._unwatched = 0
        return True

    def learn(self, *, was_done: bool) -> None:
        """Take in what came of watching."""
        self._misses = 0 if was_done else self._misses + 1


_patience = _Patience()


def _forget_workers() -> None:
    """A forked process has none of its parent's threads."""
    global _lock
    _lock = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


class _Worker(threading.Thread):
    """Runs one job after another; leaves after a while without any. ``is_shared`` keeps the nesting guard off it."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__(name="tinman-loop-worker", daemon=True)
        self.jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()

    def run(self) -> None:
        """Run jobs until none comes for a while."""
        while True:
            try:
                job = self.jobs.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with _lock:
                    if self in _idle:
                        _idle.remove(self)
                        return
                continue  # a job is on its way
            job.run()
            with _lock:  # before the waiter knows, who may have the next job ready
                is_kept = len(_idle) < _KEPT
                if is_kept:
                    _idle.append(self)
            job.deliver()
            del job
            if not is_kept:
                return


def _start(job: _Job) -> None:
    with _lock:
        worker = _idle.pop() if _idle else None
    if worker is None:
        worker = _Worker()
        worker.start()
    worker.jobs.put(job)


async def in_thread(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Return what ``function`` returns, or raise what it raises, run in a daemon thread with this context's variables.

    Cancelled, it leaves the thread to itself; whatever comes out of it is dropped.
    """
    is_watched = _patience.is_ready()
    job = _Job(partial(contextvars.copy_context().run, function, *args, **kwargs), is_watched=is_watched)
    _start(job)
    was_done = is_watched and job.is_done_at_once()
    if is_watched:
        _patience.learn(was_done=was_done)
    await (asyncio.sleep(0) if was_done else job.future)
    if job.error is None:
        return cast(T, job.value)
    if isinstance(job.error, Exception):
        raise job.error
    raise Exited(f"{type(job.error).__name__}: {job.error}") from job.error


async def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Await an async function here, a synchronous one in a daemon thread; an awaitable it returns is awaited too."""
    if is_async(function):
        return await function(*args, **kwargs)
    value = await in_thread(function, *args, **kwargs)
    return await value if inspect.isawaitable(value) else value


def is_async(function: Callable[..., Any]) -> bool:
    """Say whether calling ``function`` gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object whose __call__ is a coroutine function
    )
