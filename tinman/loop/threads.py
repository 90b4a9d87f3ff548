"""Synchronous functions awaited in daemon threads: one that hangs is abandoned and never delays the process's exit."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

T = TypeVar("T")
_IDLE_SECONDS = 5.0
_KEPT = 8
_idle: list[_Worker] = []
_lock = threading.Lock()


class Exited(RuntimeError):
    """Raised in the caller when a function tried to end the process or the task (``SystemExit`` and the like)."""


class _Worker(threading.Thread):
    """Runs one job after another; leaves after a while without any. ``is_shared`` keeps the nesting guard off it."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__(name="tinman-loop-worker", daemon=True)
        self.jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

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
            job()
            del job
            with _lock:
                if len(_idle) >= _KEPT:
                    return
                _idle.append(self)


def _start(job: Callable[[], None]) -> None:
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
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[T | None, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(outcome: tuple[T | None, BaseException | None]) -> None:
        if not future.done():
            future.set_result(outcome)

    def job() -> None:
        outcome: tuple[T | None, BaseException | None]
        try:
            outcome = context.run(function, *args, **kwargs), None
        except BaseException as error:  # noqa: BLE001 - a thread's last resort: it is raised where it is awaited
            outcome = None, error
        with suppress(RuntimeError):  # the event loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver, outcome)

    _start(job)
    value, error = await future
    if error is None:
        return cast(T, value)
    if isinstance(error, Exception):
        raise error
    raise Exited(f"{type(error).__name__}: {error}") from error


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
