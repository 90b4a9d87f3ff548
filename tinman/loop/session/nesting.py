"""Knows which loop is running around the caller, in whatever thread, so that a loop inside needs a share of its budget.

A context variable carries it to tasks and to our own threads. Threads a tool starts by itself are marked when they
start: while a loop runs, ``Thread.start`` is watched, as tracers do it (Python has no hook that tells who starts a
thread before 3.12). A loop made inside remembers where it was made, whichever old thread then runs it.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tinman.budget import Budget
from tinman.errors import NestedLoopError


class Activity:
    """One run of a loop. ``is_over`` makes every mark of it void."""

    def __init__(self, loop_id: str, budget: Budget) -> None:
        self.loop_id = loop_id
        self.budget = budget
        self.event_loop = asyncio.get_running_loop()
        self.thread_id = threading.get_ident()
        self.is_over = False


_inside: ContextVar[Activity | None] = ContextVar("tinman_loop", default=None)
_marks: weakref.WeakKeyDictionary[threading.Thread, Activity] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_watchers = 0
_thread_start = threading.Thread.start


def active() -> Activity | None:
    """Return the loop run this code is part of, or ``None``."""
    for found in (_inside.get(), _marks.get(threading.current_thread())):
        if found is not None and not found.is_over:
            return found
    return None


def _start(thread: threading.Thread) -> None:
    """Stand in for ``Thread.start`` while a loop runs: note which run starts the thread, then start it."""
    if not getattr(thread, "is_shared", False):
        found = active()
        if found is not None:
            _marks[thread] = found
    _thread_start(thread)


@contextmanager
def _watching() -> Iterator[None]:
    """Notice threads that are started while the block runs. Whoever put something over it meanwhile keeps it."""
    global _watchers
    with _lock:
        _watchers += 1
        if threading.Thread.start is _thread_start:
            threading.Thread.start = _start  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        with _lock:
            _watchers -= 1
            if not _watchers and threading.Thread.start is _start:
                threading.Thread.start = _thread_start  # type: ignore[method-assign]


@contextmanager
def entered(activity: Activity) -> Iterator[None]:
    """Make ``activity`` the run that everything inside the block is part of."""
    token = _inside.set(activity)
    try:
        with _watching():
            yield
    finally:
        activity.is_over = True
        _inside.reset(token)


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
