"""A loop's state as a file: written whole and atomically, the previous generation kept, one writer at a time.

The value of ``integrity`` finds accidents; with a key it is an HMAC and finds alterations too.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from tinman.errors import LoopOwned, LoopStateError
from tinman.frozen import dump
from tinman.text.invalid import read_as

MAX_BYTES = 256_000_000
T = TypeVar("T")


def previous(path: Path) -> Path:
    """Return where the generation before the last write is kept."""
    return path.with_name(f"{path.name}.previous")


def _integrity(data: Any, key: bytes | None) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    return hashlib.sha256(text).hexdigest() if key is None else hmac.new(key, text, hashlib.sha256).hexdigest()


def write(path: Path, state: object, *, key: bytes | None = None) -> None:
    """Write ``state`` to a temporary file, make it durable, move it into place; the file before stays as ``previous``.

    At every moment ``path`` or its previous generation is a whole state. Raises ``LoopStateError``.
    """
    data = dump(state)
    text = json.dumps({"integrity": _integrity(data, key), "state": data}, ensure_ascii=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{id(state):x}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            with suppress(FileNotFoundError):
                previous(path).unlink()
            os.link(path, previous(path))
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise LoopStateError(f"state {path}: cannot be written: {error.strerror or error}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path, of: type[T], version: int, *, key: bytes | None = None) -> T:
    """Return the state in ``path``, a record ``of`` that type and of that schema's ``version``.

    Raises ``LoopStateError`` naming file, fault and, if there is one, the generation before.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for somebody to write into it
            raise LoopStateError(f"state {path}: not a regular file; name another")
        if found.st_size > MAX_BYTES:
            raise LoopStateError(f"state {path}: larger than {MAX_BYTES} bytes; it is no state file")
        raw = path.read_bytes()
    except OSError as error:
        raise LoopStateError(f"state {path}: cannot be read: {error.strerror or error}{_hint(path)}") from error
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise LoopStateError(f"state {path}: not JSON, perhaps cut off{_hint(path)}") from error
    if not isinstance(data, dict) or not isinstance(data.get("state"), dict) or "integrity" not in data:
        raise LoopStateError(f"state {path}: not a state file{_hint(path)}")
    if not hmac.compare_digest(str(data["integrity"]).encode(), _integrity(data["state"], key).encode()):
        why = "altered or damaged" if key is None else "altered, damaged, or sealed with another key"
        raise LoopStateError(f"state {path}: {why}: its integrity value does not fit{_hint(path)}")
    found = data["state"].get("schema_version")
    if found != version:
        raise LoopStateError(f"state {path}: schema version {found!r}, this Tinman reads {version}")
    return read_as(of, data["state"], lambda wrong: LoopStateError(f"state {path}: {wrong}{_hint(path)}"))


def _hint(path: Path) -> str:
    before = previous(path)
    return f"; the generation before it is {before}" if before.exists() else ""


class Lock:
    """The right to run the loop in a state file. The operating system frees it when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take it now. Raises ``LoopOwned`` while somebody else has it, ``LoopStateError`` for an unwritable folder."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LoopStateError(f"state {self._path}: cannot be locked: {error.strerror or error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise LoopOwned(
                f"state {self._path.with_suffix('')}: another run or resume of this loop is going on; wait for it"
            ) from error
        self._descriptor = descriptor

    def free(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
