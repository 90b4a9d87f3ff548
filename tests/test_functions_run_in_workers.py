"""A function under test lives in processes of its own: nothing it is, raises or prints gets into ours."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from tinman.errors import ConfigError, TargetError, TinmanError
from tinman.harness.measurement import Plan, measure
from tinman.messages import Request, say
from tinman.options import ResearchOptions
from tinman.scenarios.scenario import Scenario, Turn
from tinman.targets.adapters.target import AdapterTarget
from tinman.targets.base import Target
from tinman.targets.load import as_target, load_target
from tinman.targets.profile import TargetProfile
from tinman.targets.world import EMPTY_WORLD
from tinman.tinman import create_tinman

pytestmark = pytest.mark.slow

Make = Callable[..., Target]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(tmp_path)

    def made(code: str, name: str = "bot", **profile: object) -> Target:
        (tmp_path / "bot.py").write_text(code)
        return load_target(TargetProfile(spec=f"bot.py:{name}", **profile), {})  # type: ignore[arg-type]

    return made


async def say_to(target: Target, *texts: str, session: str = "s1") -> str:
    """Return the last answer of one conversation."""
    messages = []
    async with target.open(user="u1", session=session, world=EMPTY_WORLD) as opened:
        for text in texts:
            messages.append(say("user", text))
            reply = await opened.send(Request(messages=tuple(messages), session=session))
            messages.append(reply.message)
    return messages[-1].text


async def error_of(work: Awaitable[object]) -> str:
    with pytest.raises(TinmanError) as raised:
        await work
    return str(raised.value)


# -- what crosses the border -----------------------------------------------------------------------------------------


async def test_what_a_function_returns_crosses_as_text_and_runs_nothing_here(make: Make, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    target = make(
        "import os\nclass Text(str):\n    def __reduce__(self):\n"
        f"        return (os.system, ('touch {trap}',))\n"
        "def bot(text): return Text('hello')\ndef other(text): return {'reply': Text('hello')}\n"
    )

    assert await say_to(target, "hi") == "hello"
    assert "dict" in await error_of(say_to(load_target(TargetProfile(spec="bot.py:other"), {}), "hi"))
    assert not trap.exists()


async def test_a_whole_reply_with_tool_calls_crosses_too(make: Make) -> None:
    target = make(
        "from tinman.messages import Message, Reply, Text, ToolUse, say\ndef bot(text):\n"
        "    use = ToolUse(id='1', name='look', arguments={'q': text})\n"
        "    return Reply(message=say('assistant', 'seen'), trace=(Message(role='assistant', parts=(use,)),))\n"
    )
    async with target.open(user="u", session="s", world=EMPTY_WORLD) as opened:
        reply = await opened.send(Request(messages=(say("user", "x"),)))

    assert reply.message.text == "seen"
    assert reply.trace[0].calls[0].arguments == {"q": "x"}


NOISE = [
    "import subprocess; subprocess.run(['echo', 'noise'])",
    "import os; os.write(1, b'noise')",
    "import sys; print('noise', file=sys.__stdout__, flush=True)",
    "import subprocess; subprocess.run(['cat'], stdout=subprocess.DEVNULL, timeout=5)",
    "import os; os.fork()",
    "import threading, time; threading.Thread(target=time.sleep, args=(300,)).start()",
    "import sys; sys.stdin.read()",
    "import asyncio; asyncio.run(asyncio.sleep(0))",
]


async def test_a_function_may_print_fork_and_start_what_it_likes(make: Make) -> None:
    for noise in NOISE:
        assert await say_to(make(f"def bot(text):\n    {noise}\n    return 'hello'\n"), "hi") == "hello", noise


async def test_streamed_answers_are_joined(make: Make) -> None:
    assert await say_to(make("def bot(text):\n    yield 'hel'\n    yield 'lo'\n"), "hi") == "hello"
    assert await say_to(make("async def bot(text):\n    yield 'hel'\n    yield 'lo'\n"), "hi") == "hello"


# -- loading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; sys.exit(0)", "cannot load bot.py: it exited (0) while being imported"),
        ("import os; os._exit(0)", "cannot load bot.py: it exited (0) while being imported"),
        ("import os; os.kill(os.getpid(), 11)", "cannot load bot.py: it was ended by SIGSEGV while being imported"),
        ("x = 1\nraise RuntimeError('bo\\x1b[31mom')", "RuntimeError: bo<U+001B>[31mom (bot.py, line 2)"),
        ("def bot(:\n", "SyntaxError: invalid syntax (bot.py, line 1)"),
        ("import no_such_thing", "cannot import bot.py: ModuleNotFoundError: No module named 'no_such_thing' (bot.py"),
        ("while True: pass", "still being imported after 0.5 s"),
        ("bot = 3", "has no callable 'bot'"),
        ("def bot(): pass", "takes no parameter"),
        ("def bot(text, zork): pass", "'zork'; give it a default, or name it in [target] session_parameter"),
    ],
)
async def test_what_keeps_a_function_from_being_loaded_is_said_in_one_line(make: Make, code: str, told: str) -> None:
    target = make(code, start_seconds=0.5 if "while" in code else 30.0)
    with pytest.raises(ConfigError) as raised:
        await target.preflight()

    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


async def test_nothing_of_the_users_is_imported_in_our_process(make: Make, tmp_path: Path) -> None:
    target = make("import os\nopen('pids', 'a').write(f'{os.getpid()} ')\ndef bot(text): return 'hello'\n")
    await target.preflight()
    await say_to(target, "hi")

    pids = (tmp_path / "pids").read_text().split()
    assert len(pids) == 1, "it is loaded once a worker"
    assert int(pids[0]) != os.getpid()


# -- what it raises --------------------------------------------------------------------------------------------------

RAISED = [
    "asyncio.CancelledError()",
    "GeneratorExit()",
    "SystemExit(0)",
    "KeyboardInterrupt()",
    "BaseException('b')",
    "Mute()",
]
HEAD = "import asyncio\nclass Mute(Exception):\n    def __str__(self): raise SystemExit(3)\n"


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_whatever_a_function_raises_is_that_turns_error_and_nothing_elses(make: Make, kind: str) -> None:
    chosen = "".join(f"    if text == {each!r}: raise {each}\n" for each in RAISED)
    target = make(f"{HEAD}{kind} bot(text):\n{chosen}    return 'hello'\n")
    for each in RAISED:
        with pytest.raises(TargetError, match=r"bot\.py, line") as raised:
            await say_to(target, each)
        assert each.rpartition(".")[2].partition("(")[0] in str(raised.value)
        assert await say_to(target, "hi") == "hello"


# -- time and processes ----------------------------------------------------------------------------------------------


async def test_turns_of_an_async_function_overlap_in_one_process(make: Make) -> None:
    target = make(
        "import asyncio, os\nasync def bot(text):\n    await asyncio.sleep(0.3)\n    return str(os.getpid())\n"
    )
    await say_to(target, "hi")
    started, seen = time.monotonic(), set()

    async def once(number: int) -> None:
        seen.add(await say_to(target, "hi", session=str(number)))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(once, number)

    assert len(seen) == 1
    assert time.monotonic() - started < 3.0


async def test_a_sync_function_has_a_process_for_each_turn_at_once(make: Make) -> None:
    target = make("import os, time\ndef bot(text):\n    time.sleep(0.4)\n    return str(os.getpid())\n")
    seen = []

    async def once(number: int) -> None:
        seen.append(await say_to(target, "hi", session=str(number)))

    for _ in range(2):
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(once, number)

    assert len(seen) == 6
    assert len(set(seen)) == 3, "processes are kept for the next conversation"


@pytest.mark.parametrize(
    "code",
    [
        "import time\ndef bot(text): time.sleep(60)\n",
        "import time\nasync def bot(text): time.sleep(60)\n",
        "import asyncio\nasync def bot(text):\n    while True:\n        try: await asyncio.sleep(60)\n"
        "        except BaseException: pass\n",
    ],
    ids=["sync", "blocks the loop", "will not be cancelled"],
)
async def test_the_profiles_time_limit_holds_for_functions(make: Make, code: str) -> None:
    target = make(code, timeout_seconds=0.3)
    started = time.monotonic()

    assert "no answer within 0.3 s" in await error_of(say_to(target, "hi"))
    assert time.monotonic() - started < 4.0


async def test_a_cancelled_async_turn_leaves_the_others_alone(make: Make) -> None:
    target = make(
        "import asyncio\nasync def bot(text):\n    await asyncio.sleep(60 if text == 'slow' else 0.5)\n"
        "    return 'hello'\n"
    )
    answers: list[str] = []

    async def other() -> None:
        answers.append(await say_to(target, "quick", session="other"))

    await say_to(target, "first")
    async with anyio.create_task_group() as group:
        group.start_soon(other)
        with anyio.move_on_after(0.1):
            await say_to(target, "slow")

    assert answers == ["hello"]


async def test_state_is_kept_for_a_conversation_and_lost_with_its_process_is_said(make: Make) -> None:
    target = make(
        "import os\nseen = []\ndef bot(text):\n    if text == 'die': os._exit(1)\n"
        "    seen.append(text)\n    return ' '.join(seen)\n",
        keeps_conversation=True,
    )

    assert await say_to(target, "one", "two") == "one two"
    async with target.open(user="u", session="s", world=EMPTY_WORLD) as opened:
        first = say("user", "die")
        assert "died" in await error_of(opened.send(Request(messages=(first,))))
        second = (first, say("assistant", ""), say("user", "two"))
        assert "the conversation with it" in await error_of(opened.send(Request(messages=second)))


async def test_what_a_function_started_dies_with_it_wherever_it_went(make: Make, tmp_path: Path) -> None:
    target = make(
        "import subprocess, time\ndef bot(text):\n"
        "    quiet = dict(stdout=subprocess.DEVNULL)\n"
        "    for number, words in enumerate((['sleep', '61'], ['setsid', 'sleep', '62'])):\n"
        "        subprocess.Popen(words, **quiet)\n"
        "    subprocess.run('setsid sleep 63 & echo', shell=True, **quiet)\n"
        "    subprocess.run('(env -i setsid sleep 64 &)', shell=True, **quiet) if text == 'never' else None\n"
        "    open('up', 'w').write('x')\n    time.sleep(60)\n",
    )
    with anyio.move_on_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(say_to, target, "hi")
            while not (tmp_path / "up").exists():  # noqa: ASYNC110 - it is another process
                await anyio.sleep(0.02)
            group.cancel_scope.cancel()

    assert not sleepers({"61", "62", "63"})


async def test_a_worker_that_died_is_noticed_at_once_whatever_copies_of_it_live_on(make: Make) -> None:
    target = make(
        "import os, time\ndef bot(text):\n    if os.fork() == 0:\n        time.sleep(20)\n    os._exit(3)\n",
        timeout_seconds=15.0,
    )
    started = time.monotonic()
    told = await error_of(say_to(target, "hi"))

    assert "no answer within" not in told
    assert time.monotonic() - started < 10


def sleepers(seconds: set[str]) -> list[int]:
    """Return the ``sleep`` processes of so many seconds that run."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"sleep" and words[1].decode() in seconds:
            found.append(int(place.name))
    return found


