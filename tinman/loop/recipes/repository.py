"""A folder whose files a model may read and edit: nothing outside it, no tests, no settings of the test runner."""

from __future__ import annotations

import fnmatch
import os
from contextlib import suppress
from pathlib import Path

from tinman.errors import LoopConfigError
from tinman.text.cutting import head_and_tail

TESTS = ("test_*.py", "*_test.py", "conftest.py", "tests.py")
TEST_FOLDERS = frozenset({"tests", "test", "testing"})
SETTINGS = ("pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "sitecustomize.py", "*.pth")
_HIDDEN = frozenset({".git", ".hg", "__pycache__", ".venv", "venv", "node_modules", ".tox", ".mypy_cache"})
_READ_CHARS = 60_000
_LISTED = 500


class Refused(ValueError):
    """Raised for a path that may not be read or written; the model is told."""


class Repository:
    """One folder. ``may_edit_tests`` lifts the protection of tests and their settings."""

    def __init__(self, folder: str | Path, *, may_edit_tests: bool = False) -> None:
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise LoopConfigError(f"repo {folder}: there is no such folder")
        self.may_edit_tests = may_edit_tests

    def _inside(self, path: str) -> Path:
        target = (self.folder / path).resolve()
        if target != self.folder and self.folder not in target.parents:
            raise Refused(f"{path}: it is outside the repository")
        if _HIDDEN & set(target.relative_to(self.folder).parts):
            raise Refused(f"{path}: it is not part of the sources")
        return target

    def is_protected(self, target: Path) -> bool:
        """Say whether a file decides what is tested."""
        relative = target.relative_to(self.folder)
        if TEST_FOLDERS & set(relative.parts[:-1]):
            return True
        return any(fnmatch.fnmatch(relative.name, pattern) for pattern in (*TESTS, *SETTINGS))

    def read(self, path: str) -> str:
        """Return a file's text, its middle left out when it is very long. Raises ``Refused``."""
        target = self._inside(path)
        if not target.is_file():
            raise Refused(f"{path}: there is no such file")
        return head_and_tail(target.read_text(encoding="utf-8", errors="replace"), _READ_CHARS)

    def write(self, path: str, content: str) -> str:
        """Replace a file's content, atomically and with its mode kept; drop its bytecode. Raises ``Refused``."""
        target = self._inside(path)
        if target.is_dir():
            raise Refused(f"{path}: it is a folder")
        if not self.may_edit_tests and self.is_protected(target):
            raise Refused(f"{path}: tests and their settings are read-only; mend the code they test")
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        temporary.write_text(content, encoding="utf-8", errors="replace")
        temporary.chmod(mode)
        temporary.replace(target)
        for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
            with suppress(OSError):
                stale.unlink()
        return f"wrote {path} ({len(content)} characters)"

    def files(self) -> str:
        """Return the paths of the sources, one a line."""
        found: list[str] = []
        for folder, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if name not in _HIDDEN)
            found += [os.path.relpath(os.path.join(folder, name), self.folder) for name in sorted(names)]
            if len(found) > _LISTED:
                return "\n".join([*found[:_LISTED], "and more"])
        return "\n".join(found)
