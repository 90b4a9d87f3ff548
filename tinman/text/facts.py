"""The facts in a reply that can be compared without knowing which are right: figures, dates, ids, yes or no."""

from __future__ import annotations

import re

_DATE = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")
_ID = re.compile(r"\b(?=[A-Z0-9-]{0,64}\d)(?=[A-Z0-9-]{0,64}[A-Z])[A-Z0-9]+(?:-[A-Z0-9]+)*\b")
_NUMBER = re.compile(r"(?<![\w.,])[-+]?\d+(?:[.,'\u00a0\u202f ]\d{3})*(?:[.,]\d+)?(?!\w)\s?(%|[A-Za-z€$£°]+)?")
_LISTED = re.compile(r"^[ \t]*\d{1,2}[.)]\s", re.MULTILINE)
_ANSWER = re.compile(r"\A\W*(yes|no|ja|nein|oui|non|s[íi]|sim|não)\b", re.IGNORECASE)
_NO = frozenset({"no", "nein", "non", "não"})
_UNITS = frozenset(
    "usd eur gbp chf euro euros dollar dollars days day hours hour h min minutes minute s seconds weeks week months"
    " month years year kg g mg km m cm mm l ml mb gb kb tage tag stunden wochen monate jahre jours heures".split()
)


def _figure(text: str) -> str:
    """Return a number as one spelling: ``1,299.00`` and ``1 299`` are the same."""
    digits = re.sub(r"[\u00a0\u202f' ]", "", text)
    last = max(digits.rfind("."), digits.rfind(","))
    if last >= 0 and (len(digits) - last - 1 != 3 or digits[:last].lstrip("+-") == "0"):
        whole = re.sub(r"[.,]", "", digits[:last])
        return f"{whole}.{digits[last + 1 :]}".rstrip("0").rstrip(".")
    return re.sub(r"[.,]", "", digits)


def facts_of(text: str) -> frozenset[str]:
    """Return the facts in ``text``, each in one spelling; numbers before the points of a list are none."""
    text = _LISTED.sub("", text)
    found = set[str]()
    if answer := _ANSWER.match(text):
        found.add("no" if answer[1].lower() in _NO else "yes")
    for year, month, day in _DATE.findall(text):
        found.add(f"{year}-{int(month):02d}-{int(day):02d}")
    text = _DATE.sub(" ", text)
    for hour, minute in _TIME.findall(text):
        found.add(f"{int(hour):02d}:{minute}")
    text = _TIME.sub(" ", text)
    found.update(_ID.findall(text))
    for match in _NUMBER.finditer(_ID.sub(" ", text)):
        unit = (match[1] or "").lower()
        number = match.group()[: match.start(1) - match.start()] if match[1] else match.group()
        kept = unit if unit in _UNITS or not unit.isalpha() else ""
        found.add(_figure(number.strip()) + kept)
    return frozenset(found)
