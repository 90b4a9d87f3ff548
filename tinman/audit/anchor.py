"""The anchor: a file beside the database that remembers how long the audit chain is, and its last hash.

Whoever alters the database alone does not fit it any more. With a key in ``TINMAN_AUDIT_KEY`` it is signed, and whoever
writes both without the key does not either.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import structlog
from pydantic import ValidationError

from tinman import clock
from tinman.config.settings import audit_key
from tinman.frozen import adapter, canonical_json, dump, frozen

SCHEMA = "tinman.audit-anchor/1"
_log = structlog.get_logger(__name__)


@frozen
class Anchor:
    """``gaps`` are runs of lines, first and last, that stood in the chain already when a later line was anchored."""

    schema: str = SCHEMA
    length: int
    head: str
    gaps: tuple[tuple[int, int], ...] = ()
    at: str = ""
    signature: str = ""

    def covers(self, seq: int) -> bool:
        """Say whether a line was anchored by whoever wrote it."""
        return seq <= self.length and not any(first <= seq <= last for first, last in self.gaps)

    def notes(self, lines: int) -> list[str]:
        """Return which of the chain's ``lines`` are not anchored, in words."""
        runs = [*self.gaps, *([(self.length + 1, lines)] if lines > self.length else [])]
        return [f"audit: {_run(first, last)} unanchored" for first, last in runs]


def _run(first: int, last: int) -> str:
    return f"line {first} is" if first == last else f"lines {first} to {last} are"


def place_of(database: Path) -> Path:
    """Return where the anchor of a database stands."""
    return database.with_name(f"{database.name}.anchor")


def is_signing() -> bool:
    """Say whether anchors are signed here."""
    return bool(audit_key())


def signed(held: Anchor) -> Anchor:
    """Return the anchor with its signature under the key of the environment; empty without one."""
    bare = replace(held, signature="")
    key = audit_key()
    text = canonical_json(dump(bare)).encode()
    return replace(bare, signature=hmac.new(key, text, hashlib.sha256).hexdigest() if key else "")


def look(database: Path) -> tuple[Anchor | None, str]:
    """Return the anchor that can be trusted, if there is one, and what is wrong with the file, if anything."""
    place = place_of(database)
    try:
        if place.exists() and not place.is_file():
            return None, f"anchor {place}: not a regular file"
        held: Anchor = adapter(Anchor).validate_json(place.read_bytes())
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"anchor {place}: cannot be read: {error.strerror or error}"
    except (ValidationError, ValueError):
        return None, f"anchor {place}: is no anchor, or was damaged"
    if is_signing() and not hmac.compare_digest(signed(held).signature.encode(), held.signature.encode()):
        return None, f"anchor {place}: is not signed with the key in TINMAN_AUDIT_KEY"
    return held, ""


def load(database: Path) -> Anchor | None:
    """Return the anchor of a database; ``None`` when there is none that can be trusted."""
    return look(database)[0]


def moved_on(held: Anchor | None, seq: int, *, length: int, head: str) -> Anchor:
    """Return the anchor after line ``seq`` of ours; what others wrote before it without anchoring it is a gap."""
    before = held.length if held else 0
    gaps = [*(held.gaps if held else ())]
    gaps += [(before + 1, length)] if length > before else []
    kept = [part for first, last in gaps for part in ((first, min(last, seq - 1)), (max(first, seq + 1), last))]
    return Anchor(
        length=length,
        head=head,
        gaps=tuple(dict.fromkeys((first, last) for first, last in kept if first <= last)),
        at=clock.now().isoformat(),
    )


def save(database: Path, held: Anchor) -> None:
    """Write the anchor whole or not at all. What keeps it from being written is logged: the line itself is stored."""
    place = place_of(database)
    temporary = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    try:
        _make_durable(database)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(dump(signed(held))) + "\n")
        os.replace(temporary, place)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        _log.warning("audit.not_anchored", place=str(place), error=error.strerror or str(error))


def _make_durable(database: Path) -> None:
    """Bring the database's log to the disk first: an anchor must never know of more lines than the database."""
    with suppress(FileNotFoundError):
        descriptor = os.open(f"{database}-wal", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def warn(database: Path) -> None:
    """Say that the anchor and the chain do not fit each other."""
    _log.warning("audit.does_not_fit_its_anchor", database=str(database), remedy="see tinman db check")
