"""Labelled transcripts: what a judge is calibrated on. A file of JSON lines, one transcript each."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tinman.config.resources import folder
from tinman.errors import DefinitionError
from tinman.frozen import digest, dump, frozen
from tinman.scenarios.outcome import TurnRecord
from tinman.taxonomy import FailureClass
from tinman.text.invalid import read_as

MOST_BYTES = 64_000_000


@frozen
class Said:
    """One turn of a labelled transcript."""

    user: str
    assistant: str


@frozen
class Labelled:
    """A conversation, a criterion for its last reply, and what a person says of it. ``why`` is for readers."""

    id: Annotated[str, Field(min_length=1)]
    failure_class: FailureClass
    criterion: Annotated[str, Field(min_length=1)]
    turns: Annotated[tuple[Said, ...], Field(min_length=1)]
    label: Literal["meets", "fails"]
    why: str = ""

    @property
    def records(self) -> tuple[TurnRecord, ...]:
        """The turns as a judge is given them."""
        return tuple(TurnRecord(user=turn.user, assistant=turn.assistant) for turn in self.turns)


def shipped_labels() -> Path:
    """Return the file of labelled transcripts that travels with Tinman."""
    return folder("config") / "labelled-transcripts.jsonl"


def read_labels(path: Path) -> tuple[Labelled, ...]:
    """Return the transcripts in a file. Raises ``DefinitionError`` naming file, line and remedy."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DefinitionError(f"{path}: more than {MOST_BYTES} bytes of labels; split the file")
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "not in UTF-8"
        raise DefinitionError(f"{path}: {told}; name a file of labelled transcripts, one JSON object a line") from error
    found = tuple(_read(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip())
    if not found:
        raise DefinitionError(f"{path}: holds no labelled transcript; write one JSON object a line")
    if (twice := Counter(each.id for each in found).most_common(1)[0])[1] > 1:
        raise DefinitionError(f"{path}: the id {twice[0]!r} stands twice; give each transcript its own")
    return found


def _read(line: str, place: str) -> Labelled:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"{place}: no JSON ({error}); write one object a line") from error
    return read_as(Labelled, data, lambda wrong: DefinitionError(f"{place}: {wrong}"))


def digest_of(labels: tuple[Labelled, ...]) -> str:
    """Return what changes with a transcript, its criterion or its label; not with the order."""
    return digest([dump(each) for each in sorted(labels, key=lambda each: each.id)])
