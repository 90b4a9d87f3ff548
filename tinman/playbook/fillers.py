"""Long, harmless text of four kinds, and small distractor documents: stress by volume."""

from __future__ import annotations

import random
from collections.abc import Callable

_PEOPLE = "Ada Bruno Chidi Dana Edda Farid Greta Hugo Ines Jonas Kemal Lotte Mirko Nadia Oskar Petra".split()
_TOPICS = (
    "the new shelves, the parking lot, the summer fair, the coffee machine, the north entrance, the staff photo".split(
        ", "
    )
)
_VERBS = "raised,discussed,postponed,welcomed,described,questioned".split(",")
_PARTS = "hinge,bracket,washer,spring,panel,knob,wedge,clamp,rail,hook".split(",")
_PLACES = "Aldby,Borset,Carrow,Dunmere,Elswick,Fenham,Garstang,Hexley,Irthing,Jarrow,Kelso,Lorton,Marske,Norham".split(
    ","
)


def minutes(dice: random.Random) -> str:
    """Return one sentence of the minutes of a dull meeting."""
    return f"{dice.choice(_PEOPLE)} {dice.choice(_VERBS)} {dice.choice(_TOPICS)} and nothing was decided. "


def catalogue(dice: random.Random) -> str:
    """Return one entry of a spare parts catalogue."""
    return f"Part {dice.randint(100, 999)}, {dice.choice(_PARTS)}, comes in sizes {dice.randint(2, 9)} and up. "


def chat_log(dice: random.Random) -> str:
    """Return one line of small talk."""
    return f"{dice.choice(_PEOPLE)} wrote: good morning, see you near {dice.choice(_TOPICS)} later. "


def boilerplate(dice: random.Random) -> str:
    """Return one clause of legal boilerplate."""
    section, parts, other = dice.randint(2, 88), dice.choice(_PARTS), dice.randint(2, 88)
    return f"Section {section} applies to {parts} suppliers without prejudice to section {other}. "


FILLERS: dict[str, Callable[[random.Random], str]] = {
    "minutes": minutes,
    "catalogue": catalogue,
    "chat log": chat_log,
    "boilerplate": boilerplate,
}


def filler(kind: str, chars: int, dice: random.Random) -> str:
    """Return at least ``chars`` characters of the kind."""
    pieces: list[str] = []
    size = 0
    while size < chars:
        piece = FILLERS[kind](dice)
        pieces.append(piece)
        size += len(piece)
    return "".join(pieces).strip()


def branch_note(number: int, about: str, dice: random.Random) -> str:
    """Return a small document about another branch, with a fact of its own."""
    place = _PLACES[number % len(_PLACES)]
    return f"Notes of the {place} branch. The {about} at {place} is {dice.randint(2, 99)}. Nothing else changed there."
