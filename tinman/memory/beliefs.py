"""What earlier cycles make probable: a Beta posterior per failure class and stress type, decayed with time, and how far
each source of hypotheses can be believed.

Rebuilt from the forecasts that cycles leave in the graph, one light row per tested hypothesis. Beliefs and scores order
the screening and nothing else: no finding rests on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from tinman import clock, stats
from tinman.frozen import frozen
from tinman.records import ExperimentResult, Hypothesis, Source, Standing
from tinman.taxonomy import FailureClass

if TYPE_CHECKING:
    from tinman.memory.graph import MemoryGraph

HALF_LIFE_DAYS = 30.0
LEAST_SCORED = 20
LEAST_CHANCE = 1e-3
NEWEST = 2_000


@frozen
class Forecast:
    """What a hypothesis was given as a probability by its source, and what came of it.

    ``selection_chance`` is how probable it was that it got tested to the end; ``is_resolved`` says whether it was.
    """

    hypothesis_id: str
    source: Source
    forecast: float
    standing: Standing
    failure_class: FailureClass
    stress_type: str
    selection_chance: float = 1.0
    is_resolved: bool = True

    @property
    def outcome(self) -> bool | None:
        """True when confirmed, false when confirmed absent by futility, ``None`` while unresolved."""
        if not self.is_resolved or self.standing not in {"validated", "not_seen"}:
            return None
        return self.standing == "validated"


def forecast_of(hypothesis: Hypothesis, result: ExperimentResult) -> Forecast:
    """Return what was forecast about ``hypothesis``, and what came of it.

    A failure not seen resolves it only after the whole screen, or the pairs after which confirming is futile: fewer
    runs, as production makes, or as a ceiling leaves, say too little.
    """
    is_futile = result.screen.n >= stats.SCREEN_OKS or result.stress.n >= stats.FUTILE_AFTER
    return Forecast(
        hypothesis_id=hypothesis.id,
        source=hypothesis.source,
        forecast=hypothesis.confidence if hypothesis.source_forecast is None else hypothesis.source_forecast,
        standing=result.standing,
        failure_class=hypothesis.failure_class,
        stress_type=hypothesis.stress_type,
        selection_chance=result.selection_chance,
        is_resolved=result.standing == "validated" or (result.standing == "not_seen" and is_futile),
    )


@frozen
class Score:
    """How the forecasts of one source fared; ``total`` is all sources together.

    ``brier`` is the mean squared error of those resolved, weighted by how seldom such were tested; ``base_brier`` that
    of stating the base rate for each; both are ``None`` without one. Unresolved forecasts are counted, not scored.
    """

    source: Source | Literal["total"]
    resolved: int
    unresolved: int
    base_rate: float | None = None
    brier: float | None = None
    base_brier: float | None = None


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
    """Return the posterior after ``forecasts`` with their times; evidence halves every thirty days.

    Age counts in whole days: what happened today weighs the same, whichever second it was, so that a cycle run again
    today ranks its guesses as before.
    """
    found: dict[Kind, Belief] = {}
    for forecast, at in forecasts:
        if forecast.outcome is None:
            continue
        weight = 0.5 ** (max(0, (now - at).days) / HALF_LIFE_DAYS)
        kind = (forecast.failure_class, forecast.stress_type)
        before = found.get(kind, Belief())
        came, stayed = (weight, 0.0) if forecast.outcome else (0.0, weight)
        found[kind] = Belief(alpha=before.alpha + came, beta=before.beta + stayed)
    return found


def _score(source: Source | Literal["total"], forecasts: Sequence[Forecast]) -> Score:
    rows = [(f.forecast, f.outcome, max(f.selection_chance, LEAST_CHANCE)) for f in forecasts if f.outcome is not None]
    base = sum(o / pi for _, o, pi in rows) / sum(1 / pi for _, _, pi in rows) if rows else None
    return Score(
        source=source,
        resolved=len(rows),
        unresolved=len(forecasts) - len(rows),
        base_rate=base,
        brier=stats.brier(rows),
        base_brier=None if base is None else stats.brier([(base, o, pi) for _, o, pi in rows]),
    )


def scores(forecasts: Iterable[Forecast]) -> tuple[Score, ...]:
    """Return the score of each source there is, by name, and of all together last; nothing without forecasts."""
    by_source: dict[Source, list[Forecast]] = {}
    for forecast in forecasts:
        by_source.setdefault(forecast.source, []).append(forecast)
    everything = [forecast for each in by_source.values() for forecast in each]
    parts = [_score(source, by_source[source]) for source in sorted(by_source)]
    return (*parts, _score("total", everything)) if everything else ()


def calibrated(forecast: float, score: Score | None) -> float:
    """Return ``forecast`` as far as its source's score bears it out, the rest of the way its base rate.

    Untouched below twenty resolved forecasts. From there it is trusted by its skill, ``1 - brier / base_brier``, shrunk
    towards full trust by twenty forecasts' weight, so that a few bad ones do not silence a source; the base rate is
    shrunk by two forecasts, one of each outcome, so that nothing is ever held to be certain.
    """
    if score is None or score.resolved < LEAST_SCORED or score.brier is None or score.base_brier is None:
        return forecast
    n = score.resolved
    base_rate = (n * (score.base_rate or 0.0) + 1) / (n + 2)
    skill = max(0.0, 1 - score.brier / score.base_brier) if score.base_brier else float(score.brier == 0)
    trust = (n * skill + LEAST_SCORED) / (n + LEAST_SCORED)
    return base_rate + trust * (forecast - base_rate)


class AdaptiveMemory:
    """Reads the beliefs out of a graph. ``await load()`` before reading; a cycle loads once, at its start."""

    def __init__(self, graph: MemoryGraph) -> None:
        self._graph = graph
        self.beliefs: Mapping[Kind, Belief] = {}
        self.scores: Mapping[str, Score] = {}

    async def load(self) -> None:
        """Rebuild from the newest forecasts."""
        nodes = await self._graph.find(kind="forecast", limit=NEWEST, newest_first=True)
        read: list[Forecast] = [node.noted(Forecast) for node in nodes]
        self.scores = {score.source: score for score in scores(read)}
        self.beliefs = beliefs_from(zip(read, (node.created_at for node in nodes), strict=True), clock.now())

    def probability(self, failure_class: FailureClass, stress_type: str) -> float:
        """Return the probability that a hypothesis of this kind is true; one half when nothing is known."""
        return self.beliefs.get((failure_class, stress_type), Belief()).mean

    def calibrated(self, source: Source, forecast: float) -> float:
        """Return a source's forecast, corrected by how its earlier ones fared."""
        return calibrated(forecast, self.scores.get(source))
