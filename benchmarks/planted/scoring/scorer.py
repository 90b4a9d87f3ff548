"""Driving Tinman against the bench, and counting what it found."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.planted.assistant import Assistant, Surface
from benchmarks.planted.function import read_log, write_file
from benchmarks.planted.scoring.mapping import Log, failing_runs
from benchmarks.planted.server import Bench, serve
from tinman.errors import TinmanError
from tinman.options import ResearchOptions
from tinman.records import DiscoveredFailure
from tinman.reports.result import ResearchCycleResult
from tinman.targets.profile import TargetProfile
from tinman.tinman import create_tinman


@dataclass(frozen=True)
class Finding:
    """A finding, scored: the plants that fired in its failing runs; ``is_false`` when validated and none did."""

    label: str
    standing: str
    named_class: str
    named: str
    what: str
    plants: tuple[str, ...]
    failing_runs: int

    @property
    def is_validated(self) -> bool:
        """Whether it counts as found."""
        return self.standing == "validated"

    @property
    def is_false(self) -> bool:
        """Whether it accuses without cause."""
        return self.is_validated and not self.plants


@dataclass(frozen=True)
class Score:
    """One cycle against one assistant. ``fired`` are the plants that fired at all; ``error`` says why there is none."""

    assistant: Assistant
    surface: Surface
    seed: int
    findings: tuple[Finding, ...] = ()
    fired: tuple[str, ...] = ()
    calls: int = 0
    tokens: int = 0
    runs: int = 0
    seconds: float = 0.0
    error: str = ""

    def plants_with(self, standing: str) -> frozenset[str]:
        """Return the plants that findings of a standing found."""
        return frozenset(plant for f in self.findings if f.standing == standing for plant in f.plants)


@dataclass(frozen=True)
class Plan:
    """What is driven: ``is_told`` hands the profile over; ``more`` are further keywords of ``research_cycle``."""

    seeds: int = 1
    is_told: bool = False
    more: tuple[tuple[str, Any], ...] = ()


async def score_one(assistant: Assistant, *, seed: int, surface: Surface, plan: Plan) -> Score:
    """Run a cycle against one assistant, in a store and on a bench of their own. Never raises ``TinmanError``."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        async with serve(Bench.of([assistant], seed=seed)) as bench:
            root = write_file(assistant, Path(folder), seed=seed) if surface == "function" else bench.root
            profile = assistant.profile(root, surface=surface, is_told=plan.is_told)
            try:
                result = await _cycle(profile, Path(folder) / "store.db", seed, dict(plan.more))
            except TinmanError as error:
                return Score(assistant, surface, seed, seconds=time.monotonic() - began, error=str(error))
            entries = list(read_log(Path(folder))) if surface == "function" else bench.minds[assistant.name].log
            log = Log(entries)
            return Score(
                assistant,
                surface,
                seed,
                findings=tuple(_scored(result, failure, log) for failure in result.failures),
                fired=tuple(sorted({entry.fired for entry in entries if entry.fired})),
                calls=result.usage.calls,
                tokens=result.usage.input_tokens + result.usage.output_tokens,
                runs=sum(len(found.runs) for found in result.results),
                seconds=time.monotonic() - began,
            )


async def _cycle(profile: TargetProfile, store: Path, seed: int, more: dict[str, Any]) -> ResearchCycleResult:
    async with await create_tinman(target=profile, store=store) as tinman:
        return await tinman.research_cycle(max_interventions=0, seed=seed, **more)


def _scored(result: ResearchCycleResult, failure: DiscoveredFailure, log: Log) -> Finding:
    runs = failing_runs(result, failure)
    fired = {plant for run in runs for plant in log.fired_in(run)}
    subtype = next((f.subtype for f in result.results if f.experiment_id == failure.experiment_id), "")
    return Finding(
        failure.label,
        failure.standing,
        str(failure.primary_class),
        subtype or str(failure.secondary_class or ""),
        failure.description,
        tuple(sorted(fired)),
        len(runs),
    )


def is_offered(options: Iterable[str]) -> str:
    """Return the first of these keywords that ``ResearchOptions`` does not know; empty when it knows all."""

    return next((name for name in options if name not in ResearchOptions.__dataclass_fields__), "")


def surfaces_of(roster: Sequence[Assistant]) -> list[tuple[Assistant, Surface]]:
    """Return every assistant with each way to reach it."""
    return [(assistant, surface) for assistant in roster for surface in assistant.surfaces]
