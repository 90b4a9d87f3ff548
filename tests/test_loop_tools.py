"""Functions become tools: described from their hints, validated strictly, run within limits."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
import threading
import time
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
import looping_tools
import pytest
from loops import Counting, a_loop, playing, says
from pydantic import BaseModel, Field

from tinman.errors import LoopConfigError, UnsupportedTypeError
from tinman.loop import Tool, ToolRegistry, run_command, tool
from tinman.loop.tools.tools import InvalidArguments
from tinman.messages import Request, say
from tinman.processes.threads import OutOfTime, in_thread_within
from tinman.targets.command import CommandTarget
from tinman.targets.profile import TargetProfile


class Kind(Enum):
    A = "a"
    B = "b"


class Point(BaseModel):
    x: int
    y: int = 0


# -- schemas


@pytest.mark.parametrize(
    ("hint", "good", "value", "bad"),
    [
        (str, "a", "a", 1),
        (int, 1, 1, "1"),
        (float, 1, 1.0, "1.5"),
        (bool, True, True, "yes"),
        (list[int], [1], [1], ["1"]),
        (dict[str, list[int]], {"a": [1]}, {"a": [1]}, {"a": 1}),
        (tuple[int, str], [1, "a"], (1, "a"), [1]),
        (str | None, None, None, 1),
        (int | str, "a", "a", [1]),
        (Literal["a", 2], 2, 2, 3),
        (Kind, "b", Kind.B, "c"),
        (Point, {"x": 1}, Point(x=1), {"x": "1"}),
        (Point | None, None, None, {"z": 1}),
        (Annotated[int, Field(ge=2)], 2, 2, 1),
        (Any, {"deep": [1, None]}, {"deep": [1, None]}, ...),
    ],
    ids=str,
)
def test_a_hint_is_described_and_checked(hint: Any, good: Any, value: Any, bad: Any) -> None:
    def work(given: Any) -> str:
        """Work."""
        return ""

    work.__annotations__["given"] = hint
    made = Tool(work)

    assert made.json_schema["required"] == ["given"]
    assert made.validate({"given": good}) == {"given": value}
    if bad is not ...:
        with pytest.raises(InvalidArguments, match="given"):
            made.validate({"given": bad})


def test_every_mistake_is_named_at_once() -> None:
    @tool
    def work(a: int, b: str) -> str:
        """Work."""
        return ""

    with pytest.raises(InvalidArguments) as caught:
        work.validate({"a": "x", "c": 1})

    assert "a: " in str(caught.value)
    assert "b: missing" in str(caught.value)
    assert "c: there is no such argument" in str(caught.value)


def test_a_lenient_tool_takes_text_for_numbers_but_nothing_invented() -> None:
    @tool(strict=False)
    def work(n: int, sure: bool = False) -> str:
        """Work."""
        return ""

    assert work.validate({"n": "5", "sure": "yes"}) == {"n": 5, "sure": True}
    with pytest.raises(InvalidArguments):
        work.validate({"n": 5, "invented": 1})


def test_name_description_and_defaults_come_from_the_function() -> None:
    @tool
    def work(path: str, n: int = 3) -> str:
        """Do the work.

        In two lines.
        """
        return f"{path}{n}"

    assert (work.name, work.description) == ("work", "Do the work.\n\nIn two lines.")
    assert work.json_schema["properties"]["n"]["default"] == 3
    assert work("a") == "a3"


def test_a_positional_only_parameter_is_passed_by_position() -> None:
    def work(a: int, /, b: int = 2) -> str:
        """Work."""
        return f"{a} {b}"

    assert ToolRegistry([work]).execute("work", {"a": 1}).output == "1 2"


async def test_a_registry_says_how_it_is_used_in_an_event_loop() -> None:
    with pytest.raises(LoopConfigError, match="aexecute"):
        ToolRegistry([looping_tools.add]).execute("add", {"a": 1})


def test_two_tools_of_one_name_and_odd_names_are_refused() -> None:
    def work() -> str:
        """Work."""
        return ""

    with pytest.raises(LoopConfigError, match="two called"):
        ToolRegistry([work, work])
    with pytest.raises(LoopConfigError, match="name"):
        tool(name="no spaces")(work)
    with pytest.raises(LoopConfigError, match="timeout_s"):
        tool(timeout_s=0)(work)


def test_the_schema_hash_minds_names_and_words_and_not_the_order() -> None:
    def one(a: int) -> str:
        """One."""
        return ""

    def two(b: int) -> str:
        """Two."""
        return ""

    first = ToolRegistry([one, two]).schema_hash
    turned = ToolRegistry([two, one]).schema_hash
    reworded = ToolRegistry([two, Tool(one, description="Another text.")]).schema_hash
    changed = ToolRegistry([two, Tool(two, name="one")]).schema_hash

    assert first == turned
    assert len({first, reworded, changed}) == 3


# -- execution


async def result_of(made: Tool, **args: Any) -> tuple[str, str]:
    result = await ToolRegistry([made]).aexecute(made.name, args)
    return result.status, result.output


async def test_what_a_tool_returns_becomes_text() -> None:
    def returning(value: Any) -> Tool:
        def work() -> Any:
            """Work."""
            return value

        return Tool(work)

    assert await result_of(returning("text")) == ("ok", "text")
    assert await result_of(returning({"a": "ä"})) == ("ok", '{"a": "ä"}')
    assert await result_of(returning(Point(x=1))) == ("ok", '{"x":1,"y":0}')
    assert await result_of(returning(None)) == ("ok", "None")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), StopIteration(), ValueError("x")])
async def test_nothing_a_tool_raises_gets_out(error: BaseException) -> None:
    @tool
    def work() -> str:
        """Raise."""
        raise error

    status, output = await result_of(work)

    assert status == "error"
    assert type(error).__name__ in output


async def test_an_async_tool_that_exits_is_an_error_too() -> None:
    @tool
    async def work() -> str:
        """Exit."""
        raise SystemExit(3)

    assert (await result_of(work))[0] == "error"


async def test_a_hung_tool_is_given_up_and_cleaned_up_after() -> None:
    released = threading.Event()

    @tool(timeout_s=0.05, cleanup=released.set)
    def work() -> str:
        """Hang."""
        released.wait(10)
        return ""

    began = time.monotonic()
    status, output = await result_of(work)

    assert (status, output) == ("aborted", "aborted: no result within 0.05 s")
    assert released.is_set()
    assert time.monotonic() - began < 2


async def test_a_cleanup_that_fails_hides_nothing() -> None:
    def fail() -> None:
        raise OSError("no")

    @tool(timeout_s=0.02, cleanup=fail)
    async def work() -> str:
        """Hang."""
        await asyncio.sleep(10)
        return ""

    assert (await result_of(work))[0] == "aborted"


async def test_a_tool_does_not_block_the_event_loop() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    @tool
    def work() -> str:
        """Block."""
        time.sleep(0.1)
        return ""

    task = asyncio.ensure_future(tick())
    await result_of(work)
    task.cancel()

    assert ticks > 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
def test_a_forked_process_has_workers_of_its_own() -> None:
    code = """
