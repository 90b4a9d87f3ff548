"""A chat model with a system prompt and a tool loop: the target we can see into and patch at every model call."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, ClassVar, Self

from tinman.clock import ROUND_PRIME
from tinman.frozen import digest
from tinman.messages import Call, Message, Reply, Request, Text, ToolResult, ToolSpec, ToolUse, Usage, say
from tinman.models.base import Model
from tinman.targets.base import Capabilities, Layer, Meter, Seam, fold
from tinman.targets.world import EMPTY_WORLD, ToolStub, World, content_of, retrieved_texts

MAX_ROUNDS = 10


@dataclass(eq=False)
class ChatTarget:
    """A ``Model`` with a system prompt, tools and a tool loop; a pure function of the request.

    ``world`` is what the target always has; a scenario's world is laid over it, its tools winning by name. Tools are
    stubs: nothing leaves the machine but the model calls.
    """

    seam: ClassVar[Seam] = "model"
    capabilities: ClassVar[Capabilities] = Capabilities(
        plants=frozenset({"system", "documents", "tools", "memory"}), multi_turn=True, tunable=True, is_repeatable=True
    )

    model: Model
    _: KW_ONLY
    name: str = ""
    world: World = EMPTY_WORLD
    params: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        self.name = self.name or f"{self.model.provider}:{self.model.name}"
        self.params = dict(self.params or {})
        self._complete: Call = fold(self.model.complete, self.layers)

    @property
    def fingerprint(self) -> str:
        """Covers provider, model, world, parameters and layers."""
        layers = [layer.digest for layer in self.layers]
        return digest([self.model.provider, self.model.name, content_of(self.world), self.params, layers])

    def around(self, layer: Layer) -> Self:
        """Return this target with ``layer`` around every model call."""
        return replace(self, layers=(*self.layers, layer))

    def metered(self, meter: Meter) -> Self:
        """Return this target with every model call counted."""
        return replace(self, model=meter.model(self.model))

    @asynccontextmanager
    async def open(self, *, user: str, session: str, world: World) -> AsyncIterator[ChatSession]:
        """Open a conversation in ``world``; it holds nothing that needs closing."""
        yield ChatSession(self._complete, self.params, merge(self.world, world))

    async def preflight(self) -> None:
        """Take one turn as a run would: the same system prompt, tools and parameters, and no cap of its own.

        Any well-formed answer will do, an empty one and a refusal too. Raises ``ProviderError`` when there is none.
        """
        request = Request(messages=(say("user", "Reply with the word ready."),), session="preflight")
        async with self.open(user="preflight", session="preflight", world=EMPTY_WORLD) as session:
            await session.send(request)

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self.model.aclose()


def merge(base: World, over: World) -> World:
    """Return ``base`` with ``over`` laid on it: texts appended, tools of the same name replaced."""
    if over == EMPTY_WORLD:
        return base
    named = {tool.name for tool in over.tools}
    return World(
        system="\n".join(part for part in (base.system, over.system) if part),
        documents=base.documents + over.documents,
        tools=tuple(tool for tool in base.tools if tool.name not in named) + over.tools,
        memory=base.memory + over.memory,
        canaries=base.canaries + over.canaries,
    )


class ChatSession:
    """A conversation with a chat model. Stateless: every send carries the whole conversation."""

    def __init__(self, complete: Call, params: Mapping[str, Any], world: World) -> None:
        self._complete = complete
        self._params = params
        self._system = (say("system", world.system),) if world.system else ()
        self._retrieved = tuple(Text(text=text) for text in retrieved_texts(world))
        self._stubs = {tool.name: tool for tool in world.tools}
        self._specs = tuple(
            ToolSpec(name=tool.name, description=tool.description, parameters=tool.parameters) for tool in world.tools
        )

    def _dressed(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        if not self._retrieved:
            return (*self._system, *messages)
        first, *rest = messages
        return (*self._system, replace(first, parts=(*self._retrieved, *first.parts)), *rest)

    async def send(self, request: Request) -> Reply:
        """Run the tool loop for one turn: at most ten model calls. Raises what the model raises."""
        conversation, usage = request.messages, Usage()
        trace: tuple[Message, ...] = ()
        acted: tuple[str, ...] = ()
        called = Counter(use.name for message in conversation for use in message.calls)
        turn = sum(
            1 for message in conversation if message.role == "user" and any(isinstance(p, Text) for p in message.parts)
        )
        for round_number in range(MAX_ROUNDS):
            reply = await self._complete(
                Request(
                    messages=self._dressed(conversation + trace),
                    tools=self._specs,
                    params={**self._params, **request.params},
                    session=request.session,
                    seed=request.seed + ROUND_PRIME * round_number,
                    once=request.once,
                )
            )
            calls = reply.message.calls
            if not (calls or trace or reply.trace or reply.acted):
                return reply
            usage, acted = usage + reply.usage, acted + reply.acted
            if not calls or round_number == MAX_ROUNDS - 1:
                break
            results = tuple(self._answer(use, called, turn) for use in calls)
            trace = (*trace, *reply.trace, reply.message, Message(role="user", parts=results))
        return replace(reply, trace=trace, usage=usage, acted=tuple(dict.fromkeys(acted)))

    def _answer(self, use: ToolUse, called: Counter[str], turn: int) -> ToolResult:
        stub: ToolStub | None = self._stubs.get(use.name)
        if stub is None:
            return ToolResult(id=use.id, name=use.name, content=f"there is no tool {use.name}", is_error=True)
        if use.malformed is not None:
            return ToolResult(id=use.id, name=use.name, content="the arguments are not a JSON object", is_error=True)
        place = turn - 1 if stub.advances == "turn" else called[use.name]
        result = stub.results[min(place, len(stub.results) - 1)]
        called[use.name] += 1
        return ToolResult(id=use.id, name=use.name, content=result.content, is_error=result.is_error)
