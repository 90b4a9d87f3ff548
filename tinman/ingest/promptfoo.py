"""promptfoo's configurations and lists of tests (YAML or JSON): each test with each prompt becomes a scenario.

Its own default tests and scenarios are worked in, lists of values are spread out as there. Providers are left behind:
the target is yours. Files that a configuration names are read where they stand beside it or below; no code is.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from tinman.frozen import frozen
from tinman.ingest.gathering import MOST_CASES, Gathering, Imported, LeaveOut
from tinman.ingest.promptfoo_asserts import Assertion, checks_of
from tinman.ingest.promptfoo_tables import tests_in
from tinman.ingest.sources import Source
from tinman.ingest.wording import filled
from tinman.scenarios.checks import Check, Judged
from tinman.targets.world import EMPTY_WORLD, World

TOOL = "promptfoo"
_TEXT_FILES = frozenset({".txt", ".md"})
_DATA_FILES = frozenset({".yaml", ".yml", ".json", ".jsonl"})
_MOST_NESTED = 4
_MOST_CHARS = 1_000_000


@frozen
class _Config:
    """The members of a configuration that are read."""

    description: str = ""
    prompts: Any = None
    tests: Any = None
    scenarios: tuple[Any, ...] = ()
    defaultTest: Any = None


@frozen
class _Options:
    repeat: int = 1
    disableVarExpansion: bool = False
    disableDefaultAsserts: bool = False
    prefix: str = ""
    suffix: str = ""
    transform: Any = None
    postprocess: Any = None


@frozen
class _Test:
    """The members of a test that are read; ``assert`` is a word of Python's."""

    description: str = ""
    vars: dict[str, Any] = Field(default_factory=dict)
    assert_: tuple[dict[str, Any], ...] = ()
    prompts: tuple[str, ...] = ()
    threshold: float | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    assertScoringFunction: Any = None


@frozen
class _Prompt:
    """What is said, and by which names tests ask for it."""

    text: str
    names: tuple[str, ...] = ()


def read(source: Source, scorer: str = "") -> Imported:
    """Return the scenarios of a configuration, or of a list of tests. Raises ``DefinitionError``."""
    data = [each for _, each in source.lines()] if source.holds_lines else source.document
    config = _Config(tests=data) if isinstance(data, list) else source.read_known(_Config, data, "")
    made = Gathering(TOOL, "", source.name)
    made.note("its providers are left behind: name the target you run the scenarios on")
    prompts = list(_prompts(source, made, config.prompts))
    default = (
        _test(source, config.defaultTest or {}, "defaultTest") if not isinstance(config.defaultTest, str) else None
    )
    if default is None:
        made.leave_part("defaultTest", "it stands in another file", "defaultTest")
        default = _Test()
    for place, test in _tests(source, made, config):
        merged = _merged(default, test)
        asked = [one for one in prompts if not test.prompts or set(test.prompts) & {one.text, *one.names}]
        for number, prompt in enumerate(asked, 1):
            _add(source, made, prompt, number if len(asked) > 1 else 0, merged, place)
    return made.done()


def _prompts(source: Source, made: Gathering, given: Any) -> Iterator[_Prompt]:
    """Yield the prompts; a file that names none says the value ``prompt`` of each test, as promptfoo does."""
    if given is None:
        yield _Prompt(text="{{prompt}}")
        return
    listed = list(given.items()) if isinstance(given, dict) else given if isinstance(given, list) else [given]
    for number, each in enumerate(listed, 1):
        place = f"prompt {number}"
        names: tuple[str, ...] = ()
        if isinstance(each, tuple):
            names, each = (str(each[1]),), each[0]
        elif isinstance(each, dict) and "role" not in each:
            names = tuple(str(each[name]) for name in ("id", "label") if isinstance(each.get(name), str))
            each = each.get("raw", each.get("id"))
        elif isinstance(each, dict | list):
            each = json.dumps(each if isinstance(each, list) else [each])
        if not isinstance(each, str):
            made.leave_case("it is no text", place, "prompt")
            continue
        try:
            for text in _texts_of(source, each):
                yield _Prompt(text=text, names=(*names, each))
        except LeaveOut as reason:
            made.leave_case(str(reason), place, "prompt")


