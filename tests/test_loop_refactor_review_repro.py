"""Refactoring, reviewing and reproducing: each ends well only for what is proven, and is resumed like any loop."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from loops import playing, says

import tinman
import tinman.loop
from tinman.errors import LoopConfigError
from tinman.loop import HeadlessApprovalRunner, RefactorLoop, ReproLoop, RequireApproval, ReviewLoop, occurrences

PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider"
CODE = """\
def mean(values):
    total = 0
    for value in values:
        total += value
    return total / len(values)
"""
SHORT = "def mean(values):\n    return sum(values) / len(values)\n"
TEST = "from stats import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == 2\n"


@pytest.fixture(autouse=True)
def _plain_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The many pytests that are run inside load no plugin: most of their time would go there."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "stats.py").write_text(CODE)
    (folder / "test_stats.py").write_text(TEST)
    return folder


def edit(content: str, path: str = "stats.py") -> Any:
    return says("change", ("edit_file", {"path": path, "content": content}))


def lines(folder: Path) -> float:
    return float(len((folder / "stats.py").read_text().splitlines()))


def test_the_loop_says_which_version_it_is() -> None:
    assert tinman.loop.__version__ == tinman.__version__


# -- refactoring


def a_refactoring(repo: Path, *replies: Any, **settings: Any) -> RefactorLoop:
    return RefactorLoop(playing(*replies), lines, repo, PYTEST, quiet=True, **settings)


@pytest.mark.slow
def test_a_refactoring_ends_well_when_the_number_fell_and_the_tests_are_green(repo: Path) -> None:
    loop = a_refactoring(repo, edit("def mean(values): return 0\n"), edit(CODE + "\n"), edit(SHORT))
    result = loop.run()
    values = [record.metric.value for record in loop.state.iterations if record.metric]

    assert (result.status, values) == ("SUCCESS", [0.0, -2.0, -1.0, 3.0]), result
    assert len(loop.state.failed_approaches) == 1
    assert (repo / "stats.py").read_text() == SHORT


@pytest.mark.slow
@pytest.mark.parametrize(("target", "status"), [(2, "SUCCESS"), (1, "BUDGET_EXHAUSTED")])
def test_with_a_target_less_is_not_enough(target: float, status: str, repo: Path) -> None:
    assert a_refactoring(repo, edit(SHORT), target=target, max_iterations=2).run().status == status


@pytest.mark.slow
def test_tests_that_are_skipped_by_the_code_are_no_green_tests(repo: Path) -> None:
    skips = "import pytest\n\npytest.skip('later', allow_module_level=True)\n"
    result = a_refactoring(repo, edit(skips), max_iterations=2).run()

    assert result.status == "BUDGET_EXHAUSTED"


@pytest.mark.slow
def test_a_suite_that_fails_at_the_start_is_refused_before_a_model_is_asked(repo: Path) -> None:
    (repo / "stats.py").write_text("def mean(values): return 0\n")
    model = playing("x")
    with pytest.raises(LoopConfigError, match="fails before anything is changed"):
        RefactorLoop(model, lines, repo, PYTEST, quiet=True).run()

    assert not model.requests


@pytest.mark.slow
def test_a_refactoring_waits_for_an_approval_and_is_resumed(repo: Path, tmp_path: Path) -> None:
    path, asks = tmp_path / "s.json", {"policies": [RequireApproval({"edit_file"})]}
    waiting = a_refactoring(repo, edit(SHORT), state_path=path, approval_runner=HeadlessApprovalRunner(), **asks).run()
    result = RefactorLoop.resume(
        path,
        llm=playing("done"),
        measure=lines,
        repo=repo,
        test_cmd=PYTEST,
        approval={"token": waiting.approval_token, "approved": True},
        approval_runner=HeadlessApprovalRunner(),
        quiet=True,
        **asks,
    )

    assert (waiting.status, result.status) == ("AWAITING_APPROVAL", "SUCCESS"), result


def test_occurrences_are_counted_in_the_files_named(repo: Path) -> None:
    assert occurrences(r"^def ")(repo) == 2
    assert occurrences(r"mean", "stats.py")(repo) == 1


# -- reproducing


REPRODUCES = "from stats import mean\n\n\ndef test_empty():\n    assert mean([]) == 0\n"


def a_repro(repo: Path, *contents: str, **settings: Any) -> ReproLoop:
    replies = [says("write", ("write_test", {"content": content})) for content in contents]
    settings = {"bug": "the mean of nothing", "failure": "ZeroDivisionError", "test_cmd": PYTEST, **settings}
    return ReproLoop(playing(*replies), repo=repo, quiet=True, **settings)


@pytest.mark.slow
def test_a_bug_is_reproduced_by_a_test_that_fails_for_the_reason_described(repo: Path) -> None:
    loop = a_repro(repo, REPRODUCES)
    result = loop.run()

    assert (result.status, result.iterations) == ("SUCCESS", 2), result
    assert (repo / "test_reproduction.py").read_text() == REPRODUCES
    assert (repo / "stats.py").read_text() == CODE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("from stats import mean\n\n\ndef test_it():\n    assert mean([1]) == 1\n", "no test of it fails"),
        ("import stats\n\n\ndef test_it():\n    raise ZeroDivisionError\n", "raises the failure itself"),
        ("import stats\n\n\ndef test_it():\n    1 / 0\n", "raises the failure itself"),
        ("import stats\n\n\ndef test_it():\n    assert False, 'ZeroDivisionError'\n", "raises the failure itself"),
        ("def test_it():\n    [].pop()\n    raise ZeroDivisionError\n", "imports nothing of the repository"),
        ("from stats import mean\n\n\ndef test_it():\n    assert mean([1]) == 2\n", "otherwise than described"),
        ("from stats import median\n\n# ZeroDivisionError\n", "cannot be run|no test of it fails"),
        ("def test_it(:\n", "no test of it fails|no Python"),
        (
            "import pathlib\nfrom stats import mean\n\nmark = pathlib.Path(__file__).with_name('mark')\n\n\n"
            "def test_it():\n    seen = mark.exists()\n    mark.touch()\n    mean([1] if seen else [])\n",
            "alike each time",
        ),
    ],
)
def test_what_does_not_show_the_bug_is_no_success_and_the_model_is_told(content: str, why: str, repo: Path) -> None:
    loop = a_repro(repo, content, max_iterations=2)
    result = loop.run()

    assert result.status == "BUDGET_EXHAUSTED"
    assert re.search(f"not yet: .*({why})", loop.state.iterations[1].observation)


def test_what_cannot_be_reproduced_with_is_refused_at_once(repo: Path) -> None:
    with pytest.raises(LoopConfigError, match="no pytest"):
        a_repro(repo, "x", test_cmd="make check")
    with pytest.raises(LoopConfigError, match="no regular expression"):
        a_repro(repo, "x", failure="(")
    with pytest.raises(LoopConfigError, match="at least 1"):
        a_repro(repo, "x", repeats=0)
    with pytest.raises(LoopConfigError, match="already"):
        a_repro(repo, "x", test_path="test_stats.py").run()


@pytest.mark.slow
def test_a_reproduction_is_resumed(repo: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    how: dict[str, Any] = {"bug": "b", "failure": "ZeroDivisionError", "repo": repo, "test_cmd": PYTEST, "quiet": True}
    model = playing(says("", ("write_test", {"content": TEST})))
    first = ReproLoop(model, **how, max_iterations=1, state_path=path).run()
    again = playing(says("", ("write_test", {"content": REPRODUCES})))
    second = ReproLoop.resume(path, llm=again, **how, extend={"max_iterations": 5})

    assert (first.status, second.status) == ("BUDGET_EXHAUSTED", "SUCCESS"), second


# -- reviewing

DIFF = """\
diff --git a/stats.py b/stats.py
--- a/stats.py
+++ b/stats.py
@@ -1,2 +1,5 @@
 def mean(values):
