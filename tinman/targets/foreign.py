"""Somebody's own target, of the protocol's older and smaller form: it knows nothing of meters, models and worlds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from tinman.errors import TargetError, TinmanError
from tinman.messages import Call, Reply, Request
from tinman.models.base import Model
from tinman.processes.threads import is_cancelled
from tinman.targets.base import Layer, Meter, Seam, Session, Stateful, Target
from tinman.targets.turn import TurnSession
from tinman.targets.world import EMPTY_WORLD, World
from tinman.text.visible import line_of


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
            send = self._fenced(opened.send)
            counted = send if self._meter is None else self._meter.turn(send)
            yield (
                _CountedStatefulSession(counted, opened.state) if isinstance(opened, Stateful) else TurnSession(counted)
            )

    def _fenced(self, send: Call) -> Call:
        """Return ``send`` with whatever it raises told as the target's error; errors of ours go through."""

        async def fenced(request: Request) -> Reply:
            try:
                return await send(request)
            except TinmanError:
                raise
            except BaseException as error:
                if is_cancelled(error):
                    raise
                raise TargetError(f"target {self.name}: {line_of(error)}") from error

        return fenced

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
