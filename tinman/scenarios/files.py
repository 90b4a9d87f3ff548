"""Scenario files: one object each, in JSON or YAML, read strictly and written so that they read back the same.

Files of the tinkerloop format load unchanged. Every problem is a ``DefinitionError`` of one line that names the
scenario (or the file, while there is no id), turn and check by their place from 1, and the offending thing; one bad
file stops everything before anything runs.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from tinman.errors import DefinitionError
from tinman.frozen import adapter, digest, dump
from tinman.scenarios import registry
from tinman.scenarios.checks import Check, FromElsewhere
from tinman.scenarios.documents import SUFFIXES, YAML_SUFFIXES, read_document, to_yaml
from tinman.scenarios.scenario import Scenario, Turn
from tinman.targets.world import EMPTY_WORLD, World
from tinman.text.invalid import first_error, read_as
from tinman.text.visible import shorten

T = TypeVar("T")
SCHEMA = "tinman.scenario/1"
MAX_BYTES = 20_000_000
REFERENCE_CHECKS = (
    "assistant_contains_all",
    "assistant_contains_any",
    "assistant_not_contains",
    "tool_used",
    "tool_call_count_at_most",
    "tool_call_matches",
)
_REFERENCE_MEMBERS = frozenset({"type", "values", "tool", "arguments", "max", "value"})
_FROM_ELSEWHERE = "from_elsewhere"
BUILT_IN_CHECKS: tuple[str, ...] = tuple(
    name for kind in get_args(get_args(Check)[0]) if (name := kind.type) != _FROM_ELSEWHERE
)
_KNOWN = frozenset(
    {"scenario_id", "description", "tags", "destructive", "turns", "schema_version", "provenance", "repeat"}
    | {"timeout_s", "simulator", "world", "control_of"}
)


def load_scenarios(path: str | Path) -> list[Scenario]:
    """Return the scenarios of a file, or of a folder's files in order of their names. Raises ``DefinitionError``.

    Sub-folders are not entered. Two scenarios with one id, and a folder without scenarios, are errors; every wrong file
    has a line of its own in the error's text.
    """
    found, problems = read_all(path)
    if problems:
        raise DefinitionError("\n".join(problems))
    return found


def read_all(path: str | Path) -> tuple[list[Scenario], list[str]]:
    """Return the scenarios that could be read, and a line for each file that is wrong. Raises ``DefinitionError``."""
    found: list[tuple[Scenario, str]] = []
    problems: list[str] = []
    for file in files_at(path):
        try:
            found.append((read_file(file), str(file)))
        except DefinitionError as error:
            problems.append(str(error))
    try:
        check_unique(found)
    except DefinitionError as error:
        problems.append(str(error))
    return [scenario for scenario, _ in found], problems


def files_at(path: str | Path) -> list[Path]:
    """Return the scenario files that ``path`` stands for. Raises ``DefinitionError`` when there is none."""
    place = Path(path).expanduser()
    if place.is_file():
        return [place]
    if not place.is_dir():
        what = "neither a file nor a folder is" if os.path.lexists(place) else "there is nothing"
        raise DefinitionError(f"scenarios: {what} at {place}; name a file or a folder of *.json or *.yaml")
    try:
        files = sorted((file for file in place.iterdir() if _is_named_so(file)), key=lambda file: file.name)
    except OSError as error:
        raise DefinitionError(f"scenarios: {place} cannot be read: {error.strerror or error}") from error
    if not files:
        raise DefinitionError(f"scenarios: there is no *.json or *.yaml in {place}; its sub-folders are not searched")
    return files


def _is_named_so(file: Path) -> bool:
    return file.suffix in SUFFIXES and not file.is_dir()


def check_unique(scenarios: Iterable[tuple[Scenario, str]]) -> None:
    """Raise ``DefinitionError`` when two scenarios share an id."""
    seen: dict[str, str] = {}
    for scenario, place in scenarios:
        if (first := seen.setdefault(scenario.scenario_id, place)) != place:
            raise DefinitionError(f"scenario {_named(scenario.scenario_id)}: defined twice, in {first} and {place}")


def read_file(file: Path) -> Scenario:
    """Return the scenario in ``file``. Raises ``DefinitionError``."""
    return read_scenario(read_document(file, f"scenario file {file}", MAX_BYTES), source=str(file))


@contextmanager
def report_unwritable(called: str, remedy: str = "") -> Iterator[None]:
    """Raise ``DefinitionError`` when what is written in the block, and ``called`` so, cannot be written."""
    try:
        yield
    except OSError as error:
        raise DefinitionError(f"{called}: cannot be written: {error.strerror or error}{remedy}") from error


def _named(text: str) -> str:
    return repr(shorten(text, 80))


_KINDS = {type(None): "null", dict: "an object", list: "a list", str: "a text", bool: "a boolean"}
_KINDS |= dict.fromkeys((int, float), "a number")


def _kind(value: Any) -> str:
    """Return what JSON calls the type of ``value``."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def _as(of: type[T], value: Any, called: str, wanted: str) -> T:
    """Return ``value`` if it is ``of`` this type; else raise ``DefinitionError`` of what is ``called`` so."""
    if not isinstance(value, of):
        raise DefinitionError(f"{called} {_kind(value)}; {wanted}")
    return value


