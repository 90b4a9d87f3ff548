"""The reports of a measurement: written whole or not at all, without secrets, bounded; and read back.

``tinkerloop.report.v1``, ``tinkerloop.failures.v1`` and ``tinkerloop.diagnosis.v1`` with their members; what is ours
stands beside them, and readers ignore what they do not know.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from tinman import clock
from tinman.config.settings import secret_values
from tinman.errors import DefinitionError
from tinman.frozen import dump
from tinman.harness.measurement import Measurement
from tinman.harness.redaction import Redactor
from tinman.harness.repeats import pass_at, pass_hat
from tinman.harness.results import ScenarioResult, Trials, plain_check, plain_result, reply_excerpt
from tinman.harness.selection import CONFIRM, stamped
from tinman.scenarios.files import write_text

REPORT, FAILURES, DIAGNOSIS = "tinkerloop.report.v1", "tinkerloop.failures.v1", "tinkerloop.diagnosis.v1"
SYMPTOMS = 5
MAX_REPORT = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def prepare(folder: Path, *, named: str = "report-dir") -> None:
    """Make sure that ``folder``, given as the option ``named``, can be written to. Raises ``DefinitionError``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DefinitionError(
            f"{named} {folder}: cannot be written: {error.strerror or error}; name another with --{named}"
        ) from error


def _trials_data(trials: Trials) -> dict[str, Any]:
    n, c = len(trials.runs), trials.successes
    interval = trials.interval
    return {
        "planned": trials.planned,
        "n": n,
        "passed": c,
        "flaky": trials.is_flaky,
        "pass_at_k": {str(k): round(pass_at(k, c, n), 6) for k in _ks(n)},
        "pass_hat_k": {str(k): round(pass_hat(k, c, n), 6) for k in _ks(n)},
        "pass_rate_interval": [round(interval.low, 6), round(interval.high, 6)],
        "interval_kind": "wilson" if n == trials.planned else "confidence sequence",
    }


def _ks(n: int) -> list[int]:
    return [k for k in (1, 2, 3, 5, 8, 10) if k < n] + [n]


def _result_data(trials: Trials) -> dict[str, Any]:
    data = {**plain_result(trials.shown), "digest": trials.digest, "tags": list(trials.tags)}
    if trials.planned > 1:
        data["repeats"] = {**_trials_data(trials), "runs": [plain_result(run) for run in trials.runs]}
    return data


def _failure(result: ScenarioResult) -> dict[str, Any]:
    return {
        "scenario_id": result.scenario_id,
        "description": result.description,
        "failed_turns": [
            {
                "turn_index": number,
                "user": turn.user,
                "assistant": turn.assistant,
                "failing_checks": [plain_check(check) for check in turn.checks if not check.passed],
                "tool_trace_count": len(turn.tool_traces),
            }
            for number, turn in result.failed_turns
        ],
    }


def _diagnosis(result: ScenarioResult) -> dict[str, Any]:
    details = [check.detail for _, turn in result.failed_turns for check in turn.checks if not check.passed]
    return {
        "scenario_id": result.scenario_id,
        "description": result.description,
        "primary_symptoms": list(dict.fromkeys(details))[:SYMPTOMS],
        "turns": [
            {
                "turn_index": number,
                "user": turn.user,
                "assistant_excerpt": reply_excerpt(turn.assistant),
                "failing_checks": [plain_check(check) for check in turn.checks if not check.passed],
                "tool_trace_count": len(turn.tool_traces),
            }
            for number, turn in result.failed_turns
        ],
    }


