"""An assistant as a Python function file: the same mind, in the worker process that Tinman loads the file into."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.planted.assistant import Assistant
from benchmarks.planted.mind import Entry
from benchmarks.planted.server import Bench

_FILE = '''"""{purpose}."""
import sys

sys.path.insert(0, {home!r})
from benchmarks.planted.function import answering
from benchmarks.planted.roster import ROSTER

_answer = answering([a for a in ROSTER if a.name == {name!r}][0], seed={seed}, log={log!r})


def answer(text: str, session: str = "") -> str:
    """Answer a user."""
    return _answer(text, session)
'''


def write_file(assistant: Assistant, folder: Path, *, seed: int) -> str:
    """Write the file into ``folder`` and return its spec; its log is ``log.jsonl`` beside it."""
    home = Path(__file__).resolve().parents[2]
    path = folder / f"{assistant.name.replace('-', '_')}.py"
    path.write_text(
        _FILE.format(
            purpose=assistant.purpose, home=str(home), name=assistant.name, seed=seed, log=str(folder / "log.jsonl")
        ),
        encoding="utf-8",
    )
    return f"{path}:answer"


def answering(assistant: Assistant, *, seed: int, log: str) -> Callable[[str, str], str]:
    """Return a function of text and session; each worker process has a bench, and appends to the same log."""
    bench = Bench.of([assistant], seed=seed)

    def answer(text: str, session: str) -> str:
        mind = bench.minds[assistant.name]
        before = len(mind.log)
        told, _, waited = bench.converse(assistant.name, session or str(os.getpid()), text)
        with Path(log).open("a", encoding="utf-8") as out:
            for entry in mind.log[before:]:
                out.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
        if waited:
            time.sleep(waited)
        return told

    return answer


def read_log(folder: Path) -> Iterator[Entry]:
    """Yield what the functions in ``folder`` logged."""
    path = folder / "log.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        told = json.loads(line)
        yield Entry(tuple(told["users"]), told["text"], tuple(told["calls"]), told["fired"], told["session"])
