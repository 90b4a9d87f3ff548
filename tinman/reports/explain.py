"""Why: of a finding, a fix, a run, a loop or a cycle, from stored records alone."""

from __future__ import annotations

from tinman import stats
from tinman.loop.explanation import explain as explain_loop
from tinman.loop.state.journal import load, loops_of
from tinman.memory.graph import MemoryGraph
from tinman.memory.lineage import blast_radius, of_lineage, stories
from tinman.memory.nodes import Node
from tinman.records import DiscoveredFailure, ExperimentResult, Hypothesis, Intervention, Run, SimulationResult
from tinman.reports.lines import judged, percent, summary
from tinman.reports.result import load_result
from tinman.scenarios.transcript import transcript_of
from tinman.text.visible import shorten, visible

_STORIES = 3


async def explain(graph: MemoryGraph, name: str) -> list[str]:
    """Return the lines that explain what ``name`` is and how it came about.

    It is a cycle, a loop (``loop-...``, or ``CYCLE/KEY`` inside a cycle), or any node's label or id. Raises
    ``NotFound``, ``LoopStateError``.
    """
    cycle_id, inside, _ = name.partition("/")
    cycle = await graph.cycles.find(cycle_id)
    if cycle is not None:
        is_loop = inside or cycle.kind == "loop"
        return explain_loop(await load(graph, name)).lines() if is_loop else await _cycle(graph, name)
    node = await graph.get(name)
    match node.record:
        case DiscoveredFailure() as failure:
            return await _failure(graph, node, failure)
        case Intervention() as intervention:
            return await _intervention(graph, intervention)
        case Run() as run:
            why = f" ({run.reason})" if run.reason else ""
            return [
                f"{run.id}: {run.stage}, {run.arm}, {run.verdict}{visible(why)}",
                *transcript_of(run.turns).split("\n"),
            ]
        case _:
            lineage = await graph.lineage(node.id)
            lines = [f"{node.kind} {node.label or node.id}, of {node.cycle_id}"]
            lines += [f"  from {n.kind} {n.label or n.id}" for n in lineage.up if n.kind != "run"]
            lines += [f"  led to {n.kind} {n.label or n.id}" for n in lineage.down if n.kind != "run"]
            return lines + await _story(graph, node)


async def _cycle(graph: MemoryGraph, cycle_id: str) -> list[str]:
    result = await load_result(graph, cycle_id)
    why = result.stopped_reason or ("it is done" if result.status == "completed" else "it has not stopped")
    lines = [
        f"{cycle_id}: {result.status}, {result.mode},"
        f" target {visible(result.target)}, reasoner {visible(result.reasoner)}",
        f"why it stopped: {visible(why)}",
        "",
    ]
    return lines + summary(result) + await _loops(graph, cycle_id)


async def _loops(graph: MemoryGraph, cycle_id: str) -> list[str]:
    """Return a line for each loop that an agent ran inside the cycle, under the name that explains it."""
    lines: list[str] = []
    for name, state in (await loops_of(graph, cycle_id)).items():
        ended = explain_loop(state)
        lines.append(f"  {name}  {ended.status}: {shorten(ended.reason, 120)}")
    return ["", "  Loops inside", *lines] if lines else []


async def _failure(graph: MemoryGraph, node: Node, failure: DiscoveredFailure) -> list[str]:
    related = await graph.nodes([failure.hypothesis_id, *failure.run_ids[:1]])
    hypothesis = related.get(failure.hypothesis_id)
    results = await graph.find(kind="result", cycle_id=node.cycle_id, where={"experiment_id": failure.experiment_id})
    lines = [
        f"{failure.label}: {visible(failure.description)}",
        f"  {failure.primary_class} / {failure.secondary_class}, {failure.severity}: {failure.severity_reason}",
        f"  standing: {failure.standing}, {failure.novelty}"
        + (f" (descends from {failure.parent_failure_id})" if failure.parent_failure_id else ""),
        *(await superseded(graph, node)),
        *([f"  {visible(judged(failure), keep_newlines=False)}"] if failure.judge else []),
        "",
        "why this is a finding",
    ]
    if hypothesis is not None and isinstance(hypothesis.record, Hypothesis):
        h = hypothesis.record
        lines.append(f"  guessed from {h.source} with probability {h.confidence:.2f}: {visible(h.rationale)}")
    for each in results:
        if isinstance(each.record, ExperimentResult):
            lines += _evidence(each.record)
    basis = failure.causal_analysis.basis if failure.causal_analysis else "?"
    lines += ["", f"cause ({basis}): {visible(failure.root_cause)}"]
    lines += [f"  {visible(factor)}" for factor in failure.contributing_factors]
    interventions = await graph.neighbours(failure.id, relation="addressed_by", direction="out")
    for neighbour in interventions:
        if isinstance(neighbour.node.record, Intervention):
            lines += ["", *await _intervention(graph, neighbour.node.record)]
    run = related.get(failure.run_ids[0]) if failure.run_ids else None
    if run is not None and isinstance(run.record, Run):
        title = f"one of {len(failure.run_ids)} failing runs, {run.record.scenario_id} ({run.id})"
        lines += ["", title, *transcript_of(run.record.turns).split("\n")]
    return lines


