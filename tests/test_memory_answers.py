"""What the memory graph can be asked, and that it answers from the store alone."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from journals import NOON, a_cycle, a_design, a_hypothesis, a_run, opened

from tinman.config.modes import Mode
from tinman.errors import NotFound, StoreCorrupt, StoreError
from tinman.memory import lineage
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Batch
from tinman.patches.kinds import PromptPatch
from tinman.records import DiscoveredFailure, Ending, Intervention, InterventionType, Spent
from tinman.taxonomy import FailureClass, RiskTier, Severity
from tinman.tinman import create_tinman

HOUR = timedelta(hours=1)


def a_failure(name: str, label: str = "", description: str = "deletes the order") -> DiscoveredFailure:
    return DiscoveredFailure(
        id=name,
        label=label,
        primary_class=FailureClass.TOOL_USE,
        severity=Severity.S4,
        description=description,
        experiment_id="experiment-1",
    )


def a_fix(name: str, failure_id: str) -> Intervention:
    return Intervention(
        id=name,
        failure_id=failure_id,
        intervention_type=InterventionType.PROMPT_PATCH,
        name="say please",
        payload=PromptPatch(text="please"),
        risk_tier=RiskTier.SAFE,
    )


async def told(graph: MemoryGraph) -> None:
    """Store one whole story: hypothesis, experiment, two runs, failure, fix, deployment."""
    await graph.add(a_hypothesis(), a_design(), at=NOON)
    await graph.add(a_run(1), a_run(2), at=NOON + HOUR)
    await graph.add(a_failure("failure-1", "F-1"), a_fix("fix-1", "failure-1"), at=NOON + 2 * HOUR)
    await graph.note("deployment", "deployment-1", {"patch_digest": "p"}, at=NOON + 3 * HOUR)
    edges: list[tuple[str, Any, str]] = [
        ("hypothesis-1", "tested_in", "experiment-1"),
        ("experiment-1", "executed_as", "run-0001"),
        ("experiment-1", "executed_as", "run-0002"),
        ("failure-1", "observed_in", "run-0001"),
        ("failure-1", "addressed_by", "fix-1"),
        ("fix-1", "deployed_as", "deployment-1"),
    ]
    for source, relation, target in edges:
        await graph.link(source, relation, target)


async def test_a_lineage_leads_up_to_the_hypothesis_and_down_to_the_deployment(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await told(graph)
        story = await graph.lineage("F-1")
        whole = await graph.lineage("hypothesis-1")

    assert [node.id for node in story.up] == ["run-0001", "experiment-1", "hypothesis-1"]
    assert [node.id for node in story.down] == ["fix-1", "deployment-1"]
    assert len(story.edges) == 5
    assert {node.id for node in whole.down} >= {"run-0002", "failure-1", "deployment-1"}
    assert lineage.stories(story) == [
        ["hypothesis-1", "experiment-1", "run-0001", "failure-1", "fix-1", "deployment-1"]
    ]


async def test_a_lineage_is_told_nearest_first_whatever_order_it_was_stored_in(tmp_path: Path) -> None:
    """Beside a walk of one level after the other over the same edges, through random graphs with circles."""
    for seed in range(6):
        rng = random.Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        async with opened(folder) as graph:
            names = [f"n{number:02d}" for number in range(14)]
            await graph.add(*(a_failure(name) for name in names))
            pairs = [(rng.choice(names), rng.choice(["evolved_into", "caused_by"]), rng.choice(names)) for _ in names]
            for source, relation, target in pairs:
                await graph.link(source, relation, target)  # type: ignore[arg-type]
            story = await graph.lineage("n00")

        along = [(s, t) if relation == "evolved_into" else (t, s) for s, relation, t in pairs]
        for steps, nodes in ((along, story.down), ([(t, s) for s, t in along], story.up)):
            distance, queue = {"n00": 0}, ["n00"]
            for near in queue:
                for other in (t for s, t in steps if s == near and t not in distance):
                    if other not in distance:
                        distance[other] = distance[near] + 1
                        queue.append(other)

            assert {node.id for node in nodes} == set(distance) - {"n00"}
            assert [distance[node.id] for node in nodes] == sorted(distance[node.id] for node in nodes)


async def test_what_rests_on_a_node_is_counted_and_runs_are_stepped_over(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await told(graph)
        await graph.link("failure-1", "caused_by", "hypothesis-1")
        whole = await graph.lineage("hypothesis-1")
        drawn = lineage.of_lineage(whole)

    assert lineage.blast_radius(drawn, "failure-1") == {"deployment": 1, "intervention": 1}
    assert lineage.blast_radius(drawn, "deployment-1") == {}
    assert lineage.stories(whole, without="run") == [
        ["hypothesis-1", "experiment-1", "failure-1", "fix-1", "deployment-1"]
    ]


async def test_a_lineage_is_read_back_from_its_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        cycle_id = await a_cycle(graph)
        await told(graph)
        await graph.add(a_run(3), a_failure("failure-2"), cycle_id=cycle_id)
        await graph.link("failure-2", "observed_in", "run-0003")
        drawn = await lineage.of(graph, "F-1")
        of_cycle = await lineage.of(graph, cycle_id)
        with pytest.raises(NotFound, match="nothing is called"):
            await lineage.of(graph, "nobody")

    xml = nx.parse_graphml(lineage.to_text(drawn, "graphml"), force_multigraph=True)
    node_link = nx.node_link_graph(json.loads(lineage.to_text(drawn, "json")), edges="edges")
    for back in (xml, node_link):
        assert dict(back.nodes(data=True)) == dict(drawn.nodes(data=True))
        assert sorted(back.edges(data="relation")) == sorted(drawn.edges(data="relation"))
    assert ("run-0001", "failure-1", "observed_in") in drawn.edges(data="relation")
    assert list(of_cycle.edges) == [("run-0003", "failure-2", "observed_in")]


async def test_a_circle_of_edges_ends(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.add(a_failure("a"), a_failure("b"))
        await graph.link("a", "evolved_into", "b")
        await graph.link("b", "evolved_into", "a")

        assert [node.id for node in (await graph.lineage("a")).down] == ["b"]


async def test_a_snapshot_shows_what_was_valid_then(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await told(graph)
        await graph.supersede("failure-1", NOON + 4 * HOUR)

        def names(nodes: list[Any]) -> set[str]:
            return {node.id for node in nodes}

        assert await graph.snapshot_at(NOON - HOUR) == []
        assert names(await graph.snapshot_at(NOON)) == {"hypothesis-1", "experiment-1"}
        assert names(await graph.snapshot_at(NOON + 3 * HOUR, kind="failure_mode")) == {"failure-1"}
        assert await graph.snapshot_at(NOON + 4 * HOUR, kind="failure_mode") == []
        with pytest.raises(NotFound):
            await graph.supersede("failure-1")


async def test_a_rolled_back_deployment_was_in_force_until_then(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await told(graph)
        await graph.supersede("deployment-1", NOON + 5 * HOUR)

        assert await graph.what_was_deployed_at(NOON + 2 * HOUR) == []
        assert [node.id for node in await graph.what_was_deployed_at(NOON + 4 * HOUR)] == ["deployment-1"]
        assert await graph.what_was_deployed_at(NOON + 5 * HOUR) == []


async def test_a_failure_knows_its_ancestors_and_heirs(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        for hours, name in enumerate(["a", "b", "c"]):
            await graph.add(a_failure(name), at=NOON + hours * HOUR)
        await graph.link("a", "evolved_into", "b")
        await graph.link("b", "evolved_into", "c")

        assert [node.id for node in await graph.evolution("b")] == ["a", "b", "c"]


async def test_an_exact_label_beats_a_prefix_and_a_slip_gets_a_hint(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.add(a_failure("F-12345"), a_failure("failure-9", "F-1"), a_failure("failure-8", "F-2"))

        assert (await graph.get("F-1")).id == "failure-9"
        assert (await graph.get("F-12")).id == "F-12345"
        assert (await graph.get("failure-9")).label == "F-1"
        with pytest.raises(NotFound, match="names several: failure-8, failure-9"):
            await graph.get("failure-")
        with pytest.raises(NotFound, match="did you mean failure-"):
            await graph.get("failrue-9")
        for odd in ("", "%", "_", "  "):
            with pytest.raises(NotFound):
                await graph.get(odd)
        await graph.add(a_failure("failure-7"), a_failure("failure-6"))
        more = Batch("")
        more.number("F", ["failure-7", "failure-9", "failure-6"])
        await graph.store([more])
        given = await graph.labels(["failure-6", "failure-7", "failure-9"])
        assert given == {"failure-6": "F-4", "failure-7": "F-3", "failure-9": "F-1"}


async def test_find_filters_by_data_and_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await told(graph)

        async def found(*args: Any, **options: Any) -> list[str]:
            return [node.id for node in await graph.find(*args, **options)]

        assert await found("run", where={"run_number": 2}) == ["run-0002"]
        assert await found("run", where={"case": ["case-1", "case-9"]}) == ["run-0001"]
        assert await found("failure_mode", where={"severity": Severity.S4, "is_novel": True}) == ["failure-1"]
        assert await found("failure_mode", where={"parent_failure_id": None, "reproducibility": 0.0}) == ["failure-1"]
        assert await found(since=NOON + 2 * HOUR, limit=2) == ["failure-1", "fix-1"]
        assert await found(newest_first=True, limit=1) == ["deployment-1"]
        assert await found(cycle_id="cyc-0001") == []


async def test_search_wants_every_word_literally(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.add(a_failure("a", "F-1", "leaks 100% of it"), a_failure("b", "F-2", "leaks 1000 of it"))

        assert [node.id for node in await graph.search("LEAKS 100%")] == ["a"]
        assert {node.id for node in await graph.search("tool_use leaks")} == {"a", "b"}
        assert [node.id for node in await graph.search("f-2")] == ["b"]
        assert await graph.search("leaks", kind="run") == []


async def test_neighbours_are_told_apart_by_relation_and_direction(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await told(graph)
        every = await graph.neighbours("experiment-1")
        runs = await graph.neighbours("experiment-1", relation="executed_as", direction="out")

        assert ("tested_in", "in", "hypothesis-1") in [(n.relation, n.direction, n.node.id) for n in every]
        assert [n.node.id for n in runs] == ["run-0001", "run-0002"]
        assert await graph.neighbours("experiment-1", relation="caused_by") == []


async def test_statistics_count_by_kind_relation_and_status(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await told(graph)
        await a_cycle(graph)
        stats = await graph.stats()

    assert stats.nodes["run"] == 2
    assert stats.edges["executed_as"] == 2
    assert stats.cycles == {"running": 1}


async def test_cycles_are_numbered_changed_and_listed(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        first, second = await a_cycle(graph), await a_cycle(graph)
        stop, spent = Ending(kind="STOPPED", reason="asked to"), Spent(calls=2, seconds=0.5)
        paused = await graph.cycles.update(first, status="paused", ending=stop)
        resumed = await graph.cycles.update(first, status="running", phase="discovery", spent=spent)

        assert (first, second) == ("cyc-0001", "cyc-0002")
        assert paused.ending == stop
        assert paused.ended_at is not None
        assert (resumed.ending, resumed.ended_at, resumed.phase) == (None, None, "discovery")
        assert (resumed.spent, resumed.config, resumed.mode) == (spent, {"n": 1}, Mode.LAB)
        assert [cycle.id for cycle in await graph.cycles.newest()] == ["cyc-0002", "cyc-0001"]
        assert await graph.cycles.newest(status="paused") == []
        with pytest.raises(NotFound, match="did you mean cyc-000"):
            await graph.cycles.update("cyc-0003", phase="x")


async def test_a_loop_is_told_from_a_cycle_by_its_kind_whatever_its_id(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await a_cycle(graph)
        for name in ("loop-1", "night"):
            await graph.cycles.create(
                kind="loop", cycle_id=name, mode=Mode.LAB, target="loop", reasoner="", seed=0, config={}
            )

        assert [each.id for each in await graph.cycles.newest("loop")] == ["night", "loop-1"]
        assert [each.id for each in await graph.cycles.newest()] == ["cyc-0001"]
        assert await graph.cycles.find("cyc-0002") is None
        with pytest.raises(NotFound, match="night is a loop"):
            await lineage.of(graph, "night")


async def test_the_project_keeps_a_word(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        assert await graph.project.recall("highest_mode") is None
        await graph.project.keep("highest_mode", "lab")
        await graph.project.keep("highest_mode", "shadow")

        assert await graph.project.recall("highest_mode") == "shadow"


async def test_what_the_graph_does_not_know_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.add(a_run(1))
        with pytest.raises(StoreError, match="row refused"):
            await graph.link("run-0001", "caused_by", "nobody")
        with pytest.raises(ValueError, match="not a relation"):
            await graph.link("run-0001", "knows", "run-0001")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="not a kind of note"):
            await graph.note("run", "run-9", {})


async def test_a_row_that_is_not_what_its_kind_promises_is_reported(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await graph.add(a_run(1))
        spoilt = "UPDATE nodes SET data = json_remove(data, '$.verdict')"
        await graph.db.write(lambda connection: connection.exec_driver_sql(spoilt))

        with pytest.raises(StoreCorrupt, match="table nodes, row run-0001: not a sound run"):
            await graph.get("run-0001")


async def test_the_readable_views_show_failures_and_decisions(tmp_path: Path) -> None:
    async with opened(tmp_path) as graph:
        await told(graph)
        async with graph.db.read() as connection:
            failures = await connection.exec_driver_sql("SELECT label, severity, primary_class FROM failures_v")
            decisions = await connection.exec_driver_sql("SELECT status, decided_by FROM decisions_v")

            assert failures.all() == [("F-1", "S4", "TOOL_USE")]
            assert decisions.all() == []


@pytest.mark.slow
async def test_the_next_cycle_is_the_same_whatever_the_clock_says_today(tmp_path: Path) -> None:
    """What a cycle found decides what the next one looks into; seconds, and the order rows came in, do not."""
    stories = []
    for name in ("one", "other"):
        async with await create_tinman(target="sandbox", store=tmp_path / f"{name}.db") as tinman:
            for seed in (0, 1):
                result = await tinman.research_cycle(seed=seed, max_interventions=0)
        guessed = [(h.source, h.stress_type, h.subtype, h.confidence) for h in result.hypotheses]
        stories.append((guessed, [(f.secondary_class, f.standing, f.reproducibility) for f in result.failures]))

    assert {source for source, *_ in stories[0][0]} >= {"prior_failure", "taxonomy"}
    assert stories[0] == stories[1]