def read_scenario(data: Any, *, source: str) -> Scenario:
    """Return the scenario that ``data`` (parsed JSON) describes. Raises ``DefinitionError``.

    The text of turns is trimmed unless the file has a ``schema_version``: white space can be the attack.
    """
    data = _as(dict, data, f"scenario file {source}: holds", "it has to be one object")
    given = data.get("scenario_id")
    if isinstance(given, bool) or not isinstance(given, str | int) or not given or not str(given).strip():
        raise DefinitionError(f"scenario file {source}: scenario_id is missing or blank; give it a text of its own")
    scenario_id = str(given).strip()
    here = f"scenario {_named(scenario_id)}"
    version = _as(str, data.get("schema_version", ""), f"{here}: schema_version is", "it has to be text")
    if version.startswith("tinman.scenario/") and version != SCHEMA:
        raise DefinitionError(f"{here}: schema_version {_named(version)} is newer than this Tinman; upgrade it")
    turns, strangers = _turns(data.get("turns"), here, trims="schema_version" not in data)
    unknown = {name: value for name, value in data.items() if name not in _KNOWN}
    try:
        return Scenario(
            scenario_id=scenario_id,
            description=_member(data, "description", str, "text", here) or scenario_id,
            tags=_tags(data.get("tags"), here),
            destructive=_as(
                bool, data.get("destructive", False), f"{here}: destructive is", "it has to be true or false"
            ),
            turns=turns,
            world=_world(data.get("world"), here),
            control_of=_member(data, "control_of", str, "text", here) or None,
            schema_version=version,
            provenance=_member(data, "provenance", dict, "an object", here),
            timeout_seconds=_positive(data, "timeout_s", here),
            repeat=_repeat(data, here),
            simulator=_member(data, "simulator", dict, "an object", here),
            extensions={**unknown, **({"turns": strangers} if strangers else {})},
        )
    except ValidationError as error:
        raise DefinitionError(f"{here}: {first_error(error)}") from error


def _member(data: Mapping[str, Any], name: str, of: type[T], told: str, here: str) -> T:
    """Return a member that is ``of`` this type, or empty when it is missing or null."""
    value = data.get(name)
    return of() if value is None else _as(of, value, f"{here}: {name} is", f"it has to be {told}")


def _positive(data: Mapping[str, Any], name: str, here: str) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise DefinitionError(f"{here}: {name} is {shorten(repr(value), 40)}; it has to be seconds above 0")
    return float(value)


def _repeat(data: Mapping[str, Any], here: str) -> int:
    value = data.get("repeat", 1)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000:
        raise DefinitionError(f"{here}: repeat is {shorten(repr(value), 40)}; it has to be a number from 1 to 10000")
    return value


def _tags(value: Any, here: str) -> tuple[str, ...]:
    tags = _as(list, [] if value is None else value, f"{here}: tags are", "they have to be a list of texts, or null")
    for number, tag in enumerate(tags, 1):
        if isinstance(tag, dict | list | bool):
            raise DefinitionError(f"{here} tag {number}: is {_kind(tag)}; it has to be text")
    return tuple(text for tag in tags if tag is not None and (text := str(tag).strip()))


def _world(value: Any, here: str) -> World:
    if value is None:
        return EMPTY_WORLD
    return read_as(World, value, lambda wrong: DefinitionError(f"{here} world: {wrong}"))


