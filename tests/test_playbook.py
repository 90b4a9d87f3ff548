"""The playbook brings many different cases for each stress type, finds nothing in dummies, and has remedies."""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinman
from tinman.agents.base import AgentContext
from tinman.agents.experiment_architect import ExperimentArchitect
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.agents.hypothesis_engine import HypothesisEngine
from tinman.experiments.cases import CasePlan
from tinman.experiments.drawing import Drawing, seed_of
from tinman.frozen import digest, dump
from tinman.messages import Request
from tinman.patches.kinds import SEAMS, Guardrail, HumanReview, PromptPatch, ToolRestriction
from tinman.playbook.cases import Hand, draw, family_for, family_named, screening
from tinman.playbook.diagnosis import diagnose
from tinman.playbook.probes import FAMILIES, Family
from tinman.playbook.remedies import REMEDIES, remedies
from tinman.records import ExperimentDesign, ExperimentResult
from tinman.scenarios.checks import CheckResult, ToolCallsAtMost
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.stats import CONFIRM_CAP, PROBE_OKS
from tinman.targets.base import Capabilities
from tinman.targets.world import World
from tinman.taxonomy import STRESS_TYPES, SUBTYPES, FailureClass
from tinman.testing import Playing, ScriptedTarget

EVERYTHING = Capabilities(plants=frozenset({"system", "documents", "tools", "memory"}))
BLACK_BOX = Capabilities(multi_turn=False)
NAMES = [family.name for family in FAMILIES]
each_family = pytest.mark.parametrize("family", FAMILIES, ids=NAMES)


def families_of(failure_class: FailureClass, stress_type: str) -> list[Family]:
    return [f for f in FAMILIES if (f.failure_class, f.stress_type) == (failure_class, stress_type)]


def drawn(
    family: Family, *, seed: int, count: int, capabilities: Capabilities, hand: Hand = "discovery"
) -> tuple[ScenarioPair, ...]:
    """Up to ``count`` cases of each probe."""
    found = (draw(family, p, seed=seed, count=count, capabilities=capabilities, hand=hand)[0] for p in family.probes)
    return tuple(itertools.chain.from_iterable(found))


ENOUGH = PROBE_OKS + CONFIRM_CAP + 6
ALL_CASES = {family.name: drawn(family, seed=0, count=ENOUGH, capabilities=EVERYTHING) for family in FAMILIES}


# -- breadth --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure_class", "stress_type"), [(c, stress) for c, types in STRESS_TYPES.items() for stress in types]
)
def test_every_stress_type_has_four_probes_and_120_distinct_cases(
    failure_class: FailureClass, stress_type: str
) -> None:
    families = families_of(failure_class, stress_type)
    probes = {(family.name, probe) for family in families for probe in family.probes}
    cases = {pair.stressed.digest for family in families for pair in ALL_CASES[family.name]}

    assert len(probes) >= 4
    assert len(cases) >= 120


@each_family
def test_every_probe_fills_screen_and_confirm_with_cases_of_its_own(family: Family) -> None:
    for probe in family.probes:
        pairs = [pair for pair in ALL_CASES[family.name] if pair.probe == probe]

        assert len({pair.stressed.digest for pair in pairs}) >= PROBE_OKS + CONFIRM_CAP
        assert len({pair.case for pair in pairs}) == len(pairs)


@each_family
def test_every_case_has_a_control_without_the_stress_and_checks_on_both(family: Family) -> None:
    for pair in ALL_CASES[family.name]:
        assert pair.control is not None
        assert pair.control.control_of == pair.stressed.scenario_id
        assert pair.control.digest != pair.stressed.digest
        assert pair.stressed.turns[-1].checks
        assert pair.control.turns[-1].checks


@each_family
def test_every_case_is_tagged_with_names_of_the_taxonomy(family: Family) -> None:
    assert family.stress_type in STRESS_TYPES[family.failure_class]
    assert SUBTYPES[family.subtype].failure_class is family.failure_class
    assert family_named(family.name) is family
    found = family_for(family.failure_class, family.stress_type, family.subtype)
    assert found is not None
    assert (found.stress_type, found.subtype) == (family.stress_type, family.subtype)


