"""Inspect's datasets (JSON lines or JSON) and its logs in JSON: each sample becomes a scenario.

A dataset does not say how its targets are scored: that is asked for by the name of a scorer. A log does.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from tinman.errors import DefinitionError
from tinman.frozen import frozen
from tinman.ingest.gathering import Gathering, Imported, LeaveOut
from tinman.ingest.sources import Source
from tinman.ingest.wording import contains_any, found
from tinman.scenarios.checks import Check, Judged
from tinman.targets.world import EMPTY_WORLD, World

TOOL = "inspect"
DEFAULT_SCORER = "includes"
_ARTICLES = frozenset({"a", "an", "the"})
_MARKS = r"(?:[^\w\s]|_)*"
_BETWEEN = r"(?:[\W_]|\b(?:a|an|the)\b)"


@frozen
class _Sample:
    """The members of a sample that are read."""

    input: Any = None
    target: Any = ""
    choices: tuple[str, ...] = ()
    id: str | int | None = None
    description: str = ""
    metadata: Any = Field(default_factory=dict)
    sandbox: Any = None
    files: Any = None
    setup: Any = None


def read(source: Source, scorer: str = "") -> Imported:
    """Return the scenarios of a dataset or a log, scored by ``scorer``. Raises ``DefinitionError``."""
    version, logged, samples = _samples(source)
    made = Gathering(TOOL, version, source.name)
    chosen = scorer or _chosen(source, made, logged)
    for number, (place, data) in enumerate(samples, 1):
        sample = source.read_known(_Sample, data, place)
        own = number if sample.id is None else sample.id
        try:
            _add(made, sample, chosen, f"inspect-{source.stem}-{own}", place)
        except LeaveOut as reason:
            made.leave_case(str(reason), place, "sample")
    return made.done()


def _chosen(source: Source, made: Gathering, logged: Sequence[str]) -> str:
    """Return the scorer that the file names, or the usual one where it names none. Raises ``DefinitionError``."""
    known = next((name for name in logged if name in SCORERS), "")
    others = ", ".join(name for name in SCORERS if name != (known or DEFAULT_SCORER))
    if logged and not known:
        told = ", ".join(logged)
        raise DefinitionError(
            f"import of {source.path}: its scorer is {told}, and no check says the same; name one by --scorer: "
            f"{', '.join(SCORERS)}"
        )
    for name in logged:
        if name != known:
            made.leave_part(f"scorer {name}", f"one scorer is taken over: {known}", "the log")
    if not known:
        made.note(f"targets are scored by {DEFAULT_SCORER}, as the file does not say; --scorer takes {others}, too")
    return known or DEFAULT_SCORER


def _samples(source: Source) -> tuple[str, list[str], Iterator[tuple[str, Any]]]:
    """Return the version of the tool and the scorers, as far as the file tells them, and the samples."""
    if source.holds_lines:
        return "", [], source.lines()
    data = source.document
    about = data.get("eval") if isinstance(data, dict) else None
    if not isinstance(about, dict):
        listed = data if isinstance(data, list) else [data]
        return "", [], ((f"sample {number}", each) for number, each in enumerate(listed, 1))
    packages = about.get("packages")
    version = str(packages.get("inspect_ai", "")) if isinstance(packages, dict) else ""
    scorers = about.get("scorers")
    names = [_scorer(one) for one in (scorers if isinstance(scorers, list) else []) if isinstance(one, dict)]
    once: dict[str, tuple[str, Any]] = {}
    samples = data.get("samples")
    if not isinstance(samples, list):
        raise source.wrong("samples", "is no list")
    for number, each in enumerate(samples, 1):
        key = each.get("id", number) if isinstance(each, dict) else number
        once.setdefault(str(key), (f"sample {number}", each))  # each epoch has the same samples again
    return version, names, iter(once.values())


def _scorer(about: Mapping[str, Any]) -> str:
    """Return a scorer's name, with its options where it has some: then it is no longer the plain one."""
    name = str(about.get("name", "")).rpartition("/")[2]
    options = about.get("options")
    told = ", ".join(map(str, options)) if isinstance(options, dict) else "options"
    return f"{name} with {told}" if options else name


