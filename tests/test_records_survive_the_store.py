"""Record -> row -> record gives the same record, whatever is in it."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journals import a_hypothesis, a_run, opened

from tinman.frozen import dump
from tinman.memory.nodes import Batch, decode
from tinman.messages import Usage
from tinman.patches.kinds import Guardrail, ParameterTune, PromptPatch, ToolRestriction
from tinman.records import (
    Cause,
    Counts,
    DiscoveredFailure,
    ExperimentDesign,
    ExperimentResult,
    Hypothesis,
    Intervention,
    InterventionType,
    Paired,
    Record,
    Run,
    SimulationOutcome,
    SimulationResult,
    TurnRecord,
)
from tinman.scenarios.checks import CheckResult, ContainsAny, ToolTrace
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.stats import Interval
from tinman.targets.world import Document, World
from tinman.taxonomy import FailureClass, RiskTier, Severity

number = st.floats(allow_nan=False)
chance = st.floats(0, 1)
words = st.lists(st.text(), max_size=3).map(tuple)
count = st.integers(0, 10**12)
leaf = st.none() | st.booleans() | st.integers() | number | st.text()
anything = st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
free = st.dictionaries(st.text(), anything, max_size=3)
moment = st.datetimes(timezones=st.just(UTC))
ids = st.text("abcdef0123456789-", min_size=1, max_size=20)
interval = st.none() | st.builds(Interval, low=number, high=number)
counts = st.builds(Counts, failures=count, oks=count, indeterminate=count)
paired = st.builds(Paired, n=count, cured=count, broken=count)
failure_class = st.sampled_from(FailureClass)
turn = st.builds(
    TurnRecord,
    user=st.text(),
    assistant=st.text(),
    tool_traces=st.lists(st.builds(ToolTrace, tool_name=st.text(), arguments=free, raw_result=anything), max_size=2),
    checks=st.lists(st.builds(CheckResult, type=st.text(), passed=st.booleans(), detail=st.text()), max_size=2),
)
runs = st.builds(
    Run, id=ids, experiment_id=ids, run_number=count, stage=st.just("screen"), arm=st.just("control"), case=st.text(),
    base_task=st.text(), probe=st.text(), scenario_id=st.text(), scenario_digest=st.text(),
    verdict=st.just("indeterminate"), reason=st.text(), turns=st.lists(turn, max_size=2).map(tuple),
    seed=st.integers(), started_at=moment, patches=words,
    usage=st.builds(Usage, calls=count, nano_usd=st.none() | count),
)  # fmt: skip
scenario = st.builds(
    Scenario,
    scenario_id=st.just("s"),
    turns=st.just((Turn(user="hello", checks=(ContainsAny(values=("a", "b")),)),)),
    world=st.builds(World, documents=st.lists(st.builds(Document, name=st.text(), text=st.text()), max_size=2)),
    extensions=free,
)
pairs = st.lists(
    st.builds(
        ScenarioPair,
        case=st.text(),
        base_task=st.text(),
        probe=st.text(),
        stressed=scenario,
        control=st.none() | scenario,
    ),
    max_size=2,
).map(tuple)
matching = st.dictionaries(st.text(), st.text().map(re.escape))
patch = (
    st.builds(PromptPatch, text=st.text())
    | st.builds(
        Guardrail, direction=st.just("out"), patterns=words.map(lambda each: tuple(map(re.escape, each))), secrets=words
    )
    | st.builds(ParameterTune, params=free)
    | st.builds(
        ToolRestriction,
        allow=st.dictionaries(st.text(), matching, max_size=2),
    )
)
records: st.SearchStrategy[Record] = st.one_of(
    st.builds(Hypothesis, id=ids, label=st.text(), target_surface=st.text(), expected_failure=st.text(), evidence=words,
              failure_class=failure_class, confidence=chance, metadata=free),
    st.builds(ExperimentDesign, id=ids, hypothesis_id=ids, name=st.text(), stress_type=st.text(), parameters=free,
              test_cases=pairs, failure_class=failure_class, timeout_seconds=number),
    runs,
    st.builds(ExperimentResult, id=ids.map("result-{}".format), experiment_id=ids, hypothesis_id=ids,
              runs=st.lists(runs, max_size=3, unique_by=lambda run: run.id).map(tuple), standing=st.just("validated"),
              failure_class=failure_class, screen=counts, interval=interval, log_e=number),
    st.builds(DiscoveredFailure, id=ids, label=st.text(), primary_class=failure_class, description=st.text(),
              severity=st.sampled_from(Severity), experiment_id=ids, scenarios=pairs, interval=interval, run_ids=words,
              causal_analysis=st.none() | st.builds(Cause, root_cause=st.text(), basis=st.text()),
              trigger_signature=words),
    st.builds(Intervention, id=ids, failure_id=ids, intervention_type=st.sampled_from(InterventionType), name=st.text(),
              payload=patch, risk_tier=st.sampled_from(RiskTier),
              expected_gains=st.dictionaries(st.text(), number, max_size=2)),
    st.builds(SimulationResult, id=ids, intervention_id=ids, outcome=st.sampled_from(SimulationOutcome),
              basis=st.just("replay"), pick=st.none() | paired, paired=paired, p_value=st.none() | chance,
              net_cure=interval, benign=paired, reattack=counts),
)  # fmt: skip


def through_a_row(record: Record) -> Record | None:
    batch = Batch("cyc-0001")
    batch.record(record)
    row = batch.nodes[record.id]
    stored = {
        node_id: decode(node_id, "run", json.loads(node["data"]), {})
        for node_id, node in batch.nodes.items()
        if node["kind"] == "run" and node_id != record.id
    }
    return decode(row["id"], row["kind"], json.loads(row["data"], parse_constant=pytest.fail), stored)  # type: ignore[arg-type]


@given(records)
def test_a_record_comes_back_from_its_row_as_it_went_in(record: Record) -> None:
    again = through_a_row(record)

    assert again == record
    assert dump(again) == dump(record)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_is_kept(value: float) -> None:
    record = a_hypothesis()
    odd = Hypothesis(**{**dump(record), "metadata": {"bound": value, "said": 'Infinity, "NaN"'}})

    assert through_a_row(odd) == odd


def test_what_is_not_a_number_is_refused() -> None:
    odd = Hypothesis(**{**dump(a_hypothesis()), "metadata": {"bound": math.nan}})

    with pytest.raises(ValueError, match="NaN"):
        Batch("c").record(odd)


def test_half_a_character_in_free_data_is_kept() -> None:
    odd = Hypothesis(**{**dump(a_hypothesis()), "metadata": {"said": "\ud83d half"}})

    assert through_a_row(odd) == odd


@pytest.mark.parametrize("text", ["\x00", "☃ 𝄞 ي", "%_\\'\";--", "\u202e"])
async def test_odd_text_comes_back_from_the_database(tmp_path: Path, text: str) -> None:
    run: Any = a_run(text=text)
    async with opened(tmp_path) as graph:
        await graph.add(run)

        assert (await graph.get(run.id)).record == run
