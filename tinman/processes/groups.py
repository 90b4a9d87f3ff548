"""Ends child processes: a leader, its group, and whatever else of its tree left the group.

Signals go to the group at once, then to those that made groups or sessions of their own: the members of the session,
what descends from the leader, and what bears the mark that the leader was given in its environment. A process that is
gone already, or that belongs to somebody else, is no error.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import anyio
from anyio.abc import ByteReceiveStream, Process

GRACE_SECONDS = 2.0
"""How long a session may take to end after TERM, before KILL."""
MARK = "_TINMAN_PROCESS"
"""The variable whose value tells the processes of one tree, also those that left its session."""
_MOST_ROUNDS = 10
_PROC = Path("/proc")


class TooLong(Exception):
    """Raised when a process says more than is read of it."""


class _Row(NamedTuple):
    parent: int
    group: int
    session: int
    is_running: bool


def _row_of(status: bytes) -> _Row:
    """Return what ``/proc/PID/stat`` says; the name in it may hold any characters."""
    state, parent, group, session, *_ = status[status.rindex(b")") + 2 :].split()
    return _Row(int(parent), int(group), int(session), state not in b"ZX")


def _list_processes() -> dict[int, _Row]:
    """Return the processes there are, by way of ``ps`` where there is no ``/proc``; empty when nobody tells."""
    found: dict[int, _Row] = {}
    if not _PROC.is_dir():
        return _list_by_ps()
    with suppress(OSError):
        for entry in os.scandir(_PROC):
            if entry.name.isdigit():
                with suppress(OSError, ValueError):
                    found[int(entry.name)] = _row_of((_PROC / entry.name / "stat").read_bytes())
    return found


def _list_by_ps() -> dict[int, _Row]:
    ask = ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="]
    found: dict[int, _Row] = {}
    try:
        listing = subprocess.run(ask, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return {}
    for line in listing.stdout.splitlines():
        with suppress(OSError, ValueError):
            pid, parent, group, state = line.split(maxsplit=3)
            found[int(pid)] = _Row(int(parent), int(group), os.getsid(int(pid)), not state.startswith("Z"))
    return found


def _bears(pid: int, mark: bytes) -> bool:
    """Say whether a process was started with ``mark`` in its environment; nobody tells that of another user's."""
    try:
        return mark in (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False


def family(leader: int, mark: str = "") -> list[int]:
    """Return the running processes of the tree that ``leader`` began, without ``leader`` itself.

    They are those of its session, what descends from it, and what bears ``mark`` in its environment wherever it went.
    """
    rows = _list_processes()
    found = {leader}
    before = 0
    while before != len(found):
        before = len(found)
        found |= {pid for pid, row in rows.items() if row.session == leader or row.parent in found}
    if mark:
        word = mark.encode()
        found |= {pid for pid in rows.keys() - found if _bears(pid, word)}
    return [pid for pid in found - {leader, os.getpid()} if pid in rows and rows[pid].is_running]


def marked(environment: Mapping[str, str] | None = None) -> tuple[dict[str, str], str]:
    """Return ``environment`` (this process's own without one) with a new mark for a child in it, and the mark.

    Marks of processes within processes add up, so that whoever ends the outer one finds the inner ones.
    """
    own = os.environ if environment is None else environment
    mark = f"{os.environ.get(MARK, '')}/{secrets.token_hex(8)}"
    return {**own, MARK: mark}, mark


def signal_session(leader: int, number: signal.Signals, mark: str = "") -> bool:
    """Send a signal, once, to each process of the group that ``leader`` leads and of the tree that it began.

    Return whether there was anybody but the leader.
    """
    others = family(leader, mark)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
    for pid in others:
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) != leader:
                os.kill(pid, number)
    return bool(others)


def kill_session(leader: int, mark: str = "") -> None:
    """Kill the tree that ``leader`` began: its group, its session, its descendants, and what bears ``mark``.

    A tree that grows while it is killed is looked at again, so often that only one that never ends to grow is left.
    """
    for _ in range(_MOST_ROUNDS):
        if not signal_session(leader, signal.SIGKILL, mark):
            return


def kill_marked(mark: str) -> None:
    """Kill whatever bears ``mark``: what is left of a tree whose leader somebody else has ended."""
    word = mark.encode()
    for _ in range(_MOST_ROUNDS):
        found = [pid for pid, row in _list_processes().items() if row.is_running and _bears(pid, word)]
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def end_session(process: subprocess.Popen[bytes], grace_seconds: float = GRACE_SECONDS, mark: str = "") -> None:
    """End the tree of ``process``: TERM and a grace while its leader runs, KILL. Returns when that is reaped."""
    if grace_seconds > 0 and process.poll() is None:
        signal_session(process.pid, signal.SIGTERM, mark)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
    kill_session(process.pid, mark)
    process.wait()


async def talk(process: Process, given: bytes | None, *, most: int, mark: str = "") -> tuple[bytes, bytes]:
    """Write ``given``, read what comes on both pipes (of a pipe that is not there nothing), wait for the end.

    Children of the process that hold its pipes open are killed. Raises ``TooLong`` for more than ``most`` bytes on one.
    """
    read = bytearray(), bytearray()

    async def drain(stream: ByteReceiveStream, into: bytearray) -> None:
        async for chunk in stream:
            into += chunk
            if len(into) > most:
                raise TooLong(f"more than {most} bytes")

    try:
        async with anyio.create_task_group() as group:
            for stream, into in zip((process.stdout, process.stderr), read, strict=True):
                if stream is not None:
                    group.start_soon(drain, stream, into)
            if process.stdin is not None and given is not None:
                with suppress(anyio.BrokenResourceError, BrokenPipeError, ConnectionResetError):
                    await process.stdin.send(given)
                await process.stdin.aclose()
            await process.wait()
            kill_session(process.pid, mark)
    except* TooLong as several:
        raise several.exceptions[0] from None
    return bytes(read[0]), bytes(read[1])


async def close_session(process: Process, grace_seconds: float = GRACE_SECONDS, mark: str = "") -> None:
    """Do what ``end_session`` does, in an event loop, and close the pipes; a cancellation waits until it is done."""
    with anyio.CancelScope(shield=True):
        if grace_seconds > 0 and process.returncode is None:
            signal_session(process.pid, signal.SIGTERM, mark)
            with anyio.move_on_after(grace_seconds):
                await process.wait()
        kill_session(process.pid, mark)
        await process.aclose()
