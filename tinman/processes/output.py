"""What a process prints, read to its end and kept in part, so that no flood fills memory or disk."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import IO


class BoundedOutput(threading.Thread):
    """Reads a pipe to its end and keeps a bounded head and tail of it, ``limit`` bytes together."""

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        super().__init__(name="tinman-output", daemon=True)
        self._pipe = pipe
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self._lock = threading.Lock()
        self.dropped = 0
        """How many bytes between head and tail are not kept."""

    def run(self) -> None:
        """Read until the end, or until somebody closes the pipe."""
        with suppress(OSError, ValueError):
            while chunk := os.read(self._pipe.fileno(), 65_536):
                with self._lock:
                    self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        room = self._half - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        if (extra := len(self._tail) - self._half) > 0:
            del self._tail[:extra]
            self.dropped += extra

    def text(self) -> str:
        """Return what is kept, undecodable bytes replaced."""
        with self._lock:
            head, tail, dropped = bytes(self._head), bytes(self._tail), self.dropped
        if not dropped:
            return (head + tail).decode("utf-8", "replace")
        cut = f"\n[... {dropped} bytes left out ...]\n"
        return head.decode("utf-8", "replace") + cut + tail.decode("utf-8", "replace")