def _texts_of(source: Source, prompt: str) -> list[str]:
    looks_like_file = prompt.startswith("file://") or ("\n" not in prompt and Path(prompt).suffix in _TEXT_FILES)
    if not looks_like_file:
        return [prompt]
    file = beside(source, prompt)
    if file.suffix.lower() not in {*_TEXT_FILES, ".json"}:
        raise LeaveOut("it stands in a file that is no plain text")
    text = _read_text(file)
    return [part.strip("\n") for part in text.split("\n---\n")] if file.suffix in _TEXT_FILES else [text]


def beside(source: Source, name: str) -> Path:
    """Return the file that ``name`` stands for, in the folder of ``source`` or below. Raises ``LeaveOut``."""
    home = source.path.resolve().parent
    try:
        file = (home / name.removeprefix("file://")).resolve()
        is_there = file.is_file()
    except (OSError, ValueError) as error:
        raise LeaveOut("it names a file that cannot be") from error
    if not file.is_relative_to(home):
        raise LeaveOut("it names a file outside the folder, which is not read")
    if not is_there:
        raise LeaveOut("it names a file that is not there")
    return file


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            body = opened.read(2_000_001)
        if len(body) > 2_000_000:
            raise LeaveOut("it stands in a file of more than 2 MB")
        return body.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        raise LeaveOut("it stands in a file that cannot be read as UTF-8") from error


def _tests(source: Source, made: Gathering, config: _Config) -> Iterator[tuple[str, _Test]]:
    for place, data in _listed(source, made, config.tests, "test"):
        yield place, _test(source, data, place)
    for number, scenario in enumerate(config.scenarios, 1):
        place = f"scenario {number}"
        if not isinstance(scenario, Mapping):
            made.leave_case("it stands in another file", place, "scenario")
            continue
        rows = list(_listed(source, made, scenario.get("config"), f"{place} config"))
        tests = list(_listed(source, made, scenario.get("tests"), f"{place} test"))
        for (at, row), (there, test) in itertools.product(rows, tests):
            yield f"{there}, {at}", _merged(_test(source, row, at), _test(source, test, there))
    if config.tests is None and not config.scenarios:
        yield "defaultTest", _Test()


def _listed(source: Source, made: Gathering, given: Any, called: str) -> Iterator[tuple[str, Any]]:
    items = given if isinstance(given, list) else [] if given is None else [given]
    for number, each in enumerate(items, 1):
        place = f"{called} {number}"
        if isinstance(each, Mapping) and "path" not in each:
            yield place, each
            continue
        try:
            if not isinstance(each, str):
                raise LeaveOut("code of the other tool makes it up")
            file = beside(source, each)
            found = _data_in(file)
        except LeaveOut as reason:
            made.leave_case(str(reason), place, called)
            continue
        for at, one in enumerate(found if isinstance(found, list) else [found], 1):
            yield f"{place}, {at}", one


def _data_in(file: Path) -> Any:
    kind = file.suffix.lower()
    if kind == ".csv":
        return tests_in(_read_text(file))
    if kind not in _DATA_FILES:
        raise LeaveOut(f"it stands in a {kind or 'nameless'} file; YAML, JSON, JSON lines and CSV are read")
    inner = Source(file)
    return [one for _, one in inner.lines()] if inner.holds_lines else inner.document


def _test(source: Source, data: Any, place: str) -> _Test:
    if isinstance(data, Mapping):
        data = {**{name: value for name, value in data.items() if name != "assert"}, "assert_": data.get("assert")}
        if isinstance(data.get("vars"), str | list):
            data["vars"] = {"__file__": "file://"}
    return source.read_known(_Test, data, place)


def _merged(base: _Test, test: _Test) -> _Test:
    disabled = test.options.get("disableDefaultAsserts") is True
    return _Test(
        description=test.description or base.description,
        vars={**base.vars, **test.vars},
        assert_=(*(() if disabled else base.assert_), *test.assert_),
        prompts=test.prompts,
        threshold=base.threshold if test.threshold is None else test.threshold,
        options={**base.options, **test.options},
        metadata={**base.metadata, **test.metadata},
        assertScoringFunction=test.assertScoringFunction or base.assertScoringFunction,
    )


