"""Tools in a process of their own, which is killed with everything it started."""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio

from tinman.errors import ChildDied, UnsupportedTypeError
from tinman.processes.groups import TooLong, close_session, talk
from tinman.processes.threads import settle

MAX_RESULT_BYTES = 16_000_000
_CHILD = "import sys; sys.path[:] = {path!r}; from tinman.processes.isolated import serve; serve()"


def address(function: Callable[..., Any], name: str) -> str:
    """Return ``module:qualname`` of an importable function. Raises ``UnsupportedTypeError`` for a closure or lambda."""
    module = getattr(function, "__module__", None)
    qualname = getattr(function, "__qualname__", "")
    if not module or "<" in qualname or not qualname:
        raise UnsupportedTypeError(
            f"tool {name}: isolated=True needs a function that can be imported; {qualname or 'it'} is inside another"
        )
    if module == "__main__":
        spec = getattr(sys.modules["__main__"], "__spec__", None)
        path = getattr(sys.modules["__main__"], "__file__", None)
        if spec is not None:
            module = str(spec.name)
        elif path:
            module = f"file={os.path.abspath(path)}"
        else:
            raise UnsupportedTypeError(f"tool {name}: isolated=True needs a module; put the function into a file")
    return f"{module}:{qualname}"


async def run(target: str, positional: list[Any], keywords: dict[str, Any]) -> Any:
    """Call ``target`` in a fresh process and return its value, or raise what it raised.

    On cancellation its session gets TERM, after a grace KILL. What it prints goes to standard error.
    """
    work = pickle.dumps((target, positional, keywords))
    process = await anyio.open_process(
        [sys.executable, "-c", _CHILD.format(path=sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None,
        start_new_session=True,
    )
    try:
        answer, _ = await talk(process, work, most=MAX_RESULT_BYTES)
    except TooLong as too_long:
        raise ChildDied(f"it returned {too_long}") from None
    finally:
        await close_session(process)
    try:
        value, error = pickle.loads(answer)
    except Exception as broken:
        raise ChildDied(f"its process ended with code {process.returncode} and no answer") from broken
    if error is not None:
        raise error
    return value


# -- in the child


def serve() -> None:
    """Read one call from standard input, make it, write its value or its exception. Runs in the child."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the tool prints must not get into the answer
    target, positional, keywords = pickle.load(sys.stdin.buffer)
    try:
        outcome: tuple[Any, BaseException | None] = (_call(target, positional, keywords), None)
    except Exception as error:  # noqa: BLE001 - it is raised again in the parent
        outcome = (None, error)
    try:
        answer = pickle.dumps(outcome)
        pickle.loads(answer)
    except Exception as error:  # noqa: BLE001 - words stand for a value or exception that cannot travel
        stuck = outcome[1] if outcome[1] is not None else error
        answer = pickle.dumps((None, RuntimeError(f"{type(stuck).__name__}: {stuck}")))
    with answers:
        answers.write(answer)


def _call(target: str, positional: list[Any], keywords: dict[str, Any]) -> Any:
    module, _, qualname = target.rpartition(":")
    found: Any = _load(module)
    for step in qualname.split("."):
        found = getattr(found, step)
    function = getattr(found, "fn", found)
    value = function(*positional, **keywords)
    return anyio.run(settle, value) if hasattr(value, "__await__") else value


def _load(module: str) -> Any:
    if not module.startswith("file="):
        return importlib.import_module(module)
    from importlib.util import module_from_spec, spec_from_file_location  # noqa: PLC0415 - only for scripts

    spec = spec_from_file_location("__mp_main__", module.removeprefix("file="))
    assert spec is not None
    assert spec.loader is not None
    loaded = module_from_spec(spec)
    sys.modules["__mp_main__"] = loaded
    spec.loader.exec_module(loaded)
    return loaded
