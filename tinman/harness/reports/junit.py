"""JUnit XML of a measurement: a case for each try of each scenario. Hostile text is made legal before it is escaped."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from tinman.harness.measurement import Measurement
from tinman.harness.reports.redaction import Redactor, cap
from tinman.harness.results import ScenarioResult
from tinman.scenarios.scenario import Scenario
from tinman.text.visible import visible

MAX_BODY = 8_000
_NAME = "tinman scenarios"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """Return ``text`` with what XML 1.0 cannot hold, and what a reader could not see, spelled as ``<U+XXXX>``."""
    return _ILLEGAL.sub(lambda found: f"<U+{ord(found[0]):04X}>", visible(text))


class _Suite:
    """The cases of one document, counted as they are added."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._cases = ET.Element("testsuite", name=_NAME)
        self._milliseconds = 0

    def _shown(self, text: str, limit: int) -> str:
        return legal(cap(self._redactor.text(text), limit))

    def add(self, name: str, *, outcome: str = "", message: str = "", body: str = "", duration_ms: int = 0) -> None:
        """Add a case; ``outcome`` is the element that says what became of it, empty for one that passed."""
        self._milliseconds += duration_ms
        told = {"classname": "scenarios", "name": self._attribute(name), "time": f"{duration_ms / 1000:.3f}"}
        case = ET.SubElement(self._cases, "testcase", told)
        if outcome:
            found = ET.SubElement(case, outcome, {"message": self._attribute(message)})
            if outcome != "skipped":
                found.attrib["type"], found.text = outcome, self._shown(body, MAX_BODY)

    def _attribute(self, text: str) -> str:
        return self._shown(text, 1_000).replace("\n", " ").replace("\t", " ")

    def document(self) -> str:
        """Return the whole, its counts first."""
        totals = {"tests": str(len(self._cases))}
        for kind in ("failure", "error"):
            totals[f"{kind}s"] = str(len(self._cases.findall(f"*/{kind}")))
        seconds = f"{self._milliseconds / 1000:.3f}"
        root = ET.Element("testsuites", {"name": _NAME, **totals, "time": seconds})
        self._cases.attrib.update(totals, skipped=str(len(self._cases.findall("*/skipped"))), time=seconds)
        root.append(self._cases)
        ET.indent(root)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add(suite: _Suite, result: ScenarioResult, name: str) -> None:
    if result.passed:
        suite.add(name, duration_ms=result.duration_ms)
        return
    said = [f"user: {turn.user}\nassistant: {turn.assistant}" for _, turn in result.failed_turns]
    told = [f"turn {n}: {check.type}: {check.detail}" for n, turn in result.failed_turns for check in turn.failing]
    suite.add(
        name,
        # What could not be measured is an error of the measurement, not a failure of the target.
        outcome="error" if result.verdict == "indeterminate" else "failure",
        message=told[0] if told else result.reason,
        body="\n".join([*told, *said]),
        duration_ms=result.duration_ms,
    )


def junit(measurement: Measurement, *, left_out: Sequence[Scenario] = (), redactor: Redactor) -> str:
    """Return the document. ``left_out`` are the destructive scenarios nobody asked for: skipped."""
    suite = _Suite(redactor)
    for trials in measurement.trials:
        for run in trials.runs:
            try_of = "" if trials.planned == 1 else f" [{run.number}/{trials.planned}]"
            _add(suite, run, f"{run.scenario_id}{try_of}")
    for name in measurement.missing:
        suite.add(name, outcome="error", message="planned, and not measured", body="planned, and not measured")
    for scenario in left_out:
        suite.add(scenario.scenario_id, outcome="skipped", message="destructive; --allow-destructive runs it")
    return suite.document()


def junit_error(message: str, *, redactor: Redactor) -> str:
    """Return the document of an attempt that measured nothing."""
    suite = _Suite(redactor)
    suite.add("measurement", outcome="error", message=message, body=message)
    return suite.document()
