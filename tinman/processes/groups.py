"""Ending what a target started: every process of its session, even those in groups of their own."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def _session_of(status: bytes) -> int:
    """Return the session id in the text of ``/proc/PID/stat``; the name in it may hold any characters."""
    return int(status[status.rindex(b")") + 2 :].split()[3])


def members(session: int) -> list[int]:
    """Return the processes whose session is ``session``; empty where the system does not tell."""
    found: list[int] = []
    if not _PROC.is_dir():
        return [pid for pid in _listed() if _is_in(pid, session)]
    with suppress(OSError):
        for entry in os.scandir(_PROC):
            if entry.name.isdigit():
                with suppress(OSError, ValueError):
                    if _session_of((_PROC / entry.name / "stat").read_bytes()) == session:
                        found.append(int(entry.name))
    return found


def _listed() -> list[int]:
    """Return all processes by way of ``ps``, for systems without ``/proc``."""
    try:
        told = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return [int(word) for word in told.stdout.split() if word.isdigit()]


def _is_in(pid: int, session: int) -> bool:
    try:
        return os.getsid(pid) == session
    except OSError:
        return False


def kill_session(leader: int) -> None:
    """End the session that the process ``leader`` leads; one that is gone already is no error."""
    for pid in members(leader):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
