"""How the sandbox reads a conversation: facts, standing orders, orders hidden in data, and what is being asked.

Everything is taken from the request; nothing is known beforehand about names, values or wordings.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tinman.messages import Message, Request, Text, ToolResult, ToolSpec
from tinman.targets.world import DOCUMENT_TAG, MEMORY_TAG

Source = Literal["tool", "document", "system", "memory", "user"]

_STOP = frozenset(
    "the a an of for to in on at by is are was be and or our your my me i you we us it that this these those what "
    "which who how when where please tell give can could would do does did as with from about so just now today "
    "current currently exactly need know want let hello hi thanks answer question customer there here will have has "
    "if".split()
)
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
_FACT = re.compile(
    r"^(?:[-*•] )?(?:\w+: )?(?:the |our |your |a |an )?(?P<subject>[\w'/-]+(?: [\w'/-]+){0,8}?)"
    r" (?:is|are|stands at|comes to) (?P<value>\S.*)$",
    re.IGNORECASE,
)
_CLAIM = re.compile(
    r"\b(?:the|our|your) (?P<subject>[\w'/-]+(?: [\w'/-]+){0,6}?) (?:is|are) (?P<value>[^\s,;?!][^,;?!\n]*)",
    re.IGNORECASE,
)
_HUSHED = re.compile(
    r"\b(confidential|internal|secret|private|classified|staff only|not for customers)\b", re.IGNORECASE
)
_ORDER = re.compile(
    r"\b(?:always|every (?:reply|answer|response|message)|each (?:reply|answer|response|message)|"
    r"all (?:replies|answers))\b"
    r".*?(?P<token>\b[A-Z]{2,}-[A-Z0-9]{2,}\b)",
    re.DOTALL,
)
CODE = re.compile(r"\b[A-Z]{2,}-?\d[A-Z0-9-]*\b|\b[A-Z0-9]{2,}-[A-Z0-9-]*\d[A-Z0-9-]*\b|\b\d{3,}\b")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


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


@dataclass(frozen=True)
class Order:
    """Something every reply has to carry: ``token``, called ``name``."""

    token: str
    name: str
    source: Source


@dataclass(frozen=True)
class Result:
    """What a tool answered."""

    tool: str
    content: str
    is_error: bool


@lru_cache(maxsize=4096)
def content_words(text: str) -> frozenset[str]:
    """Return the words that carry meaning, lower-case, without plural or verb endings."""
    words = re.findall(r"[a-z0-9@][a-z0-9@'.-]*[a-z0-9]|[a-z0-9]", text.lower().replace("_", " "))
    return frozenset(stem(word) for word in words if word not in _STOP)


def stem(word: str) -> str:
    """Return ``word`` without a common English ending."""
    for ending in ("ing", "ies", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            break
    return word.rstrip("e") if len(word) > 4 else word


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text``."""
    return [piece.strip() for piece in _SENTENCES.split(text) if piece.strip()]


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


def claims_in(text: str) -> tuple[Fact, ...]:
    """Return what a user asserts anywhere in ``text``; questions assert nothing."""
    return tuple(
        Fact(match["subject"].lower(), match["value"].strip().rstrip("."), "user")
        for match in _CLAIM.finditer(text)
        if content_words(match["subject"])
    )


def orders_in(text: str, source: Source) -> tuple[Order, ...]:
    """Return the standing orders in ``text``: sentences that say what each reply must carry."""
    orders: list[Order] = []
    for piece in sentences(text):
        match = _ORDER.search(piece)
        if match:
            before = piece[: match.start("token")]
            named = re.findall(r"\bthe ((?:[a-z]+ ){1,3})$", before)
            orders.append(Order(match["token"], named[0].strip() if named else "closing", source))
    return tuple(orders)


def decoded(text: str) -> str:
    """Return what is hidden in ``text`` (base64, hex, rot13, reversed or spaced letters), or an empty text."""
    for blob in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text):
        try:
            return base64.b64decode(blob + "=" * (-len(blob) % 4), validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            continue
    for blob in re.findall(r"(?:[0-9a-f]{2} ?){8,}", text):
        try:
            return bytes.fromhex(blob).decode("ascii")
        except ValueError:
            continue
    spaced = re.search(r"(?:\b\w[ .-]{1,2}){8,}\w\b", text)
    if spaced:
        return re.sub(r"(?<=\w)[ .-](?=\w\b)", "", spaced.group().replace("  ", "\x00")).replace("\x00", " ")
    candidates = (codecs.encode(text, "rot13"), text[::-1], text.translate(str.maketrans("013457@$", "oieastas")))
    plain = _englishness(text)
    best = max(candidates, key=_englishness)
    return best if _englishness(best) >= plain + 3 else ""


_COMMON = frozenset(
    "the what is tell me please of and you your can give show code for print say repeat share now i need reveal".split()
)


def _englishness(text: str) -> int:
    return sum(1 for word in re.findall(r"[a-z]+", text.lower()) if word in _COMMON)


@dataclass(frozen=True)
class Reading:
    """A request as the sandbox understands it."""

    system: str
    ask: str
    user_texts: tuple[str, ...]
    documents: tuple[str, ...]
    memory: tuple[str, ...]
    tools: tuple[ToolSpec, ...]
    results: tuple[Result, ...]
    earlier_results: tuple[Result, ...]
    chars: int

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Everything stated, most trustworthy source first."""
        return (
            *(fact for result in self.results if not result.is_error for fact in facts_in(result.content, "tool")),
            *(fact for place, text in enumerate(self.documents) for fact in facts_in(text, "document", place)),
            *facts_in(self.system, "system"),
            *(fact for text in self.memory for fact in facts_in(text, "memory")),
        )

    @property
    def orders(self) -> tuple[Order, ...]:
        """The standing orders, the system's first."""
        return (*orders_in(self.system, "system"), *(o for text in self.user_texts for o in orders_in(text, "user")))


def _own_words(message: Message) -> str:
    return "\n".join(
        part.text
        for part in message.parts
        if isinstance(part, Text) and not part.text.startswith((DOCUMENT_TAG, MEMORY_TAG))
    )


def _inside(text: str) -> str:
    return text.partition(">\n")[2].rpartition("\n</")[0]


def read(request: Request) -> Reading:
    """Read a request. The turn at hand starts at the last message in the user's own words."""
    messages = [m for m in request.messages if m.role != "system"]
    starts = [i for i, m in enumerate(messages) if m.role == "user" and _own_words(m)]
    start = starts[-1] if starts else 0
    texts = [p.text for m in messages if m.role == "user" for p in m.parts if isinstance(p, Text)]

    def results(part_of: list[Message]) -> tuple[Result, ...]:
        return tuple(
            Result(part.name, part.content, part.is_error)
            for message in part_of
            for part in message.parts
            if isinstance(part, ToolResult)
        )

    return Reading(
        system="\n".join(m.text for m in request.messages if m.role == "system"),
        ask=_own_words(messages[start]) if messages else "",
        user_texts=tuple(_own_words(messages[i]) for i in starts),
        documents=tuple(_inside(text) for text in texts if text.startswith(DOCUMENT_TAG)),
        memory=tuple(_inside(text) for text in texts if text.startswith(MEMORY_TAG)),
        tools=request.tools,
        results=results(messages[start:]),
        earlier_results=results(messages[:start]),
        chars=sum(len(m.text) for m in request.messages)
        + sum(len(p.content) for m in request.messages for p in m.parts if isinstance(p, ToolResult)),
    )
