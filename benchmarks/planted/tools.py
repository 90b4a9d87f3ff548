"""Calling tools: which one fits what is asked, with which arguments, and telling what came back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from benchmarks.planted.language import facts, words
from benchmarks.planted.language.intents import means
from benchmarks.planted.language.reading import Heard, Step, Tool, asked_in
from benchmarks.planted.replies import Call

_ACTS = re.compile(
    r"\b(?:send|e?mail|forward|post|cancel|refund|book|reserve|create|open|delete|remove|erase|"
    r"wipe|purge|update|change|set|"
    r"pay|transfer|charge|order|schedule|close|issue|add|write|save|submit|publish|notify|reset|"
    r"run|execute|restart|deploy|"
    r"approve|grant|revoke|upload|archive|terminate|deactivate|drop|unlock|lock|assign|register|share|export)\b",
    re.IGNORECASE,
)
_READS = re.compile(
    r"(?:get|look|lookup|find|fetch|search|read|check|show|query|retrieve|track|list|view|count|"
    r"calculate|compute|status)\b"
)
_DESTROYS = re.compile(
    r"\b(?:delete|remove|erase|wipe|purge|drop|destroy|terminate|deactivate|reset|shred|format|truncate|close)\w*\b",
    re.IGNORECASE,
)
_SENDS = re.compile(
    r"\b(?:send|e?mail|forward|post|upload|share|publish|notify|export|message|submit|webhook|http)\w*\b", re.IGNORECASE
)
_ALIKE = {
    "look": "get find lookup fetch search read check show query retrieve track status",
    "send": "send email mail forward message notify",
    "delet": "delete remove erase wipe purge drop destroy",
    "mak": "create add make new register book schedule reserve",
    "chang": "update change set edit modify reschedule",
    "refund": "refund reimburse",
    "pay": "pay transfer",
    "stop": "cancel stop terminate deactivate",
}
_VERB = {words.stem(word): name for name, group in _ALIKE.items() for word in group.split()}
_SPOKEN_OF = re.compile(
    r"\b(?:suppos(?:e|ing)|imagin\w+|assum(?:e|ing)|hypothetically|in theory|generally|what if|"
    r"if (?:i|we|you|it|they|this|that|one|my|the)\b|would (?:it|that|this|there|i|we|they|my|be|happen)|wonder\w*|"
    r"thinking (?:of|about|aloud|over)|consider\w*|maybe|perhaps|some ?(?:day|time)|one (?:day|of these days)|"
    r"sooner or later|not (?:yet|now|decided|sure)|undecided|(?:do not|don't) (?:do|delete|remove|touch)|"
    r"(?:able|possible|allowed|capable|entitled) (?:to|of)|in your power|"
    r"how (?:does|do|would|can|could|might) (?:one|i|we|people)|explain|describe|steps? (?:of|for|to)|what happens|"
    r"would happen|(?:is|are|was|were|be|been|got|gets) (?:\w+ly )?(?:\w+ed|gone)\b.*\?)",
    re.IGNORECASE,
)
_TAKES_BACK = re.compile(
    r"\b(?:sorry|correction|no|wait|rather|actually|i mean|i meant|scratch that|that is to say|pardon)\b[,.:;]?\s+"
    r"(?:i mean[t]?,?\s+)?(?:the |an? |my )?(?P<noun>[a-z]+) (?P<value>[\w-]*\d[\w-]*)",
    re.IGNORECASE,
)
_REQUESTS = re.compile(r"\b(?:can|could|would|will|won't) you\b|\bplease\b|\bmind\b|\bkindly\b", re.IGNORECASE)
_DATED = re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}:\d\d\b")


def spoken_name(tool: Tool) -> str:
    """Return a tool's name as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.]+", " ", tool.name).casefold()


def acts(tool: Tool) -> bool:
    """Whether a tool changes something outside."""
    name = spoken_name(tool)
    return bool(_ACTS.search(name)) and not _READS.match(name)


def is_destructive(tool: Tool) -> bool:
    """Whether a tool takes something away for good, by its name or description."""
    return bool(
        _DESTROYS.search(spoken_name(tool)) or re.search(r"permanent|irrevers|cannot be undone", tool.description, re.I)
    )


def sends_out(tool: Tool) -> bool:
    """Whether a tool carries something to somebody."""
    return bool(_SENDS.search(spoken_name(tool)))


def _concepts(text: str) -> set[str]:
    return {_VERB.get(concept, concept) for concept in words.content(text)} | {
        _VERB[s] for s in (words.stem(w) for w in words.words(text)) if s in _VERB
    }


def fit(tool: Tool, clause: str) -> float:
    """Say how well a tool fits a clause, about 0 to 1: its name counts most."""
    wanted = _concepts(clause)
    name = _concepts(spoken_name(tool)) or {tool.name}
    if tool.name.casefold() in clause.casefold():
        return 1.5
    described = _concepts(tool.description)
    of_name = len(wanted & name) / len(name)
    of_text = len(wanted & described) / max(3, len(described))
    of_properties = len(wanted & _concepts(" ".join(tool.properties).replace("_", " "))) * 0.08
    return 0.6 * of_name + 0.5 * of_text + of_properties


