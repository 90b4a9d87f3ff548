"""Adapters: the only door between the scenario harness and an application under test. The application owns them.

An adapter is duck-typed: ``send_user_turn`` alone is mandatory, and any method may be a coroutine function. These
classes are a convenience; one built on anything else works as well. Text a target says is never interpreted here.

Named by its factory, an adapter is made and asked for its readiness once, in a process of its own; each scenario then
meets it in a copy of that process (``fork``). So what it did in one scenario is gone in the next, and connections,
threads and event loops are best opened in the turn. ``fresh_per_scenario = False`` asks for one process for all.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, fields
from functools import partial, wraps
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Literal, Self

from tinman.config.settings import adopt, environment
from tinman.errors import TargetError, TraceCaptureError
from tinman.processes.commands import run_command
from tinman.targets import env_files as env
from tinman.text.visible import line_of

TRACE_FILE = "TINKERLOOP_TRACE_FILE"
MAX_OUTPUT = 4_000_000


@dataclass(frozen=True)
class PreflightResult:
    """Whether the target can be measured; only the exact status ``ready`` goes on."""

    status: str
    summary: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RuntimeSpec:
    """The model inside the target, and how it came to be known."""

    provider: str
    model: str
    source: str
    confidence: str
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CallRecord:
    """One tool call as a recorder saw it; ``duration_ms`` is whole milliseconds."""

    tool_name: str
    arguments: dict[str, Any]
    correlation_id: str | None = None
    duration_ms: int = 0
    status: str | None = None
    user_safe_summary: str | None = None
    raw_result: Any = None


_TRACE_FIELDS = frozenset(each.name for each in fields(CallRecord))


class TraceRecorder:
    """Records nothing. Subclasses fill ``calls`` while the block lasts, or say in ``capture_error`` why they cannot.

    Calls that cannot be known fail a turn only whose checks ask for them; ``is_garbled`` says that they were told, in a
    form nobody can read, and that fails every turn.
    """

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.capture_error: str | None = None
        self.is_garbled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> Literal[False] | None:
        return None


class AppAdapter:
    """Base of adapters. Only ``send_user_turn`` has to be written."""

    def send_user_turn(self, *, user_id: str, user_text: str, correlation_id: str) -> str:
        """Return the target's whole reply to one turn. Whatever it raises breaks this turn and no other."""
        raise NotImplementedError("an adapter has to say how a turn reaches its target: write send_user_turn")

    def preflight(self, *, user_id: str) -> PreflightResult:
        """Say whether the target can be measured now."""
        return PreflightResult(status="ready", summary="Nothing speaks against it.")

    def runtime_spec(self, *, user_id: str) -> RuntimeSpec | None:
        """Return the one inner runtime, if the target knows it."""
        return None

    def runtime_candidates(self, *, user_id: str) -> list[RuntimeSpec]:
        """Return what the target's own repository says the runtime may be."""
        return []

    def select_runtime(self, runtime: RuntimeSpec) -> None:
        """Hear which runtime was chosen; always called, before the first turn."""

    def trace_recorder(self) -> TraceRecorder:
        """Return a fresh recorder for one turn."""
        return TraceRecorder()

    def run_metadata(self) -> dict[str, Any]:
        """Return what the report should say about the adapter."""
        return {}


def _path(given: str | Path) -> Path:
    return Path(given).expanduser().resolve()


def _found(place: str, *, what: str) -> tuple[ModuleType, str, Any]:
    """Return module, name and value of ``module:name``. Raises ``TargetError`` for what is not there."""
    module_name, _, name = place.rpartition(":")
    if not module_name or not name:
        raise TargetError(f"{what} {place!r} is not module:callable")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise TargetError(f"{what} {place!r}: cannot import {module_name}: {line_of(error)}") from error
    value = getattr(module, name, None)
    if not callable(value):
        raise TargetError(f"{what} {place!r}: {module_name} has no callable {name!r}")
    return module, name, value


def _described(result: Any) -> tuple[str | None, str | None, Any]:
    """Return status, summary and value of a tool's answer; JSON text that is an object counts as the object."""
    value = result
    if isinstance(result, str | bytes):
        with suppress(ValueError):
            value = json.loads(result)
    if not isinstance(value, dict):
        return None, None, result.decode("utf-8", "replace") if isinstance(result, bytes) else result
    told = (str(value.get(name) or "").strip() or None for name in ("status", "user_safe_summary"))
    status, summary = told
    return status, summary, value


def _tool_call(tool_name: str, user_id: str, arguments: Any, correlation_id: str | None = None) -> None:
    """The call shape of every patch target; only its signature is used."""


_SHAPE = inspect.signature(_tool_call)


