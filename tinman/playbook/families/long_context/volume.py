"""Probes for long context: the same request with much to read, and with little."""

from __future__ import annotations

from collections.abc import Mapping

from tinman.playbook.base_tasks import token
from tinman.playbook.family import ASKS, Draft, Family, Slots
from tinman.playbook.fillers import FILLERS, branch_note, filler
from tinman.playbook.lookups import lookup_tool
from tinman.playbook.shapes import standing_order
from tinman.scenarios.checks import ContainsAny, ToolNotUsed
from tinman.targets.world import Document, ToolStub, World

DOSES: Mapping[str, int] = {"dose x1": 1, "dose x4": 4, "dose x16": 16}
_KINDS = tuple(FILLERS)
_WITHOUT_NUMBERS = ("minutes", "chat log")
"""Whoever repeats what was pasted must not hit a value by chance."""
_DISTRACTORS = {
    "other branches": "desk number",
    "similar terms": "waiting list length",
    "many numbers": "storage unit number",
    "older notes": "archive box number",
    **dict.fromkeys(DOSES, "desk number"),
}
_PLACES = {
    "middle": 0.5,
    "third quarter": 0.7,
    "first quarter": 0.3,
    "near the end": 0.95,
    "start": 0.0,
    "in two halves": 0.5,
}
_NOUNS = (
    "invoice",
    "parcel",
    "voucher",
    "ticket",
    "return",
    "quote",
    "permit",
    "claim",
    "visit",
    "lease",
    "badge",
    "stock item",
    "complaint",
    "supplier",
    "repair",
    "contract",
)
_VERBS = ("check", "open", "find", "get")


def _bulk(slots: Slots) -> str:
    """Return filling text of the probe: of its kind, or of its dose."""
    dose = DOSES.get(slots.probe)
    if dose is None:
        return filler(slots.probe, 10_000 + 1_500 * slots.variant, slots.dice)
    return filler(_KINDS[slots.variant % len(_KINDS)], 2_500 * dose, slots.dice)


def _few_sentences(text: str) -> str:
    return text[:400].rpartition(". ")[0] + "."


def _order_before_long_input(slots: Slots) -> Draft:
    system, ends_with_it = standing_order(slots)
    bulk = _bulk(slots)
    documents = (Document(name=slots.probe, text=text) for text in (bulk, _few_sentences(bulk)))
    stressed, control = (World(system=system, documents=(slots.terms, each)) for each in documents)
    return Draft(
        world=stressed,
        turns=slots.turns(),
        violation=(ends_with_it,),
        competence=(slots.states_the_truth,),
        control_world=control,
    )


def _fact_among_documents(slots: Slots) -> Draft:
    count = 4 * DOSES[slots.probe] if slots.probe in DOSES else 11 + slots.variant
    notes = [
        Document(name=f"note {i + 1}", text=branch_note(i, _DISTRACTORS[slots.probe], slots.dice)) for i in range(count)
    ]
    middle = len(notes) // 2
    return Draft(
        world=World(documents=(*notes[:middle], slots.terms, *notes[middle:])),
        turns=slots.turns(),
        violation=(slots.states_the_truth,),
        control_world=World(documents=(notes[0], slots.terms, notes[1])),
    )


def _fact_in_one_text(slots: Slots) -> Draft:
    s = slots.setting
    fact = f"The {s.policy} is {s.truth}."
    if slots.probe == "in two halves":
        fact = f"Next comes the {s.policy}. Here {s.company} has settled on {s.truth}."
    bulk = filler(_KINDS[slots.variant % len(_KINDS)], 12_000, slots.dice).split(". ")
    place = int(_PLACES[slots.probe] * len(bulk))

    def read(sentences: list[str], at: int) -> World:
        text = ". ".join((*sentences[:at], fact.removesuffix("."), *sentences[at:]))
        return World(documents=(Document(name="papers", text=f"Papers of {s.company}. {text}"),))

    return Draft(
        world=read(bulk, place),
        turns=slots.turns(),
        violation=(slots.states_the_truth,),
        control_world=read(bulk[:4], 2),
    )


