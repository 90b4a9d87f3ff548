"""What the recipes share: a loop in a repository, judged by what the model cannot touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from tinman import clock
from tinman.errors import JudgeChanged, LoopConfigError
from tinman.frozen import alter
from tinman.loop.engine import Loop
from tinman.loop.recipes.baseline import Baseline
from tinman.loop.recipes.repository import Repository
from tinman.loop.recipes.suite import NOT_RUN, Suite, SuiteReport, find_files
from tinman.loop.result import LoopResult, LoopStatus, Stop
from tinman.loop.session import nesting
from tinman.loop.state.records import MetricSnapshot, State
from tinman.loop.tools.tools import Tool, tool
from tinman.processes.threads import CallScope, OutOfTime, current_call, in_thread_within

T = TypeVar("T")
DEFAULT_COMMAND = "python -m pytest -q -rf --tb=short"


class JudgedLoop(Loop):
    """A loop in the folder ``repo`` whose tests are run by ``test_cmd`` and whose judge is kept from the model.

    Before the first round the command is run once, as the first observation: one that is not there, or may not be run,
    is a ``LoopConfigError`` before any model is called. A SUCCESS is confirmed in a clean copy: the judge as it was,
    with the sources that were written. A resume refuses a judge that changed, unless ``allow_test_change``.
    """

    def __init__(
        self,
        goal: str,
        tools: Sequence[Tool],
        llm: Any,
        repository: Repository,
        suite: Suite,
        *,
        allow_test_change: bool = False,
        **kwargs: Any,
    ) -> None:
        self.repository = repository
        self.suite = suite
        self.last_report: SuiteReport | None = None
        self._allow_test_change = allow_test_change
        self._baseline: Baseline | None = None
        self._ahead: SuiteReport | None = None
        self._has_run = False
        kwargs.setdefault("observe", self._look_at_tests)
        super().__init__(goal, tools, llm, **kwargs)

    @property
    def pins(self) -> dict[str, str]:
        """The digests of what judges, by path; stored with the first measurement."""
        return {} if self._baseline is None else dict(self._baseline.pins)

    def _look_at_tests(self, state: State) -> str:
        ahead, self._ahead = self._ahead, None
        self.last_report = report = ahead or self._run_suite()
        return report.text()

    def _run_suite(self) -> SuiteReport:
        report = self.suite.run()
        if not self._has_run and report.exit_code in NOT_RUN:
            why = report.output.strip().splitlines()[-1:] or ["no such command"]
            raise LoopConfigError(f"test_cmd `{self.suite.command}` cannot be run ({why[0][:200]}); mend the command")
        if not self._has_run and self._is_fresh:
            self._check_first(report)
        self._has_run = True
        if self._baseline is not None:
            self._baseline.keep_tests(find_files(report.modules, self.repository.files_at_first))
        return report

    def _check_first(self, report: SuiteReport) -> None:
        """Refuse to begin with what the suite said before a model was asked."""

    @property
    def _is_fresh(self) -> bool:
        """Whether nothing was done yet, in this session or an earlier one."""
        return self._start.is_new and self.state.sessions == 0

    @property
    def first_measurement(self) -> MetricSnapshot | None:
        """What was measured before the model did anything."""
        return next((record.metric for record in self.state.iterations if record.metric is not None), None)

    def _take_baseline(self) -> Baseline:
        return self._baseline or Baseline(self.repository, self.suite)

    async def arun(self) -> LoopResult:
        """Run to an end; see ``Loop.arun``. Raises ``LoopConfigError`` for a test command that cannot be run."""
        nesting.check(self._parent, self._born_in)
        self._has_run = False
        self._baseline = await ended_with_us(None, self._take_baseline)
        is_over = 0 in (self.config.max_iterations, self.config.token_limit, self.config.wall_clock_s)
        if self._is_fresh and not is_over:
            started = clock.monotonic()
            try:
                self._ahead = await ended_with_us(self.config.wall_clock_s, self._run_suite)
            except OutOfTime:
                self._ahead = None
            took = self.state.metrics.elapsed_s + clock.monotonic() - started
            self.state = alter(self.state, metrics=alter(self.state.metrics, elapsed_s=took))
        return await super().arun()

    def _check_stored(self, state: State) -> None:
        super()._check_stored(state)
        measured = [record.metric.detail for record in state.iterations if record.metric is not None]
        if measured and "pinned" in measured[0] and self._baseline is not None and not self._allow_test_change:
            pinned = measured[0]["pinned"]
            self._baseline.keep_tests(dict.fromkeys(map(PurePosixPath, pinned)))  # known from the first run only
            self._baseline.check_against(pinned)

    async def _confirm(self) -> Stop | None:
        try:
            objection = await ended_with_us(None, self._judge_in_a_copy)
        except JudgeChanged as error:
            objection = str(error)
        if not objection:
            return None
        return Stop(
            status=LoopStatus.ERROR,
            reason=f"the loop's own measurement says success, the final run outside it does not: {objection}",
            advice="look for tests that depend on chance, order or what earlier runs leave behind, then resume",
            error="FinalRunFailed",
        )

    def _judge_in_a_copy(self) -> str:
        """Return what the clean copy has against a success; empty for nothing."""
        assert self._baseline is not None
        with self._baseline.clean_copy() as suite:
            return self.find_objection(suite.run(), suite.folder)

    def find_objection(self, final: SuiteReport, copy: Path) -> str:
        """Return what the final run of the suite, in ``copy``, has against a success; empty for nothing."""
        if not final.is_green:
            return ", ".join(final.failing[:5]) or f"exit code {final.exit_code}"
        first = self.first_measurement
        if first is None or "tests" not in first.detail or not first.detail["basis"] == final.basis == "junit":
            return ""
        known = {*first.detail["tests"]} - {*first.detail["skipped"]}
        gone = sorted(known - ({*final.tests} - {*final.skipped}))
        return f"not run: {', '.join(gone[:5])}" if gone else ""


async def ended_with_us(seconds: float | None, work: Callable[[], T]) -> T:
    """Return what ``work`` returns in a thread; given up, the commands it started end with it. Raises ``OutOfTime``."""
    scope = CallScope()
    token = current_call.set(scope)
    try:
        return await in_thread_within(seconds, work)
    except BaseException:
        scope.abort()
        raise
    finally:
        current_call.reset(token)


def reading_tools(repository: Repository) -> list[Tool]:
    """Return the tools that look at the sources and change nothing."""

    @tool
    def list_files() -> str:
        """List the files of the repository, one path a line."""
        return repository.files()

    @tool
    def read_file(path: str) -> str:
        """Read a file; the path is relative to the repository."""
        return repository.read(path)

    return [list_files, read_file]


def editing_tools(repository: Repository, suite: Suite) -> list[Tool]:
    """Return the tools that run the tests, look at the sources and replace them."""

    @tool(timeout_s=suite.timeout_s + 30)
    def run_tests() -> str:
        """Run the test suite and return which tests fail, and what was printed."""
        return suite.run().text()

    @tool
    def edit_file(path: str, content: str) -> str:
        """Replace the whole content of a file; the path is relative to the repository."""
        return repository.write(path, content)

    return [run_tests, *reading_tools(repository), edit_file]
