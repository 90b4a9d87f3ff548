"""``run_command``: a subprocess that ends in time with everything it started, and whose output is bounded."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import IO

from tinman import clock
from tinman.frozen import frozen
from tinman.processes.groups import GRACE_SECONDS, end_session, kill_session
from tinman.processes.threads import current_call

DRAIN_SECONDS = 0.5
"""How long a leader's children may hold its pipes open after it ended."""
MAX_OUTPUT_BYTES = 1_000_000


@frozen
class CommandResult:
    """What a command came to. ``code`` is negative for a signal; long output keeps its head and its tail."""

    code: int
    stdout: str
    stderr: str
    timed_out: bool = False


class _Reader(threading.Thread):
    """Reads a pipe to its end and keeps a bounded head and tail of it."""

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        super().__init__(name="tinman-loop-reader", daemon=True)
        self._pipe = pipe
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._lock = threading.Lock()

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
            self._dropped += extra

    def text(self) -> str:
        """Return what is kept, undecodable bytes replaced."""
        with self._lock:
            head, tail, dropped = bytes(self._head), bytes(self._tail), self._dropped
        if not dropped:
            return (head + tail).decode("utf-8", "replace")
        cut = f"\n[... {dropped} bytes left out ...]\n"
        return head.decode("utf-8", "replace") + cut + tail.decode("utf-8", "replace")


def run_command(
    cmd: list[str] | str,
    timeout_s: float = 120.0,
    cwd: str | os.PathLike[str] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    max_output_bytes: int = MAX_OUTPUT_BYTES,
    grace_s: float = GRACE_SECONDS,
) -> CommandResult:
    """Run a command (a list, or text for the shell) without standard input and return what came of it.

    After ``timeout_s``, or when the tool call around it is given up, its whole session gets TERM and, ``grace_s``
    later, KILL. Children that outlive the leader are ended as well. ``env`` replaces the environment. A program that
    is not there is code 127, one that may not be run 126.
    """
    try:
        process = subprocess.Popen(
            cmd,
            shell=isinstance(cmd, str),
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        return CommandResult(code=127, stdout="", stderr=f"not found: {error.filename}")
    except OSError as error:
        return CommandResult(code=126, stdout="", stderr=f"cannot be run: {error.strerror or error}")
    assert process.stdout is not None
    assert process.stderr is not None
    readers = (_Reader(process.stdout, max_output_bytes), _Reader(process.stderr, max_output_bytes))
    for reader in readers:
        reader.start()
    scope = current_call.get()
    timed_out = False
    with ExitStack() as stack:
        if scope is not None:
            stack.enter_context(scope.ending(partial(kill_session, process.pid)))
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
            end_session(process, grace_s)
        except BaseException:
            end_session(process, 0.0)
            raise
        _drain(process, readers)
    return CommandResult(
        code=process.returncode, stdout=readers[0].text(), stderr=readers[1].text(), timed_out=timed_out
    )


def _drain(process: subprocess.Popen[bytes], readers: tuple[_Reader, ...]) -> None:
    """Wait for the pipes' ends; whoever still holds them is killed, and they are left."""
    deadline = clock.monotonic() + DRAIN_SECONDS
    for reader in readers:
        reader.join(max(0.0, deadline - clock.monotonic()))
    kill_session(process.pid)
    for reader in readers:
        reader.join(DRAIN_SECONDS)
    for pipe, reader in zip((process.stdout, process.stderr), readers, strict=True):
        if pipe is not None and not reader.is_alive():
            pipe.close()
