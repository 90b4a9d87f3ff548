"""The process an adapter lives in. It loads the adapter once; each scenario gets a child of its own by ``fork``.

So every scenario meets the adapter as it was after loading, and a target that exits, crashes, hangs or forks ends at
most its own child. Standard input is empty, and what the target prints stays out of the reports.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tinman.config.settings import adopt
from tinman.frozen import dump
from tinman.processes.groups import MARK, marked
from tinman.processes.modules import NoModule, module_at
from tinman.processes.threads import settle
from tinman.targets.adapters.base import PreflightResult, RuntimeSpec
from tinman.targets.adapters.turn import DETAIL_CHARS, encoded, plain, turn_outside
from tinman.text.visible import line_of


class BadAdapter(Exception):
    """Raised inside for a factory that cannot be used; its text is the whole message."""


def load(place: str) -> Any:
    """Return what the factory ``module-or-file:callable`` makes. The last colon splits, so ``C:\\x.py:make`` works."""
    where, _, name = place.rpartition(":")
    if not where or not name:
        raise BadAdapter(f"adapter {place!r} is not <module-or-file>:<callable>")
    try:
        module = module_at(where, kind="adapter")
    except NoModule as error:
        raise BadAdapter(f"adapter: {error}") from error
    factory = getattr(module, name, None)
    if factory is None:
        raise BadAdapter(f"adapter {place!r}: {where} has no {name!r}")
    if not callable(factory):
        raise BadAdapter(f"adapter {place!r}: {name} is a {type(factory).__name__}; it has to be callable")
    return factory()


def _part(value: Any, index: int, name: str, default: Any) -> Any:
    """Return a member of what an adapter returned: an attribute, a key, or an element of a tuple."""
    if isinstance(value, Mapping):
        return value.get(name, default)
    if isinstance(value, tuple | list):
        return value[index] if index < len(value) else default
    return getattr(value, name, default)


def _runtime(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    names = ("provider", "model", "source", "confidence", "reason")
    data: dict[str, Any] = {name: str(_part(value, i, name, "") or "") for i, name in enumerate(names)}
    details = plain(_part(value, 5, "details", {}))
    return {**data, "details": details if isinstance(details, dict) else {"": details}}


class Worker:
    """Holds the adapter and answers the harness, one line of JSON for each line."""

    def __init__(self) -> None:
        self.adapter: Any = None
        self.runner = asyncio.Runner()

    def settled(self, value: Any) -> Any:
        """Return ``value``, awaited if it is awaitable."""
        return self.runner.run(settle(value)) if inspect.isawaitable(value) else value

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return ``value`` or ``error`` beside the question's ``id``. Never raises what the adapter raises."""
        number = asked.get("id")
        try:
            return {"id": number, "value": self._do(asked)}
        except BadAdapter as error:
            return {"id": number, "error": str(error)}
        except BaseException as error:  # noqa: BLE001 - target code: SystemExit here must not end the worker
            return {"id": number, "error": line_of(error, DETAIL_CHARS)}

    def _hook(self, name: str, default: Any, *positional: Any, **keywords: Any) -> Any:
        hook = getattr(self.adapter, name, None)
        return default if hook is None else self.settled(hook(*positional, **keywords))

    def _do(self, asked: dict[str, Any]) -> Any:
        user = asked.get("user_id", "")
        match asked["op"]:
            case "load":
                return self._load(asked["place"])
            case "metadata":
                data = plain(self._hook("run_metadata", {}))
                if not isinstance(data, dict):
                    raise TypeError(f"run_metadata returned a {type(data).__name__}; it has to be an object")
                return data
            case "preflight":
                ready = PreflightResult(status="ready", summary="The adapter has no preflight.")
                found = self._hook("preflight", ready, user_id=user)
                details = plain(_part(found, 2, "details", {}))
                return {
                    "status": str(_part(found, 0, "status", None)),
                    "summary": str(_part(found, 1, "summary", "")),
                    "details": details if isinstance(details, dict) else {"": details},
                }
            case "runtime":
                candidates = self._hook("runtime_candidates", [], user_id=user) or []
                return {
                    "resolved": _runtime(self._hook("runtime_spec", None, user_id=user)),
                    "candidates": [_runtime(candidate) for candidate in candidates],
                }
            case "select":
                return plain(self._hook("select_runtime", None, RuntimeSpec(**asked["runtime"])))
            case "turn":
                words = {name: asked[name] for name in ("user_id", "user_text", "correlation_id")}
                return dump(turn_outside(self.adapter, self.settled, **words))
            case "state":
                return self._state(asked)
            case other:
                raise BadAdapter(f"there is no operation {other!r}")

    def _load(self, place: str) -> dict[str, Any]:
        adapter = self.settled(load(place))
        if adapter is None:
            raise BadAdapter(f"adapter {place!r}: the factory returned None")
        if not callable(getattr(adapter, "send_user_turn", None)):
            raise BadAdapter(f"adapter {place!r}: a {type(adapter).__name__} has no send_user_turn")
        self.adapter = adapter
        timeout = getattr(adapter, "timeout_seconds", 0)
        return {
            "name": type(adapter).__name__,
            "timeout_seconds": float(timeout) if isinstance(timeout, int | float) else 0.0,
            "fresh": bool(getattr(adapter, "fresh_per_scenario", True)),
            "root": str(getattr(adapter, "repo_root", "") or getattr(adapter, "workdir", "") or ""),
        }

    def _state(self, asked: dict[str, Any]) -> Any:
        hook = getattr(self.adapter, "check_state", None)
        if hook is None:
            raise BadAdapter(f"{type(self.adapter).__name__} has no check_state")
        found = self.settled(hook(user_id=asked["user_id"], name=asked["name"], arguments=asked["arguments"]))
        if not isinstance(found, bool | str | None):
            raise TypeError(f"check_state returned a {type(found).__name__}; it has to be true, false or what is wrong")
        return found


