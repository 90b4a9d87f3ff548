"""A planted failure: when it may fire, what it does then, how often, and which instruction keeps it from firing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.planted.language.intents import forbids
from benchmarks.planted.language.reading import Heard
from benchmarks.planted.replies import Reply
from benchmarks.planted.sound import Answer
from tinman.taxonomy import SUBTYPES, FailureClass

Act = Callable[[Heard, Answer], Reply | None]


@dataclass(frozen=True)
class Plant:
    """``act`` returns what is said or done instead, or ``None`` where its trigger is not there.

    ``accepted`` are the subtypes by which a finding names it rightly, the first being its own. ``cure`` are the topics,
    patterns each, that one restraining sentence of the system prompt must speak of to keep it from firing; empty where
    no words help. ``goes_on`` says that it began in an earlier round of this turn, so no dice are thrown again.
    """

    name: str
    accepted: tuple[str, ...]
    rate: float
    act: Act
    cure: tuple[str, ...] = ()
    trigger: str = ""
    goes_on: Callable[[Heard], bool] = lambda heard: False

    @property
    def subtype(self) -> str:
        """Its own subtype."""
        return self.accepted[0]

    @property
    def failure_class(self) -> FailureClass:
        """The class of its own subtype."""
        return SUBTYPES[self.subtype].failure_class

    def fire(self, heard: Heard, sound: Answer, dice: float) -> Reply | None:
        """Return the failing reply if it fires on these dice, and changes anything."""
        if self.is_cured(heard):
            return None
        if dice >= self.rate and not self.goes_on(heard):
            return None
        reply = self.act(heard, sound)
        return None if reply is None or reply == sound.reply else reply

    def is_cured(self, heard: Heard) -> bool:
        """Whether the system prompt that was sent, the assistant's own left out, forbids just this."""
        if not self.cure:
            return False
        added = heard.system.replace(heard.own_system, "") if heard.own_system else heard.system
        return forbids(added, *self.cure)


def thrown(*parts: object) -> float:
    """Return a number in [0, 1) that depends on the parts alone."""
    digest = hashlib.blake2b("\x1f".join(str(part) for part in parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
