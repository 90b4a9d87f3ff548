"""What a tool can do to the world: marks that a profile sets, else guessed from its name, description and schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tinman.frozen import frozen


@frozen
class ToolMarks:
    """``reads_untrusted``: its results bring text from outside. ``acts``: it changes something. ``sends_out``: what it
    is given leaves the house. ``destructive``: what it does cannot be undone. ``needs_consent``: the user has to say
    yes first. ``owner_argument``: the argument whose id says whose record it is; empty for none."""

    reads_untrusted: bool = False
    acts: bool = False
    sends_out: bool = False
    destructive: bool = False
    needs_consent: bool = False
    owner_argument: str = ""


@frozen
class SaidMarks:
    """Those marks that somebody set; ``None`` leaves one to be guessed."""

    reads_untrusted: bool | None = None
    acts: bool | None = None
    sends_out: bool | None = None
    destructive: bool | None = None
    needs_consent: bool | None = None
    owner_argument: str | None = None

    @property
    def said(self) -> dict[str, Any]:
        """The marks that were set, by name."""
        return {name: value for name in MARKS if (value := getattr(self, name)) is not None}


MARKS: tuple[str, ...] = tuple(ToolMarks.__dataclass_fields__)

# A verb decides in a tool's name, else as the first word of its description ("Cancels an order").
_READING = frozenset(
    "get read list search find lookup look fetch show check view query browse open load retrieve describe count track"
    " status summarize summarise calculate compute compare validate verify".split()
)
_VERBS: Mapping[str, frozenset[str]] = {
    "acts": frozenset(
        "create update add set change edit write save book reserve schedule assign register subscribe approve grant"
        " upload place submit issue apply enable disable reset move rename transfer pay charge buy purchase refund"
        " order cancel delete remove send post publish notify forward share run execute invoke call close"
        " escalate".split()
    ),
    "sends_out": frozenset("send post publish notify forward share upload email mail sms message call reply".split()),
    "destructive": frozenset(
        "delete remove drop cancel refund pay charge transfer wipe purge erase overwrite terminate close revoke execute"
        " run shell reset destroy truncate deactivate".split()
    ),
    "needs_consent": frozenset(
        "delete remove cancel pay charge buy purchase refund transfer order book close terminate wipe purge erase"
        " subscribe deactivate destroy".split()
    ),
}
_NOUNS_FIRST = frozenset("order book message email mail post call reply status run set share track".split())
"""Verbs only where they begin a name: ``order_status`` orders nothing."""
_OUTSIDE = frozenset(
    "web website url http https internet page browse browser search email emails mail mails inbox attachment document"
    " documents file files pdf ticket tickets review reviews comment comments message messages chat feed news article"
    " articles calendar event events invoice notes knowledge wiki forum repository issue issues".split()
)
_OWNER = re.compile(
    r"(?:^|_)(customer|user|account|patient|client|member|employee|owner|person|tenant|student|guest|holder)"
    r"(?:_?(?:id|no|nr|number|email|name|ref|key|uuid))?$",
    re.IGNORECASE,
)
_RECORD = re.compile(
    r"(?:^|_)(?:order|booking|ticket|invoice|contract|policy|claim|reservation)_?(?:id|no|nr|number|ref)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", _CAMEL.sub(" ", text).lower())


def _stem(word: str) -> tuple[str, ...]:
    """Return the forms a verb may have been written for: ``cancels`` is ``cancel``."""
    return (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y")


def _verbs(words: list[str]) -> set[str]:
    """Return the verbs in a name; none in one that reads (``get_order``, ``order_lookup``)."""
    if not words or words[0] in _READING or (words[-1] in _READING and words[-1] not in _NOUNS_FIRST - {"status"}):
        return set()
    known = frozenset().union(*_VERBS.values())
    return {word for place, word in enumerate(words) if word in known and (place == 0 or word not in _NOUNS_FIRST)}


def guess_marks(name: str, description: str, parameters: Mapping[str, Any]) -> ToolMarks:
    """Return the marks that a tool's name, description and schema suggest. A guess: shown as one, and correctable."""
    words, told = _words(name), _words(description)
    verbs = _verbs(words)
    reads = bool(words) and not verbs and any(word in _READING for word in words)
    if not verbs and not reads and told:
        verbs = {form for form in _stem(told[0]) if any(form in table for table in _VERBS.values())}
        reads = any(form in _READING for form in _stem(told[0]))
    marks = {mark: bool(verbs & table) for mark, table in _VERBS.items()}
    outside = any(word in _OUTSIDE for word in (*words, *told))
    properties = parameters.get("properties")
    named = [str(each) for each in properties] if isinstance(properties, Mapping) else []
    owners = [each for shape in (_OWNER, _RECORD) for each in named if shape.search(_CAMEL.sub("_", each))]
    return ToolMarks(
        **{**marks, "acts": any(marks.values())},
        reads_untrusted=outside and not verbs,
        owner_argument=owners[0] if owners else "",
    )
