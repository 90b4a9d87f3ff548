"""What a target says of itself, read by rules: what it can do, its tools, its instructions. Kept as its word alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from tinman.frozen import frozen
from tinman.surface import SurfaceTool, Task, Told, tool_of
from tinman.text.facts import facts_of
from tinman.text.languages import language_of
from tinman.text.replies import says_nothing, without_thinking
from tinman.text.visible import shorten

_PURPOSE_CHARS, _ITEM_CHARS, _INSTRUCTION_CHARS, _DESCRIPTION_CHARS = 300, 60, 8_000, 200
_NAME_CHARS, _MOST_ITEMS, _MOST_TOOLS = 128, 5, 30
_REFUSES = re.compile(
    r"\b(?:can(?:no|')?t|can’t|unable to|not able to|won'?t|won’t|not (?:allowed|permitted)|don'?t (?:share|disclose)"
    r"|do not (?:share|disclose|have)|only (?:help|assist|answer)|outside (?:of )?(?:my|the|our) (?:scope|area|purpose)"
    r"|sorry|kann (?:ich )?(?:leider )?nicht|leider nicht|darf ich nicht|je ne peux pas|désolé|no puedo|lo siento)\b",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(
    r"\b(?:no|any|keine|aucun|ninguna) (?:\w+ )?(?:tools?|functions?|werkzeuge?|outils?|herramientas?)\b", re.IGNORECASE
)
_GREETING = re.compile(
    r"^(?:hi|hello|hey|hallo|guten tag|bonjour|hola|sure|of course|certainly|great question)\b", re.IGNORECASE
)
_CAPABLE = re.compile(
    r"\b(?:I can|I'm|I am|help|assist|support|answer|designed|ich kann|ich bin|helfe|je peux|puedo|ayud)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_POINT = re.compile(r"^[ \t]*(?:[-*•]|\d{1,2}[.)])\s+(.+)$", re.MULTILINE)
_HELPS = re.compile(
    r"\b(?:help(?: you)?(?: out)? with|assist(?: you)? with|questions about|support you with|helfe(?: Ihnen)? bei)"
    r"\s+([^.!?\n:]+)",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"(?:any|some|every)(?:thing|one)|what|whatever|that|this|these|it|you|your|more|much", re.IGNORECASE
)
_TOPIC = re.compile(r"[^\W_][\w' &/-]*")
_NAME = r"[A-Za-z][A-Za-z0-9]*(?:[_.-][A-Za-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+"
_TOOL = re.compile(
    rf"(?:`(?P<quoted>[A-Za-z][A-Za-z0-9_.-]{{1,63}})(?:\([^)`]{{0,200}}\))?`|\b(?P<plain>{_NAME})\b)(?:\([^)\n]{{0,200}}\))?"
    r"(?:\*\*)?(?:\s*(?::|-|–|—)\s+(?:\*\*)?(?P<told>[^\n]+))?"
)
_WORD_WITH_HYPHEN = re.compile(r"[A-Za-z]+(?:-[a-z]+)+|[ei]\.[ge]\.?|[\w.-]+\.(?:com|org|net|io|de)", re.IGNORECASE)


@frozen
class Heard:
    """What came back in one conversation, a reply a turn; ``reason`` says why there is nothing."""

    replies: tuple[str, ...] = ()
    calls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Each tool that was seen called, with the names of its arguments."""
    reason: str = ""

    @property
    def said(self) -> str:
        """The last reply, without what was thought aloud; empty when nothing was said."""
        last = without_thinking(self.replies[-1]).strip() if self.replies and not self.reason else ""
        return "" if says_nothing(last) else last


def refuses(reply: str) -> bool:
    """Say whether ``reply`` declines what was asked, by its first sentences."""
    return bool(_REFUSES.search(" ".join(_SENTENCE.split(reply.strip())[:2])))


def purpose_told(reply: str, since: datetime) -> Told | None:
    """Return the sentence in which a reply says what it is there for."""
    sentences = [each.strip(" *#") for each in _SENTENCE.split(reply) if each.strip(" *#")]
    telling = [each for each in sentences if _CAPABLE.search(each) and not _REFUSES.search(each)]
    plain = [each for each in sentences if not _GREETING.match(each) and not _REFUSES.search(each)]
    chosen = next(iter((*telling, *plain)), "")
    return Told(text=shorten(chosen, _PURPOSE_CHARS), source="asked", since=since) if chosen else None