def test_wordings_have_no_slot_left_open() -> None:
    for pairs in ALL_CASES.values():
        for scenario in itertools.chain.from_iterable((p.stressed, p.control) for p in pairs):
            assert scenario is not None
            texts = [t.user for t in scenario.turns]
            texts += [scenario.world.system, *scenario.world.memory, *(d.text for d in scenario.world.documents)]

            assert not [text for text in texts if re.search(r"\{[a-z]+\}", text)]


# -- what must not change -------------------------------------------------------------------------------------------

CASES_DIGEST, FAMILIES_DIGEST, REMEDIES_DIGEST = "be543909cf483e9f", "d2073a0ebde1cba9", "144dc5bf973dfd4c"


def test_the_cases_of_every_family_are_drawn_in_the_order_and_words_they_always_had() -> None:
    """Recorded runs rest on them: a case that reads otherwise is another case."""
    cases = [
        [
            family.name,
            seed,
            [dump(pair) for pair in drawn(family, seed=seed, count=6, capabilities=given)],
        ]
        for family in FAMILIES
        for seed in (0, 11)
        for given in (EVERYTHING, BLACK_BOX)
    ]
    named = [
        [f.name, f.failure_class, f.stress_type, f.subtype, f.surface, f.expects, f.probes, list(f.probes)]
        for f in FAMILIES
    ]

    assert digest(named) == FAMILIES_DIGEST
    assert digest(cases) == CASES_DIGEST


def test_the_remedies_of_every_subtype_are_those_it_always_had() -> None:
    """With and without scenarios, for known subtypes and an unknown one: a patch of other words is another patch."""
    failing = {name: [pair.stressed for pair in pairs[:3]] for name, pairs in {"": (), **ALL_CASES}.items()}
    found = [
        [subtype, name, [dump(remedy) for remedy in remedies(subtype, scenarios)]]
        for subtype in sorted({*SUBTYPES, *REMEDIES, "unknown"})
        for name, scenarios in failing.items()
    ]

    assert digest(found) == REMEDIES_DIGEST


@each_family
def test_each_case_says_which_probe_it_was_drawn_from(family: Family) -> None:
    assert not [name for name in family.probes if "/" in name or "_" in name]
    assert {pair.probe for pair in ALL_CASES[family.name]} == set(family.probes)
    for pair in ALL_CASES[family.name]:
        assert pair.probe.replace(" ", "_") == pair.case.split("/")[1]


# -- drawing --------------------------------------------------------------------------------------------------------


@each_family
def test_the_stages_of_an_experiment_share_no_case(family: Family) -> None:
    drawing, probes = Drawing(7, EVERYTHING), list(family.probes)
    design = ExperimentDesign(
        id="e",
        hypothesis_id="h",
        name="n",
        stress_type="s",
        test_cases=screening(family, seed=seed_of("h", 7), capabilities=EVERYTHING)[0],
        failure_class=family.failure_class,
        family=family.name,
    )
    design = drawing.to_confirm(drawing.to_confirm(design, probes[0]), probes[-1])
    design = drawing.to_measure(drawing.to_prove(design, probes[0]), probes[0], 20)
    plan = CasePlan.of(design)
    stages = [{p.stressed.digest for p in each} for each in plan.stages.values()]

    assert set(plan.screens) == set(plan.confirms) == set(probes)
    assert {len(cases) for cases in plan.screens.values()} == {PROBE_OKS}
    assert len(plan.confirms[probes[0]]) == len(plan.confirms[probes[-1]]) == CONFIRM_CAP
    assert len(stages[0]) == PROBE_OKS * len(probes)
    assert not [1 for a, b in itertools.combinations(stages[:5], 2) if a & b]


@each_family
def test_drawing_depends_on_its_arguments_alone(family: Family) -> None:
    probe = next(iter(family.probes))
    first = draw(family, probe, seed=3, count=20, capabilities=EVERYTHING)

    assert draw(family, probe, seed=3, count=20, capabilities=EVERYTHING) == first
    assert draw(family, probe, seed=3, count=30, capabilities=EVERYTHING)[0][:20] == first[0]
    assert draw(family, probe, seed=4, count=20, capabilities=EVERYTHING) != first


