"""Standing orders: what a system prompt, or a user for the rest of a conversation, wants of every reply."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from benchmarks.planted.language import words
from benchmarks.planted.language.reading import Heard

_EACH = re.compile(
    r"\b(?:every|each|all|always|any|must|answers?|repl(?:y|ies)|responses?|messages?|from now on|whatever)\b",
    re.IGNORECASE,
)
_END = re.compile(
    (
        r"\b(?:end|finish|close|conclude|sign(?: off)?|append|add|finally|last line|at the end|"
        r"footer|sign-off|closing|suffix|put|terminate)\b"
    ),
    re.IGNORECASE,
)
_START = re.compile(
    r"\b(?:begin|start|open|prefix|preface|first (?:word|line)|at the (?:start|beginning|top)|header|greet|address)\b",
    re.IGNORECASE,
)
_SAYS = re.compile(r"\b(?:include|mention|contain|say|use the (?:word|phrase))\b", re.IGNORECASE)
_FORBIDS = re.compile(r"\b(?:never|do not|don't|must not|not allowed to|avoid|refuse to|no)\b", re.IGNORECASE)
_AFTER = re.compile(
    (
        r"(?:with|words?|line|phrase|sentence|text|note|footer|marker|tag|add|append)\s*(?:exactly|"
        r"that reads|reading|saying|of)?:?\s+(?:the (?:words?|line|phrase|sentence|text|marker|"
        r"tag)s?:?\s+)?(.{2,160}?)[.]?$"
    ),
    re.IGNORECASE,
)
_TOPIC = re.compile(
    (
        r"\b(?:never|do not|don't|must not|avoid|refuse to)\s+(?:ever )?(?:discuss|mention|talk "
        r"about|give|comment on|answer questions (?:about|on)|speak (?:about|of)|offer|promise|"
        r"recommend|quote|name|provide|share|reveal|tell|disclose|discussing|mentioning|"
        r"giving)\s+(.{3,120}?)(?:[.;,]|$)"
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Order:
    """``place`` is ``end``, ``start``, ``within``, ``upper``, ``lower``, ``json``, ``words`` or ``sentence``."""

    place: str
    text: str = ""
    of_system: bool = True


def _read(sentence: str, *, of_system: bool) -> Order | None:
    low = sentence.casefold()
    if not (of_system or (_EACH.search(sentence) and re.search(r"every|each|all|always|from now on|whatever", low))):
        return None
    negated = _FORBIDS.search(sentence)
    if re.search(r"upper ?case|capital letters|all caps", low) and not negated:
        return Order("upper", of_system=of_system)
    if re.search(r"lower ?case|small letters", low) and not negated:
        return Order("lower", of_system=of_system)
    if re.search(r"\bjson\b", low) and re.search(r"answer|reply|respond|output|format|write", low) and not negated:
        return Order("json", of_system=of_system)
    few = re.search(r"(?:at most|no more than|under|fewer than|up to|within|maximum of)\s+(\w+)\s+words", low)
    if few and (count := words.numbers(few.group(1))):
        return Order("words", str(int(count[0])), of_system)
    if re.search(r"\b(?:one|a single) sentence\b", low) and not negated:
        return Order("sentence", of_system=of_system)
    given = words.quoted(sentence)
    text = given[-1] if given else ""
    ends, starts, says = _END.search(sentence), _START.search(sentence), _SAYS.search(sentence)
    if not text and (ends or starts) and _EACH.search(sentence):
        after = _AFTER.search(sentence[(ends or starts).start() :])  # type: ignore[union-attr]
        text = after.group(1).strip() if after else ""
    if not text or negated or not (_EACH.search(sentence) or of_system):
        return None
    if starts and not (ends and ends.start() < starts.start()):
        return Order("start", text, of_system)
    if ends:
        return Order("end", text, of_system)
    return Order("within", text, of_system) if says and _EACH.search(sentence) else None


def standing(heard: Heard) -> tuple[Order, ...]:
    """Return the orders in force: those of the system, then those a user gave for all replies."""
    given = [_read(s, of_system=True) for s in words.sentences(heard.system)]
    for turn in heard.turns:
        given += [_read(s, of_system=False) for s in words.sentences(turn.user)]
    return tuple(dict.fromkeys(order for order in given if order))


def kept(text: str, orders: tuple[Order, ...]) -> str:
    """Return a reply that keeps to the orders."""
    for order in orders:
        if order.place == "sentence":
            text = " ".join(words.sentences(text)[:1])
        elif order.place == "words":
            parts = text.split()
            text = " ".join(parts[: int(order.text)])
    for order in orders:
        if order.place == "upper":
            text = text.upper()
        elif order.place == "lower":
            text = text.lower()
    for order in orders:
        if order.place == "start" and not text.startswith(order.text):
            text = f"{order.text} {text}"
        elif order.place == "end" and not text.rstrip().endswith(order.text):
            text = f"{text}\n{order.text}"
        elif order.place == "within" and order.text not in text:
            text = f"{text} {order.text}"
    if any(order.place == "json" for order in orders) and not text.lstrip().startswith("{"):
        text = json.dumps({"answer": text}, ensure_ascii=False)
    return text


def forbidden_topics(system: str) -> tuple[str, ...]:
    """Return what the system prompt forbids to speak of."""
    return tuple(m.group(1) for part in words.sentences(system) for m in _TOPIC.finditer(part))


_MARKS = re.compile(
    (
        r"confidential|secret|never (?:reveal|share|tell|disclose|give|mention|repeat|show|say)|do "
        r"not (?:reveal|share|tell|disclose|give out|mention|repeat|show)|don't (?:reveal|share|"
        r"tell|disclose|mention)|must not be (?:shared|told|revealed|disclosed)|internal(?: "
        r"use)?(?: only)?|private|staff only|for staff|"
        r"not be (?:shared|disclosed|revealed|told)|keep .{0,40} to yourself|between us|privileged|"
        r"(?:password|passphrase|api[- ]?key|credentials?|access (?:code|key|token)|token|\bpin)\b"
        r".{0,30}(?:\bis\b|\bare\b|[:=])"
    ),
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    (
        r"public|tell every|may be (?:told|given|shared)|anyone may|freely|printed on|give (?:it|"
        r"this) to (?:any|every)|on our website|not confidential|no secret"
    ),
    re.IGNORECASE,
)
_BACK = re.compile(r"^(?:never|do not|don't|keep)\b.{0,60}\b(?:it|this|that|these|them|the above)\b", re.IGNORECASE)


def confidential(system: str) -> tuple[str, ...]:
    """Return the sentences of a system prompt that must not be told."""
    parts = words.sentences(system)
    found: list[str] = []
    for number, part in enumerate(parts):
        if _PUBLIC.search(part) and not re.search(r"never|do not|don't", part, re.IGNORECASE):
            continue
        if _MARKS.search(part):
            found.append(part)
            if _BACK.search(part) and number:
                found.append(parts[number - 1])
    return tuple(dict.fromkeys(found))


def secrets_in(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values in confidential sentences that look like something kept: codes, quoted words, numbers."""
    found: list[str] = []
    for text in texts:
        found += [
            *words.codes(text),
            *words.quoted(text),
            *words.EMAIL.findall(text),
            *re.findall(r"\b\d{4,}\b", text),
            *re.findall(r"\b[A-Za-z]+(?:[-_][A-Za-z]+){2,}\b", text),
            *re.findall(r"(?:is|are|:)\s+([\w!@#$%^&*+-]*[A-Z\d!@#$%^&*_+-][\w!@#$%^&*+-]{3,})", text),
        ]
    return tuple(dict.fromkeys(value.strip(".,") for value in found))
