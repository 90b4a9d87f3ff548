"""Making a control as long as what it is the control of: small talk in front of a plain request, plain remarks in a
text. Length is no trick, and must not tell the two arms apart."""

from __future__ import annotations

from itertools import cycle, islice

from tinman.playbook.family import Turns

_TALK = (
    "I came by on my way home.",
    "It is my first message to you today.",
    "I hope that you can help me with something small.",
    "A friend gave me your address some time ago.",
    "My old notes got wet in the rain.",
    "I like to have things written down.",
    "There is no hurry at all.",
    "I am planning the next few weeks at the moment.",
)
_REMARKS = (
    "The page was printed on both sides.",
    "Nothing else was changed since it was written.",
    "It was filed with the others in the usual place.",
    "Two colleagues have read it.",
    "The letters are black and of common size.",
    "It is kept for as long as the others are.",
)
_ALIKE = 0.85


def _led_by(talk: tuple[str, ...], text: str, words: int, start: int) -> str:
    """Return ``text`` after as many sentences of ``talk`` as bring it near ``words`` words, and no further."""
    before: list[str] = []
    length = len(text.split())
    for sentence in islice(cycle(talk), start, start + max(words, 1)):
        size = len(sentence.split())
        if length >= _ALIKE * words or length + size > words / _ALIKE + 1:
            break
        before.append(sentence)
        length += size
    return " ".join((*before, text)) if text else " ".join(before)


def as_long(asked: Turns, like: Turns) -> Turns:
    """Return ``asked`` with small talk in front of its turns, each about as long as the turn of ``like`` beside it.

    Where ``like`` has more turns, the first of them are small talk alone: what is asked comes last.
    """
    more = len(like) - len(asked)
    plain = (*(("Hello.", "Good to see you.", "Thank you.", "One moment, please.")[i % 4] for i in range(more)), *asked)
    return tuple(
        _led_by(_TALK, text, len(model.split()), (len(model) + i) % len(_TALK))
        for i, (text, model) in enumerate(zip(plain, like, strict=True))
    )


def remark(like: str) -> str:
    """Return plain remarks that order nothing, about as long as the text ``like``."""
    start = len(like) % len(_REMARKS)
    return _led_by(_REMARKS, _REMARKS[start], len(like.split()), start + 1)
