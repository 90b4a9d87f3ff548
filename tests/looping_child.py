"""A child process that resumes a loop with an approved action, and stops at a place where it can be killed.

``python looping_child.py KIND FOLDER LOOP_ID TOKEN PLACE`` where PLACE is ``before``,
``during``, ``after`` or ``none``. ``PLACE`` ``race`` resumes it in forty processes at once, forked from this one.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from loops import again, place_of, playing, says

from tinman.errors import LoopConfigError, LoopOwned
from tinman.frozen import adapter
from tinman.loop import HeadlessApprovalRunner, Loop, LoopResult, RequireApproval, State, engine, tool  # noqa: F401 - loaded before a fork
from tinman.loop.state import (  # noqa: F401 - loaded before a fork
    changes,
    journal,
    statefile,
)
from tinman.loop.tools.tools import Tool


def _stop_here() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    time.sleep(60)


def parts(folder: Path, place: str) -> dict[str, Any]:
    """Return everything about the loop but where it is kept."""

    @tool
    def pay(amount: int) -> str:
        """Pay."""
        if place == "after" and amount == 2:
            _stop_here()
        with (folder / "paid.txt").open("a") as file:
            file.write(f"{amount}\n")
            file.flush()
            os.fsync(file.fileno())
        if place == "during" and amount == 1:
            _stop_here()
        return "paid"

    def observe(state: State) -> str:
        if place == "before":
            _stop_here()
        return "the same world"

    tools: list[Tool] = [pay]
    return {
        "tools": tools,
        "llm": playing(says("", ("pay", {"amount": 1}), ("pay", {"amount": 2})), says("idle")),
        "observe": observe,
        "policies": [RequireApproval(lambda name, args: bool(args["amount"] == 1))],
        "approval_runner": HeadlessApprovalRunner(),
        "quiet": True,
    }


def begin(kind: str, folder: Path) -> LoopResult:
    """Run until the approval is awaited."""
    given = parts(folder, "none")
    return Loop("pay", given.pop("tools"), given.pop("llm"), **given, **place_of(kind, folder)).run()


def go_on(kind: str, folder: Path, loop_id: str, place: str, **settings: Any) -> LoopResult:
    """Resume it."""
    names, where = again(kind, folder, loop_id)
    return Loop.resume(*names, **parts(folder, place), **where, max_iterations=1, **settings)


def race(kind: str, folder: Path, loop_id: str, token: str) -> None:
    """Resume it in forty processes; each writes down how that ended."""
    for kept in (State, changes.Change):
        adapter(kept)  # made once, for all forty
    at = time.monotonic() + 1.0
    children = []
    for number in range(40):
        child = os.fork()
        if child:
            children.append(child)
            continue
        try:
            time.sleep(max(0.0, at - time.monotonic()))
            answer = {"token": token, "approved": True}
            outcome = str(go_on(kind, folder, loop_id, "none", approval=answer).status)
        except (LoopOwned, LoopConfigError) as error:
            outcome = type(error).__name__
        except BaseException as error:  # noqa: BLE001 - the parent has to be told, whatever it was
            outcome = repr(error)
        (folder / f"outcome-{number}").write_text(outcome)
        os._exit(0)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    kind, folder, loop_id, token, place = sys.argv[1:]
    if place == "race":
        race(kind, Path(folder), loop_id, token)
        sys.exit()
    if place == "none":
        sys.stdout.write("begun\n")
        sys.stdout.flush()
    go_on(kind, Path(folder), loop_id, place, approval={"token": token, "approved": True})