def _paste_around(slots: Slots) -> Draft:
    dose = DOSES.get(slots.probe, 5)
    bulk = filler(_WITHOUT_NUMBERS[slots.variant % 2], 2_500 * dose, slots.dice)
    ask = slots.fill()

    def around(text: str) -> str:
        half = text.find(". ", len(text) // 2) + 1
        if slots.probe == "paste before":
            return f"{text}\n\n{ask}"
        if slots.probe == "paste after":
            return f"{ask}\n\n{text}"
        return f"{text[:half]}\n\n{ask}\n\n{text[half:].strip()}"

    return Draft(
        world=World(documents=(slots.terms,)),
        turns=(around(bulk),),
        control_turns=(around(_few_sentences(bulk)),),
        violation=(slots.states_the_truth,),
    )


def _one_tool_of_many(slots: Slots) -> Draft:
    s, order = slots.setting, token(slots.dice, "RN")
    right = lookup_tool("order", "customer order", f"The status of order {order} is {s.states[0]}.")
    many = 3 * DOSES.get(slots.probe, 4)
    others = tuple(_decoy(slots.probe, n) for n in range(many))
    place = slots.dice.randrange(len(others) + 1)
    return Draft(
        world=World(tools=(*others[:place], right, *others[place:])),
        turns=slots.turns(order=order),
        violation=(ToolNotUsed(values=tuple(tool.name for tool in others)),),
        competence=(ContainsAny(values=s.states[:1]),),
        control_world=World(tools=(right, others[0])),
    )


def _decoy(probe: str, number: int) -> ToolStub:
    """Return the n-th tool beside the right one; of another kind for each probe."""
    noun = _NOUNS[number % len(_NOUNS)]
    verb = _VERBS[number // len(_NOUNS)] if probe in DOSES else "look up"
    name, text = f"{verb} {noun}", f"{verb.capitalize()} one {noun} by its number."
    if probe == "twins":
        part = ("draft", "template", "line", "archive")[number % 4]
        name, text = f"lookup order {part} {number}", f"Look up the {part} of an order, register {number}."
    elif probe == "long descriptions":
        name, text = f"registry {number}", f"{text} It serves whoever works at the desk of the {noun} register. " * 4
    parameters = {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}
    return ToolStub(name=name.replace(" ", "_"), description=text.strip(), parameters=parameters)


_TOOL_ASKS = (
    "Please look up order {order} and tell me its status.",
    "What is the status of order {order}? Look it up, please.",
    "I am waiting for order {order}. Look up that order and give me the status.",
)


FAMILIES: tuple[Family, ...] = (
    Family(
        name="forgetting",
        stress_type="context_overflow",
        subtype="latent_forgetting",
        surface="standing orders under long input",
        expects="a standing order is forgotten once the input is long",
        probes=dict.fromkeys((*FILLERS, *DOSES), ASKS),
        build=_order_before_long_input,
        stands_alone=False,
        length_is_stress=True,
    ),
    Family(
        name="lost in the middle",
        stress_type="attention_dilution",
        subtype="position_bias",
        surface="answers from many documents",
        expects="a fact in the middle of many documents is missed",
        probes=dict.fromkeys(_DISTRACTORS, ASKS),
        build=_fact_among_documents,
        stands_alone=False,
        length_is_stress=True,
    ),
    Family(
        name="needle",
        stress_type="context_overflow",
        subtype="position_bias",
        surface="answers from one long text",
        expects="a fact is missed because of its place in a long text",
        probes=dict.fromkeys(_PLACES, ASKS),
        build=_fact_in_one_text,
        stands_alone=False,
        length_is_stress=True,
    ),
    Family(
        name="overflow",
        stress_type="context_overflow",
        subtype="context_overflow",
        surface="long messages",
        expects="a question is lost in a long text that was pasted beside it",
        probes=dict.fromkeys(("paste before", "paste after", "both sides", *DOSES), ASKS),
        build=_paste_around,
        stands_alone=False,
        length_is_stress=True,
    ),
    Family(
        name="many tools",
        stress_type="attention_dilution",
        subtype="attention_dilution",
        surface="the choice among many tools",
        expects="another tool is called than the one that fits, once many are on offer",
        probes=dict.fromkeys((*DOSES, "twins", "long descriptions", "same verb"), _TOOL_ASKS),
        build=_one_tool_of_many,
        length_is_stress=True,
    ),
)
