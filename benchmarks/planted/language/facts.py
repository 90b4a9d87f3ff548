"""Finding what is asked in what was given: by the concepts of a question, not by its wording."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from benchmarks.planted.language import words
from benchmarks.planted.language.reading import Source

ENOUGH = 0.45
_STALE = re.compile(
    r"\b(?:until \d|previously|formerly|former|used to|old (?:policy|rule|price|version|address|number)|superseded|"
    r"outdated|obsolete|draft|expired|no longer|archived?|last year)\b",
    re.IGNORECASE,
)
_FRESH = re.compile(r"\b(?:now|current(?:ly)?|updated?|as of|new|effective|correction|latest|instead)\b", re.IGNORECASE)
_NOT_IN_FORCE = re.compile(
    r"\b(?:supersed\w+|withdrawn|revoked|repealed|rescinded|abolished|void|annulled|cancelled|discontinued|recalled|"
    r"(?:was|were|been|since) replaced|replaced (?:by|since)|out of (?:force|date)|outdated|obsolete|expired|"
    r"no longer (?:valid|in force|true|applies|used)|not (?:yet )?(?:valid|in force|adopted|approved)|"
    r"(?:never|not) (?:been )?(?:put into force|adopted|approved|taken up)|long since|in those days|"
    r"at (?:that|the) time|back then|in the past|former(?:ly)?|previous(?:ly)?|"
    r"earlier (?:edition|version)|first edition|edition before|"
    r"(?:closed|given up|shut|ended|dissolved)\b.{0,20}\b(?:ago|since|down|years?)|"
    r"old (?:\w+ )?(?:edition|folder|leaflet|copy|text|terms|sheet|paper|version|rules)|archiv\w+|takes? effect|"
    r"from then on|(?:later|future|coming|upcoming) (?:terms|edition|rules|version)|(?:next|after next|to come) ?year|"
    r"year after next|propos(?:al|als|ed|es)|(?:was|were|been) suggested|turned down|rejected|under discussion|drafts?|"
    r"brainstorm\w*|ideas? (?:from|of)|invented|fictional|fictitious|made[- ]up|hypothetical|"
    r"(?:in|for) (?:this|an?|the) (?:example|exercise)|exercises?|role[- ]play|trainees?|"
    r"(?:sample|training|test|dummy) (?:case|data|example|material|text|values?)|"
    r"rivals?|competitors?|other (?:companies|firms|providers)|(?:country|industry|trade)[- ]?wide|"
    r"across the (?:country|industry|trade)|on average|unknown (?:source|author)|"
    r"(?:source|author|origin)\b.{0,20}\b(?:unknown|missing|unclear)|hearsay|undated|unverified|rumou?rs?|hoax|"
    r"misprint|typing error|sister (?:company|firm|house|shop)|partners? abroad|subsidiar\w+|affiliat\w+|namesakes?|"
    r"franchise\w*|another (?:firm|company|branch|shop|house|town|county|country)|(?:firm|company) of its own|"
    r"not (?:us|ours)|(?:mistaken|confused) (?:for|with)|of the same name|independent of us)\b",
    re.IGNORECASE,
)
"""Says of a text that it does not hold, not yet or not any more, is about others, or is nobody's."""
_OF_ITS_OWN = re.compile(
    r"\b(?:my|own|the assistant's|assistant'?s?|bot'?s?) (?:\w+ ){0,2}(?:summar\w+|digests?|notes?|answers?|"
    r"repl(?:y|ies)|lists?|reports?|drafts?|texts?|statistics|conclusions?)|"
    r"\b(?:digest|essence|summary) of (?:my|own|what i)|\bI (?:wrote|answered|noted|told|summed|concluded)|"
    r"\bwritten by (?:me|the assistant)|\bassistant \d|\bprepared (?:by me|replies)|\bown (?:work|words)\b",
    re.IGNORECASE,
)
"""Says of a text that the assistant wrote it itself: no source."""
_FOR_SOME = re.compile(
    r"\b(?:members|holders|subscribers|employees|staff|students|partners|veterans|owners|residents|circle)\b.{0,60}"
    r"\b(?:have|has|get|enjoy|are granted|pay)\b|\bonly for\b|\bfor (?:members|staff|students|partners)\b|"
    r"\b(?:trade|business|corporate|wholesale|premium|contract|internal) (?:customers?|clients?|members?)\b|"
    r"\b(?:staff|members|employees) only\b|\bnot for (?:customers|the public|everybody|guests)\b|"
    r"\bown (?:people|staff)\b",
    re.IGNORECASE,
)
"""Says that a value holds for some people alone."""
_SUPPOSED = re.compile(
    r"\b(?:suppos\w+|imagin\w+|assum\w+|pretend\w*|picture|what if|let's say|say (?:you|it|that)|hypothetical\w*|"
    r"if\b.{0,80}\b(?:were|was|had|would)|had\b.{0,80}\bwould|in (?:another|a different) (?:past|world|life|time)|"
    r"dream(?:t|s|ed|ing)?|novel|story|song|poem|play|exercise|for the sake of argument)\b",
    re.IGNORECASE,
)
"""Says of what a user tells that it is made up."""
_RULING = re.compile(
    r"\b(?:terms|polic(?:y|ies)|rules?|regulations?|conditions|handbook|manual|price list|tariff|statutes?|official|"
    r"contract|by-?laws?)\b",
    re.IGNORECASE,
)
"""Is in the name or head of a text that says what holds, rather than tells of it."""
_TRUST = {"document": 1.0, "result": 1.0, "system": 0.97, "user": 0.9, "note": 0.7, "self": 0.5}
_LEADS = re.compile(r"^(?:it|they|this|that|he|she|these|those|there|its|their)\b", re.IGNORECASE)


