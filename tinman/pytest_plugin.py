"""``pytest --tinman scenarios/``: scenario files as tests. Without the option nothing is imported, nothing collected.

The target is ``--tinman-adapter`` or ``--tinman-target``, the ini values ``tinman_adapter`` or ``tinman_target``, or
the settings' own. Each scenario is one test, or one for each try. A scenario whose checks do not hold fails; so does
one that could not be measured. Destructive ones are skipped unless asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tinman.harness.results import ScenarioResult
    from tinman.scenarios.scenario import Scenario

_OPTION = "--tinman"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("tinman", "scenarios of Tinman")
    group.addoption(_OPTION, action="append", default=[], metavar="PATH", help="Run this scenario file or folder.")
    group.addoption("--tinman-adapter", default="", metavar="PLACE", help="Adapter: <module-or-file>:<callable>.")
    group.addoption("--tinman-target", default="", metavar="NAME", help="A target by name instead.")
    group.addoption("--tinman-inner-provider", default="", metavar="NAME", help="Provider of the model inside.")
    group.addoption("--tinman-inner-model", default="", metavar="NAME", help="Model inside the target.")
    group.addoption("--tinman-user", default="", metavar="ID", help="The user the scenarios speak as.")
    group.addoption("--tinman-repeat", type=int, default=0, metavar="N", help="Tries of each scenario, each a test.")
    group.addoption("--tinman-seed", type=int, default=0, metavar="N", help="The dice of targets that take a seed.")
    group.addoption("--tinman-allow-destructive", action="store_true", help="Run destructive scenarios, too.")
    for name in ("adapter", "target", "inner_provider", "inner_model", "user"):
        parser.addini(f"tinman_{name}", f"Default of --tinman-{name.replace('_', '-')}.", default="")


def _places(config: pytest.Config) -> list[Path]:
    given: list[str] = config.getoption("tinman")
    return [(config.invocation_params.dir / place).resolve() for place in given]


def pytest_configure(config: pytest.Config) -> None:
    """Have the scenario files collected: beside the tests that were named, or alone when none were.

    Raises ``UsageError`` when nothing says what they are to be run on.
    """
    if places := _places(config):
        _check_named(config)
        named = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
        config.args[:] = [*named, *(str(place) for place in places)]


def _told(config: pytest.Config, name: str) -> str:
    return str(config.getoption(name) or config.getini(name))


def _check_named(config: pytest.Config) -> None:
    """Raise ``UsageError`` unless an adapter or a target is named, here or in the settings; not both here."""
    from tinman.config.settings import resolve  # noqa: PLC0415 - loaded when scenarios are asked for
    from tinman.errors import ConfigError  # noqa: PLC0415
    from tinman.text.visible import visible  # noqa: PLC0415

    adapter, spec = _told(config, "tinman_adapter"), _told(config, "tinman_target")
    if adapter and spec:
        raise pytest.UsageError("give one of --tinman-adapter and --tinman-target")
    if adapter or spec:
        return
    try:
        is_named = resolve({}).names_target
    except ConfigError as error:
        raise pytest.UsageError(visible(str(error))) from error
    if not is_named:
        raise pytest.UsageError(
            "--tinman: nothing says what to test; give --tinman-adapter <module-or-file>:<callable> or --tinman-target"
            " NAME, or name one under [target] in tinman.toml (--tinman-target sandbox is the demo)"
        )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the scenario files that were asked for; sub-folders are not searched."""
    if file_path.suffix not in {".json", ".yaml", ".yml"} or not parent.config.getoption("tinman"):
        return None
    resolved = file_path.resolve()
    if not any(resolved == place or resolved.parent == place for place in _places(parent.config)):
        return None
    collected: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
    return collected


class ScenarioFile(pytest.File):
    """One scenario file."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield a test for each try. A file that is wrong is a collection error of one line."""
        from tinman.errors import DefinitionError  # noqa: PLC0415 - loaded when scenarios are asked for
        from tinman.scenarios.files import read_file  # noqa: PLC0415
        from tinman.text.visible import visible  # noqa: PLC0415

        try:
            scenario = read_file(self.path)
        except DefinitionError as error:
            raise self.CollectError(visible(str(error))) from error
        tries = self.config.getoption("tinman_repeat") or scenario.repeat
        for number in range(1, tries + 1):
            name = visible(scenario.scenario_id, keep_newlines=False) + (f"[{number}]" if tries > 1 else "")
            yield ScenarioItem.from_parent(self, name=name, scenario=scenario, number=number)


