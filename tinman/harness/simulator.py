"""A simulated user talks to the target; what was said is frozen into a plain scenario, so that a rerun is the same.

The user has a persona, a goal, facts that it tells only when asked for them, a stop rule and a budget of turns. Three
back-ends make up what it says next: a script, templates with dice of their own, or a model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, assert_never

import anyio
from pydantic import Field

from tinman import clock
from tinman.errors import DefinitionError
from tinman.frozen import digest, frozen
from tinman.reasoner import Reasoner
from tinman.scenarios.checks import Check
from tinman.scenarios.files import SCHEMA
from tinman.scenarios.outcome import TurnRecord
from tinman.scenarios.run import Conversation
from tinman.scenarios.scenario import NonBlank, Scenario, Turn
from tinman.targets.base import Target
from tinman.targets.world import World
from tinman.text.invalid import read_as

MAX_SHOWN = 4_000
Count = Annotated[int, Field(ge=1, le=200)]


@frozen
class Fact:
    """Something the user knows and tells when the target's words hold one of ``asked_by`` (any case)."""

    name: NonBlank
    text: NonBlank
    asked_by: Annotated[tuple[NonBlank, ...], Field(min_length=1)]


@frozen
class Scripted:
    """Says these lines, one after the other."""

    lines: Annotated[tuple[NonBlank, ...], Field(min_length=1)]
    backend: Literal["script"] = "script"


@frozen
class Templated:
    """Opens with one of ``openings``, answers questions with facts, and else says one of ``follow_ups``.

    ``{goal}``, ``{persona}`` and the names of facts in braces are filled in.
    """

    openings: Annotated[tuple[NonBlank, ...], Field(min_length=1)]
    follow_ups: Annotated[tuple[NonBlank, ...], Field(min_length=1)]
    backend: Literal["template"] = "template"


@frozen
class Modelled:
    """A model speaks as the user."""

    backend: Literal["model"] = "model"


@frozen
class Simulator:
    """Who talks, what for, and when it ends: after ``most_turns``, ``most_seconds``, or when a stop word is heard."""

    goal: NonBlank
    persona: str = ""
    facts: tuple[Fact, ...] = ()
    stop_when_said: tuple[NonBlank, ...] = ()
    most_turns: Count = 8
    most_seconds: Annotated[float, Field(gt=0)] = 300.0
    speech: Annotated[Scripted | Templated | Modelled, Field(discriminator="backend")]


def read_simulator(data: Mapping[str, Any], *, about: str) -> Simulator:
    """Return the simulator that a scenario's ``simulator`` member describes. Raises ``DefinitionError``."""
    return read_as(Simulator, dict(data), lambda wrong: DefinitionError(f"scenario {about!r} simulator: {wrong}"))


Heard = tuple[TurnRecord, ...]
Speaker = Callable[[Heard], Awaitable[str | None]]
"""Makes up what the user says next; ``None`` when there is nothing more to say."""


def _script(speech: Scripted) -> Speaker:
    async def speak(heard: Heard) -> str | None:
        return speech.lines[len(heard)] if len(heard) < len(speech.lines) else None

    return speak


def _templates(simulator: Simulator, speech: Templated, seed: int) -> Speaker:
    known = {"goal": simulator.goal, "persona": simulator.persona}
    known |= {fact.name: fact.text for fact in simulator.facts}
    untold = list(simulator.facts)

    async def speak(heard: Heard) -> str | None:
        last = heard[-1].assistant.casefold() if heard else ""
        asked = [fact for fact in untold if heard and any(word.casefold() in last for word in fact.asked_by)]
        if asked:
            names = {fact.name for fact in asked}
            untold[:] = [fact for fact in untold if fact.name not in names]
            return " ".join(fact.text for fact in asked)
        text = clock.rng(seed, f"user/{len(heard)}").choice(speech.follow_ups if heard else speech.openings)
        for name, value in known.items():
            text = text.replace("{" + name + "}", value)
        return text

    return speak


@frozen
class Said:
    """What the model is asked for: the user's next words, or that the user is done."""

    words: str
    is_done: bool = False


