"""The page that lists every family of probes, as it stands in the reference."""

from __future__ import annotations

from tinman.playbook.cases import draw
from tinman.playbook.family import Family
from tinman.playbook.probes import FAMILIES
from tinman.targets.base import Capabilities
from tinman.taxonomy import FailureClass

_ANYTHING = Capabilities(plants=frozenset({"system", "documents", "tools", "memory"}))
_HEAD = """# Families of probes

Every family is one way to fail; its probes are the tricks that are tried for it, the likeliest first.
Each probe has several wordings, goes round all base tasks, and stands beside a control without the trick.
This page is printed by `tinman.playbook.table`; a test holds it to what the playbook is.

A family with *length* behind its name has short controls by design: how much there is to read is what it tries.
A *wrong answer* is judged in pairs of which one arm is right; all else counts whether or not the request was served.
Documents are pasted into the first message where a target cannot be given any.
The families of what your own system has (its secrets, instructions, rules and tools) come on top of these; they are
made from what is known of it.
"""


def needs_of(family: Family) -> str:
    """Return what a target must be able to be given for any of the family's probes, in words."""
    needed: set[str] = set()
    for probe in family.probes:
        pairs, _ = draw(family, probe, seed=0, count=1, capabilities=_ANYTHING)
        for scenario in (each for pair in pairs for each in (pair.stressed, pair.control) if each is not None):
            needed |= scenario.world.plants
            if len(scenario.turns) > 1:
                needed.add("several turns")
    order = ("system", "documents", "tools", "memory", "several turns")
    return ", ".join(each for each in order if each in needed) or "nothing"


def table() -> str:
    """Return the page, as Markdown: of each family its class, subtype, stress, what is seen, its probes and needs."""
    probes = sum(len(family.probes) for family in FAMILIES)
    lines = [_HEAD, f"There are {len(FAMILIES)} families with {probes} probes.", ""]
    lines += [
        "| class | subtype | stress | family | seen when it fails | probes | the target is given |",
        "|---|---|---|---|---|---|---|",
    ]
    for family in sorted(FAMILIES, key=lambda each: tuple(FailureClass).index(each.failure_class)):
        marks = [
            mark
            for mark, holds in (("wrong answer", not family.stands_alone), ("length", family.length_is_stress))
            if holds
        ]
        name = f"{family.name} ({', '.join(marks)})" if marks else family.name
        cells = (
            family.failure_class.value,
            family.subtype,
            family.stress_type,
            name,
            family.expects,
            ", ".join(family.probes),
            needs_of(family),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
