"""What a loop does, as JSON lines with run, span and sequence ids, to a callback, and to the event bus."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import structlog

from tinman import clock
from tinman.errors import LoopStateError
from tinman.events import EventBus

_log = structlog.get_logger(__name__)


@dataclass
class Trace:
    """Writes every event live. A callback's errors are logged and change nothing; a file's are ``LoopStateError``.

    Every event has ``ts`` (seconds), ``kind``, ``run``, ``loop``, ``seq``, ``span`` and ``parent``. Spans nest: the
    run, its rounds, and in them each model call, action and approval. On the bus it is the data of ``loop.advanced``.
    """

    path: Path | None
    on_event: Callable[[dict[str, Any]], object] | None
    loop_id: str
    redact: Callable[[str], str]
    bus: EventBus | None
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    _file: IO[str] | None = None
    _spans: list[str] = field(default_factory=list)
    _seq: int = 0

    def open(self) -> None:
        """Open the file for appending. Raises ``LoopStateError``."""
        if self.path is None or self._file is not None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise self._explain_failure(error) from error

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # what could not be written was said when it was written
                file.close()

    def _explain_failure(self, error: OSError) -> LoopStateError:
        failure = LoopStateError(f"trace {self.path}: {error.strerror or error}; choose another trace_path")
        failure.is_state_whole = True
        return failure

    @contextmanager
    def span(self) -> Iterator[None]:
        """Give the events inside a span of their own, under the one around it; it gets an id once somebody is told."""
        self._spans.append("")
        try:
            yield
        finally:
            self._spans.pop()

    @property
    def is_on(self) -> bool:
        """Whether anybody reads or watches."""
        is_watched = self.bus is not None and self.bus.is_watched
        return is_watched or self.path is not None or self.on_event is not None

    def tell_of_round(self, kind: str, **fields: Any) -> None:
        """Write one event in the round's own span, whatever span it is told in."""
        inner, self._spans = self._spans[1:], self._spans[:1]
        try:
            self.tell(kind, **fields)
        finally:
            self._spans += inner

    def tell(self, kind: str, **fields: Any) -> None:
        """Write one event."""
        if not self.is_on:
            return
        self._seq += 1
        self._spans[:] = [span or secrets.token_hex(4) for span in self._spans]
        event: dict[str, Any] = {
            "ts": clock.now().timestamp(),
            "kind": kind,
            "run": self.run,
            "loop": self.loop_id,
            "seq": self._seq,
            "span": self._spans[-1] if self._spans else self.run,
            "parent": self._spans[-2] if len(self._spans) > 1 else (self.run if self._spans else ""),
            **{name: self._clean(value) for name, value in fields.items()},
        }
        if self._file is not None:
            try:
                self._file.write(json.dumps(event, ensure_ascii=True, default=str) + "\n")
                self._file.flush()
            except OSError as error:
                raise self._explain_failure(error) from error
        if self.on_event is not None:
            try:
                self.on_event(dict(event))
            except Exception as error:  # noqa: BLE001 - a watcher must not change what it watches
                _log.warning("loop.watcher_failed", error=f"{type(error).__name__}: {error}", kind=kind)

        if self.bus is not None:
            self.bus.publish("loop.advanced", **event)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list | tuple):
            return [self._clean(each) for each in value]
        return value
