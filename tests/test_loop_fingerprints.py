"""A loop is not resumed under other policies than it was saved with, whatever about them is another."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from loops import Counting, a_loop, playing, says

from tinman.errors import PolicyChangedError
from tinman.loop import Loop, Policy, RequireApproval
from tinman.loop.fingerprints import fingerprint


def above(limit: Any) -> Any:
    def matcher(name: str, args: dict[str, Any]) -> bool:
        return bool(args.get("n", 0) > limit)

    return matcher


def named(names: Any) -> Any:
    return lambda name, args: name in names


def by_default(limit: int) -> Any:
    def matcher(name: str, args: dict[str, Any], limit: int = limit, *, more: int = limit) -> bool:
        return bool(args["n"] > limit + more)

    return matcher


def nested(limit: int) -> Any:
    if limit == 5:
        return lambda name, args: any(each > 5 for each in args.values())
    return lambda name, args: any(each > 500 for each in args.values())


class Holding:
    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, name: str, args: dict[str, Any]) -> bool:
        return bool(args["n"] > self.limit)

    def matches(self, name: str, args: dict[str, Any]) -> bool:
        return bool(args["n"] > self.limit)


def policy_class(limit: int) -> type[Policy]:
    if limit == 5:

        class Mine(Policy):
            def check(self, n: int) -> bool:
                return n > 5
    else:

        class Mine(Policy):  # type: ignore[no-redef]
            def check(self, n: int) -> bool:
                return n > 500

    Mine.__qualname__ = "Mine"
    return Mine


def constant_class(limit: int) -> type[Policy]:
    return type("Mine", (Policy,), {"limit": limit, "__qualname__": "Mine"})


WAYS: dict[str, Any] = {
    "a closure": lambda n: RequireApproval(above(n)),
    "a closure over a set": lambda n: RequireApproval(named({"a", f"tool{n}"})),
    "a closure over a closure": lambda n: RequireApproval(functools.wraps(above(n))(named(above(n)))),
    "defaults": lambda n: RequireApproval(by_default(n)),
    "a body inside the body": lambda n: RequireApproval(nested(n)),
    "a partial": lambda n: RequireApproval(functools.partial(lambda limit, name, args: args["n"] > limit, n)),
    "an object": lambda n: RequireApproval(Holding(n)),
    "a method": lambda n: RequireApproval(Holding(n).matches),
    "a namespace": lambda n: RequireApproval(named(SimpleNamespace(limit=n))),
    "a pattern": lambda n: RequireApproval(named(re.compile(f"x{{{n}}}"))),
    "a class's body": lambda n: policy_class(n)(),
    "a class's constant": lambda n: constant_class(n)(),
}


@pytest.mark.parametrize("way", WAYS)
async def test_another_limit_is_another_policy_wherever_it_is_kept(way: str, tmp_path: Path) -> None:
    path, make = tmp_path / "s.json", WAYS[way]
    work, model = Counting(), playing(says("", ("other", {})))
    await a_loop(model, [work.tool], policies=[make(5)], state_path=path, max_iterations=1).arun()
    settings: dict[str, Any] = {"tools": [work.tool], "llm": model, "quiet": True, "extend": {"max_iterations": 2}}

    with pytest.raises(PolicyChangedError):
        await Loop.aresume(path, policies=[make(500)], **settings)
    assert (await Loop.aresume(path, policies=[make(5)], **settings)).iterations == 2


def test_what_cannot_be_told_apart_is_said_when_the_loop_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    lock = threading.Lock()
    a_loop(playing("x"), policies=[RequireApproval(lambda name, args: lock.locked())], quiet=False)
    a_loop(playing("x"), policies=[RequireApproval(above(5)), policy_class(5)()], quiet=False)

    assert capsys.readouterr().err.count("cannot be told apart from another of its kind (lock)") == 1


def test_it_is_the_same_in_every_process_and_ends_for_what_holds_itself(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        from tinman.loop import RequireApproval
        from tinman.loop.fingerprints import fingerprint
        names = {"a", "b", "c", "d"}
        holder = []
        holder.append(holder)
        def matcher(name, args):
            return name in {"x", "y", "z", "w"} or name in names or holder
        def make(names, holder):
            return lambda name, args: name in names and name in {"p", "q", "r"} and holder
        print(fingerprint([RequireApproval(matcher), RequireApproval(make(names, holder))]))
        """)
    )
    seen = {
        subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout for _ in range(3)
    }

    assert len(seen) == 1
    assert fingerprint([]) == fingerprint([])
