"""Kinds of checks that come from elsewhere: packages announce them under the entry point group ``tinman.checks``.

An entry point names a ``CheckKind``, or a callable without arguments that returns one. A scenario file asks for it by
``"type": "name"`` (the newest version there is) or ``"type": "name@2"`` (that one). A type nobody knows is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol

from tinman.errors import DefinitionError
from tinman.text.visible import line_of

GROUP = "tinman.checks"


class CheckKind(Protocol):
    """One kind of check. ``judge`` must be a pure function of its arguments."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...

    def validate(self, options: Mapping[str, Any]) -> None:
        """Raise ``ValueError`` when ``options`` (the check's members but ``type``) make no sense."""

    def judge(
        self, options: Mapping[str, Any], reply: str, tool_calls: Sequence[Mapping[str, Any]]
    ) -> tuple[bool, str]:
        """Return whether the check holds of one turn, and a line that says what was found."""


_registered: dict[tuple[str, int], CheckKind] = {}


def register(kind: CheckKind) -> None:
    """Make ``kind`` known to this process. Raises ``DefinitionError`` when name and version are taken by another."""
    key = (kind.name, kind.version)
    if _registered.setdefault(key, kind) is not kind:
        raise DefinitionError(f"check {kind.name}@{kind.version} is registered already; give yours another version")


@cache
def _announced() -> dict[tuple[str, int], CheckKind]:
    found: dict[tuple[str, int], CheckKind] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            value = point.load()
            kind: CheckKind = value() if not hasattr(value, "judge") or isinstance(value, type) else value
            found[(str(kind.name), int(kind.version))] = kind
        except Exception as error:
            raise DefinitionError(
                f"checks: the package behind {point.value!r} cannot be used: {line_of(error)}; mend or remove it"
            ) from error
    return found


def known() -> dict[tuple[str, int], CheckKind]:
    """Return every kind from elsewhere, by name and version."""
    return {**_announced(), **_registered}


def named(asked: str) -> CheckKind | None:
    """Return the kind that a file's ``type`` asks for, or ``None`` when there is no such one."""
    name, _, version = asked.partition("@")
    kinds = {number: kind for (known_name, number), kind in known().items() if known_name == name}
    if version:
        return kinds.get(int(version)) if version.isdigit() else None
    return kinds[max(kinds)] if kinds else None
