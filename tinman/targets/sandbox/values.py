"""Values by kind: money, shares, spans of time, amounts, days, times of day, codes, addresses, names, words."""

from __future__ import annotations

import re

from tinman.targets.sandbox.words import content_words, shared, stem

CODE = re.compile(
    r"\b[A-Z]{2,}-?\d[A-Z0-9-]*\b|\b[A-Z0-9]{2,}-[A-Z0-9-]*\d[A-Z0-9-]*\b|\b[A-Z]-\d[A-Z0-9-]*\b|\b\d{3,}\b"
)
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_NUMBERS = {**{word: number for number, word in enumerate(_WORDS)}, **_TENS}
_N = rf"(?:\d[\d.,]*\d|\d|\b(?:{'|'.join(_NUMBERS)})(?:-(?:{'|'.join(_WORDS[1:10])}))?\b)"
_SPAN = r"(?:seconds?|minutes?|mins?|hours?|working days?|business days?|days?|weeks?|months?|years?|nights?)"
_MONTHS = "January February March April May June July August September October November December".replace(" ", "|")
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".replace(" ", "|")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", EMAIL),
    (
        "money",
        re.compile(
            rf"[£€$] ?{_N}|{_N} ?(?:euros?|eur|pounds?|gbp|dollars?|usd|francs?|chf|cents?|pence|crowns?|€|£|\$)(?!\w)",
            re.IGNORECASE,
        ),
    ),
    ("share", re.compile(rf"{_N} ?(?:%|percent\b|per cent\b)", re.IGNORECASE)),
    ("time", re.compile(r"\b\d{1,2}[:.]\d{2}(?: ?[ap]\.?m)?\b|\b\d{1,2} ?(?:[ap]m\b|o'clock)", re.IGNORECASE)),
    ("span", re.compile(rf"{_N}[ -]{_SPAN}\b", re.IGNORECASE)),
    (
        "date",
        re.compile(rf"\b\d{{1,2}}(?:st|nd|rd|th)? (?:{_MONTHS})\b|\b(?:{_MONTHS}) \d{{1,2}}\b|\b\d{{4}}-\d\d-\d\d\b"),
    ),
    ("phone", re.compile(r"\+?\d{2,5}(?:[ -]\d{2,}){1,4}\b")),
    ("day", re.compile(rf"\b(?:{_DAYS})s?\b", re.IGNORECASE)),
    ("month", re.compile(rf"\b(?:{_MONTHS})\b")),
    ("code", CODE),
    ("amount", re.compile(rf"{_N}(?: [a-z]{{3,}})?", re.IGNORECASE)),
)
_NAME = re.compile(r"\b[A-ZÄÖÜÉ][\w'-]*(?: (?:[A-ZÄÖÜÉ][\w'-]*|of|and|de|van|von) ?)*(?<! )")
_LINKED = re.compile(
    r"(?:\b(?:is|are|was|be|been|being|to|as|says?|said|in|at|on|of|by|reads|uses?|but)\b|[=:>]) *['\"]?"
)
_DULL = frozenset(
    "i it the a an and but so my your our we you no yes what which dear sir madam please note remember told customer "
    "correct wrong right not still only also monday".split()
)


def kind_of(value: str) -> str:
    """Return the kind of ``value``, judged by how it begins."""
    for kind, pattern in _KINDS:
        if pattern.match(value):
            return f"amount {_unit(value)}" if kind == "amount" else kind
    return "name" if value[:1].isupper() else "word"


def _unit(value: str) -> str:
    match = re.match(rf"{_N} ([a-z]{{3,}})", value, re.IGNORECASE)
    return stem(match[1].lower()) if match else ""


def normal(value: str) -> str:
    """Return ``value`` as two of the same meaning are alike: its number, or its first word."""
    value = value.strip(" \"'.,;!?")
    digits = re.search(r"\d[\d.,]*", value)
    named = re.match(r"[a-z]+(?:-[a-z]+)?", value.lower())
    if named:
        parts = named.group().split("-")
        if parts[0] in _NUMBERS:
            return str(sum(_NUMBERS.get(part, 0) for part in parts))
    if digits and (value[0].isdigit() or value[0] in "£€$+"):
        whole = re.match(r"[\d., :-]*\d", value.lstrip("£€$+ "))
        return (whole.group() if whole else digits.group()).rstrip(".,").removesuffix(".00")
    first = re.match(r"\S+", value.lower())
    return first.group().strip(".,;") if first else ""


def values_in(text: str, kind: str, topic: frozenset[str]) -> list[tuple[int, str]]:
    """Return the values of ``kind`` in ``text`` with where each begins; ``topic`` words are no values."""
    if kind == "word":
        return _linked(text, topic, re.compile(r"[a-z][\w-]*", re.IGNORECASE))
    if kind == "name":
        spots = _linked(text, topic, re.compile(r"[A-Z][\w'-]*(?: [A-Z][\w'-]*)*"))
        first = re.match(r"\W*", text)
        named = [
            (m.start(), m.group().strip()) for m in _NAME.finditer(text) if m.start() > (first.end() if first else 0)
        ]
        opening = re.match(r"\W*([A-Z][\w'-]*(?: [A-Z][\w'-]*)*)(?= (?:for|as|is|applies)\b)", text)
        named += [(opening.start(1), opening[1])] if opening else []
        return spots + [spot for spot in named if spot not in spots and not _is_dull(spot[1], topic)]
    base, _, unit = kind.partition(" ")
    pattern = dict(_KINDS)[base]
    found = [(m.start(), m.group().rstrip(".,")) for m in pattern.finditer(text)]
    if base == "amount":
        found = [(at, value) for at, value in found if _unit(value) in (unit, "") or not unit]
    if not found and base in ("money", "share", "span"):
        found = [
            (m.start(), m.group()) for m in re.finditer(r"(?<![\w-])\d+(?:\.\d+)?(?![\w-])(?! [a-z]{3,}s\b)", text)
        ]
    return found


def _linked(text: str, topic: frozenset[str], shape: re.Pattern[str]) -> list[tuple[int, str]]:
    found = []
    for link in _LINKED.finditer(text):
        match = shape.match(text, link.end())
        if match and not _is_dull(match.group(), topic):
            found.append((match.start(), match.group()))
    return found


def _is_dull(value: str, topic: frozenset[str]) -> bool:
    words = content_words(value)
    return value.lower() in _DULL or not words or len(shared(words, topic)) == len(words)