class ScenarioFailed(Exception):
    """Raised when a scenario did not pass; holds its result."""

    def __init__(self, result: ScenarioResult) -> None:
        super().__init__(result.scenario_id)
        self.result = result


class ScenarioItem(pytest.Item):
    """One try of a scenario."""

    def __init__(self, *, scenario: Scenario, number: int, **more: Any) -> None:
        super().__init__(**more)
        self.scenario = scenario
        self.number = number

    def runtest(self) -> None:
        """Run it on the session's target. Raises ``ScenarioFailed``."""
        if self.scenario.destructive and not self.config.getoption("tinman_allow_destructive"):
            pytest.skip("destructive; --tinman-allow-destructive runs it")
        stage = self.config.stash.get(_STAGE, None)
        if stage is None:
            stage = self.config.stash[_STAGE] = Stage(self.config)
        result = stage.play(self.scenario, self.number)
        if not result.passed:
            raise ScenarioFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what failed, turn by turn; a problem of the target's set-up is one line."""
        from tinman.errors import TinmanError  # noqa: PLC0415
        from tinman.harness.results import summarize_results  # noqa: PLC0415
        from tinman.text.visible import visible  # noqa: PLC0415

        if isinstance(excinfo.value, ScenarioFailed):
            result = excinfo.value.result
            lines = summarize_results([result]).splitlines()[1:]
            for number, turn in result.failed_turns:
                lines.append(f"  turn {number} user: {visible(turn.user)}")
                lines.append(f"  turn {number} said: {visible(turn.assistant)}")
            return "\n".join(lines)
        if isinstance(excinfo.value, TinmanError):
            return visible(f"{type(excinfo.value).__name__}: {excinfo.value}")
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the scenario stands."""
        return self.path, None, f"scenario: {self.name}"


class Stage:
    """The target of a session, in an event loop of its own thread, and one way to play on it."""

    def __init__(self, config: pytest.Config) -> None:
        from anyio.from_thread import start_blocking_portal  # noqa: PLC0415

        self._adapter, self._spec = _told(config, "tinman_adapter"), _told(config, "tinman_target")
        self._provider, self._model = _told(config, "tinman_inner_provider"), _told(config, "tinman_inner_model")
        self.user = _told(config, "tinman_user") or "tinman"
        self.seed = config.getoption("tinman_seed")
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal())
        try:
            self._target = self._open()
        except BaseException:
            self._stack.close()
            raise

    def _open(self) -> Any:
        from tinman.config.settings import provider_keys, resolve  # noqa: PLC0415
        from tinman.harness.adapters import ready_adapter  # noqa: PLC0415
        from tinman.models.retried import Patience  # noqa: PLC0415
        from tinman.targets.load import load_target  # noqa: PLC0415
        from tinman.targets.profile import read_profile  # noqa: PLC0415

        if self._adapter:
            opened = self._portal.wrap_async_context_manager(
                ready_adapter(self._adapter, user=self.user, provider=self._provider, model=self._model)
            )
            return self._stack.enter_context(opened)
        settings = resolve({"target": {"spec": self._spec}} if self._spec else {}).settings
        profile = read_profile(settings.target)
        target = load_target(profile, provider_keys()).metered(Patience(profile.retries))
        self._stack.callback(self._portal.call, target.aclose)
        return target

    def play(self, scenario: Scenario, number: int) -> ScenarioResult:
        """Return the result of one try; tries of one number see the same dice as on the command line."""
        from tinman.harness.measurement import one_try  # noqa: PLC0415

        result: ScenarioResult = self._portal.call(one_try, self._target, scenario, self.user, self.seed, number)
        return result

    def close(self) -> None:
        """End the target, and everything it started."""
        self._stack.close()


_STAGE = pytest.StashKey[Stage]()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the target of the session, if there was one."""
    stage = config.stash.get(_STAGE, None)
    if stage is not None:
        stage.close()