async def superseded(graph: MemoryGraph, node: Node) -> list[str]:
    """Return a line that says what became of a failure that was judged again; nothing for one in force."""
    if node.valid_to is None or not isinstance(node.record, DiscoveredFailure):
        return []
    later = await graph.neighbours(node.id, relation="evolved_into", direction="out")
    same = [n.node for n in later if n.node.data.get("experiment_id") == node.record.experiment_id]
    now = f"is {same[-1].label} now" if same else "was withdrawn"
    return [f"  not in force since {node.valid_to:%Y-%m-%d}: it was judged again, and {now}"]


async def _story(graph: MemoryGraph, node: Node) -> list[str]:
    """Return how it came about and what came of it, and how much rests on it; nothing for a node without relations."""
    lineage = await graph.lineage(node.id)
    named = {each.id: f"{each.kind} {each.label or each.id}" for each in (*lineage.up, node, *lineage.down)}
    told = stories(lineage, without="run")
    if not told:
        return []
    lines = ["", "from beginning to end"]
    lines += [f"  {' -> '.join(named[each] for each in path)}" for path in told[:_STORIES]]
    if len(told) > _STORIES:
        lines.append(f"  and {len(told) - _STORIES} more")
    resting = blast_radius(of_lineage(lineage), node.id)
    return [*lines, f"  rests on it: {', '.join(f'{n} {kind}' for kind, n in resting.items()) or 'nothing'}"]


def _evidence(result: ExperimentResult) -> list[str]:
    lines = [f"  screened: {result.screen.failures} of {result.screen.n} stressed runs failed"]
    if result.stress.n:
        lines += [
            f"  confirmed on fresh cases: {result.stress.failures} of {result.stress.n} under stress,"
            f" {result.control.failures} of {result.control.n} in the control",
            f"  evidence: ln e = {result.log_e:.2f}; rate {percent(result.interval)} percent (95%)",
        ]
    if result.measured.n:
        lines.append(
            f"  measured on {result.measured.n} further cases: {result.measured.failures} failed,"
            f" {percent(result.measured_interval)} percent (95%, Wilson)"
        )
    if result.screen.indeterminate + result.stress.indeterminate + result.control.indeterminate:
        lines.append("  indeterminate runs count as ok under stress and as failure in the control")
    if result.notes:
        lines.append(f"  {visible(result.notes)}")
    return lines


async def _intervention(graph: MemoryGraph, intervention: Intervention) -> list[str]:
    lines = [
        f"{intervention.label}: {visible(intervention.name)}"
        f" ({intervention.intervention_type}, {intervention.risk_tier})",
        f"  why: {visible(intervention.rationale)}",
        f"  risk: {'; '.join(intervention.risk_factors)}",
    ]
    for neighbour in await graph.neighbours(intervention.id, relation="simulated_by", direction="out"):
        if isinstance(neighbour.node.record, SimulationResult):
            lines += _simulation(neighbour.node.record)
    return lines


def _simulation(s: SimulationResult) -> list[str]:
    lines = [f"  {s.outcome}, basis {s.basis}: {visible(s.recommendation_reason)}"]
    if s.paired.n:
        n = s.paired.n
        lines.append(
            f"  paired on {n} fresh cases: {s.paired.before_failures}/{n} failed before {percent(s.before)},"
            f" {s.paired.after_failures}/{n} after {percent(s.after)}; {s.paired.cured} cured, {s.paired.broken} newly"
            f" failing (McNemar p {s.p_value:.2g})"
        )
    if s.benign.n:
        upper = (
            s.benign_loss_upper if s.benign_loss_upper is not None else stats.loss_upper(s.benign.broken, s.benign.n)
        )
        lines.append(f"  benign: {s.benign.broken} of {s.benign.n} lost, true loss up to {upper:.1%}")
    if s.reattack.n:
        lines.append(f"  attacked again: {s.reattack.failures} of {s.reattack.n} failed")
    return lines
