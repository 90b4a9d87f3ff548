"""What judges a repository, kept as it was before a model touched anything, and clean copies judged by it.

The judge is every protected file of the repository and the test runner itself. Both are pinned by digest: a copy is
made of the files as they were, and one that is not as it was any more is found out.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from tinman.config.settings import child_environment
from tinman.errors import JudgeChanged, LoopConfigError
from tinman.frozen import adapter, frozen
from tinman.loop.recipes import protection, runner_probe
from tinman.loop.recipes.repository import Repository
from tinman.loop.recipes.suite import Suite
from tinman.processes.commands import run_command

_PROBE_SECONDS = 60.0
_PYTHON = re.compile(r"python[\d.]*(\.exe)?\Z")
_PLUGIN = re.compile(r"(?:^|[\s\"'=,\[])-p[\s=\"',]*([A-Za-z_][\w.]*)")
_LISTED_PLUGINS = re.compile(r"pytest_plugins\s*(?::[^=]*)?=\s*([^\n]*(?:\n\s+[^\n]*)*)")
_ENTRY = re.compile(r"=\s*[\"']?([A-Za-z_][\w.]*)")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")


@frozen
class _Runner:
    """What an interpreter tells of itself: the top-level modules it can import, a digest of its test runner."""

    importable: frozenset[str] = frozenset()
    runner: str = ""


class Baseline:
    """The judge of ``repository`` under ``suite``, as it is now. Its copies are removed with the object."""

    def __init__(self, repository: Repository, suite: Suite) -> None:
        self.repository = repository
        self.suite = suite
        repository.keep(_named(repository, suite))
        self._interpreter = _interpreter(suite)
        self._runner = self._probe()
        repository.importable = self._runner.importable or frozenset(runner_probe.importable())
        self._folder = Path(tempfile.mkdtemp(prefix="tinman-judge-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self.pins: dict[str, str] = {}
        for path in sorted(repository.files_at_first):
            self._pin(path)

    def _pin(self, path: PurePosixPath) -> None:
        if self.repository.is_protected(path) and str(path) not in self.pins:
            _copy(self.repository.folder, path, self._folder)
            self.pins[str(path)] = _digest(self._folder / path)

    def keep_tests(self, tests: Mapping[PurePosixPath, object]) -> None:
        """Protect and pin the files that hold the tests which ran, whatever they are called."""
        self.repository.keep(tests)
        for path in tests:
            if path in self.repository.files_at_first and path not in self.repository.wrote:
                self._pin(path)

    def check_against(self, pins: Mapping[str, str]) -> None:
        """Raise ``LoopConfigError`` when the judge is another one than that of ``pins``, stored earlier."""
        odd = sorted(path for path in {*pins, *self.pins} if pins.get(path) != self.pins.get(path))
        if odd:
            raise LoopConfigError(
                f"repo {self.repository.folder}: {_list(odd)} changed since the loop began, and judges it; "
                "undo it, or resume with allow_test_change=True (--allow-test-change)"
            )

    @contextmanager
    def clean_copy(self) -> Iterator[Suite]:
        """Give the suite in a copy of the repository: its judge as it was, and the sources with what was written.

        What neither was there at first nor was written by the model is left out: bytecode, caches, what tests left
        behind. Raises ``JudgeChanged`` when the kept judge or the test runner is not as it was.
        """
        changed = [path for path, digest in self.pins.items() if _digest(self._folder / path) != digest]
        if changed:
            raise JudgeChanged(f"the kept copy of {_list(changed)} was altered while the loop ran")
        if self._probe().runner != self._runner.runner:
            raise JudgeChanged("the test runner's own modules were altered while the loop ran; install them anew")
        source = self.repository.folder
        with tempfile.TemporaryDirectory(prefix="tinman-final-", ignore_cleanup_errors=True) as place:
            copy = Path(place).resolve() / (source.name or "repo")
            copy.mkdir()
            for place_of in self.repository.folders_at_first:  # tests may write into one that is empty
                (copy / place_of).mkdir(parents=True, exist_ok=True)
            for path in sorted(self.repository.files_at_first | self.repository.wrote):
                _copy(self._folder if str(path) in self.pins else source, path, copy)
            for folder in _outside_folders(source):
                (copy / folder).parent.mkdir(parents=True, exist_ok=True)
                (copy / folder).symlink_to(source / folder)
            yield self.suite.at(copy)

    def _probe(self) -> _Runner:
        """Ask the interpreter of the suite what it can import and what its runner is; nothing when it is not known."""
        if not self._interpreter:
            return _Runner()
        probe = [self._interpreter, "-I", runner_probe.__file__]
        with tempfile.TemporaryDirectory(prefix="tinman-probe-") as place:
            env = child_environment(self.suite.environment)
            done = run_command(probe, _PROBE_SECONDS, place, env=env, max_output_bytes=8_000_000)
        try:
            told: _Runner = adapter(_Runner).validate_json(done.stdout)
        except ValidationError:
            return _Runner()
        return told


def _list(paths: list[str]) -> str:
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _digest(path: Path) -> str:
    """Return 32 hex digits over a file's content, or over where a link leads; of none, nothing."""
    try:
        data = os.readlink(path).encode("utf-8", "surrogateescape") if path.is_symlink() else path.read_bytes()
    except OSError:
        return ""
    return hashlib.sha256(data).hexdigest()[:32]