class ToolPatchRecorder(TraceRecorder):
    """Stands in for tool functions while a turn lasts: calls go through, and are recorded however they end.

    A tool is replaced under every name that a loaded module holds it by, so ``from x import tool`` is seen, too.
    """

    def __init__(self, patch_targets: Sequence[str]) -> None:
        super().__init__()
        self._places = tuple(patch_targets)
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            for place in self._places:
                self._patch(place, undo)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _patch(self, place: str, undo: ExitStack) -> None:
        module, name, original = _found(place, what="patch target")
        wrapper = self._around(original)
        holders = [
            (held_in, held_as)
            for held_in in list(sys.modules.values())
            if isinstance(held_in, ModuleType) and not held_in.__name__.startswith("tinman.")
            for held_as, value in list(vars(held_in).items())
            if value is original
        ]
        for held_in, held_as in dict.fromkeys([(module, name), *holders]):
            undo.callback(setattr, held_in, held_as, original)
            setattr(held_in, held_as, wrapper)

    def _around(self, tool: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(tool)
        def wrapper(*positional: Any, **named: Any) -> Any:
            given = _SHAPE.bind(*positional, **named).arguments
            note = partial(self._note, len(self.calls), given, time.monotonic())
            self.calls.append(None)
            try:
                result = tool(*positional, **named)
            except BaseException as error:
                note(None, error)
                raise
            if inspect.isawaitable(result):
                return self._awaited(result, note)
            note(result, None)
            return result

        return wrapper

    async def _awaited(self, result: Any, note: Callable[[Any, BaseException | None], None]) -> Any:
        try:
            value = await result
        except BaseException as error:
            note(None, error)
            raise
        note(value, None)
        return value

    def _note(
        self, place: int, given: dict[str, Any], started: float, result: Any, error: BaseException | None
    ) -> None:
        """Write the call's record at its place: calls are listed in the order in which they began."""
        status, summary, raw = _described(result)
        if error is not None:
            status, raw = "error", f"{type(error).__name__}: {error}"
        arguments = given.get("arguments")
        self.calls[place] = CallRecord(
            tool_name=str(given["tool_name"]),
            arguments=dict(arguments) if isinstance(arguments, dict) else {} if arguments is None else {"": arguments},
            correlation_id=given.get("correlation_id"),
            duration_ms=round((time.monotonic() - started) * 1000),
            status=status,
            user_safe_summary=summary,
            raw_result=raw,
        )


class PythonAppAdapter(AppAdapter):
    """A Python handler ``module:callable`` as target.

    ``patch_targets`` are tool functions of the shape ``(tool_name, user_id, arguments, correlation_id=None)``;
    ``repo_root`` becomes importable; ``env_files`` fill what the process's environment lacks.
    """

    def __init__(
        self,
        *,
        handler_path: str,
        patch_targets: list[str] | None = None,
        repo_root: str | Path | None = None,
        env_files: list[str | Path] | None = None,
    ) -> None:
        self.handler_path = handler_path
        self.patch_targets = list(patch_targets or [])
        self.repo_root = _path(repo_root) if repo_root is not None else Path.cwd()
        self.env_files = [_path(path) for path in env_files or []]
        self._is_prepared = False

    def _prepare(self) -> None:
        if self._is_prepared:
            return
        for place in (str(Path.cwd()), str(self.repo_root)):
            if place not in sys.path:
                sys.path.insert(0, place)
        adopt(env.read(self.env_files))
        self._is_prepared = True

    def send_user_turn(self, *, user_id: str, user_text: str, correlation_id: str) -> str:
        """Call the handler with these keywords and return what it returns (awaited by the caller when it is async)."""
        self._prepare()
        _, _, handler = _found(self.handler_path, what="handler")
        answer: str = handler(user_id=user_id, user_text=user_text, correlation_id=correlation_id)
        return answer

    def trace_recorder(self) -> TraceRecorder:
        """Return a recorder for the patch targets. Loads the handler first, so that its own imports are seen."""
        self._prepare()
        # A handler that cannot be loaded is the turn's error, not the recorder's: send_user_turn will say so.
        with suppress(Exception):
            _found(self.handler_path, what="handler")
        return ToolPatchRecorder(self.patch_targets)

    def run_metadata(self) -> dict[str, Any]:
        """Return what names this target."""
        return {
            "adapter": type(self).__name__,
            "handler_path": self.handler_path,
            "repo_root": str(self.repo_root),
            "patch_targets": list(self.patch_targets),
            "env_files": [str(path) for path in self.env_files],
        }


class FileTraceRecorder(TraceRecorder):
    """Gives the command of one turn a private, empty file to write its tool calls to, and reads it afterwards."""

    def __init__(self, adapter: CommandAppAdapter) -> None:
        super().__init__()
        self._adapter = adapter
        self._file: Path | None = None

    def __enter__(self) -> Self:
        handle, name = tempfile.mkstemp(prefix="trace-", suffix=".json")
        os.close(handle)
        self._file = Path(name)
        self._adapter.trace_file = name
        return self

    def __exit__(self, *_: object) -> None:
        assert self._file is not None
        try:
            self.calls = read_traces(self._file)
        except TraceCaptureError as error:
            self.capture_error = str(error)
            self.is_garbled = error.is_garbled
        finally:
            self._adapter.trace_file = None
            self._file.unlink(missing_ok=True)


def read_traces(file: Path) -> list[Any]:
    """Return the records of a trace file; items that are no objects are skipped. Raises ``TraceCaptureError``."""
    try:
        if file.stat().st_size > MAX_OUTPUT:
            raise TraceCaptureError(f"the trace file holds more than {MAX_OUTPUT} bytes", is_garbled=True)
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise TraceCaptureError(f"the trace file cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise TraceCaptureError(f"the trace file is no text: {error}", is_garbled=True) from error
    if not text.strip():
        raise TraceCaptureError("the command wrote no trace file; [] says that no tool was called")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TraceCaptureError(f"the trace file is not JSON: {error}", is_garbled=True) from error
    if not isinstance(data, list):
        raise TraceCaptureError(f"the trace file holds a {type(data).__name__}; it has to be a list", is_garbled=True)
    records = [item for item in data if isinstance(item, dict)]
    for number, item in enumerate(records, 1):
        if odd := item.keys() ^ _TRACE_FIELDS:
            lost, extra = sorted(odd - item.keys()), sorted(odd & item.keys())
            told = "; ".join(f"{word} {', '.join(names)}" for word, names in (("lacks", lost), ("has", extra)) if names)
            raise TraceCaptureError(f"trace record {number} {told}", is_garbled=True)
    return [CallRecord(**item) for item in records]


class CommandAppAdapter(AppAdapter):
    """A program as target: one process a turn, no shell.

    ``command_builder(user_id, user_text, correlation_id)`` returns the argument list. The program's environment is this
    process's, then what ``env_files`` add, then ``env_overrides``, then ``TINKERLOOP_TRACE_FILE``. After
    ``timeout_seconds`` it is killed with everything it started.
    """

    def __init__(
        self,
        *,
        command_builder: Callable[[str, str, str], list[str]],
        workdir: str | Path,
        env_files: list[str | Path] | None = None,
        env_overrides: dict[str, str] | None = None,
        timeout_seconds: float = 60,
    ) -> None:
        self.command_builder = command_builder
        self.workdir = _path(workdir)
        self.env_files = [_path(path) for path in env_files or []]
        self.env_overrides = dict(env_overrides or {})
        self.timeout_seconds = timeout_seconds
        self.trace_file: str | None = None

    def _environment(self) -> dict[str, str]:
        own = {**env.read(self.env_files), **environment(), **self.env_overrides}
        return own if self.trace_file is None else {**own, TRACE_FILE: self.trace_file}

    def send_user_turn(self, *, user_id: str, user_text: str, correlation_id: str) -> str:
        """Run the program once and return what it printed, trimmed. Raises ``TargetError``."""
        words = self.command_builder(user_id, user_text, correlation_id)
        done = run_command(
            words,
            self.timeout_seconds,
            self.workdir,
            env=self._environment(),
            max_output_bytes=MAX_OUTPUT,
            grace_s=0.0,
        )
        if done.timed_out:
            raise TargetError(f"command timeout after {self.timeout_seconds:g} s")
        if done.is_unstarted:
            raise TargetError(f"cannot start {words[0]!r}: {done.stderr}")
        if done.dropped_bytes:
            raise TargetError(f"the command printed more than {MAX_OUTPUT} bytes")
        if done.code != 0:
            raise TargetError(done.stderr.strip()[:2000] or done.stdout.strip()[:2000] or f"exit code {done.code}")
        return done.stdout.strip()

    def trace_recorder(self) -> TraceRecorder:
        """Return a recorder that reads the trace file of one turn."""
        return FileTraceRecorder(self)

    def run_metadata(self) -> dict[str, Any]:
        """Return what names this target; of overrides only the names."""
        return {
            "adapter": type(self).__name__,
            "workdir": str(self.workdir),
            "timeout_seconds": self.timeout_seconds,
            "env_files": [str(path) for path in self.env_files],
            "env_override_keys": sorted(self.env_overrides),
        }
