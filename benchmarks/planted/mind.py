"""One assistant at work: reads a request, lets what is planted fire or not, and keeps count."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.planted import sound
from benchmarks.planted.assistant import Assistant
from benchmarks.planted.language.reading import Heard, hear
from benchmarks.planted.plants import thrown
from benchmarks.planted.replies import Reply
from benchmarks.planted.sound import Answer
from benchmarks.planted.temperaments import Chance


@dataclass(frozen=True)
class Entry:
    """What the log holds of a request: the users' texts so far, what came back, and which plant fired."""

    users: tuple[str, ...]
    text: str
    calls: tuple[str, ...]
    fired: str = ""
    session: str = ""


@dataclass
class Mind:
    """A pure function of (assistant, seed, content, n-th identical ask), but for the services that count requests."""

    assistant: Assistant
    seed: int = 0
    log: list[Entry] = field(default_factory=list)
    _asked: Counter[str] = field(default_factory=Counter)
    _sound: dict[str, Answer] = field(default_factory=dict)
    _count: int = 0

    def reply(self, body: Mapping[str, Any], *, session: str = "", in_flight: int = 1) -> tuple[Reply, Entry]:
        """Answer a chat-completions request. Raises ``ValueError`` when it is none."""
        shown = json.dumps([body.get("messages"), body.get("tools")], sort_keys=True, ensure_ascii=False)
        key = hashlib.blake2b(shown.encode(), digest_size=12).hexdigest()
        self._asked[key] += 1
        nth, count = self._asked[key], self._count
        heard = hear(body, own_system=self.assistant.system, nth=nth, in_flight=in_flight)
        self._count += 1
        reply, fired = self._think(heard, key, count)
        entry = Entry(
            tuple(turn.user for turn in heard.turns),
            reply.text,
            tuple(call.name for call in reply.calls),
            fired,
            session,
        )
        self.log.append(entry)
        return reply, entry

    def _think(self, heard: Heard, key: str, count: int) -> tuple[Reply, str]:
        def dice(name: str) -> float:
            return thrown(self.assistant.name, self.seed, key, heard.nth, name)

        manner = self.assistant.manner
        before = self._sound.get(key) or sound.undressed(heard)
        self._sound[key] = before
        found = sound.answer(heard, lambda h, answer: manner(h, answer, Chance(dice, count)), before=before)
        for plant in self.assistant.plants:
            failing = plant.fire(heard, found, dice(plant.name))
            if failing is not None:
                return failing, plant.name
        return found.reply, ""
