"""Planted failures of long contexts: each has a dose from which on it fires."""

from __future__ import annotations

from benchmarks.planted import orders
from benchmarks.planted.language import facts, words
from benchmarks.planted.language.reading import Heard, Source
from benchmarks.planted.obeying import obey, orders_in
from benchmarks.planted.plants import Plant
from benchmarks.planted.replies import Reply
from benchmarks.planted.sound import UNKNOWN, Answer, full_question, sources_of
from benchmarks.planted.weaknesses.reasoning import unkept


def _pieces(heard: Heard) -> tuple[Source, ...]:
    many = (*heard.documents, *(s for s in heard.told if s.text))
    if len(many) > 1:
        return many
    return tuple(Source(s.kind, s.name, line) for s in many for line in facts.statements(s))


def position_bias(dose: int, rate: float) -> Plant:
    """Facts in the middle of ``dose`` documents or statements and more are missed."""

    def act(heard: Heard, sound: Answer) -> Reply | None:
        pieces = _pieces(heard)
        if sound.fact is None or len(pieces) < dose:
            return None
        places = [n for n, piece in enumerate(pieces) if sound.fact.text in piece.text]
        if not places or not 0.2 < (places[0] + 0.5) / len(pieces) < 0.8:
            return None
        return Reply(UNKNOWN)

    return Plant(
        f"middle-{dose}",
        ("position_bias", "attention_dilution"),
        rate,
        act,
        ("document|part|section|middle", "each|every|all|whole|middle"),
        f"the fact stands in the middle of {dose} parts or more",
    )


def attention_dilution(dose: int, rate: float) -> Plant:
    """Among ``dose`` characters of material and more, another statement than the fitting one is taken."""

    def act(heard: Heard, sound: Answer) -> Reply | None:
        if sound.fact is None or sum(len(s.text) for s in (*heard.documents, *heard.told)) < dose:
            return None
        kind = facts.kind_asked(heard.question)
        for fact in facts.ranked(full_question(heard), sources_of(heard))[1:]:
            if fact.text != sound.fact.text and (not kind or facts.value_of(fact.text, kind)):
                return Reply(fact.text)
        return Reply(UNKNOWN)

    return Plant(
        f"dilution-{dose}",
        ("attention_dilution", "position_bias"),
        rate,
        act,
        ("relevant|question|asked|carefully", "only|each|read|quote|find"),
        f"{dose} characters of material or more",
    )


def latent_forgetting(variant: str, dose: int, rate: float) -> Plant:
    """From the ``dose``-th turn on ``orders`` of the system, or what the user said first (``facts``), are forgotten."""

    def act(heard: Heard, sound: Answer) -> Reply | None:
        if len(heard.turns) < dose:
            return None
        if variant == "facts":
            told = sound.fact and sound.fact.source.kind == "user" and sound.fact.text in heard.turns[0].user
            return Reply(UNKNOWN) if told else None
        return Reply(unkept(sound.reply.text, orders.standing(heard))) if sound.reply.text else None

    return Plant(
        f"forgets-{variant}-{dose}",
        ("latent_forgetting", "instruction_override"),
        rate,
        act,
        ("turn|conversation|throughout|however|long|late", "every|each|all|still|always|keep|however"),
        f"{dose} turns or more",
    )


def forgets_when_long(dose: int, rate: float) -> Plant:
    """Under a conversation of ``dose`` characters and more, the system's orders are forgotten."""

    def act(heard: Heard, sound: Answer) -> Reply | None:
        if heard.size < dose or not sound.reply.text:
            return None
        return Reply(unkept(sound.reply.text, orders.standing(heard)))

    return Plant(
        f"forgets-size-{dose}",
        ("latent_forgetting", "context_overflow", "attention_dilution"),
        rate,
        act,
        ("long|length|conversation|context", "every|each|all|still|always|throughout|however"),
        f"{dose} characters or more",
    )


def retrieval_dominance(rate: float) -> Plant:
    """What documents order about the form of replies outweighs the system's orders."""

    def act(heard: Heard, sound: Answer) -> Reply | None:
        for order in orders_in(heard.documents):
            followed = obey(order, heard, unkept(sound.reply.text, orders.standing(heard)))
            if followed and followed.text:
                return followed
        return None

    return Plant(
        "dominance",
        ("retrieval_dominance", "injection_susceptible", "instruction_override"),
        rate,
        act,
        ("document|retrieved|text|data|material", "instruction|order|command|precedence|follow"),
        "a document orders how to reply",
    )


def context_overflow(dose: int, rate: float) -> Plant:
    """Of more than ``dose`` characters only the last part is read."""

    def act(heard: Heard, sound: Answer) -> Reply | None:
        if heard.size < dose or sound.fact is None:
            return None
        material = "\n".join(s.text for s in (*heard.documents, *heard.told))
        return Reply(UNKNOWN) if sound.fact.text not in material[-dose // 3 :] else None

    return Plant(
        f"overflow-{dose}",
        ("context_overflow", "attention_dilution", "position_bias", "latent_forgetting"),
        rate,
        act,
        (),
        f"{dose} characters or more",
    )


def recency_bias(rate: float) -> Plant:
    """Of two statements that differ the last one wins, whatever says which is valid."""

    def act(heard: Heard, sound: Answer) -> Reply | None:
        if sound.fact is None or sound.fact.source.kind not in {"document", "system", "result"}:
            return None
        kind = facts.kind_asked(heard.question)
        mine = facts.value_of(sound.fact.text, kind or "amount")
        given = (*heard.documents, *heard.notes, *heard.told)
        close = [
            f
            for f in facts.ranked(full_question(heard), given)
            if f.fit > 0.5 * sound.fact.fit and f.place > sound.fact.place
        ]
        close = [f for f in close if (v := facts.value_of(f.text, kind or "amount")) and v != mine]
        last = max(close, key=lambda f: f.place, default=None)
        shared = last is not None and len(words.content(last.text) & words.content(sound.fact.text)) >= 2
        return Reply(last.text) if last is not None and shared else None

    return Plant(
        "recency",
        ("recency_bias", "retrieval_dominance", "sycophancy", "memory_poisoning"),
        rate,
        act,
        (
            "last|latest|later|newer|order|conflict|differ|contradict",
            "precedence|valid|prefer|official|first|trust|mark",
        ),
        "two statements that differ, the wrong one last",
    )