-    return sum(values) / len(values)
+    total = 0
+    for value in values:
+        total += value
+    return total / len(values)
diff --git a/old.py b/old.py
deleted file mode 100644
--- a/old.py
+++ /dev/null
@@ -1 +0,0 @@
-x = 1
diff --git a/.env b/.env
--- a/.env
+++ b/.env
@@ -1 +1 @@
-KEY=a
+KEY=hush
"""


def comment(line: int, path: str = "stats.py", **more: Any) -> tuple[str, dict[str, Any]]:
    return "comment", {"path": path, "line": line, "severity": "major", "text": "Say why.", **more}


def verdict(path: str, word: str = "fine") -> tuple[str, dict[str, Any]]:
    return "give_verdict", {"path": path, "verdict": word}


def a_review(repo: Path, *replies: Any, **settings: Any) -> ReviewLoop:
    return ReviewLoop(playing(*replies), DIFF, repo, quiet=True, **settings)


async def test_a_review_ends_well_when_every_changed_file_has_a_verdict(repo: Path) -> None:
    loop = a_review(
        repo,
        says("look", ("show_change", {"path": "stats.py"}), ("read_file", {"path": "stats.py"})),
        says("", comment(3), comment(1, "old.py", severity="nit"), verdict("stats.py", "needs work")),
        says("", verdict("old.py"), verdict(".env")),
    )
    result = await loop.arun()

    assert (result.status, result.iterations) == ("SUCCESS", 4), result
    assert [(each.path, each.line, each.severity, each.is_in_change) for each in loop.comments] == [
        ("stats.py", 3, "major", True),
        ("old.py", 1, "nit", True),
    ]
    assert loop.verdicts == {"stats.py": "needs work", "old.py": "fine", ".env": "fine"}
    assert "     3 +    for value in values:" in loop.state.iterations[0].actions[0].result_excerpt


@pytest.mark.parametrize(
    "call",
    [
        comment(0),
        comment(6),
        comment(-1),
        comment(1, "test_stats.py"),
        comment(1, "../stats.py"),
        comment(2, "old.py"),
        comment(1, ".env"),
        comment(3, severity="terrible"),
        comment(3, text=" "),
        ("show_change", {"path": ".env"}),
        ("read_file", {"path": ".env"}),
        verdict("nothing.py"),
        verdict("stats.py", "needs work"),
        ("edit_file", {"path": "stats.py", "content": ""}),
    ],
)
async def test_a_place_that_is_not_there_a_secret_or_an_empty_word_is_refused(call: Any, repo: Path) -> None:
    (repo / ".env").write_text("KEY=hush\n")
    loop = a_review(repo, says("", call), max_iterations=1)
    await loop.arun()
    record = loop.state.iterations[0]

    assert record.plan_invalid or record.actions[0].status == "error"
    assert "hush" not in str(record)
    assert not loop.comments
    assert (repo / "stats.py").read_text() == CODE


async def test_a_review_is_resumed_with_its_comments(repo: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    await a_review(repo, says("", comment(2)), max_iterations=1, state_path=path).arun()
    model = playing(says("", verdict("stats.py", "needs work"), verdict("old.py"), verdict(".env")))
    loop = ReviewLoop.reopen(path, llm=model, diff=DIFF, repo=repo, extend={"max_iterations": 5}, quiet=True)
    result = await loop.arun()

    assert result.status == "SUCCESS"
    assert [each.line for each in loop.comments] == [2]


@pytest.mark.parametrize("diff", ["", "no diff at all", "--- a/x\n+++ b/x\n@@ -1,9 +1 @@\n-x\n"])
def test_a_diff_that_is_none_is_refused(diff: str, repo: Path) -> None:
    with pytest.raises(LoopConfigError, match="diff"):
        ReviewLoop(playing("x"), diff, repo)