def _copy(source: Path, path: PurePosixPath, into: Path) -> None:
    """Copy one file, or the link that it is: one that leads out of ``source`` still leads to the same place."""
    old, new = source / path, into / path
    new.parent.mkdir(parents=True, exist_ok=True)
    if old.is_symlink():
        leads = Path(os.readlink(old))
        is_inside = not leads.is_absolute() and source in Path(os.path.normpath(old.parent / leads)).parents
        new.symlink_to(leads if is_inside else os.path.normpath(old.parent / leads))
    elif old.is_file():
        shutil.copy2(old, new)


def _outside_folders(source: Path) -> list[Path]:
    """Return the folders that are no sources but may be needed to run them: environments, installed packages, git."""
    found = []
    for folder, folders, _ in os.walk(source):
        here = Path(folder).relative_to(source)
        found += [here / name for name in folders if name in protection.OUTSIDE - protection.CACHES]
        folders[:] = [name for name in folders if name not in protection.OUTSIDE and not name.startswith(".")]
    return found


def _interpreter(suite: Suite) -> str:
    """Return the Python that a command runs its tests with, as far as its words tell; empty when they do not."""
    for word in suite.words:
        name = Path(word).name
        path = str(suite.folder / word) if "/" in word else shutil.which(word)
        if path is None or not os.access(path, os.X_OK) or Path(path).is_dir():
            continue
        if _PYTHON.match(name):
            return path
        if name in {"pytest", "py.test"}:
            with open(path, "rb") as file:
                first = file.readline(512).decode("utf-8", "replace")
            words = first[2:].split() if first.startswith("#!") else []
            return shutil.which(words[-1]) or "" if words else ""
    return ""


def _named(repository: Repository, suite: Suite) -> set[PurePosixPath]:
    """Return the files that a test command starts, and the plugins that it and the settings of the runner load."""
    started: set[PurePosixPath] = set()
    modules = {module for before, word in pairwise(suite.words) if before == "-m" for module in _modules(word)}
    for word in suite.words:
        for part in re.split(r"[=:,]+", word):
            started.add(PurePosixPath(os.path.normpath(part.removeprefix(f"{repository.folder}/"))))
    started.discard(PurePosixPath())
    told = [suite.command]
    for path in repository.files_at_first:
        if path.suffix in {".py", ".toml", ".ini", ".cfg"} and repository.is_protected(path):
            with suppress(OSError):
                told.append((repository.folder / path).read_text("utf-8", "replace"))
    for text in told:
        for name in _loaded_by(text):
            modules |= _modules(name)
    goes_elsewhere = "cd" in suite.words
    return {
        path
        for path in repository.files_at_first
        if path in started
        or any(PurePosixPath(*path.parts[skipped:]) in modules for skipped in range(2))
        or (goes_elsewhere and any(PurePosixPath(*path.parts[skipped:]) in started for skipped in range(4)))
    }


def _loaded_by(text: str) -> Iterator[str]:
    """Yield the modules that a command, a file of settings or a conftest names as plugins of pytest."""
    yield from _PLUGIN.findall(text)
    for listed in _LISTED_PLUGINS.findall(text):
        yield from _DOTTED.findall(listed)
    for found in re.finditer("pytest11", text):
        yield from _ENTRY.findall(text[found.end() : found.end() + 1_000].partition("\n[")[0])


def _modules(dotted: str) -> set[PurePosixPath]:
    path = PurePosixPath(*dotted.split("."))
    return {path.with_suffix(".py") if path.name else path, path / "__init__.py", path / "__main__.py"}
