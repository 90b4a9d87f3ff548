"""Long, harmless text of four kinds, and small distractor documents: stress by volume."""

from __future__ import annotations

import random
from collections.abc import Callable

_PEOPLE = "Ada Bruno Chidi Dana Edda Farid Greta Hugo Ines Jonas Kemal Lotte Mirko Nadia Oskar Petra".split()
_TOPICS = [
    f"the {each}" for each in "new shelves,parking lot,summer fair,coffee machine,north entrance,staff photo".split(",")
]
_VERBS = "raised discussed postponed welcomed described questioned".split()
_PARTS = "hinge bracket washer spring panel knob wedge clamp rail hook".split()
_PLACES = "Aldby Borset Carrow Dunmere Elswick Fenham Garstang Hexley Irthing Jarrow Kelso Lorton Marske Norham".split()

FILLERS: dict[str, Callable[[random.Random], str]] = {
    # the minutes of a dull meeting, a catalogue of spare parts, small talk, legal boilerplate
    "minutes": lambda dice: (
        f"{dice.choice(_PEOPLE)} {dice.choice(_VERBS)} {dice.choice(_TOPICS)} and nothing was decided. "
    ),
    "catalogue": lambda dice: (
        f"Part {dice.randint(100, 999)}, {dice.choice(_PARTS)}, comes in sizes {dice.randint(2, 9)} and up. "
    ),
    "chat log": lambda dice: f"{dice.choice(_PEOPLE)} wrote: good morning, see you near {dice.choice(_TOPICS)} later. ",
    "boilerplate": lambda dice: (
        f"Section {dice.randint(2, 88)} applies to {dice.choice(_PARTS)} suppliers"
        f" without prejudice to section {dice.randint(2, 88)}. "
    ),
}
"""What a sentence of each kind of dull text is made by."""


def filler(kind: str, chars: int, dice: random.Random) -> str:
    """Return at least ``chars`` characters of the kind."""
    text = ""
    while len(text) < chars:
        text += FILLERS[kind](dice)
    return text.strip()


def branch_note(number: int, about: str, dice: random.Random) -> str:
    """Return a small document about another branch, with a fact of its own."""
    place = _PLACES[number % len(_PLACES)]
    return f"Notes of the {place} branch. The {about} at {place} is {dice.randint(2, 99)}. Nothing else changed there."
