"""A cycle killed with -9, again and again, ends as if nobody had touched it."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

LIMITS = ["--max-hypotheses", "5", "--max-experiments", "3", "--max-interventions", "2", "--seed", "4"]
VOLATILE = {"started_at", "duration_ms", "total_duration_ms", "avg_latency_impact"}
KINDS = ("hypothesis", "experiment", "run", "result", "failure_mode", "intervention", "simulation", "forecast")


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tinman.cli.main", "--display", "none", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def rows(folder: Path, query: str) -> list[Any]:
    place = folder / ".tinman" / "tinman.db"
    if not place.exists():
        return []
    with closing(sqlite3.connect(place, timeout=30)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


def journal_size(folder: Path) -> int:
    found = rows(folder, "SELECT count(*) FROM journal")
    return int(found[0][0]) if found else 0


def steady(value: Any) -> Any:
    """Return stored data without clock readings."""
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items() if name not in VOLATILE}
    return [steady(each) for each in value] if isinstance(value, list) else value


def story(folder: Path) -> dict[str, Any]:
    found = rows(folder, f"SELECT id, kind, data FROM nodes WHERE kind IN {KINDS}")
    return {identity: (kind, steady(json.loads(data))) for identity, kind, data in found}


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_ten_kills_lose_no_run_store_none_twice_and_change_no_finding(tmp_path: Path) -> None:
    """Killed at ten random moments and resumed, a cycle equals an undisturbed one of the same seed."""
    calm, disturbed = tmp_path / "calm", tmp_path / "disturbed"
    calm.mkdir()
    disturbed.mkdir()
    undisturbed = start(calm, "research", *LIMITS)
    assert undisturbed.communicate(timeout=120)[0] is not None
    assert undisturbed.returncode == 0
    total = journal_size(calm)
    dice = random.Random(11)
    moments = sorted(dice.sample(range(1, total - 1), 10))

    killed = 0
    for moment in moments:
        begun = bool(rows(disturbed, "SELECT id FROM cycles"))
        process = start(disturbed, *(["resume", "cyc-0001"] if begun else ["research", *LIMITS]))
        deadline = time.monotonic() + 60
        while process.poll() is None and journal_size(disturbed) < moment and time.monotonic() < deadline:
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
    last = start(disturbed, "resume", "cyc-0001")
    _, err = last.communicate(timeout=120)

    assert last.returncode == 0, err.decode()
    assert killed >= 8
    assert story(disturbed) == story(calm)
    steps = "SELECT key, inputs FROM journal WHERE cycle_id = 'cyc-0001' ORDER BY key"
    assert rows(disturbed, steps) == rows(calm, steps)
    used = rows(
        disturbed, "SELECT sum(coalesce(used_calls, calls)), sum(coalesce(used_tokens, tokens)) FROM budget_blocks"
    )
    assert used[0][0] <= 10_000
    assert used[0][1] <= 20_000_000


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_however_often_it_is_killed_a_cycle_never_spends_more_than_its_ceiling(tmp_path: Path) -> None:
    """With a ceiling that binds, and a target that counts for itself what really reached it."""
    (tmp_path / "bot.py").write_text(COUNTING_TARGET)
    research = ["research", "--target", "bot.py:answer", "--max-calls", "50", *LIMITS]
    dice = random.Random(5)
    codes: list[int] = []
    for _ in range(4):
        begun = bool(rows(tmp_path, "SELECT id FROM cycles"))
        before = journal_size(tmp_path)
        process = start(tmp_path, *(["resume", "cyc-0001"] if begun else research))
        deadline = time.monotonic() + 30
        wanted = before + dice.randint(1, 12)
        while process.poll() is None and journal_size(tmp_path) < wanted and time.monotonic() < deadline:
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        codes.append(process.returncode)
    last = start(tmp_path, "resume", "cyc-0001")
    last.communicate(timeout=120)
    used = rows(tmp_path, "SELECT sum(coalesce(used_calls, calls)) FROM budget_blocks")

    assert codes.count(-signal.SIGKILL) >= 2
    assert last.returncode == 4  # the ceiling stopped it
    assert 0 < len((tmp_path / "calls.log").read_bytes()) <= 50
    assert used[0][0] <= 50


COUNTING_TARGET = """
def answer(text: str) -> str:
    with open("calls.log", "ab", buffering=0) as log:
        log.write(b".")
    return "The answer is not known."
"""


def wait_for_runs(folder: Path, process: subprocess.Popen[bytes], count: int) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        found = rows(folder, "SELECT count(*) FROM nodes WHERE kind = 'run'")
        if found and found[0][0] >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"the cycle ended before {count} runs: {process.communicate()[1].decode()}")


SLOW_TARGET = """
import asyncio

async def answer(text: str) -> str:
    if text != "Reply with the word ready.":
        await asyncio.sleep({seconds})
    return "The answer is not known."
"""


@pytest.mark.slow
def test_the_first_interrupt_launches_nothing_more_and_prints_the_resume_command(tmp_path: Path) -> None:
    """One Ctrl-C: the exact command within a second, what is in flight ends and is stored, exit 130."""
    (tmp_path / "bot.py").write_text(SLOW_TARGET.format(seconds=0.3))
    process = start(tmp_path, "research", "--target", "bot.py:answer", "--concurrency", "2", "--seed", "1")
    wait_for_runs(tmp_path, process, 3)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    assert process.stderr is not None
    told = ""
    while "tinman resume cyc-0001" not in told:
        line = process.stderr.readline().decode()
        assert line, told
        told += line
    heard_after = time.monotonic() - asked
    stored = rows(tmp_path, "SELECT count(*) FROM nodes WHERE kind = 'run'")[0][0]
    process.communicate(timeout=20)
    after = rows(tmp_path, "SELECT count(*) FROM nodes WHERE kind = 'run'")[0][0]
    status = rows(tmp_path, "SELECT status FROM cycles")[0][0]

    assert heard_after < 1.0
    assert after - stored <= 2
    assert process.returncode == 130
    assert status == "paused"


@pytest.mark.slow
def test_the_second_interrupt_ends_at_once(tmp_path: Path) -> None:
    """Two Ctrl-C: over within a second, whatever hangs; SIGTERM first would exit 143."""
    (tmp_path / "bot.py").write_text(SLOW_TARGET.format(seconds="open('started', 'w').close() or 600"))
    process = start(tmp_path, "research", "--target", "bot.py:answer", "--concurrency", "2")
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    took = time.monotonic() - asked

    assert took < 1.0
    assert process.returncode == 130
    assert "tinman resume cyc-0001" in err.decode()


@pytest.mark.slow
def test_a_stopped_cycle_goes_on_where_it_was(tmp_path: Path) -> None:
    """SIGTERM exits 143; resume finishes the cycle and runs nothing again that is stored."""
    process = start(tmp_path, "research", *LIMITS)
    wait_for_runs(tmp_path, process, 20)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    before = {row[0]: row[1] for row in rows(tmp_path, "SELECT id, data FROM nodes WHERE kind = 'run'")}
    again = start(tmp_path, "resume", "cyc-0001")
    again.communicate(timeout=60)
    after = {row[0]: row[1] for row in rows(tmp_path, "SELECT id, data FROM nodes WHERE kind = 'run'")}

    assert process.returncode == 143
    assert again.returncode == 0
    assert len(after) > len(before) >= 20
    assert all(after[identity] == data for identity, data in before.items())
