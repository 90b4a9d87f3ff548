"""Whatever ends a command, a signal or a closed terminal, it says so, and what was stored can be gone on with."""

from __future__ import annotations

import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SLOW = "import time\ndef bot(text):\n    time.sleep(0.2)\n    return 'I do not know.'\n"
HANGING = "import time\ndef bot(text):\n    time.sleep(60)\n"
RESEARCH = [sys.executable, "-m", "tinman", "--db", "t.db", "research", "--target", "bot.py:bot"]


def until(held: Callable[[], bool], *, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def cycles(folder: Path) -> list[str]:
    if not (folder / "t.db").exists():
        return []
    with sqlite3.connect(folder / "t.db") as connection:
        try:
            return [status for (status,) in connection.execute("SELECT status FROM cycles")]
        except sqlite3.OperationalError:  # its tables are still being made
            return []


def has_runs(folder: Path) -> bool:
    with sqlite3.connect(folder / "t.db") as connection:
        try:
            return connection.execute("SELECT count(*) FROM nodes WHERE kind = 'run'").fetchone()[0] > 4
        except sqlite3.OperationalError:
            return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_ended_before_its_first_run_says_so_and_leaves_no_cycle(tmp_path: Path, number: int) -> None:
    (tmp_path / "bot.py").write_text(HANGING)
    process = subprocess.Popen(RESEARCH, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    until(lambda: cycles(tmp_path) == ["running"])
    process.send_signal(number)
    try:
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == (130 if number == signal.SIGINT else 143)
    assert err.rstrip().endswith("Stopped.")
    assert cycles(tmp_path) == []


def test_a_closed_terminal_ends_a_cycle_as_a_signal_does(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(SLOW)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        RESEARCH, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    until(lambda: (tmp_path / "t.db").exists() and has_runs(tmp_path))
    os.close(ours)
    process.send_signal(signal.SIGHUP)

    assert process.wait(timeout=60) == 143
    assert cycles(tmp_path) == ["paused"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_and_a_third_stop_at_once_and_kill_nothing(tmp_path: Path, number: int) -> None:
    (tmp_path / "bot.py").write_text(SLOW)
    process = subprocess.Popen(RESEARCH, cwd=tmp_path, stderr=subprocess.DEVNULL)
    until(lambda: (tmp_path / "t.db").exists() and has_runs(tmp_path))
    for _ in range(3):
        process.send_signal(number)
        time.sleep(0.03)

    assert process.wait(timeout=60) == 143
    assert cycles(tmp_path)[0] in {"paused", "failed", "cancelled"}


ENDED_IN_A_FINALIZER = """
import anyio, os, signal
from tinman.cli.signals import ENDINGS

class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):  # the handler runs in here, where no exception can leave
            pass

async def work():
    dying = Dying()
    del dying
    await anyio.sleep(20)

ENDINGS.listen()
try:
    anyio.run(work)
except KeyboardInterrupt:
    print("ended", ENDINGS.heard)
"""


def test_a_signal_that_comes_while_an_object_is_finalized_ends_the_command_too() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDED_IN_A_FINALIZER], capture_output=True, text=True, timeout=15)

    assert (ended.stdout, ended.stderr) == ("ended True\n", "")