def topics_told(reply: str) -> tuple[str, ...]:
    """Return what a reply says it can help with, a few words each: the points of its list, else its enumeration."""
    points = [each.split(":")[0] for each in _POINT.findall(reply)]
    listed = points or [part for told in _HELPS.findall(reply) for part in re.split(r",| and | or | und ", told)]
    topics = (re.sub(r"[*`\"“”]", "", each).strip(" .,;") for each in listed)
    sound = (
        each
        for each in topics
        if _TOPIC.fullmatch(each) and not _VAGUE.fullmatch(each.split()[0]) and 3 < len(each) <= _ITEM_CHARS
    )
    return tuple(dict.fromkeys(each[0].lower() + each[1:] for each in sound))[:_MOST_ITEMS]


def tasks_told(reply: str, since: datetime) -> tuple[Task, ...]:
    """Return a question about each thing that a reply says it can help with; none makes it act."""
    asks = (f"What do I need to know about {topic}?" for topic in topics_told(reply))
    return tuple(Task(ask=ask, source="asked", since=since) for ask in asks)


def tools_told(reply: str, since: datetime) -> tuple[SurfaceTool, ...]:
    """Return the tools that a reply names as programs are named: ``look_up``, ``lookUp``, or quoted as code."""
    if _NO_TOOLS.search(reply) and _REFUSES.search(reply):
        return ()
    found: dict[str, SurfaceTool] = {}
    for match in _TOOL.finditer(reply):
        name = match["quoted"] or match["plain"]
        if len(found) >= _MOST_TOOLS or name in found or (not match["quoted"] and _WORD_WITH_HYPHEN.fullmatch(name)):
            continue
        told = shorten((match["told"] or "").strip(" *"), _DESCRIPTION_CHARS)
        found[name] = tool_of(name, told, {}, source="asked", since=since)
    return tuple(found.values())


def instructions_told(reply: str, since: datetime) -> tuple[Told, ...]:
    """Return a reply to the question for its instructions, unless it declines or says that there are none."""
    if not reply or refuses(reply):
        return ()
    return (Told(text=shorten(reply, _INSTRUCTION_CHARS), source="asked", since=since),)


def tools_seen(heard: Iterable[Heard], since: datetime) -> tuple[SurfaceTool, ...]:
    """Return the tools that were called while it answered, with the arguments they were given."""
    arguments: dict[str, dict[str, None]] = {}
    for name, given in (call for one in heard for call in one.calls if 0 < len(call[0]) <= _NAME_CHARS):
        arguments.setdefault(name, {}).update(dict.fromkeys(given))
    return tuple(
        tool_of(
            name, "", {"type": "object", "properties": {each: {} for each in given}}, source="observed", since=since
        )
        for name, given in [*arguments.items()][:_MOST_TOOLS]
    )


def languages_heard(heard: Iterable[Heard], since: datetime) -> tuple[Told, ...]:
    """Return the languages of the replies, the most frequent first; one heard once among many is none of its own."""
    found = [language for one in heard if (language := language_of(one.said))]
    often = sorted(dict.fromkeys(found), key=lambda each: -found.count(each))
    kept = [each for each in often if found.count(each) > 1 or len(found) < 3]
    return tuple(Told(text=each, source="observed", since=since) for each in kept)


def agreement(one: Heard, other: Heard) -> float | None:
    """Return the share of facts, called tools among them, on which two answers agree; ``None`` when they state none."""
    if not one.said or not other.said:
        return None
    facts, others = (facts_of(each.said) | {f"call {name}" for name, _ in each.calls} for each in (one, other))
    every = facts | others
    return len(facts & others) / len(every) if every else None


def average(shares: Iterable[float | None]) -> float | None:
    """Return the mean of the shares that are known, to two digits; ``None`` without any."""
    known = [each for each in shares if each is not None]
    return round(sum(known) / len(known), 2) if known else None
