"""A folder whose sources a model may read and edit: nothing outside it, nothing that judges it, no secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from tinman.errors import LoopConfigError
from tinman.loop.recipes import protection
from tinman.loop.recipes.texts import NotText, TextFile
from tinman.text.cutting import head_and_tail

_READ_CHARS = 60_000
_LISTED = 500


class Refused(ValueError):
    """Raised for a path that may not be read or written; the model is told."""


class Repository:
    """One folder, as it was when this was made.

    A model may not write tests, what configures, starts or stands in the way of the test runner, what builds and ships,
    hidden files, or secrets, and may not read the latter. ``may_edit_tests`` lifts it for tests, ``may_edit`` for the
    paths and patterns it names. ``wrote`` are the paths written so far.
    """

    def __init__(self, folder: str | Path, *, may_edit_tests: bool = False, may_edit: Iterable[str] = ()) -> None:
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise LoopConfigError(f"repo {folder}: there is no such folder")
        self.may_edit_tests = may_edit_tests
        self.may_edit = (may_edit,) if isinstance(may_edit, str) else tuple(may_edit)
        self.files_at_first = frozenset(self._walk())
        self.folders_at_first = frozenset(_folders(self.folder))
        self.wrote: set[PurePosixPath] = set()
        self.importable: Set[str] = sys.stdlib_module_names
        """Top-level modules there are without the repository: no new file may stand in their way."""
        self._judges: set[PurePosixPath] = set()
        links = [path for path in self.files_at_first if self.is_protected(path)]
        self.keep(path for link in links for path in self._targets(link))

    def keep(self, judges: Iterable[PurePosixPath]) -> None:
        """Protect more files: those a test command names, those that hold the tests it ran, plugins it loads."""
        self._judges |= {path for path in judges if path in self.files_at_first}

    def _targets(self, link: PurePosixPath) -> list[PurePosixPath]:
        """Return what a protected name really is: whoever may write that may write the protected file."""
        real = (self.folder / link).resolve()
        return [_relative(self.folder, real)] if self.folder in real.parents else []

    def _inside(self, path: str) -> tuple[Path, PurePosixPath]:
        target = (self.folder / path).resolve()
        if target != self.folder and self.folder not in target.parents:
            raise Refused(f"{path}: it is outside the repository")
        relative = _relative(self.folder, target)
        if protection.OUTSIDE & {part.casefold() for part in relative.parts}:
            raise Refused(f"{path}: it is not part of the sources")
        return target, relative

    def _is_named(self, path: PurePosixPath) -> bool:
        places = [str(path), *map(str, path.parents)]
        return any(fnmatchcase(place, pattern.rstrip("/")) for place in places for pattern in self.may_edit)

    def is_protected(self, path: PurePosixPath) -> bool:
        """Say whether a file (relative to the folder) decides what is tested, built or shipped, or holds secrets."""
        if self._is_named(path):
            return False
        if protection.configures(path) or protection.is_secret(path) or path in self._judges:
            return not (self.may_edit_tests and path in self._judges and protection.is_test(path))
        return protection.is_test(path) and not self.may_edit_tests

    def read(self, path: str) -> str:
        """Return a file's text, its line ends plain, its middle left out when it is very long. Raises ``Refused``."""
        target, relative = self._inside(path)
        if not target.is_file():
            raise Refused(f"{path}: there is no such file")
        if protection.is_secret(relative) and not self._is_named(relative):
            raise Refused(f"{path}: it may hold secrets; work without it")
        try:
            return head_and_tail(TextFile.of(target.read_bytes()).text, _READ_CHARS)
        except NotText as error:
            raise Refused(f"{path}: {error}") from None

    def _check_writable(self, path: str, relative: PurePosixPath) -> None:
        if self.is_protected(relative):
            raise Refused(
                f"{path}: tests, their settings, build and services' files and secrets are read-only; "
                "mend the code they test"
            )
        if self._is_named(relative):
            return
        if protection.is_hidden(relative):
            raise Refused(f"{path}: hidden files are read-only; mend the code")
        if shadowed := protection.find_shadowed(relative, self.files_at_first, self.importable):
            raise Refused(f"{path}: a new file there changes {shadowed}; take another name")

    def write(self, path: str, content: str) -> str:
        """Replace a file's text, atomically, with its mode, line ends, mark and encoding kept; drop its bytecode.

        Raises ``Refused``.
        """
        target, relative = self._inside(path)
        if target.is_dir():
            raise Refused(f"{path}: it is a folder")
        self._check_writable(path, relative)
        try:
            data = TextFile.of(target.read_bytes()).replaced(content) if target.exists() else content.encode()
        except (NotText, UnicodeEncodeError) as error:
            raise Refused(f"{path}: {error}") from None
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        temporary.write_bytes(data)
        temporary.chmod(mode)
        temporary.replace(target)
        for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
            with suppress(OSError):
                stale.unlink()
        self.wrote.add(relative)
        return f"wrote {path} ({len(content)} characters)"

    def _walk(self) -> list[PurePosixPath]:
        """Return all files of the sources, links among them, relative to the folder, in order."""
        found: list[PurePosixPath] = []
        for folder, folders, names in os.walk(self.folder):
            here = _relative(self.folder, Path(folder))
            links = [name for name in folders if (Path(folder) / name).is_symlink()]
            gone = protection.OUTSIDE | protection.CACHES
            folders[:] = sorted(name for name in folders if name not in gone and name not in links)
            found += [here / name for name in sorted([*names, *links]) if name not in gone]
        return found

    def count_lines(self, path: str) -> int:
        """Return how many lines a file has, 0 when it is no text or not there."""
        try:
            target, _ = self._inside(path)
            text = TextFile.of(target.read_bytes()).text
        except (Refused, NotText, OSError):
            return 0
        return text.count("\n") + (not text.endswith("\n") and bool(text))

    def files(self) -> str:
        """Return the paths of the sources, one a line."""
        found = list(map(str, self._walk()))
        return "\n".join(found if len(found) <= _LISTED else [*found[:_LISTED], "and more"])


def _relative(folder: Path, path: Path) -> PurePosixPath:
    return PurePosixPath(path.relative_to(folder).as_posix())


def _folders(repository: Path) -> Iterator[PurePosixPath]:
    """Yield the folders of a repository, empty ones among them, without those that are no sources."""
    for folder, folders, _ in os.walk(repository):
        folders[:] = [name for name in folders if name not in protection.OUTSIDE and not name.startswith(".")]
        here = (Path(folder) / name for name in folders)
        yield from (_relative(repository, each) for each in here if not each.is_symlink())