async def test_a_workers_group_is_not_ours_so_that_a_terminals_interrupt_passes_it_by(make: Make) -> None:
    target = make("import os, signal\ndef bot(text): return f'{os.getpgid(0)} {os.getsid(0)}'\n")
    group, session = (await say_to(target, "hi")).split()

    assert int(group) != os.getpgid(0)
    assert int(session) != os.getsid(0)
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


async def test_a_child_gets_no_credential_that_the_profile_does_not_name(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "ours")
    monkeypatch.setenv("SHOP_TOKEN", "theirs")
    monkeypatch.setenv("SHOP_NAME", "Norwood")
    code = (
        "import os\ndef bot(text): return ' '.join(sorted(k for k in os.environ if k.startswith(('OPENAI', 'SHOP'))))"
    )

    assert await say_to(make(code), "hi") == "SHOP_NAME"
    assert await say_to(make(code, environment=["SHOP_TOKEN"]), "hi") == "SHOP_NAME SHOP_TOKEN"


# -- how it is called ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signature", "body", "call"),
    [
        ("text", "text", "bot(text)"),
        ("*words", "words[0]", "bot(text)"),
        (
            "user_text, session_id, user_id",
            "f'{user_text} {session_id} {user_id}'",
            "bot(text, session_id=session, user_id=user)",
        ),
        ("text, session_id", "f'{text} {session_id}'", "session_id=session"),
        ("text, thread", "f'{text} {thread}'", "thread=session"),
        ("text, conversationId=None", "f'{text} {conversationId}'", "conversationId=session"),
        ("text, c: 'SessionId'", "f'{text} {c}'", "c=session"),
        ("text, *, user='nobody'", "f'{text} {user}'", "user"),
        ("messages", "messages[-1]['content']", "bot(messages)"),
        ("x: list[dict]", "x[-1]['content']", "bot(messages)"),
        ("message: str, history: list", "f'{message} {history}'", "history"),
        ("session_id, prompt", "f'{prompt} {session_id}'", "bot(session_id=session, prompt=text)"),
        ("text, temperature=0.2", "f'{text} {temperature}'", "bot(text)"),
        ("**named", "f\"{named['user_text']} {named['session_id']}\"", "session_id=session"),
    ],
)
async def test_how_a_function_is_called_is_told_by_its_signature(
    make: Make, signature: str, body: str, call: str
) -> None:
    target = make(f"def bot({signature}): return {body}\n")
    said = await say_to(target, "hi")
    notes = await target.preflight()

    assert said.startswith("hi")
    assert ("s1" in said) == ("session" in call)
    assert call in " ".join(notes or ())


