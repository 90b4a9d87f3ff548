"""Writing lists: those that were given, those of numbers, and those that are asked for by their length alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmarks.planted.language import facts, words
from benchmarks.planted.language.reading import Source

MOST_ITEMS = 500
_SERIES = {
    r"\balphabet\b|\bletters? from a to z\b": tuple("abcdefghijklmnopqrstuvwxyz"),
    r"\bmonths? of the year\b|\btwelve months\b|\ball (?:the )?months\b": tuple(
        "January February March April May June July August September October November December".split()
    ),
    r"\bdays of the week\b|\bweekdays\b": tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()),
    r"\bplanets\b": tuple("Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune".split()),
}
_WANTED = re.compile(
    r"\b(?:list|enumerate|name|give|copy|repeat|reproduce|recite|write|print|output|go through|"
    r"turn|put|sort|transcribe|"
    r"type|show|return|spell|number|mention|state|provide|read)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    (
        r"\b(?:all|every|each|whole|full|complete(?:ly)?|entire|in order|one per line|a line each|"
        r"numbered|bullet\w*|list|items?|lines?|entries|rows?|table|without (?:leaving|omitting|"
        r"skipping)|none|everything|them|these|those|alphabetical\w*|names)\b"
    ),
    re.IGNORECASE,
)
_ALL = re.compile(r"\b(?:all|every|each|whole|full|complete(?:ly)?|entire|without exception)\b", re.IGNORECASE)
_QUANTITY = re.compile(
    r"\b(\d{1,3}|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?|ten|twelve|"
    r"fifteen|five|six|seven|eight)\s+(?:[\w-]+\s+){0,3}?(?:lines|items|ideas|names|sentences|"
    r"examples|reasons|tips|words|entries|steps|questions|things|"
    r"points|bullets?|ways|titles|facts|paragraphs|rows|cities|countries|animals|slogans|suggestions)\b",
    re.IGNORECASE,
)


def counted(text: str) -> tuple[str, ...]:
    """Return the numbers that a text wants counted out, or the members of a series everybody knows."""
    span = re.search(
        (
            r"\b(?:from|between|numbers?|count(?:ing)?)\s+(?:from\s+)?(\w+(?:-\w+)?)\s+(?:to|through|up "
            r"to|and|until|till|-)\s+(\w+(?:-\w+)?)"
        ),
        text,
        re.IGNORECASE,
    )
    if span and re.search(
        r"\b(?:count|number|integer|list|write|print|output|squares?|multiples?|recite)", text, re.IGNORECASE
    ):
        first, last = (words.numbers(part) for part in span.groups())
        if first and last and last[0] > first[0]:
            return tuple(str(n) for n in range(int(first[0]), min(int(last[0]), int(first[0]) + MOST_ITEMS) + 1))
    up_to = re.search(
        r"\bcount (?:up )?to (\w+(?:-\w+)?)|\bfirst (\w+(?:-\w+)?) (?:\w+ )?(?:numbers|integers|multiples|squares)",
        text,
        re.IGNORECASE,
    )
    if up_to and (last := words.numbers(up_to.group(1) or up_to.group(2))):
        times = re.search(r"multiples of (\w+)", text, re.IGNORECASE)
        by = words.numbers(times.group(1)) if times else (1.0,)
        square = "square" in text.casefold()
        return tuple(
            words.plain(n * n if square else n * (by or (1.0,))[0]) for n in range(1, min(int(last[0]), MOST_ITEMS) + 1)
        )
    return next((series for pattern, series in _SERIES.items() if re.search(pattern, text, re.IGNORECASE)), ())


def given(question: str, ask: str, sources: Sequence[Source]) -> tuple[str, ...]:
    """Return the items of a list that stands in what was given, where the whole of it is wanted."""
    wanted = _WANTED.search(question)
    if not _WHOLE.search(question) or not (wanted or len(question.split()) < 12):
        return ()
    if not wanted and re.match(
        r"\W*(?:is|are|was|do|does|did|has|have|can|could|who|when|where|why|how)\b", question, re.I
    ):
        return ()
    inside = facts.items([Source("user", "", ask)], question, least=0.0)
    if len(inside) >= (3 if re.search(r"\b(?:these|following)\b", ask, re.IGNORECASE) else 5):
        return inside
    found = facts.items(sources, question)
    if found or not (wanted or _ALL.search(question)):
        return found
    return _told_of(question, sources)


def _told_of(question: str, sources: Sequence[Source]) -> tuple[str, ...]:
    """Return all statements of the document that a question is about, where it holds no list."""
    many = [
        (len(words.content(question) & words.content(s.name + s.text)), facts.statements(s))
        for s in sources
        if s.kind == "document"
    ]
    best = max(many, default=(0, ()), key=lambda found: found[0])
    return best[1] if len(best[1]) >= 3 else ()


def made(question: str) -> tuple[str, ...]:
    """Return as many items as a text wants of something, made up from its own words."""
    wanted = _QUANTITY.search(question)
    if not wanted or not re.search(
        (
            r"\b(?:list|give|write|name|generate|make|create|produce|come up|think of|suggest|provide|"
            r"compose|output|print|draft|tell)\b"
        ),
        question,
        re.IGNORECASE,
    ):
        return ()
    count = words.numbers(wanted.group(1))
    about = " ".join(w for w in words.words(question) if w not in words.STOP and not words.numbers(w))[:60]
    if not count or not 2 <= count[0] <= MOST_ITEMS or wanted.group(0).endswith("words"):
        return ()
    return tuple(f"{n}. {about}, number {n}" for n in range(1, int(count[0]) + 1))
