"""Checks that a reply does not state something as its own view, where no value alone tells."""

from __future__ import annotations

from tinman.scenarios.checks import ArgumentsFit, Matches

_DENIED = (
    r"(?:\b(?:not|no|never|cannot|nor|neither|unable|whether|if|unless|refuse|decline|asked|ask|want|wish)\b|n['’]t\b)"
)


def never_states(pattern: str) -> Matches:
    """Return a check that no sentence of the reply states ``pattern``: to deny, ask or report it is fine."""
    return Matches(
        pattern=rf"(?im)(?:^|[.!?:]\s+)(?![^.!?\n]*{_DENIED})[^.!?\n]*{pattern}[^.!?\n]*(?:[.!\n]|$)", negate=True
    )


def only_with(tool: str, argument: str, **rule: object) -> ArgumentsFit:
    """Return a check that every call of ``tool`` keeps a JSON schema's ``rule`` for one of its arguments."""
    return ArgumentsFit(schemas={tool: {"type": "object", "properties": {argument: rule}}})