def _add(made: Gathering, sample: _Sample, scorer: str, name: str, place: str) -> None:
    if sample.sandbox or sample.files or sample.setup:
        raise LeaveOut("it needs a sandbox with files, which scenarios have not")
    said, system = _said(sample.input)
    targets = [target for target in _listed(sample.target) if target.strip()]
    if not targets:
        raise LeaveOut("it has no target to score by")
    if sample.choices:
        said[-1], check = _choosing(said[-1], sample.choices, targets)
    else:
        check = SCORERS[scorer](targets)
    made.add(
        name,
        said,
        [check],
        place,
        description=sample.description,
        world=World(system=system) if system else EMPTY_WORLD,
        provenance={
            "id": sample.id,
            "target": targets,
            "scorer": "choice" if sample.choices else scorer,
            "metadata": sample.metadata if isinstance(sample.metadata, dict) else {},
        },
    )


def _listed(target: Any) -> list[str]:
    listed = target if isinstance(target, list) else [target]
    if not all(isinstance(one, str | int | float) for one in listed):
        raise LeaveOut("its target is no text")
    return [str(one) for one in listed]


def _said(given: Any) -> tuple[list[str], str]:
    """Return what the user says, and the system prompt. Raises ``LeaveOut``."""
    if isinstance(given, str):
        return [given], ""
    if not isinstance(given, list) or not given:
        raise LeaveOut("its input is neither text nor messages")
    said: list[str] = []
    system: list[str] = []
    for message in given:
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("system", "user"):
            raise LeaveOut("it holds replies that were given already, which a scenario cannot put in a mouth")
        (said if role == "user" else system).append(_content(message.get("content")))
    return said, "\n".join(system)


def _content(content: Any) -> str:
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type", "text") == "text"]
    if len(texts) != len(parts) or not all(isinstance(text, str) for text in texts):
        raise LeaveOut("it holds more than text")
    return "\n".join(str(text) for text in texts)


def _choosing(question: str, choices: Sequence[str], targets: Sequence[str]) -> tuple[str, Check]:
    """Return the question with its choices by letter, and the check that the right ones are named, and no other."""
    letters = string.ascii_uppercase
    right = {part.strip().upper() for target in targets for part in re.split(r"[,\s]+", target) if part.strip()}
    if len(choices) > len(letters) or not right <= set(letters[: len(choices)]):
        raise LeaveOut("its target is no letter of a choice")
    listed = "\n".join(f"{letter}) {choice}" for letter, choice in zip(letters, choices, strict=False))
    form = "ANSWER: LETTER" if len(right) == 1 else "ANSWER: LETTERS, with commas between them"
    named = r"\W+".join(sorted(right))
    check = found(rf"(?i)\bANSWER\s*:\W*{named}(?!\W*,)(?!\w)")
    return f"{question}\n\n{listed}\n\nEnd with a line of the form {form}.", check


def _trimmed(targets: Sequence[str]) -> list[str]:
    marks = string.whitespace + string.punctuation
    return [trimmed for target in targets if (trimmed := target.strip(marks))] or _nothing()


def _nothing() -> list[str]:
    raise LeaveOut("its target is made of marks alone, which its scorer passes over")


def _at_end(targets: Sequence[str]) -> Check:
    return found(rf"(?i){_any(_trimmed(targets))}[\W_]*\Z")


def _exactly(targets: Sequence[str]) -> Check:
    """Return the check of equality as ``exact`` means it: case, marks inside words and English articles aside."""
    spelled: list[str] = []
    for target in targets:
        words = [[part for part in re.split(r"[\W_]+", word) if part] for word in re.split(r"[\s-]+", target)]
        kept = [parts for parts in words if parts and "".join(parts).lower() not in _ARTICLES]
        if kept:
            spelled.append(f"{_BETWEEN}+".join(_MARKS.join(map(re.escape, parts)) for parts in kept))
    if not spelled:
        _nothing()
    return found(rf"(?i)\A{_BETWEEN}*(?:{'|'.join(spelled)}){_BETWEEN}*\Z")


def _any(values: Sequence[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, values))})"


def _graded(targets: Sequence[str]) -> Check:
    return Judged(criterion=f"The reply gives what is expected: {' / or: '.join(targets)}")


SCORERS: dict[str, Callable[[Sequence[str]], Check]] = {
    "includes": contains_any,
    "match": _at_end,
    "exact": _exactly,
    "model_graded_qa": _graded,
    "model_graded_fact": _graded,
}
"""The scorers of Inspect that a check says, by their names there, with their defaults."""


def wants(data: Any) -> bool:
    """Say whether ``data`` looks like a sample, a list of them, or a log of Inspect's."""
    if isinstance(data, list):
        return bool(data) and all(isinstance(one, dict) and "input" in one for one in data)
    return isinstance(data, dict) and ("input" in data or ("eval" in data and "samples" in data))
