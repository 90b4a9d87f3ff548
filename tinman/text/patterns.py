"""Regular expressions of anybody, held against texts of anybody: in the syntax of ``re``, and with an end.

``re`` itself cannot be stopped while it searches, by no signal and no thread; the library ``regex`` can. What the two
read differently (nested sets, fuzzy counts, classes in brackets) is written so that both read it as ``re`` does.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from tinman.errors import PatternTooSlow
from tinman.text.visible import shorten

if TYPE_CHECKING:
    from regex import Pattern

MOST_SECONDS = 1.0
"""What all searches of one check, or of one filter at work, may take together, in seconds of the processor."""
MOST_CHARS = 10_000
MOST_DEPTH = 12
"""How deep groups may stand in each other: what compiles them takes twice as long for each level of counted ones."""
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?!\d*,?\d*\})|[()]", re.DOTALL)
_DOT = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\.", re.DOTALL)
_SET_SIGN = re.compile(r"(\\.)|([\[&~|])", re.DOTALL)


def check_pattern(text: str) -> str:
    """Return ``text`` if it is a regular expression. Raises ``ValueError`` that says what is wrong, and where."""
    if len(text) > MOST_CHARS:
        raise ValueError(f"{shorten(text, 60)!r} is longer than the {MOST_CHARS} characters of an expression")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later Python may read otherwise
            re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{shorten(text, 60)!r} is no regular expression: {error}") from error
    depth = deepest = 0
    for piece in _PIECE.findall(text):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        deepest = max(deepest, depth)
    if deepest > MOST_DEPTH:
        raise ValueError(f"{shorten(text, 60)!r} has groups that stand more than {MOST_DEPTH} deep in each other")
    return text


def _spelled(found: re.Match[str]) -> str:
    piece = found[0]
    if piece[0] == "[":
        return "[" + _SET_SIGN.sub(lambda sign: sign[1] or "\\" + sign[2], piece[1:])
    return r"\{" if piece == "{" else piece


@lru_cache(256)
def _compiled(pattern: str, in_lines: bool) -> Pattern[str]:
    import regex  # noqa: PLC0415 - 25 ms that only the first search has to wait for

    check_pattern(pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Between blanks and remarks the pieces cannot be told by what they look like.
        has_remarks = re.compile(pattern).flags & re.VERBOSE
        spelled = pattern if has_remarks else _PIECE.sub(_spelled, pattern)
        return regex.compile(spelled, regex.VERSION0 | (regex.MULTILINE if in_lines else 0))


@lru_cache(64)
def _compiled_plain(pattern: str) -> Pattern[str] | None:
    import regex  # noqa: PLC0415 - as above
    from iregexp_check import check  # noqa: PLC0415 - only the filters of JSON paths need it

    if len(pattern) > MOST_CHARS or not check(pattern):
        return None
    return regex.compile(_DOT.sub(lambda found: r"[^\r\n]" if found[0] == "." else found[0], pattern), regex.VERSION1)


class Searches:
    """Searches that take at most ``seconds`` of the processor together, whatever the expressions and the texts.

    Each method raises ``PatternTooSlow`` when the time is used up, and ``ValueError`` for what is no expression.
    """

    def __init__(self, seconds: float = MOST_SECONDS) -> None:
        self._seconds = self._left = seconds

    def finds(self, pattern: str, text: str) -> bool:
        """Say whether ``pattern`` is found anywhere in ``text``."""
        return self._any(_compiled(pattern, False), text)

    def fits(self, pattern: str, text: str) -> bool:
        """Say whether ``pattern`` fits the whole of ``text``."""
        return self._any(_compiled(pattern, False), text, is_whole=True)

    def finds_plainly(self, pattern: str, text: str) -> bool:
        """Say whether an I-Regexp (RFC 9485) is found in ``text``; nothing is found by what is none."""
        compiled = _compiled_plain(pattern)
        return compiled is not None and self._any(compiled, text)

    def fits_plainly(self, pattern: str, text: str) -> bool:
        """Say whether an I-Regexp (RFC 9485) fits the whole of ``text``; nothing is fitted by what is none."""
        compiled = _compiled_plain(pattern)
        return compiled is not None and self._any(compiled, text, is_whole=True)

    def count(self, pattern: str, text: str) -> int:
        """Return how often ``pattern`` occurs in ``text``, ``^`` and ``$`` being the ends of lines."""
        compiled = _compiled(pattern, True)
        with self._limited(compiled, text) as seconds:
            return sum(1 for _ in compiled.finditer(text, timeout=seconds))

    def _any(self, compiled: Pattern[str], text: str, *, is_whole: bool = False) -> bool:
        look = compiled.fullmatch if is_whole else compiled.search
        with self._limited(compiled, text) as seconds:
            return look(text, timeout=seconds) is not None

    @contextmanager
    def _limited(self, compiled: Pattern[str], text: str) -> Iterator[float]:
        began = time.process_time()
        try:
            yield max(self._left, 1e-3)
        except (TimeoutError, MemoryError):
            told = shorten(compiled.pattern, 80)
            raise PatternTooSlow(told, seconds=self._seconds, length=len(text)) from None
        finally:
            self._left -= time.process_time() - began
