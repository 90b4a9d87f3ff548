"""A Python callable as a target: named by import path (it runs in worker processes that can be killed), or live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tinman.config.settings import child_environment
from tinman.errors import ConfigError, TargetError, WorkerDied
from tinman.messages import Reply, Request
from tinman.processes.threads import call
from tinman.targets.base import Capabilities, fold
from tinman.targets.functions.process import About, FunctionProcess
from tinman.targets.functions.signature import Calling, Uncallable, read_calling
from tinman.targets.profile import TargetProfile
from tinman.targets.turn import TurnSession, TurnTarget, as_target_error, said, spoken
from tinman.targets.world import World
from tinman.text.invalid import read_as
from tinman.text.visible import visible


class Workers:
    """The processes of one callable: one for all its calls when it is async, else one for each conversation at once.

    They are kept for the next conversation and ended by ``aclose``, at the latest with the event loop.
    """

    def __init__(self, profile: TargetProfile) -> None:
        self._spec = profile.spec.strip()
        self._session_parameter = profile.session_parameter
        self._environment_names = profile.environment
        self._within_seconds = profile.start_seconds
        self._idle: list[FunctionProcess] = []
        self._all: list[FunctionProcess] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lifetime: AsyncGenerator[None] | None = None
        self._first = asyncio.Lock()
        self.about: About | None = None

    async def take(self) -> FunctionProcess:
        """Return a process that has loaded the callable. Raises ``ConfigError`` when it cannot be loaded."""
        await self._settle_here()
        if self.about is None or self.about.is_async:
            # What it is, is known when it has been loaded once; until then everybody waits for the first.
            async with self._first:
                return await self._next()
        return await self._next()

    async def _next(self) -> FunctionProcess:
        for dead in [one for one in self._all if one.is_over]:
            self._all.remove(dead)
            dead.kill()
        self._idle = [one for one in self._idle if not one.is_over]
        if self._idle:
            return self._idle[-1] if self.about is not None and self.about.is_async else self._idle.pop()
        process = FunctionProcess(self._spec, child_environment(self._environment_names))
        self._all.append(process)
        await process.start(session_parameter=self._session_parameter, within_seconds=self._within_seconds)
        self.about = process.about
        if self.about.is_async:
            self._idle.append(process)
        return process

    def give_back(self, process: FunctionProcess) -> None:
        """Take back what was taken."""
        if not process.is_over and not process.about.is_async and process in self._all:
            self._idle.append(process)

    async def aclose(self) -> None:
        """End all processes."""
        self._idle = []
        await _end(self._all)

    async def _settle_here(self) -> None:
        """Begin anew in an event loop that is another than before; the processes of that one ended with it."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._all, self._idle, self._first = loop, [], [], asyncio.Lock()
            # An event loop ends the async generators that were begun in it before it closes; so nothing is left behind
            # by a target that nobody closed.
            self._lifetime = _until_the_end(self._all)
            await anext(self._lifetime)


async def _end(processes: list[FunctionProcess]) -> None:
    # All are killed before anything is awaited: the loop may be closing, and cancel whoever waits.
    ending = [processes.pop() for _ in list(processes)]
    for process in ending:
        process.kill()
    await asyncio.sleep(0)


async def _until_the_end(processes: list[FunctionProcess]) -> AsyncGenerator[None]:
    # It knows the processes and not their owner: so it ends as soon as nobody holds that.
    try:
        yield
    finally:
        await _end(processes)


class FunctionTarget(TurnTarget):
    """A callable named by import path. It is loaded and called in worker processes, never here."""

    def __init__(self, profile: TargetProfile) -> None:
        spec = profile.spec.strip()
        super().__init__(
            spec,
            profile.capabilities,
            identity={"kind": "function", "spec": spec},
            timeout_seconds=profile.timeout_seconds,
            canaries=profile.canaries,
        )
        self._workers = Workers(profile)

    async def describe(self) -> tuple[str, ...]:
        """Load the callable and say how it is called and how many calls run at once. Raises ``ConfigError``."""
        process = await self._workers.take()
        self._workers.give_back(process)
        about = process.about
        together = (
            "async: all turns at once in one process" if about.is_async else "sync: a process for each turn at once"
        )
        hint = ""
        if about.roles & {"messages", "history"} and not self.capabilities.multi_turn:
            hint = "; it is handed the conversation, so keeps_conversation = true under [target] would be true"
        return (f"called as {about.call}; {together}{hint}",)

    @asynccontextmanager
    async def open(self, *, user: str, session: str, world: World) -> AsyncIterator[TurnSession]:
        """Open a conversation. One process answers all of it; raises ``ConfigError`` when the callable cannot load."""
        held = [await self._workers.take()]

        async def call(request: Request) -> Reply:
            return await self._answered(held, request, user=user, session=session)

        try:
            yield TurnSession(fold(self._meter(self.within(call)), self.layers))
        finally:
            self._workers.give_back(held[0])

    async def _answered(self, held: list[FunctionProcess], request: Request, *, user: str, session: str) -> Reply:
        if held[0].is_over:
            if self.capabilities.multi_turn and len(request.messages) > 1:
                raise WorkerDied(
                    f"target {self.name}: its process ended in an earlier turn, and the conversation with it"
                )
            held[0] = await self._workers.take()
        try:
            answer = await held[0].turn(
                text=request.messages[-1].text, messages=spoken(request.messages), user=user, session=session
            )
        except TargetError as error:
            raise type(error)(f"target {self.name}: {visible(str(error), keep_newlines=False)}") from None
        return _reply(answer, self.name)

    async def aclose(self) -> None:
        """End the worker processes."""
        await self._workers.aclose()


def _reply(answer: dict[str, Any], name: str) -> Reply:
    """Return a worker's answer as a reply. Raises ``TargetError`` for what is neither text nor a reply."""
    if isinstance(answer.get("text"), str):
        return said(answer["text"])
    return read_as(Reply, answer.get("reply"), lambda wrong: TargetError(f"target {name}: no usable reply: {wrong}"))


class LiveFunctionTarget(TurnTarget):
    """A callable object of this process, sync (in a thread that is abandoned when it hangs) or async."""

    def __init__(self, function: Callable[..., Any], *, keeps_conversation: bool = False) -> None:
        name = getattr(function, "__qualname__", type(function).__name__)
        # Its code is not covered.
        about = {"kind": "live function", "name": f"function:{name}"}
        super().__init__(f"function:{name}", Capabilities(multi_turn=keeps_conversation), identity={**about})
        self._function = function
        try:
            self._calling: Calling = read_calling(function)
        except Uncallable as error:
            raise ConfigError(f"target: {name} cannot be called: {error}") from None

    async def answer(self, text: str, *, user: str, session: str, request: Request) -> Reply:
        """Call it. Whatever it raises is a ``TargetError``."""
        messages = spoken(request.messages)
        placed, named = self._calling.filled(
            {"text": text, "messages": messages, "history": messages[:-1], "session": session, "user": user}
        )
        with as_target_error(f"target {self.name}"):
            answer = await call(self._function, *placed, **named)
        if isinstance(answer, Reply):
            return answer
        if isinstance(answer, str):
            return said(answer)
        raise TargetError(f"target {self.name}: answered a {type(answer).__name__}; it has to be text")
