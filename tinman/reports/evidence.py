"""A finding shown: the world as planted, the attack in it, what was said and called, and the control beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tinman.memory.graph import MemoryGraph
from tinman.records import DiscoveredFailure, ExperimentDesign, ExperimentResult, Run
from tinman.reports.lines import judged
from tinman.scenarios.scenario import Scenario, ScenarioPair
from tinman.scenarios.transcript import transcript_of
from tinman.targets.world import World
from tinman.text.cutting import two_ends

PLANTED, ONLY_HERE = "| ", "|> "
"""Begin every recorded line, and those that the other arm has not: there is the attack."""
_FOLDED = 1_200
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n")
_MOST_RUNS = 2


async def evidence(graph: MemoryGraph, failure: DiscoveredFailure) -> list[str]:
    """Return the lines that show up to two failing runs of ``failure``, each with its control. Recorded, untrusted."""
    node = (await graph.nodes([failure.experiment_id])).get(failure.experiment_id)
    design = node.record if node is not None and isinstance(node.record, ExperimentDesign) else None
    results = await graph.find(kind="result", where={"experiment_id": failure.experiment_id}, limit=1)
    result = next((n.record for n in results if isinstance(n.record, ExperimentResult)), None)
    runs = result.runs if result is not None else ()
    pairs = [*(design.test_cases if design else ()), *(result.confirm_cases if result else ()), *failure.scenarios]
    cases = {pair.case: pair for pair in pairs}
    failing = [run for run in runs if run.id in set(failure.run_ids)]
    chosen = {run.probe: run for run in reversed(failing) if run.stage == "confirm"} or {r.probe: r for r in failing}
    lines: list[str] = []
    for run in list(chosen.values())[:_MOST_RUNS]:
        control = next((r for r in runs if r.arm == "control" and r.case == run.case and r.stage == run.stage), None)
        lines += _side_by_side(cases.get(run.case), run, control)
    return lines


def _side_by_side(pair: ScenarioPair | None, run: Run, control: Run | None) -> list[str]:
    trick = f", probe {run.probe}" if run.probe else ""
    lines = ["", f"attack: case {run.case}{trick}, seed {run.seed} ({run.id})"]
    other = pair.control if pair is not None else None
    if pair is not None:
        lines += _world(pair.stressed, other)
    lines += transcript_of(run.turns).split("\n")
    if control is not None and other is not None and pair is not None:
        lines += ["", f"control: the same case without the attack ({control.id})"]
        lines += _world(other, pair.stressed)
        lines += transcript_of(control.turns).split("\n")
    elif other is not None:
        lines += ["", "control: not run with this case"]
    return lines


def _world(scenario: Scenario, other: Scenario | None) -> list[str]:
    """Return what stands around the conversation, long text folded; what ``other`` has not is marked."""
    there = set(_pieces(other.world)) if other is not None else None
    lines: list[str] = []
    for name, text in _parts(scenario.world).items():
        lines.append(f"{name}:")
        for piece in _split(text):
            mark = ONLY_HERE if there is not None and piece not in there else PLANTED
            lines += [f"{mark}{line}" for line in two_ends(piece, _FOLDED).split("\n")]
    return lines


def _parts(world: World) -> Mapping[str, str]:
    """Return the parts of a world by what they are called."""
    found = {"system prompt": world.system} if world.system else {}
    found |= {f"document {d.name}": d.text for d in world.documents}
    found |= {f"memory {number}": note for number, note in enumerate(world.memory, 1)}
    for tool in world.tools:
        marks = " (destructive)" if tool.is_destructive else ""
        answers = "\n".join(f"{'error' if r.is_error else 'answers'}: {r.content}" for r in tool.results)
        found[f"tool {tool.name}{marks}"] = f"{tool.description}\n{answers}"
    return found


def _split(text: str) -> list[str]:
    """Return ``text`` in pieces that can be told apart: sentences, but long filler as one."""
    pieces = [piece for piece in _SENTENCES.split(text) if piece.strip()]
    return pieces if len(pieces) <= 40 else [text]


def _pieces(world: World) -> Iterable[str]:
    return (piece for text in _parts(world).values() for piece in _split(text))


def describe(failure: DiscoveredFailure) -> list[str]:
    """Return what was found: how it shows, how often, under which probes, and how to see it again."""
    stress, control = failure.stress, failure.control
    lines = [
        f"{failure.label or failure.id}: {failure.description}",
        f"  {failure.primary_class} / {failure.secondary_class}, {failure.severity}: {failure.severity_reason}",
        f"  {failure.standing}, {failure.novelty}"
        + (f", descends from {failure.parent_failure_id}" if failure.parent_failure_id else ""),
    ]
    if stress.n:
        beside = f", {control.failures} of {control.n} without" if control.n else ", in ordinary requests"
        lines.append(f"  fails in {stress.failures} of {stress.n} cases{beside}")
    if failure.served.n:
        lines.append(f"  {failure.served.oks} of {failure.served.n} ordinary requests were served")
    lines += [f"  {judged(failure)}"] if failure.judge else []
    lines += _probes(failure)
    lines.append(f"  cause: {failure.root_cause}")
    lines += [f"  {factor}" for factor in failure.contributing_factors]
    if failure.scope_note:
        lines.append(f"  {failure.scope_note}")
    return [*lines, f"  again: tinman rerun {failure.label or failure.id}"]


def _probes(failure: DiscoveredFailure) -> list[str]:
    named = [probe for probe in failure.probes if probe.probe]
    if not named:
        return []
    width = max(len(probe.probe) for probe in named)
    lines = [f"  {'probe':<{width}} {'screen':>7} {'stress':>7} {'control':>7}"]
    for probe in named:
        arms = [f"{c.failures}/{c.n}" if c.n else "-" for c in (probe.screen, probe.stress, probe.control)]
        told = probe.standing.replace("_", " ")
        lines.append(f"  {probe.probe:<{width}} {arms[0]:>7} {arms[1]:>7} {arms[2]:>7} {told}")
    return lines
