"""Scenario files: existing libraries load unchanged, every wrong one is one line that names the place, none is run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness_targets import scenario, written
from hypothesis import given
from hypothesis import strategies as st

from tinman.errors import DefinitionError
from tinman.scenarios import load_scenarios
from tinman.scenarios.files import SCHEMA, read_scenario, scenario_data, warnings_of, write_scenario
from tinman.scenarios.json_shape import check_schema, violation
from tinman.scenarios.schema import file_schema

GOOD = {"scenario_id": "c", "turns": [{"user": "hello"}]}


def read(data: Any) -> Any:
    return read_scenario(data, source="file.json")


def with_check(**check: Any) -> dict[str, Any]:
    return {"scenario_id": "c", "turns": [{"user": "x", "checks": [check]}]}


def test_what_the_format_leaves_out_gets_its_default() -> None:
    found = read(
        {"scenario_id": 7, "turns": [{"user": 5}, {"user": "  hello ", "checks": None}], "tags": [" a ", "", None]}
    )

    assert (found.scenario_id, found.description, found.tags, found.destructive) == ("7", "7", ("a",), False)
    assert [turn.user for turn in found.turns] == ["5", "hello"]
    assert [turn.checks for turn in found.turns] == [(), ()]
    assert read({**GOOD, "tags": None}).tags == ()


def test_the_text_of_our_own_files_is_said_as_it_is() -> None:
    ours = read({"schema_version": "tinman.scenario/1", "scenario_id": "c", "turns": [{"user": "  hello\n"}]})

    assert ours.turns[0].user == "  hello\n"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ([], "scenario file file.json: holds a list"),
        (None, "holds null"),
        ({"turns": [{"user": "x"}]}, "scenario file file.json: scenario_id is missing or blank"),
        ({"scenario_id": "  ", "turns": [{"user": "x"}]}, "scenario_id is missing or blank"),
        ({"scenario_id": 0, "turns": [{"user": "x"}]}, "scenario_id is missing or blank"),
        ({"scenario_id": True, "turns": [{"user": "x"}]}, "scenario_id is missing or blank"),
        ({"scenario_id": "c"}, "scenario 'c': turns are null"),
        ({"scenario_id": "c", "turns": {}}, "scenario 'c': turns are an object"),
        ({"scenario_id": "c", "turns": []}, "scenario 'c': there are no turns"),
        ({**GOOD, "tags": "a"}, "scenario 'c': tags are a text"),
        ({**GOOD, "tags": [{}]}, "scenario 'c' tag 1: is an object"),
        ({"scenario_id": "c", "turns": [{"user": "x"}, "y"]}, "scenario 'c' turn 2: is a text"),
        ({"scenario_id": "c", "turns": [{}]}, "scenario 'c' turn 1: user is missing, blank or no text"),
        ({"scenario_id": "c", "turns": [{"user": " \n"}]}, "scenario 'c' turn 1: user is missing, blank"),
        ({"scenario_id": "c", "turns": [{"user": ["x"]}]}, "scenario 'c' turn 1: user is missing, blank"),
        ({"scenario_id": "c", "turns": [{"user": "x", "checks": {}}]}, "scenario 'c' turn 1: checks are an object"),
        ({"scenario_id": "c", "turns": [{"user": "x", "checks": [1]}]}, "scenario 'c' turn 1 check 1: is a number"),
        (with_check(values=["x"]), "scenario 'c' turn 1 check 1: type is missing"),
        (with_check(type="nope"), "scenario 'c' turn 1 check 1: unknown check type 'nope'"),
        (with_check(type="tool_used", names=["x"]), "turn 1 check 1 (tool_used): unknown member 'names'"),
        (with_check(type="tool_used", values="Preview"), "(tool_used): values have to be a list of texts"),
        (with_check(type="tool_used", values=[1]), "(tool_used): values have to be a list of texts"),
        (with_check(type="tool_used", values=None), "(tool_used): values have to be a list of texts"),
        (with_check(type="tool_call_matches", tool=3), "(tool_call_matches): tool is a number"),
        (with_check(type="tool_call_matches", arguments=None), "(tool_call_matches): arguments are null"),
        (with_check(type="tool_call_count_at_most", max="two"), "(tool_call_count_at_most): max is 'two'"),
        (with_check(type="tool_call_count_at_most", max=[2]), "max is a list"),
        (with_check(type="tool_call_count_at_most", max=True), "max is a boolean"),
        (with_check(type="tool_call_count_at_most", max=-1), "it cannot be below 0"),
        (with_check(type="tool_call_count_at_most", value={}), "value is an object"),
        (with_check(type="tool_order", values=[]), "(tool_order): values:"),
        (with_check(type="tool_call_count_at_least", min="1"), "(tool_call_count_at_least): min:"),
        (with_check(type="tokens_at_most", max=5, more=1), "(tokens_at_most): more:"),
        ({**GOOD, "destructive": "false"}, "scenario 'c': destructive is a text"),
        ({**GOOD, "destructive": 0}, "scenario 'c': destructive is a number"),
        ({**GOOD, "description": []}, "scenario 'c': description is a list"),
        ({**GOOD, "repeat": 0}, "scenario 'c': repeat is 0"),
        ({**GOOD, "timeout_s": -1}, "scenario 'c': timeout_s is -1"),
        ({**GOOD, "timeout_s": "5"}, "scenario 'c': timeout_s is '5'"),
        ({**GOOD, "world": {"tool": []}}, "scenario 'c' world: tool:"),
        ({**GOOD, "schema_version": "tinman.scenario/2"}, "newer than this Tinman"),
        ({**GOOD, "schema_version": 1}, "schema_version is a number"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_the_place(data: Any, told: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(data)

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_read_in_the_order_of_its_names_and_not_below(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "sub/c.json", "d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({**GOOD, "scenario_id": name}))

    assert [found.scenario_id for found in load_scenarios(tmp_path)] == ["a.json", "b.json"]
    assert [found.scenario_id for found in load_scenarios(str(tmp_path / "b.json"))] == ["b.json"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "there is no *.json or *.yaml in"),
        ({"a.json": "{"}, "a.json: not JSON"),
        ({"a.json": "[" * 100_000}, "a.json: not JSON"),
        ({"a.json": json.dumps(GOOD), "b.json": json.dumps(GOOD)}, "scenario 'c': defined twice"),
        ({"a.json": json.dumps(GOOD), "b.json": "[]"}, "b.json: holds a list"),
    ],
)
def test_one_bad_file_stops_everything(tmp_path: Path, files: dict[str, str], told: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(DefinitionError) as caught:
        load_scenarios(tmp_path)
    assert told in str(caught.value)


def test_a_path_that_is_not_there_or_cannot_be_decoded_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'{"scenario_id": "\xe9"}')

    with pytest.raises(DefinitionError, match="there is nothing at"):
        load_scenarios(tmp_path / "none")
    with pytest.raises(DefinitionError, match="not JSON"):
        load_scenarios(tmp_path / "latin.json")


def test_what_nobody_reads_is_kept_and_warned_of() -> None:
    data = {"scenario_id": "c", "turns": [{"user": "x", "note": "n"}], "owner": "me"}
    found = read(data)

    assert scenario_data(found)["owner"] == "me"
    assert scenario_data(found)["turns"][0]["note"] == "n"
    told = warnings_of(found)
    assert any("'owner'" in line for line in told)
    assert any("turn 1: unknown member 'note'" in line for line in told)
    assert any("no turn has a check" in line for line in told)


TEXT = st.text(min_size=1, max_size=8).filter(lambda text: text.strip())
CHECKS = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["assistant_contains_all", "tool_used"]), "values": st.lists(TEXT)}),
    st.fixed_dictionaries({"type": st.just("tool_call_count_at_most"), "max": st.integers(0, 9)}),
    st.fixed_dictionaries(
        {"type": st.just("tool_call_matches"), "tool": TEXT, "arguments": st.dictionaries(TEXT, st.integers())}
    ),
)
FILES = st.fixed_dictionaries(
    {
        "scenario_id": TEXT,
        "turns": st.lists(
            st.fixed_dictionaries({"user": TEXT, "checks": st.lists(CHECKS, max_size=2)}), min_size=1, max_size=3
        ),
    },
    optional={
        "schema_version": st.just("tinman.scenario/1"),
        "description": TEXT,
        "tags": st.none() | st.lists(st.none() | TEXT, max_size=3),
        "destructive": st.booleans(),
        "repeat": st.integers(1, 9),
        "timeout_s": st.floats(0.1, 99),
        "world": st.fixed_dictionaries({}, optional={"system": TEXT, "memory": st.lists(TEXT, max_size=2)}),
        "owner": TEXT,
    },
)


@given(FILES)
def test_what_is_written_reads_back_the_same_and_fits_the_published_schema(data: dict[str, Any]) -> None:
    found = read(data)
    again = read(json.loads(json.dumps(scenario_data(found))))

    assert again == replace(found, schema_version=found.schema_version or SCHEMA)
    assert again.digest == found.digest


def test_the_published_schema_takes_the_good_and_refuses_the_wrong(tmp_path: Path) -> None:
    # The part of the schema that our own checker knows; the whole is held by jsonschema where that is installed.
    turn = file_schema()["properties"]["turns"]["items"]["properties"]["checks"]["items"]["anyOf"][0]
    check_schema(turn)

    assert violation(turn, {"type": "tool_used", "values": ["x"]}) == ""
    assert violation(turn, {"type": "tool_used", "values": "x"})
    assert violation(turn, {"type": "tool_used", "names": []})
    import jsonschema

    validator = jsonschema.Draft202012Validator(file_schema())
    validator.check_schema(file_schema())
    assert validator.is_valid(scenario_data(scenario(("x", {"type": "judged", "criterion": "kind"}))))
    assert not validator.is_valid(with_check(type="tool_used", values="x"))


def test_writing_a_file_is_all_or_nothing(tmp_path: Path) -> None:
    place = tmp_path / "new" / "s.json"
    write_scenario(place, scenario("hi"))
    before = place.read_text()
    (tmp_path / "file").write_text("")
    with pytest.raises(DefinitionError, match="cannot be written"):
        write_scenario(tmp_path / "file" / "s.json", scenario("other"))

    assert [each.name for each in place.parent.iterdir()] == ["s.json"]
    assert place.read_text() == before
    assert load_scenarios(place.parent)[0].turns[0].user == "hi"


def test_a_library_written_elsewhere_loads(tmp_path: Path) -> None:
    check = {"type": "tool_call_count_at_most", "values": [], "tool": None, "arguments": {}, "max": 2, "value": None}
    place = written(
        tmp_path, {"scenario_id": "full", "turns": [{"user": "x", "checks": [check]}], "destructive": False}
    )

    assert load_scenarios(place)[0].turns[0].checks[0].max == 2  # type: ignore[union-attr]
