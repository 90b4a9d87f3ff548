"""JUnit XML of a measurement: a case for each try of each scenario. Hostile text is made legal before it is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from tinman.harness.measurement import Measurement
from tinman.harness.redaction import Redactor, capped
from tinman.harness.results import ScenarioResult
from tinman.scenarios.scenario import Scenario
from tinman.text.visible import visible

MAX_BODY = 8_000
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """Return ``text`` with what XML 1.0 cannot hold, and what a reader could not see, spelled as ``<U+XXXX>``."""
    return _ILLEGAL.sub(lambda found: f"<U+{ord(found[0]):04X}>", visible(text))


class _Page:
    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def attribute(self, text: str) -> str:
        return quoteattr(legal(capped(self._redactor.text(text), 1_000)).replace("\n", " ").replace("\t", " "))

    def body(self, text: str) -> str:
        return escape(legal(capped(self._redactor.text(text), MAX_BODY)))


def _failing(result: ScenarioResult) -> list[str]:
    return [
        f"turn {number}: {check.type}: {check.detail}"
        for number, turn in result.failed_turns
        for check in turn.checks
        if not check.passed
    ]


def _case(result: ScenarioResult, name: str, page: _Page) -> list[str]:
    seconds = f"{result.duration_ms / 1000:.3f}"
    start = (
        f"    <testcase classname={page.attribute('scenarios')} name={page.attribute(name)} time={quoteattr(seconds)}"
    )
    if result.passed:
        return [f"{start}/>"]
    told = _failing(result)
    # What could not be measured is an error of the measurement, not a failure of the target.
    kind = "error" if result.verdict == "indeterminate" else "failure"
    said = "\n".join(f"user: {turn.user}\nassistant: {turn.assistant}" for _, turn in result.failed_turns)
    body = page.body("\n".join([*told, said]))
    message = page.attribute(told[0] if told else result.reason)
    return [f"{start}>", f'      <{kind} message={message} type="{kind}">{body}</{kind}>', "    </testcase>"]


def junit(measurement: Measurement, *, left_out: Sequence[Scenario] = (), redactor: Redactor) -> str:
    """Return the document. ``left_out`` are the destructive scenarios nobody asked for: skipped."""
    page = _Page(redactor)
    lines: list[str] = []
    runs = [(trials, run) for trials in measurement.trials for run in trials.runs]
    for trials, run in runs:
        name = run.scenario_id if trials.planned == 1 else f"{run.scenario_id} [{run.number}/{trials.planned}]"
        lines += _case(run, name, page)
    for scenario in left_out:
        lines += [
            f"    <testcase classname={page.attribute('scenarios')} name={page.attribute(scenario.scenario_id)} "
            'time="0.000">',
            '      <skipped message="destructive; --allow-destructive runs it"/>',
            "    </testcase>",
        ]
    errors = sum(1 for _, run in runs if not run.passed and run.verdict == "indeterminate")
    failures = sum(1 for _, run in runs if not run.passed) - errors
    seconds = sum(run.duration_ms for _, run in runs) / 1000
    return _document(
        lines, tests=len(runs) + len(left_out), failures=failures, errors=errors, skipped=len(left_out), seconds=seconds
    )


def junit_error(message: str, *, redactor: Redactor) -> str:
    """Return the document of an attempt that measured nothing."""
    page = _Page(redactor)
    lines = [
        f'    <testcase classname={page.attribute("scenarios")} name={page.attribute("measurement")} time="0.000">',
        f'      <error message={page.attribute(message)} type="error">{page.body(message)}</error>',
        "    </testcase>",
    ]
    return _document(lines, tests=1, failures=0, errors=1, skipped=0, seconds=0.0)


def _document(lines: list[str], *, tests: int, failures: int, errors: int, skipped: int, seconds: float) -> str:
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="{seconds:.3f}"'
    whole = f'tests="{tests}" failures="{failures}" errors="{errors}" time="{seconds:.3f}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="tinman scenarios" {whole}>',
            f'  <testsuite name="tinman scenarios" {counts}>',
            *lines,
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )
