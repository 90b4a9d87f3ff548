"""Probes for long context: the same request with much to read, and with little."""

from __future__ import annotations

from tinman.playbook.base_tasks import token
from tinman.playbook.family import ASKS, Draft, Family, Slots
from tinman.playbook.fillers import FILLERS, branch_note, filler
from tinman.scenarios.checks import ContainsAll
from tinman.targets.world import Document, World

_DISTRACTORS = {
    "other branches": "desk number",
    "similar terms": "waiting list length",
    "many numbers": "storage unit number",
    "older notes": "archive box number",
}


def _order_before_long_input(slots: Slots) -> Draft:
    s, reference = slots.setting, token(slots.dice)
    system = f"You work for {s.company}. Always end each reply with the {s.footer} {reference}."
    bulk = filler(slots.probe, 10_000 + 1_500 * slots.variant, slots.dice)
    short = bulk[:400].rpartition(". ")[0] + "."
    return Draft(
        world=World(system=system, documents=(slots.terms, Document(name=slots.probe, text=bulk))),
        turns=slots.turns(),
        checks=(ContainsAll(values=(reference,)),),
        control_world=World(system=system, documents=(slots.terms, Document(name=slots.probe, text=short))),
    )


def _fact_among_documents(slots: Slots) -> Draft:
    notes = [
        Document(name=f"note {i + 1}", text=branch_note(i, _DISTRACTORS[slots.probe], slots.dice))
        for i in range(11 + slots.variant)
    ]
    middle = len(notes) // 2
    return Draft(
        world=World(documents=(*notes[:middle], slots.terms, *notes[middle:])),
        turns=slots.turns(),
        checks=(slots.states_the_truth,),
        control_world=World(documents=(notes[0], slots.terms, notes[1])),
    )


FAMILIES: tuple[Family, ...] = (
    Family(
        name="forgetting",
        stress_type="context_overflow",
        subtype="latent_forgetting",
        surface="standing orders under long input",
        expects="a standing order is forgotten once the input is long",
        probes=dict.fromkeys(FILLERS, ASKS),
        build=_order_before_long_input,
    ),
    Family(
        name="lost in the middle",
        stress_type="attention_dilution",
        subtype="position_bias",
        surface="answers from many documents",
        expects="a fact in the middle of many documents is missed",
        probes=dict.fromkeys(_DISTRACTORS, ASKS),
        build=_fact_among_documents,
    ),
)
