"""What an import brings in, and what it leaves out, counted and with its reason: nothing is dropped in silence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from tinman.errors import DefinitionError
from tinman.frozen import frozen
from tinman.scenarios.checks import Check, Judged
from tinman.scenarios.files import SCHEMA
from tinman.scenarios.scenario import Scenario, Turn
from tinman.targets.world import EMPTY_WORLD, World
from tinman.text.visible import shorten

MOST_CASES = 20_000
_MOST_LEFT = 5 * MOST_CASES
_MOST_ID_BYTES = 150
_MOST_TAG_CHARS = 80


@frozen
class LeftOut:
    """What was left out ``count`` times for one reason; ``first`` is where it stood first.

    ``is_case`` tells whole cases from parts (an assertion, a detector) of cases that came in.
    """

    what: str
    reason: str
    count: int
    first: str
    is_case: bool

    def __str__(self) -> str:
        return f"{self.count} x {self.what}: {self.reason}; first at {self.first}"


@frozen
class Imported:
    """What came in from ``tool``, what was left out, and what a reader should know of it."""

    tool: str
    version: str
    scenarios: tuple[Scenario, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def judged(self) -> int:
        """How many scenarios have checks that only a model can answer."""
        return sum(any(isinstance(c, Judged) for turn in s.turns for c in turn.checks) for s in self.scenarios)


class LeaveOut(Exception):
    """Raised inside where a case cannot be said: its text is the reason."""


class Gathering:
    """Collects the cases of one import."""

    def __init__(self, tool: str, version: str, file: str) -> None:
        self.tool = tool
        self.version = version
        self._file = file
        self._scenarios: list[Scenario] = []
        self._left: dict[tuple[bool, str, str], LeftOut] = {}
        self._names: dict[str, int] = {}
        self._renamed = 0
        self._count = 0
        self._notes: dict[str, None] = {}

    def add(
        self,
        name: str,
        said: Sequence[str],
        checks: Iterable[Check],
        place: str,
        *,
        description: str = "",
        tags: Iterable[str] = (),
        world: World = EMPTY_WORLD,
        repeat: int = 1,
        control_of: str | None = None,
        provenance: dict[str, Any] | None = None,
    ) -> str:
        """Take in a case whose last reply has to pass ``checks``; return its id, empty when it is left out.

        ``said`` is what the user says, turn by turn. A case without a check, and one in which nothing is said, are
        left out. Raises ``DefinitionError`` for more than ``MOST_CASES``.
        """
        held = each_once(checks)
        try:
            if not said or not all(text.strip() for text in said):
                raise LeaveOut("a prompt of it is blank")
            if not held:
                raise LeaveOut("no check is left that could fail")
        except LeaveOut as reason:
            self.leave_case(str(reason), place)
            return ""
        if len(self._scenarios) == MOST_CASES:
            raise DefinitionError(f"import of {self._file}: more than {MOST_CASES} cases; split the file")
        scenario_id = self._own_name(name)
        turns = [Turn(user=text) for text in said[:-1]]
        self._scenarios.append(
            Scenario(
                scenario_id=scenario_id,
                description=description.strip() or scenario_id,
                tags=cleaned_tags((self.tool, *tags)),
                turns=(*turns, Turn(user=said[-1], checks=held)),
                world=world,
                repeat=repeat,
                control_of=control_of,
                schema_version=SCHEMA,
                provenance={
                    "tool": self.tool,
                    "tool_version": self.version,
                    "file": self._file,
                    "place": place,
                    **(provenance or {}),
                },
            )
        )
        return scenario_id

    def leave_case(self, reason: str, place: str, what: str = "case") -> None:
        """Count a case that is left out."""
        self._leave(True, what, reason, place)

    def leave_part(self, what: str, reason: str, place: str) -> None:
        """Count a part of a case (a check of the other tool's) that is left out."""
        self._leave(False, what, reason, place)

    def _leave(self, is_case: bool, what: str, reason: str, place: str) -> None:
        self._count += 1
        if self._count > _MOST_LEFT:
            raise DefinitionError(f"import of {self._file}: more than {_MOST_LEFT} things in it are left out; split it")
        key = (is_case, what, reason)
        before = self._left.get(key)
        if before is None:
            self._left[key] = LeftOut(what=what, reason=reason, count=1, first=place, is_case=is_case)
        else:
            self._left[key] = replace(before, count=before.count + 1)

    def note(self, told: str) -> None:
        """Keep what a reader of the summary should know; the same is kept once."""
        self._notes[told] = None

    def _own_name(self, name: str) -> str:
        """Return an id that is the name of a file, and of one alone, even where cases of letters are not told apart."""
        stem = file_name(name)
        key = stem.casefold()
        number = self._names[key] = self._names.get(key, 0) + 1
        if number == 1:
            return stem
        self._renamed += 1
        return self._own_name(f"{stem}-{number}")

    def done(self) -> Imported:
        """Return what came in. Raises ``DefinitionError`` that names every reason when nothing did."""
        left = tuple(sorted(self._left.values(), key=lambda one: (not one.is_case, -one.count, one.what)))
        if not self._scenarios:
            told = "; ".join(shorten(str(one), 300) for one in left) or "it holds no case"
            raise DefinitionError(f"import of {self._file}: nothing in it can be run here: {told}")
        notes = tuple(self._notes)
        if self._renamed:
            notes = (
                *notes,
                f"{self._renamed} of them had a name that was taken; a number stands at its end",
            )
        return Imported(
            tool=self.tool, version=self.version, scenarios=tuple(self._scenarios), left_out=left, notes=notes
        )


def each_once(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks, each once."""
    found: list[Check] = []
    for check in checks:
        if check not in found:
            found.append(check)
    return tuple(found)


def file_name(text: str) -> str:
    """Return ``text`` as a name that is safe as a file's: letters and digits of any language, ``.``, ``_`` and ``-``.

    It does not begin with a dot or end with one, and fits in what file systems take.
    """
    name = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", text))
    while len(name.encode("utf-8", "replace")) > _MOST_ID_BYTES:
        name = name[: len(name) * 9 // 10]
    return name.strip("-.") or "case"


def cleaned_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags as a file keeps them: trimmed, none blank, none twice, none longer than a line."""
    return tuple(dict.fromkeys(short for tag in tags if (short := shorten(tag, _MOST_TAG_CHARS).strip())))
