"""TestFix mends a real failing repository, judged by which tests fail; it cannot cheat (L-19)."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loops import playing, says

from tinman.errors import LoopConfigError
from tinman.loop import PytestFailureMetric, State, TestFixLoop
from tinman.loop.recipes.repository import Refused, Repository
from tinman.loop.recipes.suite import Suite, SuiteReport
from tinman.loop.recipes.texts import TextFile
from tinman.loop.state.records import IterationRecord

COMMAND = f"{sys.executable} -m pytest -q -p no:cacheprovider -rf --tb=short"
BROKEN = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return 2 * a\n"
MENDED = BROKEN.replace("a - b", "a + b")
TESTS = """\
import pytest
from calc import add, double


@pytest.mark.parametrize("a", [1, 2], ids=["one thing", "two  things"])
def test_add(a):
    assert add(a, 1) == a + 1


def test_double():
    assert double(2) == 4
"""


@pytest.fixture(autouse=True)
def _plain_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The many pytests that are run inside load no plugin: most of their time would go there."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "tests").mkdir(parents=True)
    (folder / "calc.py").write_text(BROKEN)
    (folder / "conftest.py").write_text("")
    (folder / "tests" / "test_calc.py").write_text(TESTS)
    return folder


def edit(path: str, content: str) -> tuple[str, dict[str, Any]]:
    return "edit_file", {"path": path, "content": content}


def a_fix(repo: Path, *replies: Any, **settings: Any) -> TestFixLoop:
    return TestFixLoop(playing(*replies), repo, COMMAND, quiet=True, **settings)


# -- end to end


@pytest.mark.slow
def test_a_failing_repository_is_mended(repo: Path, tmp_path: Path) -> None:
    loop = a_fix(
        repo,
        says("look", ("list_files", {}), ("read_file", {"path": "calc.py"})),
        says("make the tests pass", edit("tests/test_calc.py", "def test_nothing(): pass\n")),
        says("mend the code", edit("calc.py", MENDED)),
        state_path=tmp_path / "fix.json",
    )
    result = loop.run()
    records = loop.state.iterations

    assert (result.status, result.iterations) == ("SUCCESS", 4)
    assert (repo / "calc.py").read_text() == MENDED
    assert (repo / "tests" / "test_calc.py").read_text() == TESTS
    assert records[0].metric is not None
    assert records[0].metric.detail["failing"] == [
        "tests.test_calc::test_add[one thing]",
        "tests.test_calc::test_add[two  things]",
    ]
    assert "read-only" in records[1].actions[0].result_excerpt
    assert [record.metric.value for record in records if record.metric] == [0.0, 0.0, 0.0, 2.0]


@pytest.mark.slow
def test_stopped_it_is_resumed_with_its_own_arguments(repo: Path, tmp_path: Path) -> None:
    path = tmp_path / "fix.json"
    first = a_fix(repo, says("look", ("read_file", {"path": "calc.py"})), max_iterations=1, state_path=path).run()
    second = TestFixLoop.resume(
        path,
        llm=playing(says("mend", edit("calc.py", MENDED))),
        repo=repo,
        test_cmd=COMMAND,
        extend={"max_iterations": 5},
        quiet=True,
    )

    assert (first.status, second.status) == ("BUDGET_EXHAUSTED", "SUCCESS")
    assert State.load(path).sessions == 2


@pytest.mark.slow
def test_a_success_that_the_final_run_does_not_repeat_is_an_error(repo: Path) -> None:
    # The mark is outside the repository: what the code leaves inside it is in no clean copy.
    flaky = f"import pathlib\nmark = pathlib.Path({str(repo.parent / 'mark')!r})\n"
    flaky += "def add(a, b):\n    n = int(mark.read_text() or 0) if mark.exists() else 0\n"
    flaky += "    mark.write_text(str(n + 1))\n    return a + b if n < 2 else 0\n\n\ndef double(a):\n    return 2 * a\n"
    result = a_fix(repo, says("", edit("calc.py", flaky))).run()

    assert (result.status, result.error) == ("ERROR", "FinalRunFailed")


@pytest.mark.slow
def test_another_command_is_judged_by_its_exit_code_and_says_so(repo: Path) -> None:
    check = f"{sys.executable} -B -c 'import calc; assert calc.add(1, 1) == 2'"
    loop = TestFixLoop(playing(says("", edit("calc.py", MENDED))), repo, check, quiet=True)
    result = loop.run()

    assert result.status == "SUCCESS"
    assert "judged by the exit code alone" in loop.state.iterations[0].observation


# -- L-19: identity, not text


def measured(before: SuiteReport, now: SuiteReport) -> Any:
    """Return the measurement of ``now`` after ``before``."""
    reports = iter([before, now])
    metric = PytestFailureMetric(lambda: next(reports))
    first = metric.measure("", State(goal="g"))
    state = State(goal="g", iterations=(IterationRecord(index=0, metric=first),))
    snapshot = metric.measure("", state)
    return snapshot, metric.is_success(snapshot)


def suite(passed: str = "", failing: str = "", skipped: str = "", *, code: int | None = None) -> SuiteReport:
    tests = [*passed.split(), *failing.split(), *skipped.split()]
    return SuiteReport(
        basis="junit",
        exit_code=code if code is not None else int(bool(failing)),
        timed_out=False,
        tests=tuple(tests),
        failing=tuple(failing.split()),
        skipped=tuple(skipped.split()),
    )


@pytest.mark.parametrize(
    ("now", "value", "regression", "success"),
    [
        (suite("a b c"), 2, False, True),
        (suite("a b", "c"), 1, False, False),
        (suite("b c", "a"), 1, True, False),
        (suite("", "::module", code=2), -2, True, False),
        (suite("b c"), 1, True, False),
        (suite("a"), 0, False, False),
        (suite("", "", "a b c"), -1, True, False),
        (suite("", "", "", code=5), -1, True, False),
        (suite("", "", "", code=4), -1, True, False),
        (suite("a b c", code=1), 2, False, False),
    ],
    ids=[
        "all mended",
        "one mended",
        "two mended one broken",
        "collection error",
        "a passing test is gone",
        "the failing tests are gone",
        "all skipped",
        "no tests",
        "no report",
        "green with exit code 1",
    ],
)
def test_l19_progress_is_which_tests_fail(now: SuiteReport, value: int, regression: bool, success: bool) -> None:
    """At first ``a`` passes, ``b`` and ``c`` fail."""
    snapshot, is_success = measured(suite("a", "b c"), now)

    assert (snapshot.value, snapshot.regression, is_success) == (value, regression, success)


def test_l19_one_mended_and_one_broken_is_a_regression_though_the_count_is_the_same() -> None:
    snapshot, _ = measured(suite("a", "b"), suite("b", "a"))

    assert (snapshot.value, snapshot.regression) == (0.0, True)


@pytest.mark.slow
def test_l19_a_syntax_error_is_a_regression(repo: Path) -> None:
    loop = a_fix(repo, says("", edit("calc.py", "def add(:\n")), max_iterations=2, policies=[])
    loop.run()
    metrics = [record.metric for record in loop.state.iterations]

    assert metrics[1] is not None
    assert (metrics[1].value, metrics[1].regression) == (-2.0, True)
    assert loop.state.failed_approaches[0].startswith("iteration 0:")


@pytest.mark.slow
def test_l19_a_long_green_suite_succeeds(repo: Path) -> None:
    (repo / "calc.py").write_text(MENDED)
    (repo / "conftest.py").write_text(
        "def pytest_terminal_summary(terminalreporter):\n    print('noise\\n' * 20_000)\n"
    )
    result = a_fix(repo, "x").run()

    assert result.status == "SUCCESS"


def test_text_alone_is_read_for_observers_of_ones_own() -> None:
    metric = PytestFailureMetric()
    text = "FAILED tests/test_a.py::test_x[with space] - assert 1\nFAILED tests/test_a.py::test_y\nexit code: 1\n"
    first = metric.measure(text, State(goal="g"))
    state = State(goal="g", iterations=(IterationRecord(index=0, metric=first),))
    second = metric.measure("FAILED tests/test_a.py::test_y\nexit code: 1", state)
    done = metric.measure("2 passed\nexit code: 0", state)

    assert first.detail["failing"] == ["tests/test_a.py::test_x[with space]", "tests/test_a.py::test_y"]
    assert (second.value, metric.is_success(second)) == (1.0, False)
    assert (done.value, metric.is_success(done)) == (2.0, True)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "bash: pytest: command not found",
        "1 failed, 3 passed in 0.1s",
        "3 passed in 0.1s",
        "[exit code: 5]",
        "exit code: 2",
        "exit code 1",
        "the exit code: 0 is what we want",
        "exit code: 0\n[exit code: 1]",
        "FAILED tests/test_a.py::test_x\n[exit code: 0]",
    ],
)
def test_green_needs_an_exit_code_of_zero_that_was_seen(said: str) -> None:
    metric = PytestFailureMetric()

    assert not metric.is_success(metric.measure(said, State(goal="g")))


@pytest.mark.parametrize("said", ["[exit code: 0]", "exit code: 0", "exit code 0", "2 passed\n[exit code: 0]\n"])
def test_an_exit_code_of_zero_is_seen_in_all_its_spellings(said: str) -> None:
    metric = PytestFailureMetric()

    assert metric.is_success(metric.measure(said, State(goal="g")))


@pytest.mark.parametrize(
    ("said", "value", "regression"),
    [
        ("ERROR tests/test_a.py - SyntaxError\n[exit code: 2]", -1.0, True),
        ("[exit code: 2]", -1.0, True),
        ("[exit code: 4]", -1.0, True),
        ("bash: pytest: command not found", 0.0, False),
        ("", 0.0, False),
        ("FAILED a::x\n[exit code: 1]", 1.0, False),
        ("[exit code: 0]", 2.0, False),
    ],
)
def test_in_words_a_run_that_broke_is_a_regression_and_one_nobody_saw_is_nothing(
    said: str, value: float, regression: bool
) -> None:
    metric = PytestFailureMetric()
    first = metric.measure("FAILED a::x\nFAILED a::y\n[exit code: 1]", State(goal="g"))
    snapshot = metric.measure(said, State(goal="g", iterations=(IterationRecord(index=0, metric=first),)))

    assert (snapshot.value, snapshot.regression) == (value, regression)


# -- the command


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        f"PYTHONHASHSEED=1 {COMMAND}",
        f"cd . && {COMMAND}",
        f"cd tests/.. && {COMMAND} tests | cat",
        f"{COMMAND} --junitxml=own.xml; true",
        shlex.split(COMMAND),
    ],
    ids=["a variable", "cd", "a pipe", "a report of its own, and another command", "a list"],
)
def test_text_is_run_by_the_shell_and_a_list_is_not(command: Any, repo: Path) -> None:
    loop = TestFixLoop(playing(says("", edit("calc.py", MENDED))), repo, command, quiet=True)
    result = loop.run()
    first = loop.state.iterations[0].metric

    assert result.status == "SUCCESS", result
    assert first is not None
    assert (first.detail["basis"], len(first.detail["failing"])) == ("junit", 2)


@pytest.mark.parametrize("command", ["nosuchcmd -q", "cd . && nosuchcmd", ["nosuchcmd"], "./calc.py", ["./calc.py"]])
def test_a_command_that_cannot_be_run_is_refused_before_a_model_is_asked(
    command: Any, repo: Path, tmp_path: Path
) -> None:
    model = playing("x")
    path = tmp_path / "fix.json"

    with pytest.raises(LoopConfigError, match="cannot be run"):
        TestFixLoop(model, repo, command, quiet=True, state_path=path).run()
    assert not model.requests
    assert not path.exists()


def test_tinman_fix_refuses_a_command_that_is_not_there(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tinman.cli.main import main

    script = tmp_path / "model.py"
    script.write_text(MODEL % MENDED)
    db = str(tmp_path / "x.db")
    with pytest.raises(SystemExit) as left:
        main(["--db", db, "fix", "--repo", str(repo), "--test-cmd", "nosuchcmd", "--model", f"{script}:answer"])

    assert left.value.code == 2
    assert "nosuchcmd" in capsys.readouterr().err
    assert (repo / "calc.py").read_text() == BROKEN


def test_without_time_nothing_is_run(repo: Path) -> None:
    result = TestFixLoop(playing("x"), repo, "touch ran", quiet=True, max_iterations=0).run()

    assert result.status == "BUDGET_EXHAUSTED"
    assert not (repo / "ran").exists()


# -- what a file was like


@pytest.mark.parametrize(
    ("before", "shown", "written", "after"),
    [
        (b"a\r\nb\r\n", "a\nb\n", "a\nc\n", b"a\r\nc\r\n"),
        (b"a\r\nb\r\n", "a\nb\n", "a\r\nc\r\nd\r\n", b"a\r\nc\r\nd\r\n"),
        (b"a\rb\r", "a\nb\n", "a\nc\n", b"a\rc\r"),
        (b"a\nb\n", "a\nb\n", "a\r\nc\r\n", b"a\nc\n"),
        (b"a\r\nb\nc\r\n", "a\nb\nc\n", "a\nb\nx\n", b"a\r\nb\nx\r\n"),
        (b"a\nb", "a\nb", "a\nc\n", b"a\nc"),
        (b"a\nb\n", "a\nb\n", "a\nc", b"a\nc\n"),
        (b"\xef\xbb\xbfa\r\n", "a\n", "b\n", b"\xef\xbb\xbfb\r\n"),
        (b"\xef\xbb\xbfa\n", "a\n", "\ufeffb\n", b"\xef\xbb\xbfb\n"),
        ("\ufeffä\r\n".encode("utf-16-le"), "ä\n", "ö\n", "\ufeffö\r\n".encode("utf-16-le")),
        (
            b"# coding: cp1252\n\x80\n",
            "# coding: cp1252\n€\n",
            "# coding: cp1252\n€€\n",
            b"# coding: cp1252\n\x80\x80\n",
        ),
        (b"caf\xe9\n", "café\n", "café!\n", b"caf\xe9!\n"),
        (b"a\x0cb\xe2\x80\xa8c\n", "a\x0cb\u2028c\n", "a\x0cb\u2028d\n", b"a\x0cb\xe2\x80\xa8d\n"),
        (b"", "", "a\nb", b"a\nb"),
        (b"a\n", "a\n", "", b""),
    ],
)
def test_an_edit_keeps_line_ends_mark_encoding_and_last_line(
    before: bytes, shown: str, written: str, after: bytes, repo: Path
) -> None:
    (repo / "kept.py").write_bytes(before)
    repository = Repository(repo)

    assert repository.read("kept.py") == shown
    repository.write("kept.py", written)
    assert (repo / "kept.py").read_bytes() == after


@pytest.mark.parametrize(("before", "written"), [(b"caf\xe9\n", "→\n"), (b"\x7fELF\0\1", "x"), (b"a\n", "\ud800\n")])
def test_what_a_file_cannot_hold_is_refused_and_it_stays_as_it_was(before: bytes, written: str, repo: Path) -> None:
    (repo / "kept").write_bytes(before)
    with pytest.raises(Refused):
        Repository(repo).write("kept", written)

    assert (repo / "kept").read_bytes() == before


@given(
    st.lists(st.sampled_from(["\r\n", "\n", "\r", "a", "ä", "\x0b", " "])).map("".join),
    st.sampled_from(["utf-8", "utf-16-le"]),
)
def test_what_is_written_as_it_was_read_changes_no_byte(text: str, encoding: str) -> None:
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b""
    data = mark + text.encode(encoding)
    read = TextFile.of(data)

    assert read.replaced(read.text) == data


# -- the repository


@pytest.mark.parametrize(
    "path",
    [
        "../outside.py",
        "/etc/passwd",
        "tests/test_calc.py",
        "conftest.py",
        "pytest.ini",
        "pyproject.toml",
        "sub/test_more.py",
        ".git/hooks/pre-commit",
        "link/outside.py",
        "tests",
    ],
)
def test_what_may_not_be_written_is_refused(path: str, repo: Path, tmp_path: Path) -> None:
    (repo / "link").symlink_to(tmp_path)
    with pytest.raises(Refused):
        Repository(repo).write(path, "x")

    assert not (tmp_path / "outside.py").exists()


def test_bytecode_of_an_edited_file_is_dropped(repo: Path) -> None:
    cache = repo / "__pycache__"
    cache.mkdir()
    (cache / "calc.cpython-311.pyc").write_bytes(b"")
    (cache / "calculus.cpython-311.pyc").write_bytes(b"")
    Repository(repo).write("calc.py", MENDED)

    assert [path.name for path in cache.iterdir()] == ["calculus.cpython-311.pyc"]


def test_a_missing_folder_and_an_odd_command_are_refused_at_once(repo: Path) -> None:
    with pytest.raises(LoopConfigError, match="no such folder"):
        a_fix(repo / "nowhere", "x")
    with pytest.raises(LoopConfigError, match="test_cmd"):
        Suite(repo, "pytest '", timeout_s=1)
    with pytest.raises(LoopConfigError, match="test_cmd"):
        Suite(repo, [], timeout_s=1)


def test_what_a_model_wrote_is_given_no_credential_that_is_not_named(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "SHOP_TOKEN", "SHOP_NAME"):
        monkeypatch.setenv(name, f"value of {name}")
    (repo / "test_env.py").write_text(
        "import os\ndef test_env():\n    assert sorted(n for n in os.environ if n[:4] in ('OPEN', 'SHOP')) == 0\n"
    )
    for command in (COMMAND, COMMAND.split(), "env; exit 1"):
        told = Suite(repo, command, 30, ("SHOP_TOKEN",)).run()
        assert "OPENAI_API_KEY" not in told.output
        assert "SHOP_TOKEN" in told.output
        assert "SHOP_NAME" in told.output
    assert "SHOP_TOKEN" not in Suite(repo, COMMAND, 30).run().output
    assert a_fix(repo, "x", environment=["SHOP_TOKEN"]).suite.environment == ("SHOP_TOKEN",)


# -- the command line

MODEL = """
from tinman.messages import Message, Reply, Text, ToolUse, Usage
asked = []
def answer(messages, tools):
    asked.append(1)
    use = ToolUse(id="1", name="edit_file", arguments={"path": "calc.py", "content": %r})
    return Reply(message=Message(role="assistant", parts=(Text(text="mend"), use)),
                 usage=Usage(calls=1, input_tokens=5, output_tokens=5))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("content", "code", "status"), [(MENDED, 0, "SUCCESS"), (BROKEN, 3, "NO_PROGRESS")])