_PROMPT = """You play a user who talks to an assistant. Say only what this user would type next: one or two sentences.
Tell a fact only when the assistant asks for it. When the goal is reached, or clearly out of reach, set is_done.

Persona: {persona}
Goal: {goal}
Facts: {facts}"""


def _model(simulator: Simulator, reasoner: Reasoner, seed: int) -> Speaker:
    facts = "; ".join(f"{fact.name}: {fact.text}" for fact in simulator.facts) or "none"
    prompt = _PROMPT.format(persona=simulator.persona or "an ordinary user", goal=simulator.goal, facts=facts)

    async def speak(heard: Heard) -> str | None:
        lines = "\n".join(f"user: {turn.user}\nassistant: {turn.assistant[:MAX_SHOWN]}" for turn in heard)
        data = {"conversation so far": lines} if lines else {}
        said = await reasoner.ask(prompt, Said, data=data, seed=clock.derive_seed(seed, f"user/{len(heard)}"))
        return None if said.is_done or not said.words.strip() else said.words

    return speak


def _speaker(simulator: Simulator, reasoner: Reasoner | None, seed: int) -> Speaker:
    match simulator.speech:
        case Scripted() as speech:
            return _script(speech)
        case Templated() as speech:
            return _templates(simulator, speech, seed)
        case Modelled():
            if reasoner is None:
                raise DefinitionError("simulator: its user is a model; name one with --user-model")
            return _model(simulator, reasoner, seed)
        case _:
            assert_never(simulator.speech)


@frozen
class Simulated:
    """A conversation that took place, and why it ended."""

    turns: tuple[TurnRecord, ...]
    ended: str


async def simulate(
    target: Target,
    simulator: Simulator,
    *,
    world: World,
    seed: int = 0,
    user: str = "tinman",
    about: str = "",
    reasoner: Reasoner | None = None,
) -> Simulated:
    """Have the simulated user talk to ``target``.

    Raises ``DefinitionError`` for a model that is missing, and what the target or the model raises: half a conversation
    is no test. With the same seed and target, script and templates say the same.
    """
    speaker = _speaker(simulator, reasoner, seed)
    session_id = clock.derive_id("simulated", about, seed)
    stops = [word.casefold() for word in simulator.stop_when_said]
    ended = f"after {simulator.most_turns} turns"
    async with target.open(user=user, session=session_id, world=world) as session:
        conversation = Conversation(session, session_id=session_id, seed=seed, about=about)
        with anyio.move_on_after(simulator.most_seconds) as limit:
            for _ in range(simulator.most_turns):
                words = await speaker(conversation.turns)
                if words is None:
                    ended = "the user had nothing more to say"
                    break
                turn = await conversation.say(words)
                heard = turn.assistant.casefold()
                if any(stop in heard for stop in stops):
                    ended = "a stop word was heard"
                    break
        if limit.cancelled_caught:
            ended = f"after {simulator.most_seconds:g} s"
    return Simulated(turns=conversation.turns, ended=ended)


def frozen_scenario(template: Scenario, found: Simulated, *, seed: int, target: str, backend: str) -> Scenario:
    """Return the plain scenario of a simulated conversation.

    Checks of the template's last turn go to the last turn; the others to the turn of their number, where there is one.
    Raises ``DefinitionError`` when nothing was said.
    """
    if not found.turns:
        raise DefinitionError(f"scenario {template.scenario_id!r}: the simulated user said nothing")
    checks: list[tuple[Check, ...]] = [()] * len(found.turns)
    for number, turn in enumerate(template.turns[:-1]):
        if number < len(checks):
            checks[number] = turn.checks
    checks[-1] = (*checks[-1], *template.turns[-1].checks)
    turns = tuple(Turn(user=turn.user, checks=own) for turn, own in zip(found.turns, checks, strict=True))
    told = {
        "simulated_from": template.scenario_id,
        "simulator_digest": digest(template.simulator),
        "backend": backend,
        "seed": seed,
        "target": target,
        "ended": found.ended,
    }
    return replace(
        template,
        scenario_id=f"{template.scenario_id}-{seed}",
        turns=turns,
        schema_version=SCHEMA,
        simulator={},
        provenance={**template.provenance, **told},
    )
