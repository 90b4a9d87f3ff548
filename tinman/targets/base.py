"""What a target is: anything that answers. The one seam between Tinman and the system under test."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol, Self, runtime_checkable

from tinman.frozen import frozen
from tinman.messages import Call, Reply, Request
from tinman.models.base import Model
from tinman.targets.world import Plant, World

Seam = Literal["model", "turn"]


@frozen
class Capabilities:
    """What can be done to a target: which parts of a world it honours, and whether it keeps a conversation.

    ``is_repeatable`` says that asking twice does no harm, which a retry needs. ``turn_timeout_seconds`` is the target's
    own limit for a turn, 0 when it has none. ``side_by_side`` is how many conversations it may be in at once, ``None``
    when it does not care.
    """

    plants: frozenset[Plant] = frozenset()
    multi_turn: bool = True
    tunable: bool = False
    is_repeatable: bool = False
    turn_timeout_seconds: float = 0.0
    side_by_side: int | None = None


class Layer(Protocol):
    """Something around the seam's call: it may change the request, the reply, or ask again."""

    @property
    def digest(self) -> str:
        """The layer's name for life."""
        ...

    async def call(self, request: Request, inner: Call) -> Reply:
        """Answer ``request``, by way of ``inner`` as often as needed."""
        ...


class Session(Protocol):
    """One open conversation."""

    async def send(self, request: Request) -> Reply:
        """Answer the last message of ``request``. Raises ``TargetError`` or ``ProviderError``."""
        ...


@runtime_checkable
class Stateful(Protocol):
    """A session that can be asked what the target's state is, for checks that judge it."""

    async def state(self, name: str, arguments: dict[str, Any]) -> bool | str | None:
        """Return true, or what is wrong; ``None`` when nobody can tell. Raises ``TargetError``."""
        ...


class Meter(Protocol):
    """Counts what a target calls on a budget."""

    def model(self, model: Model) -> Model:
        """Return ``model`` with every call counted and priced."""
        ...

    def turn(self, call: Call) -> Call:
        """Return ``call``, a whole turn of a black box, with each counted as one call."""
        ...


class Target(Protocol):
    """A system under test. ``seam`` says where layers act: around every model call, or around the whole turn."""

    @property
    def name(self) -> str: ...
    @property
    def seam(self) -> Seam: ...
    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def fingerprint(self) -> str:
        """Changes when the target is another one: model, prompt, tools, layers."""
        ...

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Innermost first."""
        ...

    @property
    def world(self) -> World:
        """What the target is known to have of its own: system prompt, documents, tools, memory."""
        ...

    @property
    def model(self) -> Model | None:
        """The model we call for it, ``None`` for a black box that calls its own."""
        ...

    def metered(self, meter: Meter) -> Self:
        """Return this target with what it calls counted by ``meter``."""
        ...

    def around(self, layer: Layer) -> Self:
        """Return this target with ``layer`` outermost; nothing is shared that a call could change."""
        ...

    def open(self, *, user: str, session: str, world: World) -> AbstractAsyncContextManager[Session]: ...

    async def preflight(self) -> tuple[str, ...] | None:
        """Try the target, and return what is worth saying of it, a line each.

        Raises ``ConfigError``, ``ProviderError`` or ``TargetError`` when it gives no answer at all.
        """
        ...

    async def aclose(self) -> None: ...


def fold(call: Call, layers: tuple[Layer, ...]) -> Call:
    """Return ``call`` with every layer around it; the last is outermost."""
    for layer in layers:
        call = _around(call, layer)
    return call


def _around(inner: Call, layer: Layer) -> Call:
    async def outer(request: Request) -> Reply:
        return await layer.call(request, inner)

    return outer