def _context(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the summaries repeat of the metadata."""
    context: dict[str, Any] = {}
    if isinstance(preflight := metadata.get("preflight"), dict) and "status" in preflight:
        context["preflight_status"] = preflight["status"]
    if isinstance(runtime := metadata.get("selected_runtime"), dict):
        context["selected_runtime"] = {name: runtime.get(name) for name in ("provider", "model")}
    return context


def summary_of(measurement: Measurement, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report's ``summary``."""
    failed = [trials for trials in measurement.trials if not trials.passed]
    summary: dict[str, Any] = {
        "scenario_total": len(measurement.trials),
        "scenario_passed": len(measurement.trials) - len(failed),
        "scenario_failed": len(failed),
        "failed_turn_total": sum(len(trials.shown.failed_turns) for trials in failed),
        "failed_scenario_ids": [trials.scenario_id for trials in failed],
        **_context(metadata),
    }
    flaky = [trials.scenario_id for trials in measurement.trials if trials.is_flaky]
    return {**summary, "flaky_scenario_ids": flaky} if flaky else summary


class Artifacts:
    """Where one command's reports go. ``prefix`` is ``confirm-`` for the acceptance measurement."""

    def __init__(self, folder: Path, *, prefix: str = "", redactor: Redactor | None = None) -> None:
        self.folder = folder
        self.prefix = prefix
        self._redactor = redactor or Redactor(secret_values())

    def _place(self, name: str) -> Path:
        return self.folder / f"{self.prefix}{name}"

    def write(self, measurement: Measurement, metadata: Mapping[str, Any]) -> Path:
        """Write report, failures and diagnosis; return the time-stamped report. Raises ``DefinitionError``."""
        return self._written(measurement, metadata, keeps_failures=False)

    def write_error(self, metadata: Mapping[str, Any]) -> Path:
        """Write what there is to say about an attempt that measured nothing.

        A failures file that is there already stays: what failed last has not been measured again.
        """
        return self._written(Measurement(), metadata, keeps_failures=True)

    def _written(self, measurement: Measurement, metadata: Mapping[str, Any], *, keeps_failures: bool) -> Path:
        told = self._redactor.data(dict(metadata))
        head = {"generated_at": int(clock.now().timestamp()), "metadata": told}
        failed = [trials.shown for trials in measurement.trials if not trials.passed]
        ids = [result.scenario_id for result in failed]
        status = metadata.get("confirmation_status")
        try:
            report = self._report(measurement, head, told, failed)
            short = {"failed_scenario_count": len(ids), "failed_scenario_ids": ids}
            failures = self._place("latest-failures.json")
            if not (keeps_failures and failures.exists()):
                self._dump(
                    failures,
                    {
                        "schema_version": FAILURES,
                        **head,
                        "summary": {**short, **_context(told)},
                        "failures": [self._redactor.data(_failure(result)) for result in failed],
                    },
                )
            with_status = {**short, **({"confirmation_status": status} if status else {}), **_context(told)}
            self._dump(
                self._place("latest-diagnosis.json"),
                {
                    "schema_version": DIAGNOSIS,
                    **head,
                    "confirmation_status": status,
                    "summary": with_status,
                    "diagnosis_items": [self._redactor.data(_diagnosis(result)) for result in failed],
                    "rerun": {"scenario_ids": ids, "hint": f"--failed-from {self.folder}"},
                },
            )
        except OSError as error:
            raise DefinitionError(f"report-dir {self.folder}: cannot be written: {error.strerror or error}") from error
        return report

    def _dump(self, place: Path, data: Any) -> None:
        write_text(place, json.dumps(data, ensure_ascii=False, indent=2) + "\n")

    def _report(
        self,
        measurement: Measurement,
        head: Mapping[str, Any],
        metadata: Mapping[str, Any],
        failed: list[ScenarioResult],
    ) -> Path:
        """Write the time-stamped report and ``latest.json``, result by result: it may be larger than memory allows."""
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".report.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                start = {"schema_version": REPORT, **head, "summary": summary_of(measurement, metadata)}
                file.write(json.dumps(start, ensure_ascii=False, indent=2)[:-1].rstrip())
                _list(file, "failures", (self._redactor.data(_failure(result)) for result in failed))
                _list(file, "results", (self._redactor.data(_result_data(trials)) for trials in measurement.trials))
                gate = {"gate_holds": measurement.gate_holds, "cut_short": measurement.cut_short}
                file.write(f',\n  "measurement": {json.dumps(gate)}\n}}\n')
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            named = self._stamp(name)
            copy = self.folder / f"{Path(name).name}.copy"
            shutil.copyfile(name, copy)
            os.replace(copy, self._place("latest.json"))
        finally:
            Path(name).unlink(missing_ok=True)
        return named

    def _stamp(self, name: str) -> Path:
        """Give the finished file a time-stamped name that no other report has; return it."""
        nanoseconds = (clock.now() - _EPOCH) // timedelta(microseconds=1) * 1000
        while True:
            place = self._place(f"tinkerloop-{nanoseconds}.json")
            try:
                os.link(name, place)
            except FileExistsError:
                nanoseconds += 1
            except OSError:
                # A file system without hard links.
                shutil.copyfile(name, place)
                return place
            else:
                return place


def _list(file: IO[str], name: str, items: Iterator[Any]) -> None:
    """Write one more member, a list, to an object that is still open."""
    file.write(f',\n  "{name}": [')
    is_first = True
    for item in items:
        text = json.dumps(item, ensure_ascii=False, indent=2, default=_plain)
        file.write(("\n" if is_first else ",\n") + text)
        is_first = False
    file.write("]")


def _plain(value: Any) -> Any:
    return dump(value) if hasattr(value, "__dataclass_fields__") else repr(value)


def read_artifact(place: Path) -> dict[str, Any]:
    """Return a report, failures or diagnosis file. Raises ``DefinitionError``; unknown members are left alone."""
    try:
        if place.stat().st_size > MAX_REPORT:
            raise DefinitionError(f"report {place}: more than {MAX_REPORT} bytes")
        data = json.loads(place.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DefinitionError(f"report {place}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"report {place}: not JSON: {error}") from error
    if not isinstance(data, dict):
        raise DefinitionError(f"report {place}: not an object")
    if data.get("schema_version") not in {REPORT, FAILURES, DIAGNOSIS}:
        raise DefinitionError(f"report {place}: schema_version {data.get('schema_version')!r} is none of a report's")
    for name in ("metadata", "summary"):
        if not isinstance(data.get(name), dict):
            raise DefinitionError(f"report {place}: {name} is missing")
    return data


def measured_reports(folder: Path, *, prefix: str = "", most: int = 50) -> Iterator[dict[str, Any]]:
    """Yield the reports in ``folder`` that measured something, the newest first; damaged ones are passed over."""
    for place in stamped(folder, prefix)[:most]:
        try:
            data = read_artifact(place)
        except DefinitionError:
            continue
        if isinstance(data.get("results"), list) and data["results"]:
            yield data


__all__ = ["CONFIRM", "Artifacts", "measured_reports", "prepare", "read_artifact", "summary_of"]