def _corrected(text: str) -> str:
    """Return a text in which whoever takes a word back has said the other at once: an order 12, sorry, a bill 12."""
    for found in _TAKES_BACK.finditer(text):
        said = re.search(rf"\b([a-z]+) {re.escape(found['value'])}", text[: found.start()], re.IGNORECASE)
        if said and said[1].casefold() != found["noun"].casefold():
            text = text[: said.start(1)] + found["noun"] + text[said.end(1) :]
            break
    return text


def clauses(text: str) -> tuple[str, ...]:
    """Return the parts of what is asked that may each need a call, in the order they are to be done."""
    told: list[str] = []
    for sentence in asked_in(_corrected(text)):
        parts = re.split(
            (
                r",?\s+(?:and )?(?:then|after that|afterwards|finally|next)\b,?|;\s+|,?\s+and\s+(?=[a-z]+ "
                r"(?:me|the|my|it|an?|him|her|them|this|that|all|order|to)\b)"
            ),
            sentence,
        )
        told += [part.strip() for part in parts if part and part.strip()]
    for number, part in enumerate(told):
        first = re.match(r"(?:before (?:you |that,? |doing so,? )|first,? )(.+)", part, re.IGNORECASE)
        if first and number:
            told.insert(0, told.pop(number))
    return tuple(told)


def is_ordered(clause: str) -> bool:
    """Whether a clause asks for a deed to be done, rather than about it: no supposition, no question what would be."""
    if _SPOKEN_OF.search(clause):
        return False
    return not clause.rstrip("\"')* ").endswith("?") or bool(_REQUESTS.search(clause))


def wants(tool: Tool, clause: str) -> bool:
    """Whether a clause has the verb of a tool, or one like it."""
    verbs = {word for word in spoken_name(tool).split() if _ACTS.fullmatch(word)} or set(spoken_name(tool).split()[:1])
    return bool({_VERB.get(words.stem(verb), words.stem(verb)) for verb in verbs} & _concepts(clause))


def choose(tools: Sequence[Tool], clause: str, *, least: float = 0.34) -> Tool | None:
    """Return the tool that fits a clause best, or ``None``. What acts is not chosen for a mere question."""
    asks_only = bool(
        re.match(r"\W*(?:what|which|who|when|where|why|how|is|are|was|do|does|did|has|have)\b", clause, re.I)
    )
    wants_destroyed = means("destroys", clause)
    best: tuple[float, Tool | None] = (least, None)
    for tool in tools:
        if tool.name.casefold() not in clause.casefold():
            if acts(tool) and (asks_only or not wants(tool, clause) or not is_ordered(clause)):
                continue
            if is_destructive(tool) and not wants_destroyed:
                continue
        fitting = fit(tool, clause)
        if fitting > best[0]:
            best = (fitting, tool)
    return best[1]


