"""A cycle as one JSON document: the source of every other report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinman import __version__
from tinman.frozen import dump
from tinman.records import DiscoveredFailure, ExperimentDesign, ExperimentResult, to_data
from tinman.surface import sources

if TYPE_CHECKING:  # loads the store, and a listing of failures has no use for it
    from tinman.reports.result import ResearchCycleResult

SCHEMA = "tinman.cycle/1"


def document(result: ResearchCycleResult) -> dict[str, Any]:
    """Return everything a cycle found as plain data. Cases and runs are named by id; their text is in the store."""
    options = dump(result.options)
    return {
        "schema": SCHEMA,
        "tinman": __version__,
        "cycle_id": result.cycle_id,
        "started_at": result.started_at.isoformat(),
        "ended_at": result.ended_at.isoformat() if result.ended_at else None,
        "fingerprint": result.fingerprint,
        "mode": result.mode.value,
        "target": result.target,
        "reasoner": result.reasoner,
        "status": result.status,
        "stopped_reason": result.stopped_reason,
        "ended_as": result.ended_as,
        "resumable": result.resumable,
        "limits": options,
        "surface": sources(result.surface) if result.surface else None,
        "hypotheses": [to_data(h) for h in result.hypotheses],
        "experiments": [_experiment(d) for d in result.experiments],
        "results": [_result(r) for r in result.results],
        "failures": [failure_data(f) for f in result.failures],
        "interventions": [to_data(i) for i in result.interventions],
        "simulations": [to_data(s) for s in result.simulations],
        "scores": [dump(s) for s in result.scores],
        "usage": {
            "calls": result.usage.calls,
            "input_tokens": result.usage.input_tokens,
            "output_tokens": result.usage.output_tokens,
            "usd": result.usage.usd,
            "seconds": result.spent.seconds,
        },
        "answers": dump(result.spent.answers),
        "audit": dump(result.audit),
    }


def _experiment(design: ExperimentDesign) -> dict[str, Any]:
    data = to_data(design)
    for stage in ("test", "confirm", "proof", "measure"):
        data[f"{stage}_case_ids"] = [pair["stressed"]["scenario_id"] for pair in data.pop(f"{stage}_cases")]
    return data


def _result(result: ExperimentResult) -> dict[str, Any]:
    runs = result.runs
    data = to_data(result)
    data.pop("runs")
    data["confirm_case_ids"] = [pair["stressed"]["scenario_id"] for pair in data.pop("confirm_cases")]
    data["run_ids"] = [run.id for run in runs]
    data["indeterminate_reasons"] = sorted({run.reason for run in runs if run.verdict == "indeterminate"})
    return data


def failure_data(failure: DiscoveredFailure) -> dict[str, Any]:
    """Return a failure with the members reports promise: rate, interval, runs, verdict counts, scenario and run ids."""
    data = to_data(failure)
    scenarios = data.pop("scenarios")
    stress = failure.stress
    return {
        "schema": "tinman.failure/1",
        **data,
        "rate": failure.reproducibility,
        "runs": stress.n,
        "verdicts": {"failure": stress.failures, "ok": stress.oks, "indeterminate": stress.indeterminate},
        "scenario_ids": [pair["stressed"]["scenario_id"] for pair in scenarios],
        "transcript_ids": list(failure.run_ids),
    }
