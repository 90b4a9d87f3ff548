"""Shrinking a failing scenario while it still fails: fewer turns, less text, a smaller world.

Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 2002). What counts
as "still fails" is the caller's; ``Probe`` is the usual one.

Text is taken away by whole sentences: what is left has to be read, and a question in pieces is another question.
Taking any away can make a test fail for no better reason than that its question is gone. A check that asks for the
presence of something is then red on every target. So such scenarios are shrunk only against a *reference*: a target
that passes the scenario (the same one with a fix, say) and has to go on passing it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tinman import clock
from tinman.frozen import frozen
from tinman.harness.measurement import NO_LIMIT
from tinman.scenarios.checks import (
    Check,
    KeepsSecret,
    Matches,
    NotContains,
    ToolCallNeverMatches,
    ToolCallsAtMost,
    ToolNotUsed,
)
from tinman.scenarios.run import run_scenario
from tinman.scenarios.scenario import Scenario, Turn
from tinman.targets.base import Target

T = TypeVar("T")
Test = Callable[[Scenario], Awaitable[bool]]
MOST_TRIES = 300
SEEDS = 5
_SENTENCE = re.compile(r"[^\n]*?(?:[.!?\u3002\uff01\uff1f]+[\"')\]\u201d\u2019]*(?:\s+|\Z)|\n\s*|\Z)")


@frozen
class Shrunk:
    """What is left, how many candidates were tried, and why it stopped early or was not begun (empty: it was done)."""

    scenario: Scenario
    tried: int = 0
    note: str = ""


def forbids(check: Check) -> bool:
    """Say whether ``check`` fails only for something that the target did."""
    return isinstance(check, NotContains | KeepsSecret | ToolCallsAtMost | ToolNotUsed | ToolCallNeverMatches) or (
        isinstance(check, Matches) and check.negate
    )


class _Spent(Exception):
    """Raised inside when the tries are used up."""


class _Search:
    def __init__(self, scenario: Scenario, still_fails: Test, most: int) -> None:
        self.best = scenario
        self.tried = 0
        self._still_fails = still_fails
        self._most = most
        self._known: dict[str, bool] = {}

    async def accepts(self, candidate: Scenario) -> bool:
        """Try a candidate, unless its like was tried; keep it when it still fails."""
        key = candidate.digest
        if key not in self._known:
            if self.tried >= self._most:
                raise _Spent
            self.tried += 1
            self._known[key] = await self._still_fails(candidate)
        if self._known[key]:
            self.best = candidate
        return self._known[key]


async def ddmin(items: Sequence[T], accepts: Callable[[list[T]], Awaitable[bool]]) -> list[T]:
    """Return a part of ``items``, in order, from which no single piece can be taken and ``accepts`` still hold."""
    left, pieces = list(items), 2
    if len(left) == 1:
        return [] if await accepts([]) else left
    while left:
        size = max(1, len(left) // pieces)
        for start in range(0, len(left), size):
            rest = left[:start] + left[start + size :]
            if len(rest) < len(left) and await accepts(rest):
                left, pieces = rest, max(pieces - 1, 2)
                break
        else:
            if size == 1:
                break
            pieces = min(len(left), pieces * 2)
    return left


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.findall(text) if part]


async def minimise(scenario: Scenario, still_fails: Test, *, most_tries: int = MOST_TRIES) -> Shrunk:
    """Return the smallest scenario found that ``still_fails`` accepts; ``scenario`` itself has to be one.

    A turn with checks is never dropped. Cancellation goes through; what was found until then is lost.
    """
    search = _Search(scenario, still_fails, most_tries)
    try:
        if not await search.accepts(scenario):
            return Shrunk(scenario=scenario, tried=search.tried, note="it does not fail on this target")
        await _fewer_turns(search)
        await _smaller_world(search)
        for place in range(len(search.best.turns)):
            await _shorter_turn(search, place)
    except _Spent:
        return Shrunk(scenario=search.best, tried=search.tried, note=f"stopped after {most_tries} candidates")
    return Shrunk(scenario=search.best, tried=search.tried)


async def _fewer(search: _Search, items: Sequence[T], rebuilt: Callable[[list[T]], Scenario | None]) -> None:
    """Keep as few of ``items`` as will do; ``rebuilt`` makes a candidate of some of them, or none of too few."""

    async def accepts(kept: list[T]) -> bool:
        candidate = rebuilt(kept)
        return candidate is not None and await search.accepts(candidate)

    if items:
        await ddmin(items, accepts)


async def _fewer_turns(search: _Search) -> None:
    whole = search.best

    def rebuilt(kept: list[int]) -> Scenario | None:
        turns = tuple(turn for place, turn in enumerate(whole.turns) if turn.checks or place in kept)
        return replace(whole, turns=turns) if turns else None

    await _fewer(search, [place for place, turn in enumerate(whole.turns) if not turn.checks], rebuilt)


async def _smaller_world(search: _Search) -> None:
    def with_world(**parts: Any) -> Scenario:
        return replace(search.best, world=replace(search.best.world, **parts))

    await _fewer(search, search.best.world.documents, lambda kept: with_world(documents=tuple(kept)))
    await _fewer(search, search.best.world.memory, lambda kept: with_world(memory=tuple(kept)))
    for place, document in enumerate(search.best.world.documents):

        def shorter(kept: list[str], place: int = place) -> Scenario:
            documents = list(search.best.world.documents)
            documents[place] = replace(documents[place], text="".join(kept))
            return with_world(documents=tuple(documents))

        if len(parts := _sentences(document.text)) > 1:
            await _fewer(search, parts, shorter)


async def _shorter_turn(search: _Search, place: int) -> None:
    def rebuilt(kept: list[str]) -> Scenario | None:
        if not (text := "".join(kept).strip()):
            return None
        turns = list(search.best.turns)
        turns[place] = Turn(user=text, checks=turns[place].checks)
        return replace(search.best, turns=tuple(turns))

    if len(parts := _sentences(search.best.turns[place].user)) > 1:
        await _fewer(search, parts, rebuilt)


class Probe:
    """The usual "still fails": as often red on the target as the whole scenario, never red on the reference.

    Every candidate sees the same ``seeds`` dice, so that it is compared and not re-drawn. ``base`` is how many of them
    were red for the whole scenario; ``measure`` sets it.
    """

    def __init__(self, target: Target, *, reference: Target | None = None, seed: int = 0, seeds: int = SEEDS) -> None:
        self._target = target
        self._reference = reference
        self._dice = [clock.derive_seed(seed, f"shrink/{number}") for number in range(seeds)]
        self.base = 1

    async def reds(self, target: Target, scenario: Scenario, *, enough: int = 0) -> int:
        """Return how many of the tries are red; stops early when ``enough`` can no longer be reached."""
        red = 0
        for number, seed in enumerate(self._dice):
            if enough and red + len(self._dice) - number < enough:
                break
            outcome = await run_scenario(target, scenario, seed=seed, timeout_seconds=NO_LIMIT)
            red += outcome.verdict == "failure"
        return red

    async def measure(self, scenario: Scenario) -> int:
        """Return how many tries of the whole scenario are red, and take that as the measure."""
        self.base = await self.reds(self._target, scenario)
        return self.base

    async def passes_on_reference(self, scenario: Scenario) -> bool:
        """Say whether every try passes on the reference; true when there is none."""
        if self._reference is None:
            return True
        for seed in self._dice:
            outcome = await run_scenario(self._reference, scenario, seed=seed, timeout_seconds=NO_LIMIT)
            if outcome.verdict != "ok":
                return False
        return True

    async def still_fails(self, scenario: Scenario) -> bool:
        """Say whether ``scenario`` is as red as the whole one was, for a reason that the reference does not share."""
        red = await self.reds(self._target, scenario, enough=self.base)
        return red >= max(1, self.base) and await self.passes_on_reference(scenario)


async def shrink(
    scenario: Scenario, target: Target, *, reference: Target | None = None, seed: int = 0, most_tries: int = MOST_TRIES
) -> Shrunk:
    """Return ``scenario`` shrunk on ``target``. Without a reference, only where every check forbids something."""
    asks_for = [check.type for turn in scenario.turns for check in turn.checks if not forbids(check)]
    probe = Probe(target, reference=reference, seed=seed)
    if await probe.measure(scenario) == 0:
        return Shrunk(scenario=scenario, note="it does not fail on this target")
    if reference is not None and not await probe.passes_on_reference(scenario):
        return Shrunk(scenario=scenario, note="the reference does not pass it")
    if reference is None and asks_for:
        note = f"{asks_for[0]} asks for something, which taking words away would break by itself; give a reference"
        return Shrunk(scenario=scenario, note=note)
    return await minimise(scenario, probe.still_fails, most_tries=most_tries)
