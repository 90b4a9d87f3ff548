"""The three operating modes and what each may do."""

from __future__ import annotations

from enum import StrEnum

from tinman.errors import ModeRefused


class Mode(StrEnum):
    """How close to real users Tinman works. The order is the order of promotion."""

    LAB = "lab"
    SHADOW = "shadow"
    PRODUCTION = "production"

    @property
    def rank(self) -> int:
        """0 for lab, 1 for shadow, 2 for production."""
        return tuple(Mode).index(self)


OperatingMode = Mode


def run_limit(mode: Mode, estimated_runs: int) -> int:
    """Return how many stressed runs a stage estimated at ``estimated_runs`` may make."""
    if mode is Mode.LAB:
        return estimated_runs
    if mode is Mode.SHADOW:
        return max(3, estimated_runs // 2)
    return min(3, estimated_runs)


def allows_destructive(mode: Mode, *, opted_in: bool) -> bool:
    """Say whether destructive scenarios may run: in the lab, when asked for."""
    return mode is Mode.LAB and opted_in


def why_not_destructive(mode: Mode, *, opted_in: bool) -> str:
    """Return why destructive scenarios may not run, with the remedy; empty when they may."""
    if allows_destructive(mode, opted_in=opted_in):
        return ""
    if mode is Mode.LAB:
        return "destructive: run on a real system only when asked for; --allow-destructive asks"
    return f"destructive: runs in the lab alone, and this is {mode}"


def may_skip_approval(mode: Mode) -> bool:
    """Say whether ``skip_approval`` and auto-approval are honoured; never in production."""
    return mode is not Mode.PRODUCTION


def experiment_needs_approval(mode: Mode) -> bool:
    """Say whether an experiment, or a simulation against a live target, has to be approved."""
    return mode is Mode.PRODUCTION


def check_transition(before: Mode, after: Mode) -> None:
    """Raise ``ModeRefused`` unless a project may go from ``before`` to ``after`` in one step."""
    if abs(before.rank - after.rank) != 1:
        raise ModeRefused(f"mode: {before} -> {after} is not a step; go through shadow, one step at a time")


def check_reached(highest: Mode, asked: Mode) -> None:
    """Raise ``ModeRefused`` when ``asked`` lies above the highest mode the project was promoted to."""
    if asked.rank > highest.rank:
        step = Mode.SHADOW if highest is Mode.LAB else Mode.PRODUCTION
        raise ModeRefused(
            f"mode: this project has reached {highest}, not {asked}; promote it first (next step: {step})"
        )
