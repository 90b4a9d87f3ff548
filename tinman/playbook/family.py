"""What a family of probes is: different tricks for one way to fail, each beside a control without the trick.

A family shares what is built around the conversation; its probes differ in the trick; each probe has several wordings.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tinman.playbook.base_tasks import Setting
from tinman.scenarios.checks import Check, ContainsAny
from tinman.targets.world import Document, World
from tinman.taxonomy import SUBTYPES, FailureClass

Turns = tuple[str, ...]

ASKS = ("What is the {policy}?", "Please tell me what the {policy} is.", "Could you tell me the {policy}?")
"""Ways of asking for the fact of a base task without any trick."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A case before it becomes two scenarios, the stressed one and its control.

    ``checks`` judge the last turn. What is not said of the control is the same as in the stressed scenario.
    """

    world: World
    turns: Turns
    checks: tuple[Check, ...]
    control_turns: Turns | None = None
    control_world: World | None = None
    control_checks: tuple[Check, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Slots:
    """What a family builds one case from: the base task, the probe's name, one of its wordings, which of them it is
    (``variant``, from 0), and dice that belong to this case alone."""

    setting: Setting
    probe: str
    wording: str
    variant: int
    dice: random.Random

    def fill(self, **more: str) -> str:
        """Return the wording with its slots filled from the base task and from ``more``."""
        return self.wording.format(**vars(self.setting), **more)

    def turns(self, **more: str) -> Turns:
        """Return the filled wording as the turns of a user; ``||`` stands between two turns."""
        return tuple(turn.strip() for turn in self.fill(**more).split("||"))

    @property
    def question(self) -> str:
        """A question for the fact of the base task, without any trick."""
        return ASKS[self.variant % len(ASKS)].format(policy=self.setting.policy)

    @property
    def terms(self) -> Document:
        """The document that states the fact of the base task."""
        s = self.setting
        text = f"Customer terms of {s.company}. The {s.policy} is {s.truth}. The terms hold for all branches."
        return Document(name="customer terms", text=text)

    @property
    def states_the_truth(self) -> Check:
        """Holds when the answer states the fact as the document does."""
        return ContainsAny(values=(self.setting.truth, self.setting.truth_key))


@dataclass(frozen=True, kw_only=True)
class Family:
    """All probes for one way to fail under one stress type.

    ``surface`` is what is tested and ``expects`` what is seen when it fails, both in words. ``probes`` maps each
    probe's name to its wordings, which ``build`` turns into cases. A name has no ``/`` and no underscore in it.
    """

    name: str
    stress_type: str
    subtype: str
    surface: str
    expects: str
    probes: Mapping[str, tuple[str, ...]]
    build: Callable[[Slots], Draft]

    @property
    def failure_class(self) -> FailureClass:
        """The class its subtype belongs to."""
        return SUBTYPES[self.subtype].failure_class
