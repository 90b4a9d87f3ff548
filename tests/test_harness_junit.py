"""JUnit XML holds a case for each try, tells failures from errors, and is well formed whatever the target says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from harness_targets import scenario
from hypothesis import given
from hypothesis import strategies as st

from tinman.clock import now
from tinman.harness.measurement import Measurement
from tinman.harness.reports.junit import junit, junit_error, legal
from tinman.harness.reports.redaction import Redactor
from tinman.harness.results import Trials, result_of
from tinman.scenarios.checks import CheckResult, ToolTrace
from tinman.scenarios.outcome import Outcome, TurnRecord

CLEAN = Redactor()


def trials(name: str, *verdicts: str, said: str = "text", detail: str = "detail") -> Trials:
    """Tries of one scenario that ended so."""
    one = scenario("hello", scenario_id=name)
    runs = []
    for number, verdict in enumerate(verdicts, 1):
        check = CheckResult(type="c", passed=verdict == "ok", detail=detail, undecided=verdict == "indeterminate")
        turn = TurnRecord(user="hello", assistant=said, checks=(check,), passed=verdict == "ok")
        outcome = Outcome(verdict=verdict, turns=(turn,), started_at=now(), duration_ms=1500)  # type: ignore[arg-type]
        runs.append(result_of(one, outcome, user="u", number=number))
    return Trials(scenario_id=name, digest="d", planned=len(verdicts), runs=tuple(runs))


def check_shape(text: str) -> ET.Element:
    """Hold the document against the usual schema of JUnit files: elements, attributes, and counts that add up."""
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    assert set(root.attrib) <= {"name", "tests", "failures", "errors", "time"}
    for suite in root:
        assert suite.tag == "testsuite"
        assert {"name", "tests", "failures", "errors", "skipped", "time"} == set(suite.attrib)
        kinds = {"failure": 0, "error": 0, "skipped": 0}
        for case in suite:
            assert case.tag == "testcase"
            assert {"classname", "name", "time"} == set(case.attrib)
            assert float(case.attrib["time"]) >= 0
            assert len(case) <= 1
            for inner in case:
                kinds[inner.tag] += 1
                assert "message" in inner.attrib
        assert int(suite.attrib["tests"]) == len(suite)
        assert int(suite.attrib["failures"]) == kinds["failure"]
        assert int(suite.attrib["errors"]) == kinds["error"]
        assert int(suite.attrib["skipped"]) == kinds["skipped"]
    return root


def test_each_try_is_a_case_and_what_could_not_be_measured_is_an_error() -> None:
    found = Measurement(trials=(trials("a", "ok"), trials("b", "ok", "failure", "indeterminate")))
    root = check_shape(junit(found, left_out=[scenario("x", scenario_id="sharp")], redactor=CLEAN))

    assert root.attrib == {"name": "tinman scenarios", "tests": "5", "failures": "1", "errors": "1", "time": "6.000"}
    assert [case.attrib["name"] for case in root[0]] == ["a", "b [1/3]", "b [2/3]", "b [3/3]", "sharp"]
    assert [[inner.tag for inner in case] for case in root[0]] == [[], [], ["failure"], ["error"], ["skipped"]]


def test_an_attempt_that_measured_nothing_is_one_error() -> None:
    root = check_shape(junit_error("adapter: there is no <file>", redactor=CLEAN))

    assert root[0][0][0].attrib["message"] == "adapter: there is no <file>"


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)), st.text(min_size=1).filter(str.strip))  # type: ignore[call-overload]
def test_any_text_makes_a_well_formed_document(said: str, detail: str, name: str) -> None:
    text = junit(Measurement(trials=(trials(name, "failure", said=said, detail=detail),)), redactor=CLEAN)

    check_shape(text.encode("utf-8").decode("utf-8"))


@pytest.mark.parametrize("text", ["\x00", "\x1b[2J", "\ufffe", "\ud800", "]]>", "\u202e"])
def test_characters_that_xml_or_eyes_cannot_hold_are_spelled_out(text: str) -> None:
    assert not any(character in legal(text) for character in text if character in "\x00\x1b\ufffe\ud800\u202e")
    check_shape(junit(Measurement(trials=(trials("a", "failure", said=text, detail=text),)), redactor=CLEAN))


def test_an_entity_bomb_in_a_reply_is_text() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>'
    root: Any = check_shape(junit(Measurement(trials=(trials("a", "failure", said=bomb),)), redactor=CLEAN))

    assert bomb in root[0][0][0].text


def test_secrets_and_length_are_looked_after() -> None:
    text = junit(
        Measurement(trials=(trials("a", "failure", said="my-secret-word " + "x" * 100_000),)),
        redactor=Redactor(["my-secret-word"]),
    )

    assert "my-secret-word" not in text
    assert len(text) < 20_000


def test_what_tools_were_given_and_answered_is_left_out() -> None:
    """A report of JSON redacts by the name of a member; in a text of tool calls that name would be lost."""
    hidden = ToolTrace(tool_name="login", arguments={"password": "hunter2"}, raw_result={"token": "abc123"})
    found = Measurement(trials=(trials("a", "failure"),))
    (run,) = found.trials[0].runs
    turn = replace(run.turns[0], tool_traces=(hidden,))
    found = Measurement(trials=(replace(found.trials[0], runs=(replace(run, turns=(turn,)),)),))

    text = junit(found, redactor=CLEAN)

    assert "user: hello\nassistant: text" in (check_shape(text)[0][0][0].text or "")
    assert "hunter2" not in text
    assert "abc123" not in text