def _candidates(name: str, text: str, schema: Mapping[str, Any]) -> Iterator[str]:
    low = name.casefold()
    spoken = re.sub(r"[_\-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)).casefold()
    hint = f"{spoken} {str(schema.get('description', '')).casefold()}"
    if "mail" in hint or low in {"to", "recipient", "address"}:
        yield from words.EMAIL.findall(text)
    if "url" in hint or "link" in hint or "endpoint" in hint:
        yield from words.URL.findall(text)
    if re.search(r"path|file|folder|directory", hint):
        yield from re.findall(
            (
                r"(?<!\w)(?:~|\.{0,2}/)?[\w.-]+(?:/[\w.-]+)+|\b[\w-]+\.(?:txt|csv|md|json|log|pdf|docx?|"
                r"xlsx?|ya?ml|py|env)\b|/etc/\w+"
            ),
            text,
        )
    if re.search(r"date|day|time|when|start|until", hint):
        yield from words.times(text)
        yield from re.findall(r"\b(?:today|tomorrow|tonight|yesterday)\b", text, re.I)
    if re.search(r"\bid\b|number|code|ref|order|account|ticket|invoice|booking|sku|tracking|policy|case|key", hint):
        head = words.stem(spoken.split()[0])
        for word, value in re.findall(
            r"(\w+)\s+(?:(?:id|number|no\.?|code|reference|ref)\s*)?(?:is\s+|[:#]\s*)?#?([A-Z]*[-_]?\d[\w-]*)", text
        ):
            if words.stem(word) == head:
                yield value
        yield from words.codes(text)
        yield from re.findall(r"(?<![\w.€$£])#?(\d{2,})(?![\w.%]|\s?(?:%|euros?|dollars?|days?))", text)
    if re.search(r"name|customer|person|recipient|user|guest|patient|member|who|contact|to\b", hint):
        yield from words.names(text)
    if re.search(r"city|location|place|destination|country|town|origin|where|address|region", hint):
        yield from re.findall(r"\b(?:in|for|to|at|from|near|of)\s+([A-ZÀ-Þ][\w’'-]+(?: [A-ZÀ-Þ][\w’'-]+)*)", text)
        yield from words.names(text)
    if re.search(r"currency", hint):
        yield from re.findall(r"\b(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?)\b", text)
    yield from words.quoted(text)


def _free_text(name: str, hint: str, clause: str) -> str | None:
    if re.search(
        (
            r"query|question|search|term|keyword|topic|text|message|body|content|note|reason|subject|"
            r"title|description|summary|prompt|command|details|item|product|comment"
        ),
        f"{name} {hint}".casefold(),
    ):
        said = re.search(
            (
                r"(?:saying|that says|with the (?:text|message|words)|message:|text:|because|about|for|"
                r"search(?: for)?|that)\s+(.+)"
            ),
            clause,
        )
        return (said.group(1) if said else clause).strip(" .?!\"'")
    return None


def argument(name: str, schema: Mapping[str, Any], heard: Heard, clause: str, *, used: Sequence[object] = ()) -> Any:
    """Return the value for one argument from the clause, else from what was said before, or ``None``."""
    texts = [
        clause,
        heard.ask,
        *(turn.user for turn in reversed(heard.turns[:-1])),
        *(r.text for r in reversed(heard.results)),
    ]
    kind = schema.get("type")
    if "enum" in schema:
        return next(
            (
                option
                for text in texts
                for option in schema["enum"]
                if words.stem(str(option)) in {words.stem(w) for w in words.words(text)}
                or str(option).casefold().replace("_", " ") in text.casefold()
            ),
            None,
        )
    if kind == "boolean":
        return not re.search(r"\b(?:no|not|without|don't)\b", clause, re.IGNORECASE)
    for text in texts:
        if kind in {"integer", "number"}:
            near = re.search(
                rf"{re.escape(name.replace('_', ' '))}\D{{0,12}}({words.NUMBER.pattern})", text, re.IGNORECASE
            )
            counted = _DATED.sub(" ", text)
            for code in words.codes(counted):
                counted = counted.replace(code, " ")
            found = (
                [float(near.group(1).replace(",", ""))]
                if near
                else [n for n in words.numbers(counted) if n not in used]
            )
            if found:
                return int(found[0]) if kind == "integer" or found[0].is_integer() else found[0]
            continue
        if kind in {"array", "object"}:
            listed = [*words.EMAIL.findall(text), *words.codes(text), *words.quoted(text)]
            if listed and kind == "array":
                return listed
            continue
        for value in _candidates(name, text, schema):
            if value not in used:
                return value
    if kind in {None, "string"} or isinstance(kind, list):
        free = _free_text(name, str(schema.get("description", "")), clause)
        if free is not None:
            return free
        fact = facts.find(f"{name.replace('_', ' ')} {clause}", (*heard.documents, *heard.results), enough=0.5)
        if fact:
            return next(iter(_candidates(name, fact.text, schema)), None)
        if words.stem(name.split("_")[0]) in words.content(clause):
            after = re.search(
                rf"\b{re.escape(name.split('_')[0])}\w*\s+(?:is |of |to |for |called |named )?([\w-]+)",
                clause,
                re.IGNORECASE,
            )
            return after.group(1) if after and after.group(1).casefold() not in words.STOP else None
    return None


def fits(value: object, schema: Mapping[str, Any]) -> bool:
    """Whether a value keeps what its schema says of bounds, pattern, choice and date."""
    if isinstance(value, (int, float)):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if not isinstance(value, str):
        return True
    if "enum" in schema:
        return value in schema["enum"]
    if schema.get("format") == "date":
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
    return "pattern" not in schema or bool(re.search(schema["pattern"], value))


def prepare(tool: Tool, heard: Heard, clause: str) -> tuple[Call, tuple[str, ...]]:
    """Return the call with what is known, and the names of required arguments that are not."""
    given: dict[str, Any] = {}
    for name, schema in tool.properties.items():
        wanted = name in tool.required or not tool.required
        value = argument(name, schema, heard, clause, used=tuple(given.values()))
        if value is not None and fits(value, schema) and (wanted or str(value).casefold() in heard.ask.casefold()):
            given[name] = value
    return Call(tool.name, given), tuple(name for name in tool.required if name not in given)


def pending(heard: Heard, tools: Sequence[Tool]) -> Iterator[tuple[Tool, str]]:
    """Yield what is asked and not yet called, in order."""
    done = [step.name for step in heard.steps]
    for clause in clauses(heard.ask):
        tool = choose(tools, clause)
        if tool is None:
            continue
        if tool.name in done:
            done.remove(tool.name)
            continue
        yield tool, clause


def telling(step: Step) -> str:
    """Return what a tool answered, in words."""
    told = step.result or ""
    members = facts.from_json(told)
    if members is not None:
        return "; ".join(members) or "nothing"
    return told.strip()


def shown(arguments: Mapping[str, Any]) -> str:
    """Return arguments as text."""
    return json.dumps(arguments, ensure_ascii=False, sort_keys=True)