def _turns(value: Any, here: str, *, trims: bool) -> tuple[tuple[Turn, ...], dict[str, Any]]:
    """Return the turns, and what they say that we do not know, by their number."""
    if not _as(list, value, f"{here}: turns are", "they have to be a list of objects"):
        raise DefinitionError(f"{here}: there are no turns; it has to have one at least")
    turns: list[Turn] = []
    strangers: dict[str, Any] = {}
    for number, item in enumerate(value, 1):
        place = f"{here} turn {number}"
        user = _as(dict, item, f"{place}: is", "it has to be an object").get("user")
        if user is None or isinstance(user, bool | dict | list) or not str(user).strip():
            raise DefinitionError(f"{place}: user is missing, blank or no text; say what the user says")
        turns.append(Turn(user=str(user).strip() if trims else str(user), checks=_checks(item.get("checks"), place)))
        if unknown := {name: stray for name, stray in item.items() if name not in {"user", "checks"}}:
            strangers[str(number)] = unknown
    return tuple(turns), strangers


def _checks(value: Any, place: str) -> tuple[Check, ...]:
    given = [] if value is None else value
    checks = _as(list, given, f"{place}: checks are", "they have to be a list of objects, or null")
    return tuple(read_check(item, f"{place} check {number}") for number, item in enumerate(checks, 1))


def read_check(data: Any, place: str = "check") -> Check:
    """Return the check that ``data`` describes. Raises ``DefinitionError`` that begins with ``place``."""
    kind = _as(dict, data, f"{place}: is", "it has to be an object").get("type")
    if not isinstance(kind, str) or not kind:
        raise DefinitionError(f"{place}: type is missing; it is one of {', '.join(BUILT_IN_CHECKS)}")
    if kind in REFERENCE_CHECKS:
        data = _reference(data, place)
    elif kind == "assistant_json_path":
        data = {**data, "is_compared": "equals" in data}
    elif kind not in BUILT_IN_CHECKS:
        return _elsewhere(kind, data, place)
    try:
        check: Check = adapter(Check).validate_python(data)
    except ValidationError as error:
        told = first_error(error).removeprefix(f"{kind}.")
        raise DefinitionError(f"{place} ({kind}): {told}") from error
    return check


def _elsewhere(kind: str, data: dict[str, Any], place: str) -> FromElsewhere:
    found = registry.named(kind)
    if found is None:
        others = [f"{name}@{version}" for name, version in sorted(registry.known())]
        raise DefinitionError(
            f"{place}: unknown check type {_named(kind)}; there are {', '.join([*BUILT_IN_CHECKS, *others])}"
        )
    options = {name: value for name, value in data.items() if name != "type"}
    try:
        found.validate(options)
    except ValueError as error:
        raise DefinitionError(f"{place} ({kind}): {shorten(str(error), 300)}") from error
    return FromElsewhere(name=found.name, version=found.version, options=options)


def _reference(data: dict[str, Any], place: str) -> dict[str, Any]:
    """Return the members that a check of the tinkerloop format needs, every member's type having been looked at.

    The format lets each check carry the members of all of them.
    """
    kind = data["type"]
    here = f"{place} ({kind})"
    if unknown := sorted(str(name) for name in data.keys() - _REFERENCE_MEMBERS):
        raise DefinitionError(f"{here}: unknown member {_named(unknown[0])}")
    values, tool = data.get("values", []), data.get("tool")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DefinitionError(f"{here}: values have to be a list of texts")
    if tool is not None:
        _as(str, tool, f"{here}: tool is", "it has to be text, or null")
    arguments = _as(dict, data.get("arguments", {}), f"{here}: arguments are", "they have to be an object")
    bound = _bound(data.get("max"), data.get("value"), here)
    match kind:
        case "tool_call_count_at_most":
            return {"type": kind, "tool": tool, "max": bound}
        case "tool_call_matches":
            return {"type": kind, "tool": tool, "arguments": arguments}
        case _:
            return {"type": kind, "values": tuple(values)}


def _bound(most: Any, value: Any, place: str) -> int:
    """Return the bound: ``max``, or ``value`` when that is null, or 0 when both say nothing. Numeric text counts."""
    given, name = (value, "value") if most is None else (most, "max")
    if isinstance(given, dict | list) or isinstance(value, dict | list):
        raise DefinitionError(f"{place}: {name} is {_kind(given)}; it has to be a number")
    if most is None and not given:
        return 0
    if isinstance(most, bool):
        raise DefinitionError(f"{place}: max is a boolean; it has to be a number")
    try:
        number = float(given)
        bound = int(number)
    except (ValueError, OverflowError):
        raise DefinitionError(f"{place}: {name} is {shorten(repr(given), 40)}; it has to be a number") from None
    if bound != number and not isinstance(given, float):
        raise DefinitionError(f"{place}: {name} is {shorten(repr(given), 40)}; it has to be a whole number")
    if number < 0:
        raise DefinitionError(f"{place}: {name} is {shorten(repr(given), 40)}; it cannot be below 0")
    return bound