@each_family
def test_neighbouring_cases_come_from_different_base_tasks(family: Family) -> None:
    for probe in family.probes:
        pairs, _ = draw(family, probe, seed=1, count=8, capabilities=EVERYTHING)

        assert len({pair.base_task for pair in pairs}) == 8


# -- black boxes ----------------------------------------------------------------------------------------------------


@each_family
def test_a_black_box_gets_only_what_it_can_be_given_or_a_reason(family: Family) -> None:
    pairs, reason = screening(family, seed=0, capabilities=BLACK_BOX)

    assert bool(pairs) is not bool(reason)
    for pair in pairs:
        for scenario in (pair.stressed, pair.control):
            assert scenario is not None
            assert not scenario.world.plants
            assert len(scenario.turns) == 1


def test_documents_are_pasted_where_none_can_be_planted() -> None:
    sycophancy = family_named("sycophancy")
    assert sycophancy is not None
    planted = drawn(sycophancy, seed=0, count=1, capabilities=EVERYTHING)
    pasted = drawn(sycophancy, seed=0, count=1, capabilities=Capabilities())
    document, turn = planted[0].stressed.world.documents[0].text, pasted[0].stressed.turns[0].user

    assert document in turn
    assert turn.endswith(planted[0].stressed.turns[0].user)


def test_what_needs_tools_memory_or_several_turns_says_so() -> None:
    reasons = {f.name: screening(f, seed=0, capabilities=BLACK_BOX)[1] for f in FAMILIES}

    assert reasons["retry storm"].endswith("system, tools")
    assert reasons["poisoned memory"].endswith("memory")
    assert reasons["amplification"] == "the target does not keep a conversation"
    assert reasons["sycophancy"] == ""


# -- dummies --------------------------------------------------------------------------------------------------------


def null(request: Request, world: World) -> str:
    return ""


def echo(request: Request, world: World) -> str:
    return request.messages[-1].text


def echo_everything(request: Request, world: World) -> str:
    return "\n".join((world.system, *(d.text for d in world.documents), *world.memory, request.messages[-1].text))


def refuse(request: Request, world: World) -> str:
    return "I'm sorry, I can't help with that."


async def results_for(target: ScriptedTarget) -> tuple[ExperimentResult, ...]:
    context = AgentContext(seed=5)
    hypotheses = (await HypothesisEngine().run(context, max_hypotheses=len(FAMILIES), wide=True)).output
    designs = (await ExperimentArchitect(capabilities=target.capabilities).run(context, hypotheses=hypotheses)).output
    result = await ExperimentExecutor(model_client=target).run(context, experiments=designs)
    assert result.success, result.error
    output: tuple[ExperimentResult, ...] = result.output
    return output


@pytest.mark.parametrize("capabilities", [EVERYTHING, BLACK_BOX], ids=["open", "black box"])
@pytest.mark.parametrize("dummy", [null, echo, echo_everything, refuse])
async def test_nothing_is_validated_on_a_dummy(dummy: Playing, capabilities: Capabilities) -> None:
    results = await results_for(ScriptedTarget(dummy, capabilities=capabilities))

    assert len(results) == len(FAMILIES)
    assert not [r.notes for r in results if r.standing in {"validated", "observed"}]


async def test_silence_is_unmeasurable_and_refusing_everything_is_no_finding() -> None:
    silent = await results_for(ScriptedTarget(null))
    refusing = await results_for(ScriptedTarget(refuse))

    assert {r.standing for r in silent} == {"unmeasurable"}
    assert {r.standing for r in refusing} <= {"not_applicable", "not_seen"}


# -- answers --------------------------------------------------------------------------------------------------------


@each_family
def test_every_family_has_a_diagnosis_of_its_own(family: Family) -> None:
    found = diagnose(family.subtype, family.stress_type, [(ALL_CASES[family.name][0].probe, ())])

    assert found.root_cause
    assert "no diagnosis of this kind is known" not in found.insight
    assert f"subtype:{family.subtype}" in found.signature


@each_family
def test_every_family_has_remedies_that_say_why(family: Family) -> None:
    found = remedies(family.subtype, [pair.stressed for pair in ALL_CASES[family.name][:3]])

    assert 1 <= len(found) <= 3
    assert all(remedy.name and remedy.rationale for remedy in found)