import asyncio, os, sys, warnings
warnings.simplefilter("ignore")
from tinman.processes.threads import in_thread
asyncio.run(in_thread(int))
child = os.fork()
if child == 0:
    os._exit(asyncio.run(in_thread(int, "7")))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=20).returncode == 7


async def test_a_result_with_lone_surrogates_can_be_stored(tmp_path: Path) -> None:
    @tool
    def work() -> str:
        """Return half a character."""
        return "a\ud800b"

    loop = a_loop(playing(says("", ("work", {}))), [work], max_iterations=1, state_path=tmp_path / "s.json")
    result = await loop.arun()

    assert result.status == "BUDGET_EXHAUSTED"
    assert loop.state.iterations[0].actions[0].result_excerpt == "a\ufffd\ufffd\ufffdb"


# -- commands


def test_a_command_that_is_not_there_is_code_127() -> None:
    assert run_command(["surely-no-such-program"]).code == 127


def test_a_command_reads_no_standard_input() -> None:
    assert run_command(["cat"], timeout_s=5).code == 0


def test_a_commands_folder_and_environment_can_be_given(tmp_path: Path) -> None:
    done = run_command("pwd; echo $COLOUR", cwd=tmp_path, env={"COLOUR": "red"})

    assert done.stdout == f"{tmp_path}\nred\n"


# -- isolated tools


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").exists() else True


@pytest.mark.slow
async def test_an_isolated_tool_answers_from_its_own_process() -> None:
    assert await result_of(looping_tools.add, a=2) == ("ok", "3")
    assert await result_of(looping_tools.later, text="abc") == ("ok", "ABC")
    assert await result_of(looping_tools.fail) == ("error", "ValueError: as told")


@pytest.mark.slow
async def test_an_isolated_tool_that_dies_is_an_error() -> None:
    status, output = await result_of(looping_tools.leave)

    assert status == "error"
    assert "ended with code 3" in output


