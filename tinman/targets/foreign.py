"""Somebody's own target, of the protocol's older and smaller form: it knows nothing of meters, models and worlds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from tinman.models.base import Model
from tinman.targets.base import Layer, Meter, Seam, Session, Stateful, Target
from tinman.targets.turn import TurnSession
from tinman.targets.world import EMPTY_WORLD, World


class ForeignTarget:
    """A target that lacks ``metered``, ``model`` and ``world``, with them: each of its turns is counted as one call.

    Layers sit within the meter, so a patch that asks again is counted once.
    """

    world: World = EMPTY_WORLD
    model: Model | None = None

    def __init__(self, target: Target, meter: Meter | None = None) -> None:
        self._target = target
        self._meter = meter
        self.name = target.name
        self.seam: Seam = target.seam
        self.capabilities = target.capabilities

    @property
    def fingerprint(self) -> str:
        """The target's own."""
        return self._target.fingerprint

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The target's own."""
        return self._target.layers

    def metered(self, meter: Meter) -> Self:
        """Return this target with every turn counted."""
        return type(self)(self._target, meter)

    def around(self, layer: Layer) -> Self:
        """Return this target with ``layer`` where the target puts it."""
        return type(self)(self._target.around(layer), self._meter)

    @asynccontextmanager
    async def open(self, *, user: str, session: str, world: World) -> AsyncIterator[Session]:
        """Open a conversation."""
        async with self._target.open(user=user, session=session, world=world) as opened:
            if self._meter is None:
                yield opened
            elif isinstance(opened, Stateful):
                yield _CountedStatefulSession(self._meter.turn(opened.send), opened.state)
            else:
                yield TurnSession(self._meter.turn(opened.send))

    async def preflight(self) -> tuple[str, ...]:
        """The target's own."""
        return await self._target.preflight() or ()

    async def aclose(self) -> None:
        """Close the target."""
        await self._target.aclose()


@dataclass(frozen=True)
class _CountedStatefulSession(TurnSession):
    """A conversation whose turns are counted, and that also tells the target's state."""

    state: Callable[[str, dict[str, Any]], Awaitable[bool | str | None]]
