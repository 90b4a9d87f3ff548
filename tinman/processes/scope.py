"""The call a thread is busy with, and what has to end when that call is given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


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
