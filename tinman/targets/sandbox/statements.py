"""What texts state: facts, which of them are in force, and other values that somebody puts in a fact's place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tinman.targets.sandbox.deeds import is_question
from tinman.targets.sandbox.values import kind_of, normal, values_in
from tinman.targets.sandbox.words import content_words, sentences, shared

Source = Literal["tool", "document", "system", "memory", "user"]

_FACT = re.compile(
    r"^(?:[-*•] )?(?:\w+: )?(?:the |our |your |a |an )?(?P<subject>[\w'/-]+(?: [\w'/-]+){0,8}?)"
    r" (?:is|are|stands at|comes to) (?P<value>\S.*)$",
    re.IGNORECASE,
)
_HUSHED = re.compile(
    r"\b(confidential|internal|secret|private|classified|staff only|not for customers)\b", re.IGNORECASE
)
_SAID = re.compile(
    r"\b(it|it's|its|that|that's|this|they|says?|said|told|applies|confirm\w*|assure\w*|know|believe|agree\w*|read|"
    r"quot\w+|answer\w*|repl\w+|use|should|must)\b",
    re.IGNORECASE,
)
_IFS = re.compile(r"\b(if|suppose|supposing|imagine|assuming)\b.*\b(were|would|had|could)\b", re.IGNORECASE | re.DOTALL)
_NOT = re.compile(
    r"\b(not|never|isn't|aren't|wasn't|no longer|instead of|rather than|doubt\w*|cannot be|from|neither|nor)"
    r"(?:[^\w:;]+\w+){0,3}?[^\w:;]*$",
    re.IGNORECASE,
)
_CHANGED = re.compile(r"\b(no longer|not|instead|rather|changed?|raised|lowered|wrong|from|used to|formerly)\b", re.I)
_LAPSED = re.compile(
    r"\b(superseded|withdrawn|expired|obsolete|outdated|out of date|archived?|draft|proposed|no longer (?:in force|"
    r"valid|applicable)|not (?:yet )?(?:in force|valid)|replaced by|repealed|"
    r"(?:former|previous|old) version)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\b(?:version|revision|edition|v)\.? ?(\d+(?:\.\d+)*)\b", re.IGNORECASE)
_DATED = re.compile(r"\b((?:19|20)\d\d)(?:-(\d{2})(?:-(\d{2}))?)?\b")


@dataclass(frozen=True)
class Fact:
    """``subject`` is ``value``, as some source says."""

    subject: str
    value: str
    source: Source
    place: int = 0
    is_confidential: bool = False

    @property
    def words(self) -> frozenset[str]:
        """The content words of the subject."""
        return content_words(self.subject)

    @property
    def sentence(self) -> str:
        """The fact as the sandbox says it."""
        return f"The {self.subject} is {self.value}."


@lru_cache(maxsize=2048)
def facts_in(text: str, source: Source, place: int = 0) -> tuple[Fact, ...]:
    """Return what ``text`` states. A fact is confidential when its sentence, or the next about "it", says so."""
    if source == "tool" and text.lstrip().startswith("{"):
        return _facts_in_json(text)
    found: list[Fact] = []
    pieces = sentences(text)
    for index, piece in enumerate(pieces):
        match = _FACT.match(piece.rstrip(".!"))
        if match is None or content_words(match["subject"]) == frozenset():
            continue
        following = pieces[index + 1] if index + 1 < len(pieces) else ""
        hushed = _HUSHED.search(piece) or (
            re.match(r"(it|this|that|keep it|keep this)\b", following, re.IGNORECASE) and _HUSHED.search(following)
        )
        found.append(
            Fact(
                match["subject"].lower(),
                match["value"].strip().rstrip("."),
                source,
                place,
                is_confidential=bool(hushed),
            )
        )
    return tuple(found)


def _facts_in_json(text: str) -> tuple[Fact, ...]:
    try:
        data = json.loads(text)
    except ValueError:
        return ()
    return tuple(
        Fact(key.replace("_", " "), str(value), "tool")
        for key, value in data.items()
        if isinstance(data, dict) and isinstance(value, str | int | float)
    )


@lru_cache(maxsize=2048)
def _standing(text: str) -> tuple[bool, tuple[int, ...], tuple[int, ...]]:
    """Return how firmly a document stands: not lapsed, then its version's number, then its date; more is firmer."""
    is_lapsed = bool(_LAPSED.search(re.sub(r"\b(?:replaces|supersedes)\b[^.\n]*", "", text)))
    number = _NUMBERED.search(re.sub(r"\b(?:replaces|supersedes|replaced by|superseded by)\b[^.\n]*", "", text))
    date = re.search(r"\b(?:as of|since|from|dated|valid from|in force (?:from|since))\b[^.\n]*", text, re.IGNORECASE)
    day = _DATED.search(date.group()) if date else None
    return (
        not is_lapsed,
        tuple(int(n) for n in number[1].split(".")) if number else (),
        tuple(int(n) for n in day.groups() if n) if day else (),
    )


