"""A Python callable as a target: named by import path (it runs in a worker process that can be killed), or live."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_process
import anyio.to_thread

from tinman.errors import ConfigError, TargetError
from tinman.messages import Reply, Request
from tinman.processes.modules import NoModule, module_at
from tinman.processes.threads import call, settle
from tinman.targets.base import Capabilities
from tinman.targets.profile import TargetProfile
from tinman.targets.turn import TurnTarget, as_target_error, said


def resolve(spec: str) -> Callable[..., Any]:
    """Return the callable behind ``module:name`` or ``file.py:name``. Raises ``ConfigError``.

    The current directory is importable. Loading runs the module's code.
    """
    place, _, name = spec.rpartition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = module_at(place, kind="target")
    except NoModule as error:
        raise ConfigError(f"target: {error}") from error
    except ModuleNotFoundError as error:
        raise ConfigError(f"target: cannot import {place}: {error}") from error
    except (SyntaxError, ImportError, OSError) as error:
        raise ConfigError(f"target: cannot load {place}: {type(error).__name__}: {error}") from error
    value = getattr(module, name, None)
    if not callable(value):
        raise ConfigError(f"target: {place} has no callable {name!r}")
    called: Callable[..., Any] = value
    return called


def _arguments(function: Callable[..., Any], text: str, user: str, session: str) -> dict[str, str] | None:
    """Return keyword arguments when the callable asks for them by name, ``None`` to hand it the text alone."""
    try:
        names = set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None
    known = {"user_text": text, "user_id": user, "session_id": session, "correlation_id": session}
    return {name: known[name] for name in names & known.keys()} if "user_text" in names else None


def _call(function: Callable[..., Any], text: str, user: str, session: str) -> Any:
    keywords = _arguments(function, text, user, session)
    return function(text) if keywords is None else function(**keywords)


def _call_by_name(spec: str, text: str, user: str, session: str) -> Any:
    """Run in the worker process; an async callable gets a loop of its own there.

    An attempt to exit must not leave this function: it would end the worker, and with it somebody else's next call.
    """
    try:
        answer = _call(resolve(spec), text, user, session)
        return anyio.run(settle, answer) if inspect.isawaitable(answer) else answer
    except (SystemExit, KeyboardInterrupt) as error:
        raise TargetError(f"target {spec}: tried to exit the process ({error!r})") from None


def _reply(answer: Any, name: str) -> Reply:
    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, str):
        return said(answer)
    raise TargetError(f"target {name}: answered a {type(answer).__name__}; it has to be text")


class FunctionTarget(TurnTarget):
    """A callable named by import path. Each call runs in a worker process, killed when it takes too long or exits."""

    def __init__(self, spec: str, profile: TargetProfile) -> None:

        super().__init__(spec, profile.capabilities, identity={"kind": "function", "spec": spec})
        self._spec = spec

    async def preflight(self) -> None:
        """Load the callable once, here, so that a wrong name is a message and not a failed run."""
        await anyio.to_thread.run_sync(resolve, self._spec)

    async def answer(self, text: str, *, user: str, session: str, request: Request) -> Reply:
        """Call it. Whatever it raises, and its death, is a ``TargetError``."""
        work = partial(_call_by_name, self._spec, text, user, session)
        with as_target_error(f"target {self.name}"):
            try:
                answer = await anyio.to_process.run_sync(work, cancellable=True)
            except anyio.BrokenWorkerProcess as error:
                raise TargetError(
                    f"target {self.name}: its process died; look at what it prints or whether it exits"
                ) from error
        return _reply(answer, self.name)


class LiveFunctionTarget(TurnTarget):
    """A callable object of this process, sync (in a thread that is abandoned when it hangs) or async."""

    def __init__(self, function: Callable[..., Any], *, keeps_conversation: bool = False) -> None:
        name = getattr(function, "__qualname__", type(function).__name__)
        # Its code is not covered.
        about = {"kind": "live function", "name": f"function:{name}"}
        super().__init__(f"function:{name}", Capabilities(multi_turn=keeps_conversation), identity={**about})
        self._function = function

    async def answer(self, text: str, *, user: str, session: str, request: Request) -> Reply:
        """Call it. Whatever it raises is a ``TargetError``."""
        with as_target_error(f"target {self.name}"):
            answer = await call(_call, self._function, text, user, session)
        return _reply(answer, self.name)