async def test_the_profile_may_name_the_parameter_that_takes_the_session(make: Make) -> None:
    assert (
        await say_to(make("def bot(text, zork): return zork\n", session_parameter="zork"), "hi", session="s7") == "s7"
    )
    assert "has no parameter 'zork'" in await error_of(
        make("def bot(text): return text\n", session_parameter="zork").preflight()  # type: ignore[arg-type]
    )


async def test_the_claim_to_keep_a_conversation_is_tried(make: Make) -> None:
    forgets = make("def bot(text): return 'hello'\n", keeps_conversation=True)
    assert "not known in the second" in " ".join(await forgets.preflight() or ())
    remembers = make(
        "said = {}\ndef bot(text, session_id):\n    said.setdefault(session_id, []).append(text)\n"
        "    return ' '.join(said[session_id])\n",
        keeps_conversation=True,
    )
    assert "not known" not in " ".join(await remembers.preflight() or ())


async def test_the_preflight_takes_a_real_turn(make: Make) -> None:
    assert "no stock (bot.py, line 1)" in await error_of(
        make("def bot(text): raise LookupError('no stock')\n").preflight()  # type: ignore[arg-type]
    )


# -- whole measurements ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_no_scenario_is_lost_beside_a_target_that_cancels_itself(make: Make, kind: str) -> None:
    chosen = "".join(f"    if text == {each!r}: raise {each}\n" for each in RAISED)
    target = make(f"{HEAD}{kind} bot(text):\n{chosen}    return 'hello'\n")
    scenarios = [
        Scenario(scenario_id=f"s{n}", turns=(Turn(user=text),)) for n, text in enumerate([*RAISED, "hi", "ho"])
    ]
    found = await measure(target, scenarios, Plan(concurrency=4))

    assert [trials.scenario_id for trials in found.trials] == [one.scenario_id for one in scenarios]
    verdicts = [trials.runs[0].verdict for trials in found.trials]
    assert verdicts == ["indeterminate"] * len(RAISED) + ["ok", "ok"]


