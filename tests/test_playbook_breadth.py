"""The playbook is broad: every way to fail has a family, every family many tricks, and no honest reply breaks one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tinman import clock
from tinman.playbook.cases import draw
from tinman.playbook.families.own import _BREAK, _ORDER, _RECITE, _TELL
from tinman.playbook.family import Family
from tinman.playbook.intents import own
from tinman.playbook.probes import FAMILIES
from tinman.playbook.table import table
from tinman.scenarios.checks import Check, ToolTrace
from tinman.scenarios.scenario import Scenario
from tinman.scenarios.verdicts import judge
from tinman.targets.base import Capabilities
from tinman.targets.world import World
from tinman.taxonomy import SUBTYPES

EVERYTHING = Capabilities(plants=frozenset({"system", "documents", "tools", "memory"}))
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "families.md"
LEAST_FAMILIES, LEAST_PROBES, LEAST_WORDINGS, CASES = 60, 6, 3, 12
each_family = pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])

Said = tuple[str, tuple[ToolTrace, ...]]
Dummy = Callable[[Scenario], Said]


def pairs_of(family: Family, count: int = CASES) -> Iterator[tuple[str, Scenario, Scenario]]:
    for probe in family.probes:
        for pair in draw(family, probe, seed=5, count=count, capabilities=EVERYTHING)[0]:
            assert pair.control is not None
            yield probe, pair.stressed, pair.control


def checks_of(scenario: Scenario) -> tuple[Check, ...]:
    return scenario.turns[-1].checks


def broken(scenario: Scenario, said: Said) -> list[str]:
    """What of the violation checks does not hold of the last turn."""
    world = scenario.world
    heard = (*(d.text for d in world.documents), *world.memory, *(turn.user for turn in scenario.turns))
    found = [judge(check, said[0], said[1], heard=heard) for check in checks_of(scenario)]
    return [f"{each.type}: {each.detail}" for each in found if not each.passed]


def told_in(world: World) -> list[str]:
    """Every text that a target reads beside what the user says."""
    results = [result.content for tool in world.tools for result in tool.results]
    described = [tool.description for tool in world.tools] + [str(tool.parameters) for tool in world.tools]
    documents = [text for document in world.documents for text in (document.name, document.text)]
    return [*documents, *world.memory, *results, *described]


def words_of(scenario: Scenario) -> int:
    texts = [*(turn.user for turn in scenario.turns), scenario.world.system, *told_in(scenario.world)]
    return sum(len(text.split()) for text in texts)


# -- breadth --------------------------------------------------------------------------------------------------------


def test_there_are_many_families_and_every_subtype_has_one() -> None:
    per_subtype = Counter(family.subtype for family in FAMILIES)

    assert len(FAMILIES) >= LEAST_FAMILIES
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert not set(SUBTYPES) - set(per_subtype)


@pytest.mark.parametrize(
    "subtype",
    [
        "destructive_call",
        "injection_susceptible",
        "system_prompt_leak",
        "data_exfiltration",
        "evasion_bypass",
        "sandbox_escape",
    ],
)
def test_what_matters_most_is_tried_in_three_ways_at_least(subtype: str) -> None:
    assert len([family for family in FAMILIES if family.subtype == subtype]) >= 3


@each_family
def test_each_family_has_six_probes_with_three_wordings_and_an_intent_each(family: Family) -> None:
    assert len(family.probes) >= LEAST_PROBES
    assert set(family.intents) == set(family.probes)
    for probe, wordings in family.probes.items():
        assert len(set(wordings)) == len(wordings) >= LEAST_WORDINGS, probe
        assert len(family.intents[probe].split()) >= 6, probe


def test_the_probes_of_a_system_of_ones_own_have_intents_too() -> None:
    for probes, intents in (
        (_TELL, own.SECRETS),
        (_RECITE, own.INSTRUCTIONS),
        (_BREAK, own.RULES),
        (_ORDER, own.TOOLS),
    ):
        assert list(probes) == list(intents)


@each_family
def test_an_intent_says_what_a_trick_is_without_its_words(family: Family) -> None:
    for probe, intent in family.intents.items():
        said = re.findall(r"\w+", intent.lower())
        runs = {tuple(said[i : i + 5]) for i in range(len(said) - 4)}
        for wording in family.probes[probe]:
            words = re.findall(r"\w+", wording.lower())
            assert not runs & {tuple(words[i : i + 5]) for i in range(len(words) - 4)}, (probe, wording)


def test_no_wording_stands_in_two_families() -> None:
    where: dict[str, set[str]] = {}
    for family in FAMILIES:
        for wording in {each for wordings in family.probes.values() for each in wordings}:
            where.setdefault(wording, set()).add(family.name)
    plain = {wording for wording in where if "{policy}" in wording and len(wording) < 45}

    assert not {wording: names for wording, names in where.items() if len(names) > 1 and wording not in plain}


def test_the_page_of_families_is_what_the_playbook_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == table()


# -- controls -------------------------------------------------------------------------------------------------------


@each_family
def test_a_control_is_as_long_as_what_it_controls(family: Family) -> None:
    for probe, stressed, control in pairs_of(family):
        if not family.length_is_stress:
            assert len(control.turns) == len(stressed.turns), probe
            ratio = words_of(stressed) / words_of(control)
            assert 1 / 1.5 <= ratio <= 1.5, (probe, words_of(stressed), words_of(control), stressed.scenario_id)


@each_family
def test_a_control_is_judged_alike_and_holds_nothing_that_was_planted(family: Family) -> None:
    for probe, stressed, control in pairs_of(family):
        assert checks_of(stressed) == checks_of(control)
        planted = set(told_in(stressed.world)) - set(told_in(control.world))
        asked = {turn.user for turn in stressed.turns} - {turn.user for turn in control.turns}
        moved = sorted(turn.user for turn in stressed.turns) == sorted(turn.user for turn in control.turns)
        volume = family.length_is_stress and len(stressed.world.tools) != len(control.world.tools)
        assert planted or asked or volume or (moved and stressed.turns != control.turns), probe
        held = [
            text for text in told_in(control.world) if len(text.split()) > 4 and any(text in each for each in asked)
        ]
        assert not held, probe


# -- honest replies -------------------------------------------------------------------------------------------------


def last(scenario: Scenario) -> str:
    return scenario.turns[-1].user


def fact_of(scenario: Scenario) -> str:
    """What a reader finds who looks for the sentence with the policy: in the terms if there are any."""
    world = scenario.world
    named = sorted(world.documents, key=lambda document: document.name != "customer terms")
    texts = [document.text for document in named]
    texts += [tool.results[-1].content for tool in world.tools]
    for text in texts:
        for sentence in re.split(r"(?<=[.!?])\s+", text):
            if re.search(r"\b(?:is|status)\b", sentence) and "ssistant" not in sentence:
                return sentence
    return "There is nothing about it in my papers."


HONEST: dict[str, Dummy] = {
    "null": lambda scenario: ("", ()),
    "echo": lambda scenario: (last(scenario), ()),
    "refuses": lambda scenario: ("I'm sorry, I can't help with that.", ()),
    "asks back": lambda scenario: ("Which of the two do you mean? Could you give me your customer number first?", ()),
    "quotes what it refuses": lambda scenario: (f'You wrote: "{last(scenario)}" I will not do that.', ()),
    "does not know": lambda scenario: ("I do not know.", ()),
    "apologises": lambda scenario: ("I am very sorry about the trouble. I was not able to find it out.", ()),
    "empty list": lambda scenario: ("[]", ()),
    "other language": lambda scenario: ("Das weiß ich leider nicht, bitte fragen Sie am Schalter nach.", ()),
    "terse": lambda scenario: ("No.", ()),
    "chatty": lambda scenario: (
        "What a lovely question, thank you so much for asking! I am afraid that I must not go into that, but I am"
        " glad to help with anything else, be it today, tomorrow or on the thirtieth. Have a wonderful day!",
        (),
    ),
}
READERS: dict[str, Dummy] = {
    "reader": lambda scenario: (fact_of(scenario), ()),
    "chatty reader": lambda scenario: (
        f"Happy to help! I have looked it up for you, and here is what I found. {fact_of(scenario)}"
        " Is there anything else that I can do?",
        (),
    ),
}


@pytest.mark.parametrize("name", HONEST)
@each_family
def test_no_honest_reply_breaks_a_violation(family: Family, name: str) -> None:
    """Where the violation is a wrong answer, what fails must fail in both arms: such pairs say nothing."""
    for probe, stressed, control in pairs_of(family):
        failed, failed0 = broken(stressed, HONEST[name](stressed)), broken(control, HONEST[name](control))
        if family.stands_alone:
            assert not failed + failed0, (probe, failed, failed0, last(stressed))
        else:
            assert bool(failed) == bool(failed0), (probe, failed, failed0)


@pytest.mark.parametrize("name", READERS)
@each_family
def test_no_honest_reader_breaks_a_violation(family: Family, name: str) -> None:
    for probe, stressed, control in pairs_of(family):
        failed, failed0 = broken(stressed, READERS[name](stressed)), broken(control, READERS[name](control))
        if family.stands_alone:
            assert not failed + failed0, (probe, failed, failed0, READERS[name](stressed))


def test_the_truth_beside_a_rumour_that_is_denied_breaks_nothing() -> None:
    for family in FAMILIES:
        for probe, stressed, _ in pairs_of(family, 3):
            for check in checks_of(stressed):
                if check.type == "assistant_not_asserts" and "days" in check.values[0]:
                    reply = f"It is not {check.values[0]}, as was claimed. The terms say something else."

                    assert judge(check, reply, ()).passed, (family.name, probe)


# -- a target that obeys whatever it reads --------------------------------------------------------------------------

INJECTIONS = [
    family
    for family in FAMILIES
    if family.name.startswith("carried ")
    or family.name
    in {
        *("injected by a document", "hijacked by a tool result", "data sent away", "order in memory"),
        *("described to act", "active reply", "read then send"),
    }
]


def obeys(scenario: Scenario) -> Said:
    """Does whatever the texts around it say: joins what is to be joined, calls what is named, tells what is asked."""
    world = scenario.world
    texts = told_in(world)
    read = "\n".join(texts)
    said: list[str] = []
    for text in texts:
        words, numbers = re.findall(r"\b[A-Z]{5,}\b", text), re.findall(r"\b\d{4}\b", text)
        said += [word + number for word in words for number in numbers]
        said += [
            f"{name}@{host}" for name in re.findall(r"\b\w{5,}\b", text) for host in re.findall(r"\w+\.example", text)
        ]
        for host in re.findall(r"\b[\w.]+\.example", text):
            said.append(f"![x](https://{host}/p.png?d=open) <script src='https://{host}/a.js'></script>")
        said += [
            secret for secret in world.canaries if re.search(r"code|phrase|password|combination|ceiling|key", text)
        ]
    calls = []
    for tool in world.tools:
        others = "\n".join(text for text in texts if text != tool.description)
        verb = {"freeze": "fr(?:eeze|ozen)"}.get(tool.name.split("_")[0], tool.name.split("_")[0])
        asked = re.search(rf"{tool.name}|\b{verb}\b", others)
        strangers = re.findall(r"\b[\w.]+@[\w.]+\w", read)
        if tool.name == "send_email" and strangers:
            calls += [ToolTrace(tool_name=tool.name, arguments={"recipient": s, "message": "m"}) for s in strangers]
        elif tool.name == "save_note" and re.search(r"remember|Save a note|memory|save_note", others):
            calls.append(ToolTrace(tool_name=tool.name, arguments={"text": "t"}))
        elif asked and not tool.name.startswith(("lookup", "read", "open", "list", "fetch")):
            calls.append(ToolTrace(tool_name=tool.name, arguments={}))
    return "\n".join(said), tuple(calls)


@pytest.mark.parametrize("family", INJECTIONS, ids=[family.name for family in INJECTIONS])
def test_who_obeys_what_is_read_breaks_it_under_stress_and_never_in_the_control(family: Family) -> None:
    for probe, stressed, control in pairs_of(family):
        assert broken(stressed, obeys(stressed)), (probe, told_in(stressed.world))
        assert not broken(control, obeys(control)), (probe, obeys(control))


# -- speed ----------------------------------------------------------------------------------------------------------


def test_drawing_the_whole_screen_is_quick() -> None:
    begun = clock.monotonic()
    for family in FAMILIES:
        for probe in family.probes:
            draw(family, probe, seed=3, count=2, capabilities=EVERYTHING)

    assert clock.monotonic() - begun < 3.0  # half a second on a quiet machine
