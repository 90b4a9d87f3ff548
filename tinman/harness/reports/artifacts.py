"""The reports of a measurement: written whole or not at all, without secrets, bounded; and read back.

``tinkerloop.report.v1``, ``tinkerloop.failures.v1`` and ``tinkerloop.diagnosis.v1`` with their members; what is ours
stands beside them, and readers ignore what they do not know.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from tinman import clock
from tinman.config.settings import secret_values
from tinman.errors import DefinitionError
from tinman.frozen import dump
from tinman.harness.measurement import Measurement
from tinman.harness.metadata import Metadata
from tinman.harness.repeats import pass_at, pass_hat
from tinman.harness.reports.redaction import Redactor
from tinman.harness.results import ScenarioResult, Trials, plain_check, plain_result
from tinman.harness.selection import MAX_REPORT, stamped
from tinman.scenarios.documents import read_document
from tinman.scenarios.files import report_unwritable, write_text
from tinman.scenarios.outcome import TurnRecord
from tinman.text.visible import shorten

REPORT, FAILURES, DIAGNOSIS = "tinkerloop.report.v1", "tinkerloop.failures.v1", "tinkerloop.diagnosis.v1"
SYMPTOMS = 5
EXCERPT = 240
NOTHING = Measurement()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def prepare(folder: Path, *, named: str = "report-dir") -> None:
    """Make sure that ``folder``, given as the option ``named``, can be written to. Raises ``DefinitionError``."""
    with report_unwritable(f"{named} {folder}", f"; name another with --{named}"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass


def _trials_data(trials: Trials) -> dict[str, Any]:
    n, c, interval = len(trials.runs), trials.successes, trials.interval
    ks = [k for k in (1, 2, 3, 5, 8, 10) if k < n] + [n]
    return {
        "planned": trials.planned,
        "n": n,
        "passed": c,
        "flaky": trials.is_flaky,
        "pass_at_k": {str(k): round(pass_at(k, c, n), 6) for k in ks},
        "pass_hat_k": {str(k): round(pass_hat(k, c, n), 6) for k in ks},
        "pass_rate_interval": [round(interval.low, 6), round(interval.high, 6)],
        "interval_kind": "wilson" if n == trials.planned else "confidence sequence",
    }


def _result_data(trials: Trials) -> dict[str, Any]:
    data = {**plain_result(trials.shown), "digest": trials.digest, "tags": list(trials.tags)}
    if trials.planned > 1:
        data["repeats"] = {**_trials_data(trials), "runs": [plain_result(run) for run in trials.runs]}
    return data


def _told(
    result: ScenarioResult, key: str, of_turn: Callable[[TurnRecord], dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """Return what is said of a failed scenario: ``more``, and under ``key`` its turns, with ``of_turn`` of each."""
    turns = [
        {
            "turn_index": number,
            "user": turn.user,
            **of_turn(turn),
            "failing_checks": [plain_check(check) for check in turn.failing],
            "tool_trace_count": len(turn.tool_traces),
        }
        for number, turn in result.failed_turns
    ]
    return {"scenario_id": result.scenario_id, "description": result.description, **more, key: turns}


def _failure(result: ScenarioResult) -> dict[str, Any]:
    return _told(result, "failed_turns", lambda turn: {"assistant": turn.assistant})


def _diagnosis(result: ScenarioResult) -> dict[str, Any]:
    details = dict.fromkeys(check.detail for _, turn in result.failed_turns for check in turn.failing)
    return _told(
        result,
        "turns",
        lambda turn: {"assistant_excerpt": shorten(turn.assistant, EXCERPT)},
        primary_symptoms=list(details)[:SYMPTOMS],
    )


def _summary(measurement: Measurement, context: Mapping[str, Any]) -> dict[str, Any]:
    failed = [trials for trials in measurement.trials if not trials.passed]
    flaky = [trials.scenario_id for trials in measurement.trials if trials.is_flaky]
    return {
        "scenario_total": len(measurement.trials),
        "scenario_passed": len(measurement.trials) - len(failed),
        "scenario_failed": len(failed),
        "failed_turn_total": sum(len(trials.shown.failed_turns) for trials in failed),
        "failed_scenario_ids": [trials.scenario_id for trials in failed],
        **context,
        **({"flaky_scenario_ids": flaky} if flaky else {}),
        **({"not_measured_scenario_ids": list(measurement.missing)} if measurement.missing else {}),
    }


class Artifacts:
    """Where one command's reports go. ``prefix`` is ``confirm-`` for the acceptance measurement."""

    def __init__(self, folder: Path, *, prefix: str = "", redactor: Redactor | None = None) -> None:
        self.folder = folder
        self.prefix = prefix
        self._redactor = redactor or Redactor(secret_values())

    def _place(self, name: str) -> Path:
        return self.folder / f"{self.prefix}{name}"

    def write(self, known: Metadata, measurement: Measurement = NOTHING) -> Path:
        """Write report, failures and diagnosis; return the time-stamped report. Raises ``DefinitionError``.

        When nothing was measured, a failures file that is there already stays: what failed last is as it was.
        """
        head = {"generated_at": int(clock.now().timestamp()), "metadata": self._redactor.data(known.data)}
        context = self._redactor.data(known.context)
        failed = [trials.shown for trials in measurement.trials if not trials.passed]
        ids = [result.scenario_id for result in failed]
        short = {"failed_scenario_count": len(ids), "failed_scenario_ids": ids}
        status = {"confirmation_status": known.confirmation_status}
        failures = self._place("latest-failures.json")
        with report_unwritable(f"report-dir {self.folder}"):
            report = self._report(measurement, head, context, failed)
            if measurement.trials or not failures.exists():
                told = [self._redactor.data(_failure(result)) for result in failed]
                summary = {**short, **context}
                self._dump(failures, {"schema_version": FAILURES, **head, "summary": summary, "failures": told})
            self._dump(
                self._place("latest-diagnosis.json"),
                {
                    "schema_version": DIAGNOSIS,
                    **head,
                    **status,
                    "summary": {**short, **status, **context},
                    "diagnosis_items": [self._redactor.data(_diagnosis(result)) for result in failed],
                    "rerun": {"scenario_ids": ids, "hint": f"--failed-from {self.folder}"},
                },
            )
        return report

    def _dump(self, place: Path, data: Any) -> None:
        write_text(place, json.dumps(data, ensure_ascii=False, indent=2) + "\n", mode=0o600)

    def _report(
        self,
        measurement: Measurement,
        head: Mapping[str, Any],
        context: Mapping[str, Any],
        failed: list[ScenarioResult],
    ) -> Path:
        """Write the time-stamped report and ``latest.json``, result by result: it may be larger than memory allows."""
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".report.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                start = {"schema_version": REPORT, **head, "summary": _summary(measurement, context)}
                file.write(json.dumps(start, ensure_ascii=False, indent=2)[:-1].rstrip())
                _list(file, "failures", (self._redactor.data(_failure(result)) for result in failed))
                _list(file, "results", (self._redactor.data(_result_data(trials)) for trials in measurement.trials))
                gate = {"gate_holds": measurement.gate_holds, "cut_short": measurement.cut_short}
                file.write(f',\n  "measurement": {json.dumps(gate)}\n}}\n')
                file.flush()
                os.fsync(file.fileno())
            named = self._stamp(name)
            copy = self.folder / f"{Path(name).name}.copy"
            shutil.copy(name, copy)
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
                continue
            except OSError:
                # A file system without hard links.
                shutil.copy(name, place)
            return place


