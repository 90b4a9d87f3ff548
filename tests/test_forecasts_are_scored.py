"""What hypotheses forecast is resolved against what came of them, scored, shown, and heeded by the next cycle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinman.agents.base import AgentContext
from tinman.agents.hypothesis_engine import HypothesisEngine
from tinman.db.engine import Database
from tinman.frozen import dump
from tinman.memory.beliefs import AdaptiveMemory, Forecast, Score, calibrated, forecast_of, scores
from tinman.memory.graph import MemoryGraph
from tinman.records import Counts, ExperimentResult, Hypothesis, Standing
from tinman.reports.lines import summary
from tinman.taxonomy import FailureClass
from tinman.tinman import create_tinman

GUESS = Hypothesis(
    id="h",
    target_surface="s",
    expected_failure="x",
    failure_class=FailureClass.REASONING,
    stress_type="logical_chain",
    confidence=0.8,
)


def result(standing: Standing, *, screened: int = 6, pairs: int = 0) -> ExperimentResult:
    return ExperimentResult(
        id="r",
        experiment_id="e",
        hypothesis_id="h",
        standing=standing,
        screen=Counts(oks=screened),
        stress=Counts(oks=pairs),
        failure_class=FailureClass.REASONING,
    )


def forecast(probability: float, standing: Standing) -> Forecast:
    return forecast_of(replace(GUESS, confidence=probability), result(standing))


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (result("validated"), True),
        (result("not_seen"), False),
        (result("not_seen", screened=1, pairs=8), False),
        (result("not_seen", screened=3), None),
        (result("observed", screened=1, pairs=3), None),
        (result("suspected"), None),
        (result("unmeasurable"), None),
        (result("broken_probe"), None),
        (result("not_run", screened=0), None),
    ],
)
def test_only_what_was_confirmed_or_given_up_as_futile_is_resolved(
    ended: ExperimentResult, outcome: bool | None
) -> None:
    assert forecast_of(GUESS, ended).outcome is outcome


def test_unresolved_forecasts_are_counted_and_not_scored() -> None:
    seen = [forecast(0.9, "validated"), forecast(0.4, "not_seen"), forecast(0.1, "suspected")]
    source, total = scores(seen)

    assert (source.source, total.source) == ("taxonomy", "total")
    assert (total.resolved, total.unresolved) == (2, 1)
    assert total.brier == pytest.approx((0.01 + 0.16) / 2)
    assert total.base_brier == pytest.approx(0.25)
    assert scores([]) == ()
    assert scores([forecast(0.5, "suspected")])[-1].brier is None


async def test_a_cycle_says_how_many_forecasts_it_scored_and_how_well() -> None:
    tinman = await create_tinman(target="sandbox", store=":memory:")
    done = await tinman.research_cycle(max_hypotheses=6, max_experiments=3, max_interventions=0)
    await tinman.close()
    resolved = [r for r in done.results if r.standing in {"validated", "not_seen"}]
    total = done.scores[-1]
    (line,) = (line for line in summary(done) if line.startswith("  Forecasts"))

    assert 0 < total.resolved == len(resolved) < len(done.results)
    assert f"{total.resolved} scored, {len(done.results) - total.resolved} unresolved" in line
    assert total.brier is not None
    assert f"Brier {total.brier:.2f}" in line


def score(resolved: int, brier: float, base_brier: float = 0.25, base_rate: float = 0.5) -> Score:
    return Score(source="llm", resolved=resolved, unresolved=0, base_rate=base_rate, brier=brier, base_brier=base_brier)


@given(st.floats(0, 1), st.integers(20, 5_000), st.floats(0, 1), st.floats(0, 0.25), st.floats(0, 1))
def test_a_corrected_forecast_lies_between_itself_and_the_base_rate(
    own: float, resolved: int, brier: float, base_brier: float, base_rate: float
) -> None:
    got = calibrated(own, score(resolved, brier, base_brier, base_rate))
    shrunk = (resolved * base_rate + 1) / (resolved + 2)

    assert min(own, shrunk) - 1e-9 <= got <= max(own, shrunk) + 1e-9


def test_a_source_without_skill_is_believed_less_the_longer_it_shows_and_not_judged_on_nineteen() -> None:
    assert calibrated(0.9, None) == 0.9
    assert calibrated(0.9, score(19, 0.5)) == 0.9
    assert calibrated(0.9, score(20, 0.5)) == pytest.approx(0.7)
    assert calibrated(0.9, score(180, 0.5)) == pytest.approx(0.54)
    assert calibrated(0.9, score(180, 0.0)) == pytest.approx(0.9)


def test_a_source_that_was_always_wrong_is_drawn_to_what_always_happened() -> None:
    never = score(180, 0.25, base_brier=0.0, base_rate=0.0)

    assert 0 < calibrated(0.5, never) < 0.1
    assert calibrated(0.0, score(180, 0.0, base_brier=0.0, base_rate=0.0)) == 0.0


async def test_the_next_cycle_heeds_the_score_and_keeps_what_the_source_said(tmp_path: Path) -> None:
    """Twenty-four certain forecasts of the taxonomy, three in four of them wrong."""
    async with await Database.open(tmp_path / "t.db") as db:
        graph = MemoryGraph(db)
        unheeded = (await HypothesisEngine(graph, None, AdaptiveMemory(graph)).run(AgentContext())).output
        for number in range(24):
            each = forecast(0.95, "validated" if number % 4 == 0 else "not_seen")
            await graph.note("forecast", f"forecast-{number}", dump(each))
        heeded = (await HypothesisEngine(graph, None, AdaptiveMemory(graph)).run(AgentContext())).output

    guessed = [h for h in heeded if h.source == "taxonomy"]
    assert all(h.source_forecast is None for h in unheeded)
    assert guessed
    assert all(h.source_forecast == 0.5 and 0.25 < h.confidence < 0.5 for h in guessed)
    assert forecast_of(guessed[0], result("not_seen")).forecast == 0.5