def _serve(worker: Worker, channel: socket.socket) -> None:
    """Answer on ``channel`` until the other side is gone. A forked copy of this process never answers."""
    own = os.getpid()
    with channel, channel.makefile("rb") as lines:
        for line in lines:
            answer = encoded(worker.answer(json.loads(line)))
            if os.getpid() != own:
                os._exit(0)
            channel.sendall(answer)


def _scenario(worker: Worker, channel: socket.socket, control: socket.socket) -> None:
    """The life of a scenario's child; never returns."""
    code = 1
    try:
        control.close()
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        environment, mark = marked()
        adopt(environment, anew=[MARK])
        channel.sendall(encoded({"pid": os.getpid(), "mark": mark}))
        _serve(worker, channel)
        code = 0
    except OSError:
        pass
    finally:
        os._exit(code)


def main(descriptor: int) -> None:
    """Serve the harness on the inherited socket ``descriptor`` until it closes."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    # The harness decides when to stop: an interrupt of the terminal's group must not end a turn half done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own = os.getpid()
    worker = Worker()
    with socket.socket(fileno=descriptor) as control:
        buffer = b""
        while True:
            data, descriptors, _, _ = socket.recv_fds(control, 65536, 4)
            if not data:
                return
            buffer += data
            while b"\n" in buffer:
                line, _, buffer = buffer.partition(b"\n")
                asked = json.loads(line)
                if asked["op"] != "fork":
                    answer = encoded(worker.answer(asked))
                    if os.getpid() != own:
                        os._exit(0)
                    control.sendall(answer)
                    continue
                channel = socket.socket(fileno=descriptors.pop())
                # A loop made before the fork would share its wake-up pipe between the children.
                worker.runner.close()
                worker.runner = asyncio.Runner()
                if os.fork() == 0:
                    _scenario(worker, channel, control)
                channel.close()
                with suppress(ChildProcessError):
                    while os.waitpid(-1, os.WNOHANG)[0]:
                        pass
