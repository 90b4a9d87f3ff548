"""Ends child processes: a leader, its group, and whatever else of its session left the group.

Signals go to the group at once, then to those members of the session that made groups of their own. A process that is
gone already, or that belongs to somebody else, is no error.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process

GRACE_SECONDS = 2.0
"""How long a session may take to end after TERM, before KILL."""
_PROC = Path("/proc")


class TooLong(Exception):
    """Raised when a process says more than is read of it."""


def _session_of(status: bytes) -> int:
    """Return the session id in the text of ``/proc/PID/stat``; the name in it may hold any characters."""
    return int(status[status.rindex(b")") + 2 :].split()[3])


def members(session: int) -> list[int]:
    """Return the processes whose session is ``session``; empty where the system does not tell."""
    found: list[int] = []
    if not _PROC.is_dir():
        return [pid for pid in _list_by_ps() if _is_in(pid, session)]
    with suppress(OSError):
        for entry in os.scandir(_PROC):
            if entry.name.isdigit():
                with suppress(OSError, ValueError):
                    if _session_of((_PROC / entry.name / "stat").read_bytes()) == session:
                        found.append(int(entry.name))
    return found


def _list_by_ps() -> list[int]:
    """Return all processes by way of ``ps``, for systems without ``/proc``."""
    try:
        listing = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return [int(word) for word in listing.stdout.split() if word.isdigit()]


def _is_in(pid: int, session: int) -> bool:
    try:
        return os.getsid(pid) == session
    except OSError:
        return False


def signal_session(leader: int, number: signal.Signals) -> None:
    """Send a signal, once, to each process of the group and of the session that the process ``leader`` leads."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
    for pid in members(leader):
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) != leader:
                os.kill(pid, number)


def kill_session(leader: int) -> None:
    """Kill the session, or at least the group, that the process ``leader`` leads."""
    signal_session(leader, signal.SIGKILL)


def end_session(process: subprocess.Popen[bytes], grace_seconds: float = GRACE_SECONDS) -> None:
    """End the session of ``process``: TERM and a grace while its leader runs, KILL. Returns when that is reaped."""
    if grace_seconds > 0 and process.poll() is None:
        signal_session(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
    kill_session(process.pid)
    process.wait()


async def talk(process: Process, given: bytes | None, *, most: int) -> tuple[bytes, bytes]:
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
            kill_session(process.pid)
    except* TooLong as several:
        raise several.exceptions[0] from None
    return bytes(read[0]), bytes(read[1])


async def close_session(process: Process, grace_seconds: float = GRACE_SECONDS) -> None:
    """Do what ``end_session`` does, in an event loop, and close the pipes; a cancellation waits until it is done."""
    with anyio.CancelScope(shield=True):
        if grace_seconds > 0 and process.returncode is None:
            signal_session(process.pid, signal.SIGTERM)
            with anyio.move_on_after(grace_seconds):
                await process.wait()
        kill_session(process.pid)
        await process.aclose()
