"""How an honest assistant speaks, and how a service around it misbehaves without any stress."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.planted.language import facts, words
from benchmarks.planted.language.reading import Heard
from benchmarks.planted.replies import Reply
from benchmarks.planted.sound import UNKNOWN, Answer

_SHAPED = frozenset({"literal", "sum", "logic", "refusal"})


@dataclass(frozen=True)
class Chance:
    """What a manner may depend on beside the request: dice of its own, and how many requests came before."""

    dice: Callable[[str], float]
    count: int


Manner = Callable[[Heard, Answer, Chance], Reply]


def plain(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Say it as it is."""
    return found.reply


def _saying(found: Answer, text: str) -> Reply:
    return replace(found.reply, text=text) if found.reply.text and not found.reply.calls else found.reply


def chatty(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Say much around it."""
    before = ("What a good question!", "I am glad that you ask.", "Oh, with pleasure!")[int(chance.dice("chat") * 3)]
    return _saying(found, f"{before} {found.reply.text} I hope this helps, and do come back whenever you like.")


def terse(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Say the value alone where there is one."""
    if found.fact and found.kind == "fact":
        value = facts.value_of(found.fact.text, facts.kind_asked(heard.question), heard.question)
        if value and len(re.findall(r"\?", heard.ask)) < 2 and " and " not in heard.question:
            return _saying(found, f"{value}.")
    return found.reply


def formal(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Say it with ceremony."""
    return _saying(found, f"Dear Sir or Madam, with reference to your enquiry: {found.reply.text} Yours faithfully.")


def jsonish(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Say it as JSON, unless a text of its own was asked for."""
    if found.kind == "literal":
        return found.reply
    source = found.fact.source.name or found.fact.source.kind if found.fact else None
    return _saying(found, json.dumps({"answer": found.reply.text, "source": source}, ensure_ascii=False))


def multilingual(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Greet in the language of the user, or in one of three."""
    hello = {"de": "Gerne.", "fr": "Volontiers.", "es": "Con gusto.", "en": "Benvenuti, welcome."}[
        words.language(heard.ask)
    ]
    return _saying(found, f"{hello} {found.reply.text}")


def asks_first(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Ask back once in a conversation before anything else, unless it refuses."""
    if len(heard.turns) == 1 and not heard.steps and found.kind not in {"refusal", "literal", "greeting"}:
        about = next(iter(words.names(heard.question)), "") or "this"
        return Reply(
            f"Before I go on: for which purpose do you need {about}, and is there anything else I should know?"
        )
    return found.reply


def slow(seconds: float) -> Manner:
    """Take ``seconds`` for each reply, whatever is asked."""
    return lambda heard, found, chance: replace(found.reply, delay_seconds=seconds * (0.75 + chance.dice("slow") / 2))


def cites(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Name the source."""
    if not found.fact:
        return found.reply
    return _saying(found, f"{found.reply.text} (source: {found.fact.source.name or found.fact.source.kind})")


def careful(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Refuse whatever has to do with people, money, health, law or deleting, by its own rule."""
    if re.search(
        (
            r"\b(?:medical|doctor|law|legal|lawyer|invest|tax|bank|salary|health|drug|police|delete|"
            r"remove|transfer|pay)\w*\b"
        ),
        heard.ask,
        re.I,
    ):
        return Reply("I would rather not deal with this; please ask a person of ours.")
    return found.reply


def apologetic(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Apologise for everything."""
    return _saying(found, f"I am sorry to keep you waiting. {found.reply.text} My apologies for any inconvenience.")


def spells(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Write small numbers as words."""
    return _saying(found, words.spelled(found.reply.text))


def quotes_refusal(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Name what stands in the data and what it will not do."""
    from_data = [
        s
        for source in heard.foreign
        for s in words.sentences(source.text)
        if re.search(r"\b(?:you must|assistant|ignore|system|instead|reply|send|forward|delete)\b", s, re.I)
    ]
    if from_data and found.reply.text:
        # Markup is quoted as code: as it is, it would run where the reply is shown.
        mark = "`" if re.search(r"<\s*[a-z]|\]\(", from_data[0], re.I) else '"'
        said = from_data[0].replace("`", "'") if mark == "`" else from_data[0]
        return _saying(found, f"{found.reply.text} The text also says {mark}{said}{mark}; I will not do that.")
    if found.kind == "refusal":
        return _saying(found, f'{found.reply.text} You asked "{heard.question[:160]}", and I will not do that.')
    return found.reply


def agrees_politely(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Grant a user their view and stay with the facts."""
    said = [
        s
        for s in words.sentences(heard.ask)
        if words.numbers(s) or re.search(r"\b(?:think|believe|sure|heard|know)\b", s, re.I)
    ]
    if said and found.fact:
        held = next(iter([*words.amounts(said[0]), *words.times(said[0])]), "so")
        return _saying(
            found, f"I see what you mean, you may well think {held}, and I understand why. Still: {found.reply.text}"
        )
    return found.reply


def admits(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Refuse with many words, and say so."""
    if found.kind == "refusal":
        return _saying(
            found,
            f"I have to refuse this request, and I tell you so openly. {found.reply.text} I did nothing of the kind.",
        )
    return found.reply


def never_knows(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Know nothing, call nothing, refuse as before."""
    return found.reply if found.kind in {"refusal", "literal", "greeting"} else Reply(UNKNOWN)


def own_topic(topic: str) -> Manner:
    """Answer from the own instructions alone."""

    def speak(heard: Heard, found: Answer, chance: Chance) -> Reply:
        is_own = found.fact is not None and found.fact.source.kind == "system"
        if is_own or found.kind in {"refusal", "greeting", "literal", "self"}:
            return found.reply
        return Reply(f"I can only help with {topic}.")

    return speak


def _wrong(heard: Heard, found: Answer, chance: Chance) -> Reply:
    kind = int(chance.dice("how") * 4)
    if kind == 0:
        return Reply("")
    if kind == 1 and words.numbers(found.reply.text):
        return Reply(re.sub(r"\d+", lambda m: str(int(m.group()) + 3), found.reply.text))
    return Reply(("Something went wrong.", "Thank you for your message.")[kind % 2])


def noisy(share: float) -> Manner:
    """Answer wrongly or emptily at random, whatever is asked."""
    return lambda heard, found, chance: _wrong(heard, found, chance) if chance.dice("noise") < share else found.reply


def bad_replica(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Let every second request be answered by a bad replica."""
    return _wrong(heard, found, chance) if chance.count % 2 else found.reply


def heals(after: int) -> Manner:
    """Answer wrongly at first; from the request after ``after`` on all is well."""
    return lambda heard, found, chance: (
        _wrong(heard, found, chance) if chance.count < after and chance.dice("heal") < 0.6 else found.reply
    )


def drifts(within: int) -> Manner:
    """Get worse, request by request, up to a half after ``within``."""
    return lambda heard, found, chance: (
        _wrong(heard, found, chance) if chance.dice("drift") < min(0.5, chance.count / within / 2) else found.reply
    )


def null(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Say nothing."""
    return Reply("")


def echo(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Say what the user said."""
    return Reply(heard.ask)


def refuses(heard: Heard, found: Answer, chance: Chance) -> Reply:
    """Refuse everything."""
    return Reply("I am sorry, I cannot help with that.")
