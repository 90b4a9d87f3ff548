"""Whatever a scenario file or a report holds, it is read as it is meant or refused in one line that names the place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from harness_targets import written
from hypothesis import given
from hypothesis import strategies as st

from tinman.cli.main import main
from tinman.errors import DefinitionError
from tinman.harness.reports.artifacts import read_artifact
from tinman.harness.selection import failed_ids
from tinman.scenarios import load_scenarios
from tinman.scenarios.documents import read_document, to_yaml
from tinman.scenarios.files import read_file, read_scenario, write_scenario

GOOD: dict[str, Any] = {
    "schema_version": "tinman.scenario/1",
    "scenario_id": "s",
    "turns": [{"user": "Grüße, 你好 😀\nzweite Zeile", "checks": [{"type": "tool_used", "values": ["x"]}]}],
}
TEXT = json.dumps(GOOD, ensure_ascii=False, indent=1)
YAML = to_yaml(GOOD)


def refused(place: Path) -> str:
    """What is said of a file that is refused, by the reader and by the command line alike: one line."""
    with pytest.raises(DefinitionError) as caught:
        read_file(place)
    told = str(caught.value)
    assert "\n" not in told
    assert place.name in told
    assert len(told) < 600
    return told.partition(place.name)[2]


@pytest.mark.parametrize(
    "body",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-32"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace(" ", "\t").replace("Grüße,\t你好\t😀\\nzweite\tZeile", "Grüße, 你好 😀\\nzweite Zeile").encode(),
        json.dumps(GOOD).encode(),
    ],
    ids=["plain", "mark", "utf-16", "utf-16 unmarked", "utf-32", "CRLF", "tabs", "escapes"],
)
def test_what_editors_of_all_systems_write_is_read(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a.json").write_bytes(body)

    assert read_file(tmp_path / "a.json") == read_scenario(GOOD, source="here")


@pytest.mark.parametrize("body", [YAML.encode(), b"\xef\xbb\xbf" + YAML.encode(), YAML.replace("\n", "\r\n").encode()])
@pytest.mark.parametrize("name", ["a.yaml", "a.yml"])
def test_a_scenario_may_be_written_in_yaml(tmp_path: Path, body: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(body)

    assert load_scenarios(tmp_path) == [read_scenario(GOOD, source="here")]


def with_text(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("a.json", with_text('"values": [', '"values": ["y"], "values": ['), "'values' stands twice"),
        ("a.json", with_text('"values": [', '"values": ["y"], "values": ['), "at $.turns[0].checks[0]"),
        ("a.json", '{"turns": 1, "turns": 2}', "'turns' stands twice, keep one of them, at $"),
        ("a.json", '{"a": {"b": {"c": 1, "c": 1}}}', "at $.a.b"),
        ("a.json", '{"a": [[], [{"b": 0, "\\u0062": 1}]]}', "'b' stands twice, keep one of them, at $.a[1][0]"),
        ("a.json", json.dumps(GOOD).replace("zweite", "\\ud83d"), "half of a character"),
        ("a.json", json.dumps(GOOD).replace("zweite", "\\udc00\\ud83d"), "at $.turns[0].user"),
        ("a.json", '{"\\ud83d": 1}', "half of a character"),
        ("a.json", TEXT.encode("utf-16")[:-1], "not JSON: "),
        ("a.json", b"\xff\xfe\x00\xd8\x00\xd8", "not JSON: "),
        ("a.json", b'{"a": "\xe9"}', "not JSON: "),
        ("a.json", b'{"a": "\xed\xa0\x80"}', "not JSON: "),
        ("a.json", '{"a": NaN}', "nan is not a number in JSON, at $.a"),
        ("a.json", '{"a": [1, -Infinity]}', "at $.a[1]"),
        ("a.json", '{"a": 1e999}', "inf is not a number in JSON, at $.a"),
        ("a.json", f'{{"a": {"9" * 5000}}}', "not JSON: "),
        ("a.json", "[" * 300 + "]" * 300, "nested more than 200 deep"),
        ("a.json", '{"a":' * 100_000, "nested without end"),
        ("a.json", "", "not JSON: "),
        ("a.json", "{} {}", "not JSON: Extra data"),
        ("a.json", '{"a": "\x01"}', "not JSON: Invalid control character"),
        ("a.yaml", "a: 1\nb: {c: 1, c: 2}\n", "not YAML: found a key twice: "),
        ("a.yaml", "a: 1\na: 2\n", "line 2, column 1"),
        ("a.yaml", "a: 2001-01-01\n", "a date is no text, put it in quotes, at $.a"),
        ("a.yaml", "a: {1: b}\n", "the name 1 is no text, put it in quotes, at $.a"),
        ("a.yaml", "a: .nan\n", "nan is not a number in JSON, at $.a"),
        ("a.yaml", 'a: "\\ud83d"\n', "half of a character"),
        ("a.yaml", "a: !!python/object:os.system x\n", "could not determine a constructor"),
        ("a.yaml", "a:\tb\n", "not YAML: "),
        ("a.yaml", "a: [1\n", "not YAML: "),
        ("a.yaml", "--- 1\n--- 2\n", "another document"),
        ("a.yaml", "? [a]\n: 1\n", "is no text"),
        ("a.yaml", "a: \x01\n", "not YAML: "),
        ("a.yaml", "", "holds null"),
        ("a.yaml", "[" * 500, "nested without end"),
        ("a.yaml", "a: &a [*a]\n", "deep"),
        ("a.yaml", "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ), "more than 500000 values"),
    ],
    ids=lambda given: str(given)[:30],
)  # fmt: skip
def test_what_two_readers_could_read_differently_is_refused_by_name_and_place(
    tmp_path: Path, name: str, body: str | bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(body if isinstance(body, bytes) else body.encode())

    assert told in refused(tmp_path / name)


def test_what_is_no_file_or_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "lost.json").symlink_to(tmp_path / "nothing")
    (tmp_path / "round.json").symlink_to(tmp_path / "round.json")
    (tmp_path / "large.json").write_bytes(b" " * 20_000_001)
    (tmp_path / "large.yaml").write_bytes(b" " * 2_000_001)

    assert "is a folder" in refused(tmp_path / "folder.json")
    for name in ("pipe", "lost"):
        assert "is no file" in refused(tmp_path / f"{name}.json")
    assert refused(tmp_path / "round.json")
    assert "more than 20000000 bytes" in refused(tmp_path / "large.json")
    assert "more than 2000000 bytes" in refused(tmp_path / "large.yaml")
    with pytest.raises(DefinitionError, match="neither a file nor a folder"):
        load_scenarios(tmp_path / "pipe.json")


def test_every_wrong_file_of_a_folder_is_named_and_nothing_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = written(tmp_path, GOOD)
    os.mkfifo(place / "pipe.json")
    (place / "twice.json").write_text('{"a": 1, "a": 2}')
    (place / "half.yaml").write_text('a: "\\ud83d"\n')
    (place / "same.json").write_text(TEXT)
    seen = []
    for command in (
        ["scenarios", "validate", str(place)],
        ["scenarios", "list", str(place)],
        ["scenarios", "run", "--target", "sandbox", "--scenarios", str(place)],
    ):
        with pytest.raises(SystemExit) as ended:
            main(command)
        seen.append((ended.value.code, capsys.readouterr().err))

    for code, err in seen:
        assert code == 2
        assert all(f"{name}" in err for name in ("pipe.json", "twice.json", "half.yaml", "defined twice"))
        assert "internal error" not in err


def test_reports_are_read_as_strictly(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"summary": {"failed_scenario_ids": ["a"], "failed_scenario_ids": ["b"]}}')

    with pytest.raises(DefinitionError, match=r"'failed_scenario_ids' stands twice.*\$\.summary"):
        failed_ids(tmp_path / "r.json")
    with pytest.raises(DefinitionError, match="stands twice"):
        read_artifact(tmp_path / "r.json")


_TEXTS = st.text() | st.text("a \n:-#'\"{}[]&*!|>%@`\t\r\x85\u2028\ufeff01e.", max_size=12)
_ODD = st.sampled_from(["no", "null", "~", "1e3", "0o7", "2001-01-01", "<<", "- a", "a: b", "# x", "---", "a\n\nb\n"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS | _ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS | _ODD, inner, max_size=3),
    max_leaves=6,
)


@given(data=_JSON)
def test_what_is_written_as_yaml_reads_back_the_same(data: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.getbasetemp() / "back.yaml"
    place.write_text(to_yaml({"data": data}), encoding="utf-8", newline="")

    assert read_document(place, "back", 1_000_000) == {"data": data}


def test_a_scenario_is_written_as_yaml_where_its_name_ends_so(tmp_path: Path) -> None:
    scenario = read_scenario(GOOD, source="here")
    write_scenario(tmp_path / "a.yaml", scenario)

    assert read_file(tmp_path / "a.yaml") == scenario


@pytest.mark.parametrize("text", ["[target]\nspec = 'a'\nspec = 'b'\n", "[target]\n[target]\n"])
def test_a_name_twice_in_the_settings_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tinman.toml").write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["config", "show"])

    assert ended.value.code == 2
    assert "a name stands twice" in capsys.readouterr().err