def test_tinman_fix_mends_and_exits_by_its_result(
    content: str, code: int, status: str, repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tinman.cli.main import main

    script = tmp_path / "model.py"
    script.write_text(MODEL % content)
    db = str(tmp_path / "tinman.db")
    arguments = ["--db", db, "--json", "fix", "--repo", str(repo), "--test-cmd", COMMAND, "--model", f"{script}:answer"]
    with pytest.raises(SystemExit) as left:
        main(arguments)
    shown = capsys.readouterr()
    data = json.loads(shown.out)

    assert (left.value.code, data["status"]) == (code, status)
    assert data["schema"] == "tinman.fix/1"

    with pytest.raises(SystemExit) as left:
        main(["--db", db, "explain", data["loop_id"]])
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert status in told
    assert "edit_file[ok]" in told

    with pytest.raises(SystemExit):
        main(["--db", db, "cycles", "list"])
    assert data["loop_id"] not in capsys.readouterr().out

    with pytest.raises(SystemExit):
        main(["--db", db, "loops", "list"])
    row = capsys.readouterr().out
    assert (data["loop_id"] in row, status in row, "Mend the code" in row) == (True, True, True)

    with pytest.raises(SystemExit):
        main(["--db", db, "--json", "loops", "list"])
    line = json.loads(capsys.readouterr().out)
    assert (line["schema"], line["loop_id"], line["status"]) == ("tinman.loop-line/1", data["loop_id"], status)
    assert line["reason"] == data["reason"]


WAITING = """
from pathlib import Path
from tinman.messages import Message, Reply, Text, ToolUse, Usage

mended = Path(__file__).with_name("mended.py")

def answer(messages, tools):
    use = ToolUse(id="1", name="read_file", arguments={"path": "calc.py"})
    if mended.exists():
        use = ToolUse(id="1", name="edit_file", arguments={"path": "calc.py", "content": mended.read_text()})
    return Reply(message=Message(role="assistant", parts=(Text(text="look"), use)),
                 usage=Usage(calls=1, input_tokens=5, output_tokens=5))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("limits", "ends", "raised"), [(["--max-iterations", "1"], 4, "2"), ([], 3, "40")])
def test_tinman_fix_prints_a_command_that_goes_on(
    limits: list[str],
    ends: int,
    raised: str,
    repo: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a ceiling, and after rounds that got nowhere."""
    from tinman.cli.main import main

    monkeypatch.chdir(tmp_path)
    script = tmp_path / "model.py"
    script.write_text(WAITING)
    (tmp_path / "my.toml").write_text(f'reasoner = "{script}:answer"\n')

    def tinman(*arguments: str) -> tuple[Any, str, str]:
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        shown = capsys.readouterr()
        return left.value.code, shown.out, shown.err

    place = ["--config", "my.toml", "--db", "it's here.db"]
    how = ["--repo", str(repo), "--test-cmd", COMMAND, "--test-timeout", "60.0", "--edit-tests"]
    code, _, told = tinman(*place, "fix", *how, *limits)
    again = shlex.split(told.partition("Continue:")[2])
    (tmp_path / "mended.py").write_text(MENDED)
    then, shown, _ = tinman(*again[1:])

    assert code == ends
    assert again[1:5] == place
    assert [again[5], *again[8:]] == ["fix", *how, "--max-iterations", raised]
    assert (then, shown.partition(":")[0]) == (0, "SUCCESS")
    assert "Loop.resume" not in told
    seen = shlex.split(re.search(r"Next: see what was \w+ with (.*?)[;,] (then|change)", told)[1])  # type: ignore[index]
    assert tinman(*seen[1:])[0] == 0


@pytest.mark.slow
def test_tinman_fix_says_on_ctrl_c_how_to_go_on(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(WAITING.replace("    use =", "    __import__('time').sleep(0.5)\n    use =", 1))
    tinman = [sys.executable, "-m", "tinman.cli.main"]
    command = [*tinman, "--db", "x.db", "fix", "--repo", str(repo), "--test-cmd", COMMAND, "--model", "model.py:answer"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    (tmp_path / "mended.py").write_text(MENDED)
    again = shlex.split(told.partition("Continue:")[2].splitlines()[0])
    resumed = subprocess.run([*tinman, *again[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert process.returncode == 130
    assert resumed.stdout.startswith("SUCCESS"), resumed.stderr


def test_tinman_fix_wants_a_model(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tinman.cli.main import main

    with pytest.raises(SystemExit) as left:
        main(["fix", "--repo", str(repo)])

    assert left.value.code == 2
    assert "--model" in capsys.readouterr().err


def test_tinman_fix_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    from tinman.cli.main import main

    with pytest.raises(SystemExit):
        main(["fix", "--help"])

    assert "Example: tinman fix" in capsys.readouterr().out
