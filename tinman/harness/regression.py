"""Failures that stay found: each leaves the memory as a scenario file that anyone can run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tinman import clock
from tinman.config.settings import secret_values
from tinman.errors import DefinitionError, NotApplicable
from tinman.frozen import canonical_json, dump
from tinman.harness.reports.redaction import Redactor
from tinman.memory.graph import MemoryGraph
from tinman.patches.apply import apply
from tinman.records import DiscoveredFailure, Intervention, SimulationResult
from tinman.scenarios.files import SCHEMA, scenario_data
from tinman.scenarios.scenario import Scenario
from tinman.targets.base import Target

_NAME_CHARS = 70


def slug(text: str) -> str:
    """Return ``text`` as the name of a file."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:120] or "scenario"


def name_of(failure: DiscoveredFailure) -> str:
    """Return what happens in a failure, and its label, as a name: ``a-rumour-is-told-as-a-fact-f-1``."""
    words = re.sub(r"[^a-z0-9]+", "-", failure.description.replace("'", "").lower()).strip("-")
    while len(words) > _NAME_CHARS:
        words = words.rpartition("-")[0] or words[:_NAME_CHARS]
    return "-".join([words or failure.primary_class.value.lower(), (failure.label or failure.id).lower()])


def export_scenarios(
    failure: DiscoveredFailure, *, target: str, fingerprint: str, seed: int, cycle_id: str, version: str
) -> tuple[Scenario, ...]:
    """Return the scenarios that reproduce ``failure``, quarantined, with where they come from and their world.

    The checks are the case's own: they failed. Raises ``DefinitionError`` for a failure that is not confirmed, or that
    holds no scenario.
    """
    name = failure.label or failure.id
    if not failure.is_confirmed:
        raise DefinitionError(f"failure {name}: is only {failure.standing}; a confirmed one is exported")
    if not failure.scenarios:
        raise DefinitionError(f"failure {name}: holds no scenario that reproduces it; there is nothing to export")
    made: list[Scenario] = []
    for number, pair in enumerate(failure.scenarios, 1):
        suffix = "" if number == 1 else f"-{number}"
        scenario = replace(
            pair.stressed,
            scenario_id=f"{name_of(failure)}{suffix}",
            description=failure.description,
            tags=(failure.primary_class.value, failure.severity.value, "discovered"),
            schema_version=SCHEMA,
            control_of=None,
            provenance={
                "status": "quarantined",
                "failure_id": failure.id,
                "failure_label": failure.label,
                "experiment_id": failure.experiment_id,
                "cycle_id": cycle_id,
                "run_ids": list(failure.run_ids),
                "case": pair.case,
                "trigger_signature": list(failure.trigger_signature),
                "model": target,
                "target_fingerprint": fingerprint,
                "seed": seed,
                "reproducibility": failure.reproducibility,
                "interval": dump(failure.interval) if failure.interval else None,
                "stress": dump(failure.stress),
                "control": dump(failure.control),
                "tinman_version": version,
                "origin_digest": pair.stressed.digest,
                "content_digest": pair.stressed.digest,
            },
        )
        check_clean(scenario)
        made.append(scenario)
    return tuple(made)


def check_clean(scenario: Scenario) -> None:
    """Raise ``DefinitionError`` when the file would hold a key: cutting it out would change what is tested."""
    text = canonical_json(scenario_data(scenario))
    if Redactor(secret_values()).text(text) != text:
        raise DefinitionError(
            f"scenario {scenario.scenario_id!r}: holds what looks like a key or a secret; it is not written to a file"
        )


def with_shrinking(scenario: Scenario, *, tried: int, note: str, reference: str) -> Scenario:
    """Return ``scenario`` with what is known of how it was made smaller."""
    told: dict[str, Any] = {"candidates": tried, "note": note, "reference": reference}
    return replace(scenario, provenance={**scenario.provenance, "minimised": told, "content_digest": scenario.digest})


async def find_fix(graph: MemoryGraph, failure: DiscoveredFailure, target: Target) -> tuple[Target | None, str]:
    """Return ``target`` with a fix that was proven to help against ``failure``, and the fix's name; or nothing."""
    simulations = await graph.find(kind="simulation", where={"failure_id": failure.id})
    proven = {
        record.intervention_id
        for record in (node.record for node in simulations)
        if isinstance(record, SimulationResult) and record.basis == "replay" and record.outcome == "improved"
    }
    for intervention in (await graph.records(proven)).values():
        if isinstance(intervention, Intervention):
            try:
                return apply(target, intervention.payload), intervention.label or intervention.id
            except NotApplicable:
                continue
    return None, ""


async def remember(graph: MemoryGraph, failure: DiscoveredFailure, scenarios: Sequence[Scenario]) -> None:
    """Store the exported scenarios as nodes that the failure is reproduced by; what is stored already stays."""
    for scenario in scenarios:
        node_id = clock.derive_id("scenario", scenario.scenario_id, scenario.digest)
        await graph.note("scenario", node_id, scenario_data(scenario), label="")
        await graph.link(failure.id, "reproduced_by", node_id)
