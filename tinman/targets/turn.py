"""Targets seen only turn by turn: what a callable, a command and an HTTP endpoint share."""

from __future__ import annotations

import copy
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Self

import anyio

from tinman.errors import TargetError
from tinman.frozen import digest, dump
from tinman.messages import Call, Message, Reply, Request, say
from tinman.models.base import Model
from tinman.processes.threads import is_cancelled
from tinman.targets.base import Capabilities, Layer, Meter, Seam, Target, fold
from tinman.targets.world import EMPTY_WORLD, World
from tinman.text.visible import line_of

_TRIALS = 3
CALLS = "tinman.tool_traces"
"""The member of ``Reply.extra`` under which a black box tells its tool calls, as the data of tool traces."""
CAPTURE_ERROR = "tinman.capture_error"
"""The member of ``Reply.extra`` that says why the calls of a turn cannot be known."""
GARBLED = "tinman.capture_garbled"
"""The member of ``Reply.extra`` that is true when calls were told in a form nobody can read: that fails the turn."""


class TurnTarget:
    """A black box that answers a user's turn. Layers act around the whole turn, the meter closest to the target.

    ``name`` is how it is called in reports; ``capabilities`` say whether it keeps a conversation by session;
    ``identity`` is what makes it this one, for the fingerprint; ``timeout_seconds`` is the most a turn may take, 0 for
    no limit of its own; ``canaries`` are what it must never tell. A subclass writes ``answer``, or ``open`` when a
    conversation holds something open.
    """

    seam: Seam = "turn"
    model: Model | None = None

    def __init__(
        self,
        name: str,
        capabilities: Capabilities,
        *,
        identity: dict[str, object],
        timeout_seconds: float = 0.0,
        canaries: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.world = World(canaries=canaries)
        self.timeout_seconds = timeout_seconds
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

        yield TurnSession(fold(self._meter(self.within(call)), self.layers))

    def within(self, call: Call) -> Call:
        """Return ``call`` with the target's own time limit, after which it is cancelled and a ``TargetError``."""
        seconds = self.timeout_seconds
        if not seconds:
            return call

        async def limited(request: Request) -> Reply:
            with anyio.move_on_after(seconds):
                return await call(request)
            raise TargetError(f"target {self.name}: no answer within {seconds:g} s; raise [target] timeout_seconds")

        return limited

    async def describe(self) -> tuple[str, ...]:
        """Return what there is to say of how the target is called, having looked whether it is there at all."""
        return ()

    async def preflight(self) -> tuple[str, ...]:
        """Take a real turn, two where the target claims to keep a conversation, and return what is worth saying.

        Raises ``ConfigError``, ``ProviderError`` or ``TargetError`` when no answer comes.
        """
        return (*await self.describe(), *await try_turns(self))

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


async def look_at(target: Target) -> tuple[str, ...]:
    """See whether a target is there, without a turn where that can be told, and return what is worth saying of it.

    Raises ``ConfigError``, ``ProviderError`` or ``TargetError`` when it is not.
    """
    return await target.describe() if isinstance(target, TurnTarget) else await target.preflight() or ()


async def try_turns(target: TurnTarget) -> tuple[str, ...]:
    """Take ``target`` through a turn; where it claims to keep a conversation, see whether it does.

    An error of the target counts when it comes three times. Returns what is worth saying; raises what the turn raises.
    """
    word = f"maple-{secrets.randbelow(9_000) + 1_000}"
    first = f"My code word is {word}. Reply with the word ready." if target.capabilities.multi_turn else ""
    for attempt in range(1, _TRIALS + 1):
        session = f"preflight-{secrets.token_hex(4)}"
        try:
            async with target.open(user="tinman", session=session, world=EMPTY_WORLD) as opened:
                asked = say("user", first or "Reply with the word ready.")
                reply = await opened.send(Request(messages=(asked,), session=session))
                if not first:
                    return ()
                again = say("user", "What is my code word?")
                second = await opened.send(Request(messages=(asked, reply.message, again), session=session))
        except TargetError:
            if attempt == _TRIALS:
                raise
        else:
            break
    if word in second.message.text:
        return ()
    return (
        "keeps_conversation = true, but what was said in a first turn was not known in the second; if it is handed its"
        " session under another name, say so under [target]; if it forgets, say keeps_conversation = false",
    )


@contextmanager
def as_target_error(about: str) -> Iterator[None]:
    """Raise what code that is not ours raises in the block as a ``TargetError`` that begins with ``about``.

    Whatever that is, ``SystemExit`` and a cancellation of its own included: only ours goes through.
    """
    try:
        yield
    except TargetError:
        raise
    except BaseException as error:
        if is_cancelled(error):
            raise
        raise TargetError(f"{about}: {line_of(error)}") from error


def said(text: str) -> Reply:
    """Return a reply of plain text."""
    return Reply(message=say("assistant", text))


def spoken(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    """Return a conversation as the messages that callables and services take: ``role`` and ``content``."""
    return [{"role": message.role, "content": message.text} for message in messages]