@pytest.mark.slow
async def test_an_isolated_tool_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "pids"
    status, _ = await result_of(looping_tools.hang, mark=str(mark))
    pids = [int(pid) for pid in mark.read_text().split()]
    for _ in range(50):
        if not any(map(is_running, pids)):
            break
        await asyncio.sleep(0.02)

    assert status == "aborted"
    assert len(pids) == 2
    assert not any(map(is_running, pids))


def test_a_closure_cannot_be_isolated() -> None:
    def inside() -> str:
        """Work."""
        return ""

    with pytest.raises(UnsupportedTypeError, match="imported"):
        tool(isolated=True)(inside)


# -- waits and endings


async def test_a_thread_that_takes_too_long_is_left_to_itself() -> None:
    release = threading.Event()
    with pytest.raises(OutOfTime):
        await in_thread_within(0.01, release.wait, 10)
    release.set()

    assert await in_thread_within(10, int, "7") == 7


async def test_an_awaitable_that_a_synchronous_tool_returns_has_what_is_left_of_its_time() -> None:
    def later() -> Any:
        return anyio.sleep(10)

    result = await Tool(later, timeout_s=0.05).execute({})

    assert (result.status, result.output) == ("aborted", "aborted: no result within 0.05 s")


_LEAVER = (
    "import subprocess, sys, time; "
    "child = subprocess.Popen(['sleep', '60'], process_group=0); print(child.pid, flush=True); "
)


def ends(pid: int) -> bool:
    for _ in range(100):
        if not is_running(pid):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("then", ["pass", "time.sleep(60)"])
def test_a_child_that_left_the_group_of_a_command_ends_with_it(then: str) -> None:
    done = run_command([sys.executable, "-c", _LEAVER + then], timeout_s=1.0, grace_s=0.1)

    assert done.timed_out is (then != "pass")
    assert ends(int(done.stdout))


@pytest.mark.slow
async def test_a_child_that_left_the_group_of_a_target_ends_with_its_turn() -> None:
    line = shlex.join([sys.executable, "-c", _LEAVER])
    target = CommandTarget(line, TargetProfile(spec=f"command:{line}"))
    request = Request(messages=(say("user", "hello"),))
    reply = await target.answer("hello", user="u", session="s", request=request)

    assert ends(int(reply.message.text))


class Unspeakable(BaseException):
    def __str__(self) -> str:
        raise RuntimeError("no words")


ENDINGS = [
    asyncio.CancelledError("x"),
    KeyboardInterrupt(),
    SystemExit(3),
    GeneratorExit(),
    BaseException("b"),
    ValueError("v"),
]


@pytest.mark.parametrize("error", [*ENDINGS, Unspeakable()], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("kind", ["async", "sync", "awaitable"])
async def test_whatever_a_tool_raises_is_the_error_of_that_call(kind: str, error: BaseException) -> None:
    async def later() -> str:
        """Raise."""
        raise error

    def now() -> str:
        """Raise."""
        raise error

    def returning() -> Any:
        """Return what raises."""
        return later()

    work = Counting()
    bad = Tool({"async": later, "sync": now, "awaitable": returning}[kind], name="bad")
    loop = a_loop(playing(says("", ("bad", {}), ("work", {}))), [bad, work.tool], max_iterations=2)
    result = await loop.arun()
    action = loop.state.iterations[0].actions[0]

    assert (result.status, action.status, len(work.calls)) == ("BUDGET_EXHAUSTED", "error", 2)
    assert type(error).__name__ in action.result_excerpt


async def test_a_tool_that_cancels_its_own_task_ends_its_call_alone() -> None:
    async def cancels() -> None:
        """Cancel the task around."""
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    loop = a_loop(playing(says("", ("cancels", {}))), [cancels], max_iterations=1)
    result = await loop.arun()

    assert (result.status, loop.state.iterations[0].actions[0].status) == ("BUDGET_EXHAUSTED", "error")


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_real_cancellation_still_cancels_tool_and_loop(kind: str) -> None:
    began, ended = anyio.Event(), []
    here = asyncio.get_running_loop()

    async def later() -> None:
        """Wait."""
        began.set()
        try:
            await anyio.sleep(30)
        finally:
            ended.append("async")

    def now() -> None:
        """Wait."""
        here.call_soon_threadsafe(began.set)
        threading.Event().wait(0.2)

    loop = a_loop(playing(says("", ("wait", {}))), [Tool(later if kind == "async" else now, name="wait")])
    task = asyncio.create_task(loop.arun())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert loop.explain().reason == "cancelled"
    assert ended == (["async"] if kind == "async" else [])
