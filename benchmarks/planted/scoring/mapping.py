"""Which planted failures a finding has found: the transcripts of its failing runs, held against the server's log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rapidfuzz import fuzz

from benchmarks.planted.mind import Entry
from tinman.records import DiscoveredFailure, Run
from tinman.reports.result import ResearchCycleResult

_LIKE = 60.0
_TEXT_SHOWN = 4_000


def _plain(text: str) -> str:
    return " ".join(text.split())


class Log:
    """The server's log, found again by what the user said last."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_text: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self._by_text[_plain(entry.users[-1] if entry.users else "")].append(entry)

    def fired_in(self, run: Run) -> frozenset[str]:
        """Return the plants that fired in a run."""
        fired: set[str] = set()
        for number, turn in enumerate(run.turns):
            entries = [e for e in self._of(turn.user) if len(e.users) == number + 1] or self._of(turn.user)
            called = {trace.tool_name for trace in turn.tool_traces}
            fired |= {e.fired for e in entries if e.fired and e.calls and called.issuperset(e.calls) and not e.text}
            spoken = [e for e in entries if not e.calls]
            same = [e for e in spoken if _plain(e.text) == _plain(turn.assistant)] or _closest(spoken, turn.assistant)
            fired |= {e.fired for e in same if e.fired}
        return frozenset(fired)

    def _of(self, user: str) -> list[Entry]:
        """Return the entries of what a user said; to a black box the documents were said in front of it."""
        found = self._by_text.get(_plain(user))
        if found is not None:
            return found
        wanted = _plain(user)
        return [
            e
            for text, entries in self._by_text.items()
            if text and wanted and (wanted in text or wanted.endswith(text))
            for e in entries
        ]


def _closest(entries: list[Entry], text: str) -> list[Entry]:
    """Return the entries that resemble a text most: what is secret was taken out of it before it was stored."""
    if not text:
        return []
    told = [(fuzz.ratio(_plain(e.text)[:_TEXT_SHOWN], _plain(text)[:_TEXT_SHOWN]), e) for e in entries]
    best = max((score for score, _ in told), default=0.0)
    return [e for score, e in told if score == best and best >= _LIKE]


def failing_runs(result: ResearchCycleResult, failure: DiscoveredFailure) -> tuple[Run, ...]:
    """Return the runs on which a finding rests."""
    runs = {run.id: run for found in result.results for run in found.runs}
    mine = [runs[i] for i in failure.run_ids if i in runs]
    mine = mine or [r for f in result.results if f.experiment_id == failure.experiment_id for r in f.runs]
    return tuple(run for run in mine if run.verdict == "failure")