def check_kinds(scenario: Scenario) -> None:
    """Raise ``DefinitionError`` when a scenario made in code has a check of a kind that no installed package knows."""
    for number, turn in enumerate(scenario.turns, 1):
        for position, check in enumerate(turn.checks, 1):
            if isinstance(check, FromElsewhere) and registry.named(f"{check.name}@{check.version}") is None:
                place = f"scenario {_named(scenario.scenario_id)} turn {number} check {position}"
                raise DefinitionError(f"{place}: unknown check type {_named(check.name)}")


def warnings_of(scenario: Scenario) -> list[str]:
    """Return what a reader of the file should know: members nobody reads, turns nobody checks."""
    here = f"scenario {_named(scenario.scenario_id)}"
    strangers = {name: value for name, value in scenario.extensions.items() if name != "turns"}
    told = [f"{here}: unknown member {_named(name)} is kept and ignored" for name in sorted(strangers)]
    for number, members in sorted(scenario.extensions.get("turns", {}).items()):
        told += [f"{here} turn {number}: unknown member {_named(name)} is ignored" for name in sorted(members)]
    if not any(turn.checks for turn in scenario.turns):
        told.append(f"{here}: no turn has a check; it passes whatever the target answers")
    return told


def scenario_data(scenario: Scenario) -> dict[str, Any]:
    """Return the file's object: what ``read_scenario`` reads back as the same scenario."""
    strangers = scenario.extensions.get("turns", {})
    data = {
        "schema_version": scenario.schema_version or SCHEMA,
        "scenario_id": scenario.scenario_id,
        "description": scenario.description or scenario.scenario_id,
        "tags": list(scenario.tags),
        "destructive": scenario.destructive,
        "turns": [
            {"user": turn.user, "checks": [check_data(each) for each in turn.checks], **strangers.get(str(number), {})}
            for number, turn in enumerate(scenario.turns, 1)
        ],
        "world": dump(scenario.world) if scenario.world != EMPTY_WORLD else None,
        "control_of": scenario.control_of,
        "timeout_s": scenario.timeout_seconds,
        "repeat": scenario.repeat if scenario.repeat != 1 else None,
        "simulator": scenario.simulator or None,
        "provenance": scenario.provenance or None,
    }
    told = {name: value for name, value in data.items() if value is not None}
    return told | {name: value for name, value in scenario.extensions.items() if name != "turns"}


def check_data(check: Check) -> dict[str, Any]:
    """Return a check as a file writes it."""
    if isinstance(check, FromElsewhere):
        return {"type": f"{check.name}@{check.version}", **check.options}
    data: dict[str, Any] = dump(check)
    is_compared = data.pop("is_compared", True)
    if not is_compared:
        data.pop("equals", None)
    return {
        "type": data.pop("type"),
        **{name: value for name, value in data.items() if value is not None or name == "equals"},
    }


def write_text(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a text as ``write_bytes`` does, in UTF-8. Raises ``OSError``."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"), mode=mode)


def write_bytes(path: Path, body: bytes, *, mode: int = 0o666) -> None:
    """Write a file whole or not at all: into a temporary file beside it, then in its place. Raises ``OSError``.

    ``mode`` is what its permissions are but for the umask; folders that are missing are made for the owner alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.parent / f".{path.name[:200]}.{secrets.token_hex(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_scenario(path: Path, scenario: Scenario) -> None:
    """Write ``scenario`` to ``path`` atomically, as YAML where its name ends so, else as JSON.

    Raises ``DefinitionError`` when the place cannot be written.
    """
    data = scenario_data(scenario)
    is_yaml = path.suffix.lower() in YAML_SUFFIXES
    text = to_yaml(data) if is_yaml else json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    with report_unwritable(f"scenario file {path}"):
        write_text(path, text)


def set_digest(scenarios: Sequence[Scenario]) -> str:
    """Return the digest of a set of scenarios: ids and contents, in no order."""
    return digest(sorted([scenario.scenario_id, scenario.digest, scenario.repeat] for scenario in scenarios))
