"""Knows which loop is running around the caller, so that a loop inside needs a share of its budget.

A context variable carries it to tasks and to our own threads. A loop made inside remembers where it was made, whichever
thread then runs it. Work that was handed to a thread pool is found by the future of it which a tool, observe or model
still holds. A loop both made and run in a thread that a tool started by itself, or handed to a pool and forgot, cannot
be seen.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from types import FrameType
from typing import Any, ParamSpec, TypeVar

from tinman.budget import Budget
from tinman.errors import NestedLoopError
from tinman.processes.threads import current_call

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(eq=False)
class Activity:
    """One run of a loop. ``is_over`` makes every mark of it void."""

    loop_id: str
    budget: Budget
    event_loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    thread_id: int = field(default_factory=threading.get_ident)
    is_over: bool = False
    threads: list[int] = field(default_factory=list)
    """The threads that run a tool, observe or model of it now."""


_running: list[Activity] = []  # appended to and removed from at one stroke each: no lock is needed
_inside: ContextVar[Activity | None] = ContextVar("tinman_loop", default=None)


def active() -> Activity | None:
    """Return the loop run this code is part of, or ``None``."""
    found = _inside.get()
    if found is None and _running:
        found = _find_behind_a_pool()
    return None if found is None or found.is_over else found


def in_its_thread(function: Callable[P, T]) -> Callable[P, T]:
    """Return ``function`` so that the thread which runs it is known to be the running loop's."""

    @wraps(function)
    def known(*args: P.args, **kwargs: P.kwargs) -> T:
        activity = _inside.get()
        if activity is None:
            return function(*args, **kwargs)
        own = threading.get_ident()
        activity.threads.append(own)
        try:
            return function(*args, **kwargs)
        finally:
            activity.threads.remove(own)

    return known


def _find_behind_a_pool() -> Activity | None:
    """Return the run whose code waits for the work of a thread pool that this thread does, if there is one.

    A pool's threads carry no context: what tells who handed them the work is who holds its future.
    """
    futures = [
        item.future
        for frame in _frames(sys._getframe())
        if (item := frame.f_locals.get("self")) is not None and type(item).__name__ == "_WorkItem"
    ]
    if not futures:
        return None
    stacks = sys._current_frames()
    for activity in tuple(_running):
        for frame in (frame for thread in tuple(activity.threads) for frame in _frames(stacks.get(thread))):
            held = list(frame.f_locals.values())
            held += [each for value in held if isinstance(value, list | tuple | set | dict) for each in list(value)]
            if any(each is future for each in held for future in futures):
                return activity
    return None


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


@contextmanager
def inside(activity: Activity) -> Iterator[None]:
    """Make ``activity`` the run that everything inside the block is part of."""
    token = _inside.set(activity)
    _running.append(activity)
    try:
        yield
    finally:
        activity.is_over = True
        _running.remove(activity)
        _inside.reset(token)


def run_beside(outer: Activity, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``work`` in the event loop of ``outer``, whose budget belongs to it, while this thread waits.

    Raises ``NestedLoopError`` in that event loop's own thread.
    """
    if threading.get_ident() == outer.thread_id:
        raise NestedLoopError("loop: run() would block the loop around it; write `await loop.arun()` here")
    future = asyncio.run_coroutine_threadsafe(work(), outer.event_loop)
    with ExitStack() as stack:
        if (scope := current_call.get()) is not None:
            stack.enter_context(scope.ending(future.cancel))
        return future.result()


def check(budget: Budget | None, *places: Activity | None) -> None:
    """Raise ``NestedLoopError`` when a run is going on around the caller (or in ``places``) and ``budget`` is no share
    of its budget."""
    for outer in (active(), *places):
        if outer is None or outer.is_over:
            continue
        if budget is None or not budget.draws_on(outer.budget):
            raise NestedLoopError(
                f"loop: started inside loop {outer.loop_id} without a share of its budget; give it "
                "budget=parent.carve(tokens=...)"
            )
