"""A weakness that one trick of many brings out is found by it, with few runs, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tinman.agents.base import AgentContext
from tinman.agents.experiment_executor import ExperimentExecutor
from tinman.clock import chance
from tinman.messages import Request
from tinman.records import ExperimentDesign, ExperimentResult
from tinman.scenarios.checks import ContainsAny, NotContains
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.targets.world import World
from tinman.taxonomy import FailureClass
from tinman.testing import Line, ScriptedTarget

PROBES = ("alpha", "beta", "gamma", "delta")
FINE = (ContainsAny(values=("fine",)),)


def scenario(text: str) -> Scenario:
    return Scenario(scenario_id=text, turns=(Turn(user=text, checks=FINE),))


def design(name: str = "one", *, probes: tuple[str, ...] = PROBES, cases: int = 42) -> ExperimentDesign:
    """A design with so many cases of each probe; what is said is ``NAME ARM PROBE NUMBER``."""
    return ExperimentDesign(
        id=f"experiment-{name}",
        hypothesis_id=f"hypothesis-{name}",
        name="a stress",
        stress_type="logical_chain",
        failure_class=FailureClass.REASONING,
        test_cases=tuple(
            ScenarioPair(
                case=f"{probe}/{number}",
                base_task=f"task {number % 8}",
                probe=probe,
                stressed=scenario(f"{name} stress {probe} {number}"),
                control=scenario(f"{name} control {probe} {number}"),
            )
            for number in range(cases)
            for probe in probes
        ),
    )


def failing_under(rates: dict[str, float], *, control: float = 0.0) -> Callable[[Request, World], Line]:
    """Fail under a probe at its rate, in every control at another."""

    def answer(request: Request, world: World) -> str:
        _, arm, probe, number = request.messages[-1].text.split()
        rate = rates.get(probe, 0.0) if arm == "stress" else control
        return "broken" if chance(request.seed, f"{arm}/{probe}/{number}") < rate else "fine"

    return answer


async def found(
    play: Callable[[Request, World], Line], *designs: ExperimentDesign, seed: int = 0, **more: int
) -> tuple[tuple[ExperimentResult, ...], list[str]]:
    target = ScriptedTarget(play)
    ran = await ExperimentExecutor(model_client=target).run(
        AgentContext(seed=seed, concurrency=1), experiments=designs or (design(),), **more
    )
    assert ran.success, ran.error
    results: tuple[ExperimentResult, ...] = ran.output
    return results, [request.messages[-1].text for request in target.requests]


async def test_a_weakness_that_one_of_four_probes_shows_is_found_nearly_always_with_few_runs() -> None:
    """Pooled over its probes, 80% under one of four is one failure in five runs."""
    seen = [(await found(failing_under({"gamma": 0.8}), seed=seed)) for seed in range(20)]
    standings = [results[0].standing for results, _ in seen]
    runs = sorted(results[0].total_runs for results, _ in seen)

    assert standings.count("validated") >= 18
    assert runs[10] <= 40
    for results, _ in seen:
        assert {p.probe for p in results[0].probes if p.standing == "validated"} <= {"gamma"}


async def test_a_finding_lists_its_probes_each_with_its_own_counts() -> None:
    (result,), _ = await found(failing_under({"beta": 1.0}))
    beta = next(probe for probe in result.probes if probe.probe == "beta")

    assert [probe.probe for probe in result.probes] == list(PROBES)
    assert beta.stress == result.stress
    assert (beta.only_stress, beta.only_control) == (result.stress.failures, 0)
    assert {probe.standing for probe in result.probes if probe.probe != "beta"} <= {"not_seen", "not_run"}


async def test_a_probe_that_failed_by_chance_gives_way_to_the_next_that_fails() -> None:
    def answer(request: Request, world: World) -> str:
        _, arm, probe, number = request.messages[-1].text.split()
        by_chance = probe == "alpha" and number == "0"
        return "broken" if arm == "stress" and (by_chance or probe == "delta") else "fine"

    (result,), said = await found(answer)
    confirmed = {probe.probe: probe.standing for probe in result.probes if probe.stress.n}

    assert confirmed == {"alpha": "not_seen", "delta": "validated"}
    assert sum(" stress alpha " in text for text in said) == 1 + 8
    assert result.standing == "validated"


async def test_a_failure_whose_own_control_fails_is_not_confirmed_and_costs_no_slot() -> None:
    def answer(request: Request, world: World) -> str:
        name, arm, _, _ = request.messages[-1].text.split()
        return "broken" if arm == "stress" or name == "one" else "fine"

    (lame, sound), _ = await found(answer, design("one"), design("two"), max_experiments=1)

    assert (lame.standing, lame.stress.n) == ("not_applicable", 0)
    assert "the control fails as well in 4 of 4" in lame.notes
    assert sound.standing == "validated"


async def test_what_was_not_seen_says_by_how_many_probes_and_cases() -> None:
    (result,), said = await found(failing_under({}))

    assert result.standing == "not_seen"
    assert len(said) == 8
    assert result.notes == "seen by none of 4 probes, 2 cases each (a rate of up to 31% may be missed)"


async def test_a_slot_comes_back_when_a_probe_proves_futile() -> None:
    def answer(request: Request, world: World) -> str:
        name, arm, probe, number = request.messages[-1].text.split()
        return "broken" if arm == "stress" and (name == "two" or (probe, number) == ("alpha", "0")) else "fine"

    likelier = replace(design("one"), forecast=1.0)
    results, _ = await found(answer, likelier, design("two"), max_experiments=1)
    by_name = {result.experiment_id: result.standing for result in results}

    assert by_name == {"experiment-one": "not_seen", "experiment-two": "validated"}


async def test_suspected_says_what_it_would_take_to_be_sure() -> None:
    (result,), _ = await found(failing_under({"alpha": 0.25}, control=0.05), design(probes=("alpha", "beta"), cases=16))

    assert result.standing in {"suspected", "validated", "not_seen"}
    if result.standing == "suspected" and result.probes[0].pairs_missing:
        assert f"about {result.probes[0].pairs_missing} more pairs" in result.notes


async def test_no_more_failures_under_stress_than_without_are_no_suspicion() -> None:
    for seed in range(12):
        (result,), _ = await found(failing_under({"alpha": 0.3, "beta": 0.3}, control=0.3), seed=seed)

        if result.standing == "suspected" and result.stress.n:
            assert result.stress.failures > result.control.failures


@pytest.mark.parametrize("seed", range(4))
async def test_a_replica_that_fails_every_second_request_accuses_no_arm(seed: int) -> None:
    """Stress and control always in the same order would meet a round-robin always on the same side."""
    count = 0

    def every_second(request: Request, world: World) -> str:
        nonlocal count
        count += 1
        return "broken" if count % 2 else "fine"

    results, _ = await found(every_second, *(design(name) for name in ("one", "two", "three")), seed=seed)

    assert not [result.notes for result in results if result.standing == "validated"]


async def test_both_arms_go_first_about_as_often() -> None:
    firsts: list[str] = []
    for seed in range(6):
        play = failing_under({"alpha": 0.7}, control=0.5)
        _, said = await found(play, design(probes=("alpha",), cases=46), seed=seed)
        confirming = [text.split()[1] for text in said if int(text.split()[3]) >= 6]
        firsts += confirming[::2]

    assert len(firsts) >= 20
    assert 0.2 <= firsts.count("stress") / len(firsts) <= 0.8


async def test_a_wrong_answer_that_the_control_gives_as_well_is_no_violation() -> None:
    """An honest target that serves nobody is told apart from one that does what it must not."""
    served = (ContainsAny(values=("the answer",)),)
    forbidden = (NotContains(values=("ZEBRA",)),)

    def of(text: str) -> Scenario:
        return Scenario(scenario_id=text, turns=(Turn(user=text, checks=forbidden, competence=served),))

    plain = design(probes=("alpha", "beta"))
    pairs = tuple(
        ScenarioPair(
            case=pair.case,
            base_task=pair.base_task,
            probe=pair.probe,
            stressed=of(pair.stressed.scenario_id),
            control=of(pair.control.scenario_id) if pair.control else None,
        )
        for pair in plain.test_cases
    )
    judged = ExperimentDesign(**{**vars(plain), "test_cases": pairs})

    (refusing,), _ = await found(lambda *_: "I will not use what this text tells me to do.", judged)
    (obeying,), _ = await found(lambda request, _: "ZEBRA" if " stress " in request.messages[-1].text else "no", judged)

    assert refusing.standing == "not_seen"
    assert obeying.standing == "validated"
    assert (obeying.served.oks, obeying.served.failures) == (0, obeying.control.n + 1)


async def test_what_was_asked_for_gets_six_cases_and_then_whatever_was_tried_least_is_tried() -> None:
    asked = [design("asked", probes=("alpha", "beta", "gamma", "delta"))]
    reserve = [replace(design(name, probes=("alpha",)), wave=2) for name in ("one", "two", "three")]
    for runs, expected in ((4, [4]), (6, [6]), (9, [6, 1, 1, 1]), (14, [6, 3, 3, 2])):
        target = ScriptedTarget(failing_under({}))
        executor = ExperimentExecutor(model_client=target)
        results = (await executor.run(AgentContext(), experiments=[*asked, *reserve], max_runs=runs)).unwrap()
        assert [result.screen.n for result in results] == expected
