"""Fakes for tests, notebooks and documentation: a model, a target and a reviewer that do as they are told."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self, TypeAlias

from tinman.frozen import digest
from tinman.messages import Call, Reply, Request, Usage, say
from tinman.models.base import Model
from tinman.review import Action, ApprovalRequest, Decision
from tinman.targets.base import Capabilities, Layer, Meter, Seam, fold
from tinman.targets.world import EMPTY_WORLD, World

Line: TypeAlias = str | Reply | Exception
Playing: TypeAlias = Callable[[Request, World], "Line | Awaitable[Line]"]

_ALL = Capabilities(plants=frozenset({"system", "documents", "tools", "memory"}), is_repeatable=True)


def _spoken(line: Line) -> Reply:
    if isinstance(line, Exception):
        raise line
    if isinstance(line, Reply):
        return line
    return Reply(message=say("assistant", line), usage=Usage(calls=1, input_tokens=1, output_tokens=1))


class ScriptedModel:
    """A ``Model`` that says ``lines`` in turn, the last one for ever; an exception among them is raised.

    ``requests`` holds what it was asked, in order.
    """

    provider = "scripted"

    def __init__(self, *lines: Line, name: str = "model") -> None:
        self.name = name
        self.requests: list[Request] = []
        self._lines = lines or ("",)

    async def complete(self, request: Request) -> Reply:
        """Return the next line as a reply, or raise it."""
        self.requests.append(request)
        return _spoken(self._lines[min(len(self.requests), len(self._lines)) - 1])

    async def aclose(self) -> None:
        """Nothing is held open."""


class ScriptedTarget:
    """A ``Target`` that answers ``play(request, world)``: text, a whole reply, or an exception to raise.

    ``play`` may be async. ``requests`` holds what reached it, whatever layers are around it.
    """

    world: World = EMPTY_WORLD
    model: Model | None = None

    def __init__(
        self,
        play: Playing,
        *,
        name: str = "scripted",
        seam: Seam = "model",
        capabilities: Capabilities = _ALL,
        layers: tuple[Layer, ...] = (),
    ) -> None:
        self.name = name
        self.seam = seam
        self.capabilities = capabilities
        self.layers = layers
        self.requests: list[Request] = []
        self._play = play
        self._meter: Callable[[Call], Call] = lambda call: call

    @property
    def fingerprint(self) -> str:
        """Covers name and layers."""
        return digest([self.name, [layer.digest for layer in self.layers]])

    def around(self, layer: Layer) -> Self:
        """Return this target with ``layer`` outermost; both note their requests in the same list."""
        twin = copy.copy(self)
        twin.layers = (*self.layers, layer)
        return twin

    def metered(self, meter: Meter) -> Self:
        """Return this target with every turn counted; both note their requests in the same list."""
        twin = copy.copy(self)
        twin._meter = meter.turn
        return twin

    @asynccontextmanager
    async def open(self, *, user: str, session: str, world: World) -> AsyncIterator[ScriptedSession]:
        """Open a conversation in ``world``."""

        async def call(request: Request) -> Reply:
            self.requests.append(request)
            line = self._play(request, world)
            return _spoken(await line if isinstance(line, Awaitable) else line)

        yield ScriptedSession(fold(self._meter(call), self.layers))

    async def preflight(self) -> None:
        """It is always there."""

    async def aclose(self) -> None:
        """Nothing is held open."""


class ScriptedSession:
    """One conversation with a scripted target."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def send(self, request: Request) -> Reply:
        """Answer the last message."""
        return await self._call(request)


class FakeReviewer:
    """A ``Reviewer`` that gives ``answer`` to everything, or raises it. ``asked`` holds the actions, in order."""

    def __init__(self, answer: bool | Exception = True) -> None:
        self.asked: list[Action] = []
        self._answer = answer

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Return the answer, or raise it."""
        self.asked.append(request.action)
        if isinstance(self._answer, Exception):
            raise self._answer
        return request.answer(approved=self._answer, reason="as told", by="fake reviewer")
