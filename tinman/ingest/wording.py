"""Checks that say what other tools' matchers say, as expressions of ours; placeholders of other tools' templates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from tinman.ingest.gathering import LeaveOut
from tinman.scenarios.checks import Matches
from tinman.text.invalid import first_error

_PIECE = re.compile(
    r"\{%-?\s*raw\s*-?%\}(?P<raw>.*?)\{%-?\s*endraw\s*-?%\}|\{\{-?\s*(?P<name>[A-Za-z_][\w.]*)\s*-?\}\}", re.DOTALL
)
_ANY = re.compile(r"\{\{|\{%|\{#")


def one_of(values: Sequence[str]) -> str:
    """Return the expression of any of ``values``, as they stand."""
    return f"(?:{'|'.join(re.escape(value) for value in values)})"


def found(pattern: str, *, negate: bool = False) -> Matches:
    """Return the check that ``pattern`` is found; or is not. Raises ``LeaveOut`` for an expression we do not take."""
    try:
        return Matches(pattern=pattern, negate=negate)
    except ValidationError as error:
        raise LeaveOut(f"what it looks for is no expression here: {first_error(error)}") from error


def contains_any(values: Sequence[str], *, negate: bool = False) -> Matches:
    """Return the check that one of ``values`` is found, whatever the case; or none is."""
    return found(f"(?i){one_of(values)}", negate=negate)


def contains_all(values: Sequence[str], *, any_case: bool, negate: bool = False) -> Matches:
    """Return the check that all of ``values`` are found; or not all of them are."""
    ahead = "".join(f"(?=.*{re.escape(value)})" for value in values)
    return found(f"(?{'i' if any_case else ''}s)\\A{ahead}", negate=negate)


def begins_with(values: Sequence[str], *, any_case: bool = False, negate: bool = False) -> Matches:
    """Return the check that the reply begins with one of ``values``; or with none."""
    return found(f"{'(?i)' if any_case else ''}\\A{one_of(values)}", negate=negate)


def equals(value: str, *, negate: bool = False) -> Matches:
    """Return the check that the reply is ``value``, to the letter; or is not."""
    return found(rf"\A{re.escape(value)}\Z", negate=negate)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with ``{{ name }}`` filled in and ``{% raw %}`` taken literally. Nothing else is worked out.

    Raises ``LeaveOut`` for a name without a value, and for whatever else a template does.
    """
    pieces: list[str] = []
    done = 0
    for piece in [*_PIECE.finditer(text), None]:
        between = text[done : piece.start() if piece else len(text)]
        if _ANY.search(between):
            raise LeaveOut("it is a template that does more than fill in names")
        pieces.append(between)
        if piece is None:
            break
        done = piece.end()
        name = piece["name"]
        if name is not None and name not in values:
            raise LeaveOut(f"it is a template that waits for {name!r}")
        pieces.append(piece["raw"] if name is None else values[name])
    return "".join(pieces)
