"""A cycle as a log of Inspect's (``.eval``): a zip of JSON that ``inspect view`` and Scout open. Each run is a sample.

Written by the standard library alone, in the form of version 2 of these logs (https://inspect.aisi.org.uk/eval-logs.html).
A run that decides nothing is a sample with an error, and has no score: it is neither right nor wrong.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tinman import __version__
from tinman.frozen import dump
from tinman.harness.reports.redaction import Redactor
from tinman.messages import Usage
from tinman.records import ExperimentDesign, Run
from tinman.reports.result import ResearchCycleResult
from tinman.scenarios.checks import CheckResult
from tinman.scenarios.scenario import Scenario
from tinman.targets.world import EMPTY_WORLD

VERSION = 2
SCORER = "verdict"
_RIGHT, _WRONG = "C", "I"
_STATUS = {"completed": "success", "running": "started", "paused": "started", "cancelled": "cancelled"}


def inspect_log(result: ResearchCycleResult, secrets: Iterable[str] = ()) -> bytes:
    """Return the log of a cycle, ``secrets`` and what looks like one taken out of it, long texts cut.

    The same cycle gives the same bytes.
    """
    clean = Redactor(secrets).data
    designs = {design.id: design for design in result.experiments}
    runs = [run for experiment in result.results for run in experiment.runs]
    known = _scenarios(result)
    samples = [
        clean(
            _sample(
                run,
                designs.get(run.experiment_id),
                known.get((run.scenario_id, run.scenario_digest)),
                result.target,
            )
        )
        for run in runs
    ]
    summaries = [_summary(sample) for sample in samples]
    spec, plan = clean(_spec(result, len(samples))), _plan()
    header = {
        "version": VERSION,
        "status": _STATUS.get(result.status, "error"),
        "eval": spec,
        "plan": plan,
        "results": _results(runs),
        "stats": {
            "started_at": _time(result.started_at),
            "completed_at": _time(result.ended_at) if result.ended_at else "",
            "model_usage": clean({result.target: _usage(result.usage)}),
        },
    }
    if header["status"] == "error":
        header["error"] = clean(_error(result.stopped_reason or f"the cycle is {result.status}"))
    files: list[tuple[str, Any]] = [("_journal/start.json", {"version": VERSION, "eval": spec, "plan": plan})]
    files += [(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", sample) for sample in samples]
    files += [("_journal/summaries/1.json", summaries), ("summaries.json", summaries), ("header.json", header)]
    return _zipped(files, result.started_at)


def _zipped(files: Iterable[tuple[str, Any]], made_at: datetime) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            about = zipfile.ZipInfo(name, date_time=made_at.timetuple()[:6])
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, json.dumps(data, allow_nan=False))
    return body.getvalue()


def _spec(result: ResearchCycleResult, samples: int) -> dict[str, Any]:
    return {
        "eval_id": result.cycle_id,
        "run_id": result.cycle_id,
        "created": _time(result.started_at),
        "task": "tinman",
        "task_id": result.cycle_id,
        "task_version": 0,
        "task_display_name": f"tinman {result.cycle_id}",
        "task_args": dump(result.options),
        "dataset": {"name": "probes", "samples": samples, "shuffled": False},
        "model": result.target,
        "config": {
            "epochs": 1,
            "token_limit": result.options.max_tokens,
            "time_limit": max(1, round(result.options.run_timeout_seconds)),
            "max_samples": result.options.concurrency,
            "fail_on_error": False,
        },
        "packages": {"tinman": __version__},
        "scorers": [{"name": SCORER, "metrics": [{"name": "accuracy"}]}],
        "tags": ["tinman", result.mode.value],
        "metadata": {
            "mode": result.mode.value,
            "reasoner": result.reasoner,
            "fingerprint": result.fingerprint,
            "status": result.status,
            "stopped_reason": result.stopped_reason,
            "failures": [
                {"label": f.label or f.id, "standing": f.standing, "severity": f.severity.value, "told": f.description}
                for f in result.failures
            ],
        },
    }


def _plan() -> dict[str, Any]:
    return {"name": "plan", "steps": [{"solver": "tinman", "params": {}}], "config": {}}


def _results(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the shares of runs that went well: of all that decide something, and of each arm."""
    decided = [run for run in runs if run.verdict != "indeterminate"]
    arms = {"accuracy": decided} | {
        f"{arm}_accuracy": [run for run in decided if run.arm == arm] for arm in ("stress", "control")
    }
    metrics = {
        name: {"name": name, "value": sum(run.verdict == "ok" for run in those) / len(those)}
        for name, those in arms.items()
        if those
    }
    score = {
        "name": SCORER,
        "scorer": SCORER,
        "scored_samples": len(decided),
        "unscored_samples": len(runs) - len(decided),
        "metrics": metrics,
    }
    return {"total_samples": len(runs), "completed_samples": len(decided), "scores": [score]}


def _scenarios(result: ResearchCycleResult) -> dict[tuple[str, str], Scenario]:
    """Return every scenario of the cycle's cases by its id and digest: two cases may share an id."""
    cases = [pair for r in result.results for pair in r.confirm_cases]
    for design in result.experiments:
        cases += [*design.test_cases, *design.confirm_cases, *design.proof_cases, *design.measure_cases]
    both = (scenario for pair in cases for scenario in (pair.stressed, pair.control) if scenario is not None)
    return {(scenario.scenario_id, scenario.digest): scenario for scenario in both}