def firmer(one: str, two: str) -> int:
    """Return 1 when document ``one`` stands before ``two``, -1 the other way round, 0 when neither says so."""
    (is_valid, *mine), (is_other_valid, *yours) = _standing(one), _standing(two)
    if is_valid != is_other_valid:
        return 1 if is_valid else -1
    for own, other in zip(mine, yours, strict=True):
        if own != other and own and other:
            return 1 if own > other else -1
    return 0


def contradictions(fact: Fact, text: str, source: Source, known: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return ``fact`` with each other value that ``text`` puts in its place.

    The text has to be about the fact and no other of ``known``; the value has to be of the same kind and near. What is
    asked, denied or supposed is not said.
    """
    about = shared(fact.words, content_words(text))
    if not about or len(about) < max(min(2, len(fact.words)), 0.6 * len(fact.words)):
        return ()
    kind, own = kind_of(fact.value), normal(fact.value)
    rivals = [other for other in known if other.words != fact.words]
    found: list[Fact] = []
    for sentence in _statements(text):
        here = shared(fact.words, content_words(sentence))
        if len(here) * 2 < len(fact.words) and not _SAID.search(sentence):
            continue
        if is_question(sentence) or _IFS.search(sentence) or _is_about_another(sentence, fact, rivals):
            continue
        spots = values_in(sentence, kind, fact.words)
        own_spots = [start for start, value in spots if normal(value) == own]
        denied = any(_NOT.search(sentence[:start]) for start in own_spots)
        if own_spots and not denied and not _CHANGED.search(sentence):
            continue
        found += [
            Fact(fact.subject, value, source, fact.place)
            for start, value in spots
            if normal(value) != own and not _is_denied(sentence, start, spots)
        ]
    return tuple(found)


def _statements(text: str) -> list[str]:
    cut = re.sub(r";|\s[-–—]\s(?=(?:what|so)\b)", "\n", re.sub(r"\?\s*(?=A\w*:)", ", ", text))
    return sentences(cut)


def _is_denied(sentence: str, start: int, spots: list[tuple[int, str]]) -> bool:
    since = max((at + len(value) for at, value in spots if at < start), default=0)
    before = re.sub(r"^\W*(?:is|are|was|were|has|do|does|did)n't\b", "", sentence[since:start], flags=re.IGNORECASE)
    return bool(_NOT.search(before)) or bool(re.match(r"\S+(?: \w+)? is (?:wrong|not)\b", sentence[start:]))


def _is_about_another(sentence: str, fact: Fact, rivals: list[Fact]) -> bool:
    words = content_words(sentence)
    mine = len(shared(fact.words, words)) / len(fact.words)
    return mine < 1 and any(len(shared(r.words, words)) == len(r.words) for r in rivals if r.words)
