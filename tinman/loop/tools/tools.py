"""Functions as tools: their schemas, strict validation of what a model wrote, and their execution within limits."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import KW_ONLY, InitVar, dataclass
from functools import partial
from typing import Any, Literal, TypedDict, Unpack, overload

import anyio
from pydantic import BaseModel, ValidationError

from tinman import clock
from tinman.errors import LoopConfigError, UnsupportedTypeError
from tinman.frozen import digest, sum_of
from tinman.loop.apart import await_apart
from tinman.loop.session import progress
from tinman.loop.session.nesting import in_its_thread
from tinman.loop.tools.schemas import Parameters
from tinman.messages import ToolSpec
from tinman.processes import isolated as isolation
from tinman.processes.threads import CallScope, Exited, OutOfTime, current_call, in_thread, in_thread_within, is_async
from tinman.text.visible import shorten, words_of

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
MAX_TIMEOUT_SECONDS = 86_400.0


@sum_of
class ToolResult:
    """What a call came to: ``ok`` with the returned text, ``error`` with ``Name: text``, ``aborted`` past its time."""

    status: Literal["ok", "error", "aborted"]
    output: str
    duration_s: float


class InvalidArguments(ValueError):
    """Raised when a model's arguments do not fit; its text tells the model what to write instead."""


class ToolOptions(TypedDict, total=False):
    """What ``tool(...)`` hands on to ``Tool``."""

    name: str
    description: str
    timeout_s: float
    cleanup: Callable[[], None] | None
    normalizer: Callable[[dict[str, Any]], dict[str, Any]] | None
    isolated: bool
    strict: bool


@dataclass(eq=False)
class Tool:
    """A function a model may call.

    ``strict`` validation takes JSON of the right type only; without it ``"5"`` is a 5. Unknown and missing arguments
    are refused either way. ``cleanup`` is called when a call is given up. An ``isolated`` tool runs in a process of its
    own that is killed with everything it started; its function has to be importable by name and its values picklable.
    """

    fn: Callable[..., Any]
    name: str = ""
    description: str = ""
    timeout_s: float = 60.0
    cleanup: Callable[[], None] | None = None
    normalizer: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    _: KW_ONLY
    isolated: bool = False
    strict: bool = True
    input_schema: InitVar[dict[str, Any] | None] = None

    def __post_init__(self, input_schema: dict[str, Any] | None) -> None:
        fn = self.fn
        self.name = self.name or str(getattr(fn, "__name__", type(fn).__name__))
        if not _NAME.match(self.name):
            raise LoopConfigError(
                f"tool {shorten(self.name, 40)!r}: a name has letters, digits, _ and - (at most 64); give name=..."
            )
        if not 0 < self.timeout_s <= MAX_TIMEOUT_SECONDS:
            raise LoopConfigError(f"tool {self.name}: timeout_s must be above 0, not {self.timeout_s:g}")
        self._is_async = is_async(fn)
        self.description = inspect.cleandoc(self.description or inspect.getdoc(fn) or "")
        self._parameters = None if input_schema is not None else Parameters(fn, self.name)
        self.target = isolation.address(fn, self.name) if self.isolated else ""
        self.json_schema: dict[str, Any] = self._parameters.schema if self._parameters else dict(input_schema or {})
        self.spec = ToolSpec(name=self.name, description=self.description, parameters=self.json_schema)
        for attribute in ("__doc__", "__module__", "__qualname__", "__name__"):
            with suppress(AttributeError):
                setattr(self, attribute, getattr(fn, attribute))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as if it were no tool."""
        return self.fn(*args, **kwargs)

    def validate(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return ``args`` as typed values by parameter name. Raises ``InvalidArguments`` naming every mistake."""
        if self._parameters is None:
            return self._check_names(args)
        try:
            text = json.dumps(args)
            made: BaseModel = self._parameters.model.model_validate_json(text, strict=self.strict)
        except ValidationError as error:
            raise InvalidArguments("; ".join(_mistake(each) for each in error.errors())) from None
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArguments(f"not JSON: {shorten(str(error), 100)}") from None
        return self._parameters.values(made)

    def _check_names(self, args: dict[str, Any]) -> dict[str, Any]:
        """Check names against a schema given from outside; whoever gave it checks the rest."""
        known = self.json_schema.get("properties", {})
        wrong = [f"{name}: missing" for name in self.json_schema.get("required", []) if name not in args]
        if self.json_schema.get("additionalProperties", False) is False:
            wrong += [f"{name}: there is no such argument" for name in args if name not in known]
        if wrong:
            raise InvalidArguments("; ".join(wrong))
        return dict(args)

    def fingerprint(self, args: dict[str, Any]) -> str:
        """Return what two calls share when they are the same."""
        return progress.fingerprint(self.name, args, self.normalizer)

    async def validate_and_execute(self, args: dict[str, Any], timeout_s: float | None = None) -> ToolResult:
        """Do what ``execute`` does with arguments as a model wrote them; wrong ones are an ``error``."""
        try:
            values = self.validate(args)
        except InvalidArguments as error:
            return ToolResult(status="error", output=f"InvalidArguments: {error}", duration_s=0.0)
        return await self.execute(values, timeout_s)

    async def execute(self, values: dict[str, Any], timeout_s: float | None = None) -> ToolResult:
        """Call with validated ``values`` and return what it came to within the smaller of both timeouts.

        Whatever it raises is an ``error``, a ``CancelledError`` that nobody asked for among it. A synchronous function
        past its time is abandoned in its daemon thread; the commands and loops it started are ended. An async one is
        cancelled. Cancelled itself, it does the same.
        """
        limit = max(0.0, self.timeout_s if timeout_s is None else min(self.timeout_s, timeout_s))
        started = clock.monotonic()
        scope = CallScope()
        token = current_call.set(scope)
        status: Literal["ok", "error", "aborted"] = "ok"
        is_done = False
        try:
            output = _text_of(await self._call(values, limit))
            is_done = True
        except OutOfTime:
            output, status = f"aborted: no result within {limit:g} s", "aborted"
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a tool may raise anything: the model is told
            is_done = True
            output, status = str(error) if isinstance(error, Exited) else words_of(error), "error"
        finally:
            current_call.reset(token)
            if not is_done:
                scope.abort()
                await self._clean_up()
        return ToolResult(status=status, output=output, duration_s=clock.monotonic() - started)

    async def _call(self, values: dict[str, Any], seconds: float) -> Any:
        """Return what the function returns within so many seconds. Raises ``OutOfTime``, and whatever it raises."""
        positional, keywords = self._parameters.split(values) if self._parameters is not None else ([], values)
        started = clock.monotonic()
        if self.isolated:
            value = partial(isolation.run, self.target, positional, keywords)
        elif self._is_async:
            value = partial(self.fn, *positional, **keywords)
        else:
            value = await in_thread_within(seconds, in_its_thread(self.fn), *positional, **keywords)
            if not inspect.isawaitable(value):
                return value
        with anyio.move_on_after(max(0.0, started + seconds - clock.monotonic())):
            return await await_apart(value)
        raise OutOfTime

    async def _clean_up(self) -> None:
        if self.cleanup is None:
            return
        with anyio.CancelScope(shield=True), anyio.move_on_after(5.0), suppress(Exception):
            # A clean-up that fails or hangs must not hide that the call was given up.
            await in_thread(self.cleanup)