def _sample(run: Run, design: ExperimentDesign | None, scenario: Scenario | None, target: str) -> dict[str, Any]:
    messages = list(_messages(run, scenario))
    last = run.turns[-1].assistant if run.turns else ""
    said = [turn.user for turn in run.turns if not turn.is_reference]
    usage = _usage(run.usage)
    sample: dict[str, Any] = {
        "id": run.id,
        "epoch": 1,
        "input": "\n\n".join(said) or (scenario.turns[0].user if scenario else ""),
        "target": f"not {design.subtype}" if design is not None and design.subtype else "no failure",
        "messages": messages,
        "output": {
            "model": target,
            "choices": [
                {
                    "message": {"role": "assistant", "content": last, "source": "generate", "model": target},
                    "stop_reason": "stop",
                }
            ]
            if run.turns
            else [],
            "usage": usage,
        },
        "scores": _scores(run),
        "metadata": _about(run, design, scenario),
        "model_usage": {target: usage},
        "started_at": _time(run.started_at),
        "completed_at": _time(run.started_at + timedelta(milliseconds=run.duration_ms)),
        "total_time": run.duration_ms / 1_000,
        "uuid": run.id,
    }
    if run.verdict == "indeterminate":
        sample["error"] = _error(run.reason or "nothing was decided")
    return sample


def _about(run: Run, design: ExperimentDesign | None, scenario: Scenario | None) -> dict[str, Any]:
    world = scenario.world if scenario is not None else EMPTY_WORLD
    return {
        "arm": run.arm,
        "stage": run.stage,
        "case": run.case,
        "base_task": run.base_task,
        "probe": run.probe,
        "scenario_id": run.scenario_id,
        "experiment": (design.label or design.id) if design is not None else run.experiment_id,
        "verdict": run.verdict,
        "seed": run.seed,
        "patches": list(run.patches),
        "acted": list(run.acted),
        "world": dump(world) if world != EMPTY_WORLD else {},
    }


def _messages(run: Run, scenario: Scenario | None) -> Iterator[dict[str, Any]]:
    """Yield the conversation; what was said in one apart, to compare with, is marked so."""
    if scenario is not None and scenario.world.system:
        yield {"id": f"{run.id}-system", "role": "system", "content": scenario.world.system, "source": "input"}
    for number, turn in enumerate(run.turns, 1):
        own = f"{run.id}-{number}"
        apart = {"metadata": {"conversation": "apart"}} if turn.is_reference else {}
        yield {"id": f"{own}-user", "role": "user", "content": turn.user, "source": "input", **apart}
        for at, trace in enumerate(turn.tool_traces, 1):
            call = f"{own}-call-{at}"
            asked: dict[str, Any] = {"id": call, "function": trace.tool_name, "arguments": trace.arguments}
            if trace.malformed is not None:
                asked["parse_error"] = trace.malformed
            told = {"role": "assistant", "content": "", "source": "generate", "tool_calls": [asked], **apart}
            yield {"id": f"{call}-asked", **told}
            answer = (
                trace.raw_result if isinstance(trace.raw_result, str) else json.dumps(trace.raw_result, default=str)
            )
            yield {
                "id": f"{call}-gave",
                "role": "tool",
                "content": answer,
                "tool_call_id": call,
                "function": trace.tool_name,
                **apart,
            }
        yield {"id": f"{own}-reply", "role": "assistant", "content": turn.assistant, "source": "generate", **apart}


def _scores(run: Run) -> dict[str, Any]:
    if run.verdict == "indeterminate":
        return {}
    checks = [check for turn in run.turns for check in turn.checks]
    return {
        SCORER: {
            "value": _RIGHT if run.verdict == "ok" else _WRONG,
            "answer": run.turns[-1].assistant if run.turns else "",
            "explanation": "\n".join(_told(check) for check in checks) or run.reason,
            "metadata": {"checks": [dump(check) for check in checks]},
        }
    }


def _told(check: CheckResult) -> str:
    state = "undecided" if check.undecided else "held" if check.passed else "broken"
    purpose = "" if check.purpose == "violation" else f" ({check.purpose})"
    return f"{check.name or check.type}{purpose} {state}: {check.detail}"


def _summary(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a list of samples shows of one."""
    names = ("id", "epoch", "input", "target", "model_usage", "started_at", "completed_at", "total_time", "uuid")
    plain = {name: value for name, value in sample["metadata"].items() if isinstance(value, str | int)}
    scores = {
        name: {part: value for part, value in score.items() if part != "metadata"}
        for name, score in sample["scores"].items()
    }
    summary = {name: sample[name] for name in names}
    summary |= {"metadata": plain, "scores": scores, "completed": True, "message_count": len(sample["messages"])}
    return summary | ({"error": sample["error"]["message"]} if "error" in sample else {})


def _usage(usage: Usage) -> dict[str, int]:
    total = usage.input_tokens + usage.output_tokens
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "total_tokens": total}


def _error(message: str) -> dict[str, str]:
    return {"message": message, "traceback": "", "traceback_ansi": ""}


def _time(moment: datetime) -> str:
    return moment.isoformat()