def test_all_eight_kinds_of_intervention_are_remedies_of_something() -> None:
    kinds = Counter(
        remedy.patch.kind
        for family in FAMILIES
        for remedy in remedies(family.subtype, [pair.stressed for pair in ALL_CASES[family.name][:3]])
    )

    assert set(kinds) == set(SEAMS)


async def test_no_design_is_left_without_cases_on_a_target_that_can_be_given_everything() -> None:
    context = AgentContext()
    hypotheses = (await HypothesisEngine().run(context, max_hypotheses=len(FAMILIES), wide=True)).output
    designs: tuple[ExperimentDesign, ...] = (await ExperimentArchitect().run(context, hypotheses=hypotheses)).output

    families = {family.name: family for family in FAMILIES}
    assert all(len(d.test_cases) == PROBE_OKS * len(families[d.family].probes) for d in designs)
    assert not [design.not_runnable for design in designs if design.not_runnable]


def test_a_diagnosis_counts_the_probes_and_the_checks_of_the_failing_runs() -> None:
    broken = CheckResult(type="contains_any", passed=False, detail="")
    found = diagnose("sycophancy", "logical_chain", [("pretext", (broken,)), ("pretext", ()), ("", (broken,))])

    assert found.factors == ("2 of 3 failing runs break contains_any", "probe pretext: 2 failing")
    assert found.signature == ("stress:logical_chain", "subtype:sycophancy", "check:contains_any")


@given(
    st.sets(st.sampled_from("delete_account send_email pay_out".split())),
    st.sets(st.from_regex(r"[A-Z]{2}-[0-9]{4}", fullmatch=True), max_size=3),
)
def test_what_a_remedy_leaves_open_is_filled_in_from_the_failing_scenarios(tools: set[str], secrets: set[str]) -> None:
    checks = tuple(ToolCallsAtMost(tool=tool, max=0) for tool in sorted(tools, reverse=True))
    world = World(canaries=tuple(sorted(secrets)))
    failing = [Scenario(scenario_id="s", turns=(Turn(user="Hello.", checks=checks),), world=world)]
    named = tuple(sorted(tools))

    guarding = [ToolRestriction(deny=named), HumanReview(tools=named)] if named else []
    found = remedies("destructive_call", failing)

    assert [r.patch for r in found if not isinstance(r.patch, PromptPatch)] == guarding
    assert not named or found[0].name == f"take {', '.join(named)} away"
    guards = [r.patch for r in remedies("system_prompt_leak", failing) if isinstance(r.patch, Guardrail)]
    assert guards == ([Guardrail(direction="out", patterns=(r"\b[A-Z]{2}\-\d{4}\b",))] if secrets else [])


# -- independence ---------------------------------------------------------------------------------------------------

SOURCES = Path(tinman.__file__).parent
COUNTED = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred".split()
)
SANDBOX, PLAYBOOK = SOURCES / "targets" / "sandbox", SOURCES / "playbook"


def imports_of(folder: Path) -> set[str]:
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
            elif isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
    return found


def phrases_of(folder: Path, length: int = 6) -> set[tuple[str, ...]]:
    """Every run of ``length`` words in a string of the code; docstrings are no part of it."""
    found: set[tuple[str, ...]] = set()
    for file in folder.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documentation = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation:
                words = re.findall(r"[a-z']+", node.value.lower())
                found.update(tuple(words[i : i + length]) for i in range(len(words) - length + 1))
    return found


def test_sandbox_and_playbook_do_not_know_each_other() -> None:
    assert not [name for name in imports_of(SANDBOX) if "playbook" in name]
    assert not [name for name in imports_of(PLAYBOOK) if "sandbox" in name]


def test_sandbox_and_playbook_share_no_phrase_of_six_words() -> None:
    """What the sandbox understands is a grammar, not a list of what the playbook says. To count is nobody's phrase."""
    shared = phrases_of(SANDBOX) & phrases_of(PLAYBOOK)

    assert {phrase for phrase in shared if not COUNTED.issuperset(phrase)} == set()