def _mistake(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "arguments"
    if error["type"] == "extra_forbidden":
        return f"{where}: there is no such argument"
    if error["type"] == "missing":
        return f"{where}: missing"
    return f"{where}: {error['msg']}"


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    if isinstance(value, dict | list | tuple):
        with suppress(TypeError, ValueError):
            return json.dumps(value, ensure_ascii=False)
    return str(value)


@overload
def tool(fn: Callable[..., Any]) -> Tool: ...
@overload
def tool(fn: None = None, **options: Unpack[ToolOptions]) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    fn: Callable[..., Any] | None = None, **options: Unpack[ToolOptions]
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a function a ``Tool``: ``@tool`` or ``@tool(timeout_s=30)``. Raises ``UnsupportedTypeError``."""
    return partial(Tool, **options) if fn is None else Tool(fn, **options)


class ToolRegistry:
    """The tools of one loop, by name. Raises ``LoopConfigError`` for a name used twice."""

    def __init__(self, tools: Iterable[Tool | Callable[..., Any]]) -> None:
        self._tools: dict[str, Tool] = {}
        for each in tools:
            if not callable(each):
                raise UnsupportedTypeError(f"tools: a {type(each).__name__} is no tool; give functions or Tool objects")
            made = each if isinstance(each, Tool) else Tool(each)
            if made.name in self._tools:
                raise LoopConfigError(f"tools: there are two called {made.name!r}; give one of them name=...")
            self._tools[made.name] = made
        self.specs = tuple(made.spec for made in self._tools.values())
        # Sorted: their order changes no call. What a tool says of itself may change every one.
        told = sorted(self._tools.values(), key=lambda made: made.name)
        self.schema_hash = digest([[made.name, made.description, made.json_schema] for made in told])

    def __iter__(self) -> Any:
        """Iterate over the tools."""
        return iter(self._tools.values())

    @property
    def schemas(self) -> list[dict[str, Any]]:
        """The tools as a model is told of them: name, description, ``input_schema``."""
        return [
            {"name": spec.name, "description": spec.description, "input_schema": dict(spec.parameters)}
            for spec in self.specs
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order given."""
        return tuple(self._tools)

    def get(self, name: str) -> Tool | None:
        """Return the tool called ``name``, or ``None``."""
        return self._tools.get(name)

    def find_mistake(self, name: str, args: dict[str, Any]) -> str:
        """Return what is wrong with a call, in words for the model; empty when nothing is."""
        found = self._tools.get(name)
        if found is None:
            return f"{shorten(name, 60)}: there is no such tool; there are {', '.join(self._tools) or 'none'}"
        try:
            found.validate(args)
        except InvalidArguments as error:
            return f"{name}: {error}"
        return ""

    def execute(self, name: str, args: dict[str, Any]) -> ToolResult:
        """Validate and call the tool ``name``, outside an event loop. Raises ``LoopConfigError`` inside one."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return anyio.run(self.aexecute, name, args)
        raise LoopConfigError("tools: execute() would block the event loop; write `await registry.aexecute(...)`")

    async def aexecute(self, name: str, args: dict[str, Any]) -> ToolResult:
        """Validate and call the tool ``name``. Raises ``LoopConfigError`` when there is none."""
        found = self._tools.get(name)
        if found is None:
            raise LoopConfigError(f"tools: there is no {name!r}; there are {', '.join(self._tools)}")
        return await found.validate_and_execute(args)
