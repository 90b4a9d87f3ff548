"""What a reply says at all: behind thinking aloud, between characters that nobody sees."""

from __future__ import annotations

import re
import unicodedata

_THINKING = re.compile(r"\A.*</think(?:ing)?>|<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffc")
"""Letters and symbols by their category that are drawn as nothing: Hangul fillers, empty Braille, a missing object."""


def without_thinking(text: str) -> str:
    """Return ``text`` without the thinking aloud before the answer, whether its first mark is there or not."""
    return _THINKING.sub("", text)


def says_nothing(text: str) -> bool:
    """Say whether nothing in ``text`` is an answer: it is blank, hidden characters, or thinking that led nowhere."""
    return not any(unicodedata.category(one)[0] in "LNPS" and one not in _BLANKS for one in without_thinking(text))
