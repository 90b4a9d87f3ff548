"""What earlier cycles make probable: a Beta posterior per failure class and stress type, decayed with time.

Rebuilt from the forecasts that cycles leave in the graph, one light row per tested hypothesis. Beliefs order the
screening and nothing else: no finding rests on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from tinman import clock, stats
from tinman.frozen import adapter, frozen
from tinman.memory.graph import MemoryGraph
from tinman.records import Source, Standing
from tinman.taxonomy import FailureClass

HALF_LIFE_DAYS = 30.0
LEAST_SCORED = 20
NEWEST = 2_000


@frozen
class Forecast:
    """What a hypothesis was given as a probability, and what came of it. ``selection_chance`` is how probable it was
    that it got tested to the end."""

    hypothesis_id: str
    source: Source
    forecast: float
    standing: Standing
    failure_class: FailureClass
    stress_type: str
    selection_chance: float = 1.0

    @property
    def outcome(self) -> bool | None:
        """True when confirmed, false when confirmed absent by futility, ``None`` while unresolved."""
        if self.standing in {"validated", "observed"}:
            return True
        return False if self.standing == "not_seen" else None


@frozen
class Belief:
    """A Beta(``alpha``, ``beta``) on "a hypothesis of this kind is true"."""

    alpha: float = 1.0
    beta: float = 1.0

    @property
    def mean(self) -> float:
        """The probability."""
        return self.alpha / (self.alpha + self.beta)


Kind = tuple[FailureClass, str]


def beliefs_from(forecasts: Iterable[tuple[Forecast, datetime]], now: datetime) -> dict[Kind, Belief]:
    """Return the posterior after ``forecasts`` with their times; evidence halves every thirty days."""
    found: dict[Kind, Belief] = {}
    for forecast, at in forecasts:
        if forecast.outcome is None:
            continue
        weight = 0.5 ** (max(0.0, (now - at).total_seconds()) / 86_400 / HALF_LIFE_DAYS)
        kind = (forecast.failure_class, forecast.stress_type)
        before = found.get(kind, Belief())
        found[kind] = (
            Belief(alpha=before.alpha + weight, beta=before.beta)
            if forecast.outcome
            else Belief(alpha=before.alpha, beta=before.beta + weight)
        )
    return found


def scores(forecasts: Iterable[Forecast]) -> dict[str, tuple[float, float, int]]:
    """Return, per source with at least twenty resolved forecasts: Brier score, the base rate's own score, count."""
    resolved: dict[str, list[tuple[float, bool, float]]] = {}
    for f in forecasts:
        if f.outcome is not None:
            resolved.setdefault(f.source, []).append((f.forecast, f.outcome, max(f.selection_chance, 1e-3)))
    table: dict[str, tuple[float, float, int]] = {}
    for source, rows in resolved.items():
        if len(rows) >= LEAST_SCORED:
            base = sum(o for _, o, _ in rows) / len(rows)
            own, flat = stats.brier(rows), stats.brier([(base, o, pi) for _, o, pi in rows])
            if own is not None and flat is not None:
                table[source] = (own, flat, len(rows))
    return table


class AdaptiveMemory:
    """Reads the beliefs out of a graph. ``await load()`` before reading; a cycle loads once, at its start."""

    def __init__(self, graph: MemoryGraph) -> None:
        self._graph = graph
        self.beliefs: Mapping[Kind, Belief] = {}
        self.forecasts: tuple[Forecast, ...] = ()

    async def load(self) -> None:
        """Rebuild from the newest forecasts."""
        nodes = await self._graph.find(kind="forecast", limit=NEWEST, newest_first=True)
        read: list[Forecast] = [adapter(Forecast).validate_python(node.data) for node in nodes]
        self.forecasts = tuple(read)
        self.beliefs = beliefs_from(zip(read, (node.created_at for node in nodes), strict=True), clock.now())

    def probability(self, failure_class: FailureClass, stress_type: str) -> float:
        """Return the probability that a hypothesis of this kind is true; one half when nothing is known."""
        return self.beliefs.get((failure_class, stress_type), Belief()).mean