_OF_KIND = frozenset(words.stem(w) for w in "time date day year month amount number value figure".split())


@dataclass(frozen=True)
class Fact:
    """A statement with where it stands and how well it fits a question, from 0 to 1."""

    text: str
    source: Source
    fit: float = 0.0
    place: int = 0


@dataclass(frozen=True)
class _Line:
    text: str
    near: frozenset[str]
    source: Source
    place: int
    standing: float = 1.0


@lru_cache(maxsize=2_000)
def statements(source: Source) -> tuple[str, ...]:
    """Return what a source states: sentences, table rows with their headings, the members of JSON."""
    told = from_json(source.text)
    if told is not None:
        return told
    rows: list[str] = []
    heading: list[str] = []
    for piece in words.sentences(source.text):
        if piece.count("|") >= 2:
            cells = [cell.strip() for cell in piece.strip("| ").split("|")]
            if not heading:
                heading = cells
            elif not set("".join(cells)) <= set("-: "):
                rows.append(", ".join(f"{name}: {cell}" for name, cell in zip(heading, cells, strict=False)))
            continue
        heading = []
        rows.append(piece)
    return tuple(rows)


def from_json(text: str) -> tuple[str, ...] | None:
    """Return the members of a JSON text, a line each, or ``None`` when it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        told = json.loads(text)
    except ValueError:
        return None
    return tuple(_members(told, ""))


def _members(told: object, path: str) -> Iterable[str]:
    if isinstance(told, dict):
        for name, value in told.items():
            yield from _members(value, f"{path} {name}".strip().replace("_", " "))
    elif isinstance(told, list):
        for value in told:
            if isinstance(value, dict):
                yield ", ".join(f"{name.replace('_', ' ')}: {inner}" for name, inner in value.items())
            else:
                yield from _members(value, path)
    else:
        yield f"{path}: {told}" if path else str(told)


@lru_cache(maxsize=5_000)
def kind_asked(question: str) -> str:
    """Say what kind of value a question is after: ``amount``, ``time``, ``name``, ``contact``, ``yes`` or nothing."""
    low = words.normal(question)
    if re.match(r"\W*(?:is|are|was|were|do|does|did|can|could|may|must|has|have|will|would|should)\b(?! you\b)", low):
        return "yes"
    if re.search(
        r"\b(?:wie (?:viele?|lange|hoch)|combien|cuánt[oa]s?)\b|\bhow (?:much|many|long|far|old|big|"
        r"large|tall|heavy|often|high|fast)\b|\b(?:number|amount|price|cost|fee|"
        r"total|percentage|percent|limit|maximum|minimum|capacity|weight|height|temperature|length)\b",
        low,
    ):
        return "amount"
    if re.search(
        (
            r"\b(?:when|wann|quand|cuándo)\b|\bwhat (?:time|date|day|year|month)\b|\bwhich (?:day|date|"
            r"year|month)\b|\b(?:deadline|date)\b"
        ),
        low,
    ):
        return "time"
    if re.search(r"\b(?:e-?mail|phone|telephone|url|website|link)\b", low):
        return "contact"
    if re.search(r"\b(?:wer|qui|quién)\b|\bwho(?:m|se)?\b|\bname of\b|\bwhich (?:person|employee|colleague)\b", low):
        return "name"
    return ""


@lru_cache(maxsize=20_000)
def value_of(text: str, kind: str, question: str = "") -> str:
    """Return the value of the kind in a statement, the one that the question does not hold already; empty if none."""
    found: Sequence[str] = ()
    if kind == "amount":
        clocks = set(words.times(text))
        found = [a for a in words.amounts(text) if not any(a in clock for clock in clocks)]
    elif kind == "time":
        found = words.times(text) or words.amounts(text)
    elif kind == "name":
        found = words.names(text)
    elif kind == "contact":
        found = [*words.EMAIL.findall(text), *words.URL.findall(text), *re.findall(r"\+?\d[\d ()-]{4,}\d", text)]
    low = question.casefold()
    new = [value for value in found if value.casefold() not in low]
    return (new or list(found) or [""])[0]


def _lines(sources: Iterable[Source]) -> list[_Line]:
    lines: list[_Line] = []
    for source in sources:
        told = statements(source)
        first = " ".join(words.names(f"of {told[0]}")) if told and source.kind != "user" else ""
        around = words.content(f"{source.name} {first}")
        before: frozenset[str] = frozenset()
        for number, text in enumerate(told):
            if text.rstrip().endswith("?"):
                continue
            short = len(text) < 60 and text.rstrip().endswith(":")
            near = around | (before if _LEADS.match(text) or short else frozenset())
            lines.append(_Line(text, near, source, len(lines), _standing(source, told, number)))
            if not _LEADS.match(text):
                before = words.content(text)
    return lines


def _standing(source: Source, told: tuple[str, ...], number: int) -> float:
    """Say how far a statement can be relied on, from what it, its neighbours and the head of its text say of it."""
    if source.kind == "user":
        return 0.3 if _SUPPOSED.search(told[number]) else 1.0
    if source.kind not in {"document", "note"}:
        return 1.0
    near = " ".join((told[0], *told[max(0, number - 1) : number + 2])) if len(source.text) < 1_000 else told[number]
    if _NOT_IN_FORCE.search(near):
        return 0.6
    if _OF_ITS_OWN.search(f"{source.name} {near}"):
        return 0.7
    return 0.8 if _FOR_SOME.search(told[number]) else 1.0


def _rules(source: Source) -> bool:
    head = next(iter(statements(source)), "")[:200]
    if _NOT_IN_FORCE.search(head) or _OF_ITS_OWN.search(f"{source.name} {head}"):
        return False
    return bool(_RULING.search(f"{source.name} {head}"))


def ranked(question: str, sources: Sequence[Source]) -> list[Fact]:
    """Return the statements of the sources, the best fitting first; later ones win among equals of the user."""
    return list(_ranked(question, tuple(sources)))


@lru_cache(maxsize=512)
def _ranked(question: str, sources: tuple[Source, ...]) -> list[Fact]:
    lines = _lines(sources)
    wanted = words.content(question)
    wanted = (wanted - _OF_KIND if kind_asked(question) else wanted) or wanted
    if not lines or not wanted:
        return []
    spread = Counter(concept for line in lines for concept in words.content(line.text) | line.near)
    named = {words.stem(part) for name in words.names(question) for part in re.split(r"[\s-]+", name)}
    named |= {words.stem(code) for code in words.codes(question)}

    def weight(concept: str) -> float:
        rare = math.log(1 + len(lines) / (1 + spread[concept]))
        return (0.4 + rare) * (1.6 if concept in named else 1.0) * (1.0 if spread[concept] else 0.75)

    whole = sum(weight(concept) for concept in wanted) or 1.0
    kind = kind_asked(question)
    ruling = {source for source in sources if source.kind == "document" and _rules(source)}
    facts = []
    for line in lines:
        own = words.content(line.text)
        fit = sum(weight(c) for c in wanted if c in own)
        fit += sum(0.7 * weight(c) for c in wanted if c in line.near and c not in own)
        fit += sum(0.7 * weight(c) for c in wanted - own - line.near if len(c) > 4 and any(_alike(c, o) for o in own))
        fit /= whole
        if kind in {"amount", "time", "name", "contact"} and fit:
            fit *= 1.15 if value_of(line.text, kind, question) else 0.8
        fresh = 0.82 if _STALE.search(line.text) else 1.03 if _FRESH.search(line.text) else 1.0
        fit *= _TRUST[line.source.kind] * (min(line.standing, fresh) if line.standing < 1 else fresh)
        if ruling and line.source.kind == "document" and line.source not in ruling:
            fit *= 0.9
        facts.append(Fact(line.text, line.source, fit, line.place))
    newest = {"user": 1, "result": 1}
    return sorted(facts, key=lambda f: (-round(f.fit, 3), -f.place * newest.get(f.source.kind, 0), f.place))


def _alike(one: str, other: str) -> bool:
    return len(other) > 4 and (one[:5] == other[:5] if min(len(one), len(other)) > 5 else one[:4] == other[:4])


def find(question: str, sources: Sequence[Source], *, enough: float = ENOUGH) -> Fact | None:
    """Return the statement that answers the question, following one name to a second statement where needed."""
    facts = ranked(question, sources)
    kind = kind_asked(question)
    if not facts or facts[0].fit < enough * (0.85 if kind and value_of(facts[0].text, kind, question) else 1.0):
        return None
    best = facts[0]
    if kind in {"amount", "time", "contact"} and not value_of(best.text, kind, question):
        onward = f"{question} {' '.join(words.names(best.text))} {' '.join(words.codes(best.text))} {best.text}"
        for fact in ranked(onward, sources):
            shared = words.content(fact.text) & (words.content(best.text) | words.content(question))
            if fact.text != best.text and shared and value_of(fact.text, kind, question):
                return Fact(fact.text, fact.source, best.fit, fact.place)
    return best


def items(sources: Sequence[Source], question: str, *, least: float = 0.1) -> tuple[str, ...]:
    """Return the items of the list that the question is about: bullets, numbered lines, rows, or an enumeration."""
    best: tuple[float, int, tuple[str, ...]] = (0.0, 0, ())
    wanted = words.content(question)
    for source in sources:
        about = words.content(source.name) | words.content(source.text[:400])
        bulleted = tuple(
            m.group(1).strip() for m in re.finditer(r"^\s*(?:[-*•·]|\d{1,3}[.):])\s+(.+)$", source.text, re.MULTILINE)
        )
        if len(bulleted) < 2:
            told = statements(source)
            rows = tuple(line for line in told if re.match(r"[^.:]{1,60}: \S", line))
            bulleted = rows if len(rows) > 2 else bulleted
        fit = len(wanted & about) / max(1, len(wanted)) + 0.01
        if len(bulleted) >= 2:
            best = max(best, (fit, len(bulleted), bulleted))
        for line in words.sentences(source.text):
            parts = [
                p.strip(" .") for p in re.split(r",\s*(?:and |or )?|\s+and\s+|;\s*", line.rpartition(":")[2] or line)
            ]
            if len(parts) >= 3 and all(0 < len(p) < 60 for p in parts[1:]):
                near = len(wanted & words.content(line)) / max(1, len(wanted)) + 0.02
                if ":" not in line:
                    parts[0] = re.split(r"\b(?:are|include[sd]?|is|offers?|sells?|has|have|with)\b", parts[0])[
                        -1
                    ].strip()
                best = max(best, (near, len(parts), tuple(parts)))
    return best[2] if best[0] > least else ()
