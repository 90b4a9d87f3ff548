"""Targets seen only turn by turn: what a callable, a command and an HTTP endpoint share."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Self

from tinman.errors import TargetError
from tinman.frozen import digest, dump
from tinman.messages import Call, Reply, Request, say
from tinman.models.base import Model
from tinman.targets.base import Capabilities, Layer, Meter, Seam, fold
from tinman.targets.world import EMPTY_WORLD, World
from tinman.text.visible import line_of

CALLS = "tinman.tool_traces"
"""The member of ``Reply.extra`` under which a black box tells its tool calls, as the data of tool traces."""
CAPTURE_ERROR = "tinman.capture_error"
"""The member of ``Reply.extra`` that says why the calls of a turn cannot be known."""


class TurnTarget:
    """A black box that answers a user's turn. Layers act around the whole turn, the meter closest to the target.

    ``name`` is how it is called in reports; ``capabilities`` say whether it keeps a conversation by session;
    ``identity`` is what makes it this one, for the fingerprint. A subclass writes ``answer``, or ``open`` when a
    conversation holds something open.
    """

    seam: Seam = "turn"
    world: World = EMPTY_WORLD
    model: Model | None = None

    def __init__(self, name: str, capabilities: Capabilities, *, identity: dict[str, object]) -> None:
        self.name = name
        self.identity = identity
        self.capabilities = capabilities
        self.layers: tuple[Layer, ...] = ()
        self._meter: Callable[[Call], Call] = lambda call: call

    async def answer(self, text: str, *, user: str, session: str, request: Request) -> Reply:
        """Return the answer to ``text``. Raises ``TargetError``, ``ProviderError``; cancelled when it is slow."""
        raise NotImplementedError(f"{type(self).__name__} answers in conversations: use open()")

    @property
    def fingerprint(self) -> str:
        """Covers the target's identity, layers and capabilities, but not how fast or how often it may be asked."""
        able = dump(self.capabilities)
        lasting = {name: able[name] for name in ("plants", "multi_turn", "tunable", "is_repeatable")}
        return digest([self.name, self.identity, lasting, [layer.digest for layer in self.layers]])

    def around(self, layer: Layer) -> Self:
        """Return this target with ``layer`` around every turn."""
        twin = copy.copy(self)
        twin.layers = (*self.layers, layer)
        return twin

    def metered(self, meter: Meter) -> Self:
        """Return this target with every turn counted; what it spends inside is its own affair."""
        twin = copy.copy(self)
        twin._meter = meter.turn
        return twin

    @asynccontextmanager
    async def open(self, *, user: str, session: str, world: World) -> AsyncIterator[TurnSession]:
        """Open a conversation. ``world`` is empty or the run would not have started."""

        async def call(request: Request) -> Reply:
            return await self.answer(request.messages[-1].text, user=user, session=session, request=request)

        yield TurnSession(fold(self._meter(call), self.layers))

    async def preflight(self) -> None:
        """Nothing is known to be wrong before the first turn."""
        return

    async def aclose(self) -> None:
        """Nothing is held open."""
        return


@dataclass(frozen=True)
class TurnSession:
    """One conversation with a black box."""

    call: Call

    async def send(self, request: Request) -> Reply:
        """Answer the last message."""
        return await self.call(request)


@contextmanager
def as_target_error(about: str) -> Iterator[None]:
    """Raise what code that is not ours raises in the block as a ``TargetError`` that begins with ``about``."""
    try:
        yield
    except TargetError:
        raise
    except Exception as error:
        raise TargetError(f"{about}: {line_of(error)}") from error


def said(text: str) -> Reply:
    """Return a reply of plain text."""
    return Reply(message=say("assistant", text))