async def test_live_targets_that_cancel_themselves_or_exit_are_their_turns_error_too() -> None:
    async def cancels(text: str) -> str:
        raise asyncio.CancelledError if text == "cancel" else SystemExit(0)

    class Adapter:
        async def send_user_turn(self, *, user_id: str, user_text: str, correlation_id: str) -> str:
            return await cancels(user_text)

    for target in (as_target(cancels), AdapterTarget("a", Adapter())):
        scenarios = [Scenario(scenario_id=text, turns=(Turn(user=text),)) for text in ("cancel", "exit")]
        found = await measure(target, scenarios, Plan())
        assert [trials.runs[0].verdict for trials in found.trials] == ["indeterminate"] * 2


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_cycles_time_ceiling_cuts_a_call_that_hangs(make: Make, kind: str) -> None:
    target = make(
        f"import time, asyncio\n{kind} bot(text):\n    if 'ready' in text: return 'ready'\n"
        f"    {'await asyncio' if 'async' in kind else 'time'}.sleep(60)\n"
    )
    started = time.monotonic()
    async with await create_tinman(target=target, store=":memory:") as tinman:
        cycle = await tinman.create_cycle(options := ResearchOptions(max_hypotheses=1, timeout_seconds=1.0))
        await tinman.preflight(cycle, options)
        result = await tinman.run_cycle(cycle, options)

    assert time.monotonic() - started < 1.0 + 2.0
    assert result.stopped_reason.startswith("budget: seconds ceiling 1 reached")
    assert not [run for each in result.results for run in each.runs], "what we cut off is not stored"
