"""What can be watched while Tinman works. Nothing is correct because of an event: they are for watching only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import Field

from tinman import clock
from tinman.frozen import frozen

EventName = Literal[
    "agent.started",
    "agent.paused",
    "agent.resumed",
    "agent.finished",
    "agent.failed",
    "cycle.started",
    "cycle.finished",
    "reconnaissance.started",
    "reconnaissance.finished",
    "phase.started",
    "phase.progressed",
    "phase.finished",
    "run.finished",
    "failure.discovered",
    "simulation.finished",
    "approval.requested",
    "approval.decided",
    "model.called",
    "model.retried",
    "model.limited",
    "loop.advanced",
]


@frozen
class Event:
    """Something that happened: a dotted past-tense name and its values."""

    name: EventName
    data: dict[str, Any] = Field(default_factory=dict)
    at: datetime = Field(default_factory=clock.now)


class EventBus:
    """Hands every event to every watcher. A watcher that lags loses events and is told how many; work never waits."""

    def __init__(self) -> None:
        self._watchers: list[MemoryObjectSendStream[Event]] = []
        self.dropped = 0

    @property
    def is_watched(self) -> bool:
        """Whether anybody would be told."""
        return bool(self._watchers)

    def publish(self, name: EventName, /, **data: Any) -> None:
        """Tell all watchers, without waiting for any."""
        if not self._watchers:
            return
        event = Event(name=name, data=data)
        for watcher in self._watchers:
            try:
                watcher.send_nowait(event)
            except anyio.WouldBlock:
                self.dropped += 1
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                continue

    @contextmanager
    def subscribe(self, buffer: int | None = 4096) -> Iterator[MemoryObjectReceiveStream[Event]]:
        """Yield a stream of the events published from now on; ``None`` never drops."""
        send, receive = anyio.create_memory_object_stream[Event](math.inf if buffer is None else buffer)
        self._watchers.append(send)
        try:
            yield receive
        finally:
            self._watchers.remove(send)
            send.close()
            receive.close()