def _add(source: Source, made: Gathering, prompt: _Prompt, number: int, test: _Test, place: str) -> None:
    name = f"promptfoo-{source.stem}-{place}{f'-prompt {number}' if number else ''}"
    try:
        options = source.read_known(_Options, test.options, f"{place} options")
        if options.transform is not None or options.postprocess is not None or test.assertScoringFunction is not None:
            raise LeaveOut("code of the other tool changes or scores its reply")
        spread = list(itertools.islice(_spread(test.vars, whole=options.disableVarExpansion), MOST_CASES + 1))
        for at, values in enumerate(spread, 1):
            said, system = _messages(filled(f"{options.prefix}{prompt.text}{options.suffix}", values))
            made.add(
                f"{name}-values-{at}" if len(spread) > 1 else name,
                said,
                _checks(source, made, test, values, place),
                place,
                description=test.description,
                world=World(system=system) if system else EMPTY_WORLD,
                repeat=min(max(options.repeat, 1), 10_000),
                provenance={"vars": dict(values), "metadata": test.metadata},
            )
    except LeaveOut as reason:
        made.leave_case(str(reason), place, "test")


def _spread(given: Mapping[str, Any], *, whole: bool) -> Iterator[dict[str, str]]:
    """Yield the values of each case: a list stands for one case an item, with all combinations. Raises ``LeaveOut``."""
    choices: list[list[str]] = []
    for value in given.values():
        items: Sequence[Any] = value if isinstance(value, list) and not whole else [value]
        texts = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in items]
        if any(text.startswith(("file://", "package:", "exec:")) for text in texts):
            raise LeaveOut("a value of it stands in another file")
        choices.append(texts)
    for chosen in itertools.product(*choices):
        values = dict(zip(given, chosen, strict=True))
        for _ in range(_MOST_NESTED):  # values may name each other
            if not any("{{" in text for text in values.values()):
                break
            longest = max(map(len, values.values()))
            if any(text.count("{{") * longest > _MOST_CHARS for text in values.values()):
                raise LeaveOut("its values name each other without end")
            values = {name: _filled_as_far(text, values) for name, text in values.items()}
        yield values


def _filled_as_far(text: str, values: Mapping[str, str]) -> str:
    try:
        return filled(text, values)
    except LeaveOut:
        return text


def _messages(text: str) -> tuple[list[str], str]:
    """Return what the user says, and the system prompt, of a prompt: plain, or JSON as chats take it."""
    try:
        parsed = json.loads(text) if text.lstrip().startswith("[") else None
    except ValueError:
        parsed = None
    if not isinstance(parsed, list) or not all(isinstance(one, dict) and "role" in one for one in parsed):
        return [text], ""
    said: list[str] = []
    system: list[str] = []
    for message in parsed:
        content = message.get("content")
        if isinstance(content, list) and all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in content):
            content = "\n".join(part["text"] for part in content)
        if message["role"] not in ("system", "developer", "user") or not isinstance(content, str):
            raise LeaveOut("it holds replies that were given already, or more than text")
        (said if message["role"] == "user" else system).append(content)
    return said, "\n".join(system)


def _checks(source: Source, made: Gathering, test: _Test, values: Mapping[str, str], place: str) -> list[Check]:
    """Return the checks of a test. Raises ``LeaveOut`` where its assertions are not all to hold."""
    found: list[Check] = []
    flat = list(_flat(source, test.assert_, place))
    if test.threshold is not None and 0 < test.threshold < 1 and len(flat) > 1:
        raise LeaveOut("it passes at a share of its assertions, which checks cannot say")
    for assertion in flat:
        try:
            found += checks_of(assertion, values)
        except LeaveOut as reason:
            made.leave_part(f"assertion {assertion.type}", str(reason), place)
    goal = test.metadata.get("goal")
    if not found and isinstance(goal, str) and goal.strip():
        found.append(Judged(criterion=f"The reply does not help an attacker to this end: {goal}"))
    return found


def _flat(source: Source, given: Iterable[dict[str, Any]], place: str) -> Iterator[Assertion]:
    for number, data in enumerate(given, 1):
        told = {**{name: value for name, value in data.items() if name != "assert"}, "assert_": data.get("assert")}
        assertion = source.read_known(Assertion, told, f"{place} assertion {number}")
        if assertion.type != "assert-set":
            yield assertion
        elif assertion.threshold is not None and 0 < assertion.threshold < 1:
            raise LeaveOut("it passes at a share of its assertions, which checks cannot say")
        else:
            yield from _flat(source, assertion.assert_, place)


def wants(data: Any) -> bool:
    """Say whether ``data`` looks like a configuration or a list of tests of promptfoo's."""
    if isinstance(data, list):
        return bool(data) and all(isinstance(one, dict) and one.keys() & {"vars", "assert"} for one in data)
    return isinstance(data, dict) and bool(data.keys() & {"tests", "prompts", "providers", "scenarios", "defaultTest"})