def _list(file: IO[str], name: str, items: Iterator[Any]) -> None:
    """Write one more member, a list, to an object that is still open."""
    file.write(f',\n  "{name}": [')
    for number, item in enumerate(items):
        text = json.dumps(item, ensure_ascii=False, indent=2, default=_plain)
        file.write((",\n" if number else "\n") + text)
    file.write("]")


def _plain(value: Any) -> Any:
    return dump(value) if hasattr(value, "__dataclass_fields__") else repr(value)


def read_artifact(place: Path) -> dict[str, Any]:
    """Return a report, failures or diagnosis file. Raises ``DefinitionError``; unknown members are left alone."""
    data = read_document(place, f"report {place}", MAX_REPORT)
    if not isinstance(data, dict):
        raise DefinitionError(f"report {place}: not an object")
    if data.get("schema_version") not in {REPORT, FAILURES, DIAGNOSIS}:
        raise DefinitionError(f"report {place}: schema_version {data.get('schema_version')!r} is none of a report's")
    for name in ("metadata", "summary"):
        if not isinstance(data.get(name), dict):
            raise DefinitionError(f"report {place}: {name} is missing")
    return data


def measured_reports(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the last reports in ``folder`` that measured something, the newest first; damaged ones are passed over."""
    for place in stamped(folder, "")[:50]:
        try:
            data = read_artifact(place)
        except DefinitionError:
            continue
        if isinstance(data.get("results"), list) and data["results"]:
            yield data
