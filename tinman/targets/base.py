"""What a target is: anything that answers. The one seam between Tinman and the system under test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol, Self

from tinman.frozen import frozen
from tinman.messages import Reply, Request
from tinman.targets.world import Plant, World

Call = Callable[[Request], Awaitable[Reply]]
Seam = Literal["model", "turn"]


@frozen
class Capabilities:
    """What can be done to a target: which parts of a world it honours, and whether it keeps a conversation.

    ``is_repeatable`` says that asking twice does no harm, which a retry needs.
    """

    plants: frozenset[Plant] = frozenset()
    multi_turn: bool = True
    tunable: bool = False
    is_repeatable: bool = False


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

    def around(self, layer: Layer) -> Self:
        """Return this target with ``layer`` outermost; nothing is shared that a call could change."""
        ...

    def open(self, *, user: str, session: str, world: World) -> AbstractAsyncContextManager[Session]: ...

    async def preflight(self) -> None:
        """Raise ``ProviderError`` or ``TargetError`` when the target cannot be reached at all."""
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
