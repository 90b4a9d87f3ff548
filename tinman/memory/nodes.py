"""Records as nodes and back, without loss. Here is the only place that knows how a record is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from tinman.config.modes import Mode
from tinman.errors import StoreCorrupt
from tinman.frozen import Encoded, adapter, dump, frozen
from tinman.records import (
    DiscoveredFailure,
    Ending,
    ExperimentDesign,
    ExperimentResult,
    Hypothesis,
    Intervention,
    Record,
    Run,
    SimulationResult,
    Spent,
)
from tinman.text.invalid import first_error, read_as
from tinman.text.storable import storable

T = TypeVar("T")
NodeKind = Literal[
    "hypothesis",
    "experiment",
    "run",
    "result",
    "failure_mode",
    "intervention",
    "simulation",
    "model_version",
    "scenario",
    "deployment",
    "rollback",
    "confirmation",
    "belief",
    "forecast",
    "score",
    "surface",
    "calibration",
    "retraction",
]
Relation = Literal[
    "tested_in",
    "executed_as",
    "observed_in",
    "caused_by",
    "addressed_by",
    "simulated_by",
    "deployed_as",
    "rolled_back_by",
    "regressed_as",
    "evolved_into",
    "reproduced_by",
    "confirmed_by",
]
KINDS: frozenset[str] = frozenset(get_args(NodeKind))
RELATIONS: frozenset[str] = frozenset(get_args(Relation))
POINTING_BACK: frozenset[str] = frozenset({"observed_in", "caused_by"})
"""Relations whose source came after their target: a failure is observed in a run that was there before it."""

CycleKind = Literal["cycle", "loop"]
CycleStatus = Literal["running", "paused", "completed", "failed", "cancelled"]

_KIND_OF: dict[type[Any], NodeKind] = {
    Hypothesis: "hypothesis",
    ExperimentDesign: "experiment",
    Run: "run",
    ExperimentResult: "result",
    DiscoveredFailure: "failure_mode",
    Intervention: "intervention",
    SimulationResult: "simulation",
}
_TYPE_OF: dict[str, Any] = {kind: of for of, kind in _KIND_OF.items()}
LABELLED = frozenset(_TYPE_OF) - {"run"}
"""The kinds whose records keep their label."""

_SEARCHED: dict[type[Any], tuple[str, ...]] = {
    Hypothesis: ("target_surface", "expected_failure", "failure_class", "subtype", "stress_type", "rationale"),
    ExperimentDesign: ("name", "description", "stress_type", "failure_class", "subtype"),
    Run: ("case", "base_task", "verdict", "reason"),
    ExperimentResult: ("standing", "failure_class", "subtype", "stress_type", "notes"),
    DiscoveredFailure: (
        *("primary_class", "secondary_class", "severity", "description", "key_insight", "stress_type"),
        *("trigger_signature", "owasp", "atlas"),
    ),
    Intervention: ("intervention_type", "name", "description", "rationale", "mitigation_id"),
    SimulationResult: ("outcome", "basis", "recommendation_reason"),
}


@frozen
class Node:
    """One thing that is known. ``record`` is set for the seven record kinds; ``data`` is what is stored."""

    id: str
    kind: NodeKind
    cycle_id: str
    label: str = ""
    created_at: datetime
    valid_from: datetime
    valid_to: datetime | None = None
    data: dict[str, Any]
    record: Record | None = None

    def noted(self, of: type[T]) -> T:
        """Return what an untyped node holds as a record ``of`` that type. Raises ``StoreCorrupt``."""
        return read_as(of, self.data, partial(_unsound, self.id))


def _unsound(node_id: str, wrong: str) -> StoreCorrupt:
    return StoreCorrupt(f"database: table nodes, row {node_id}: {wrong}")


@frozen
class Edge:
    """``source`` ``relation`` ``target``, read as a sentence."""

    source: str
    relation: Relation
    target: str


@frozen
class Cycle:
    """A stored research cycle, or loop. ``config`` holds the resolved options it was started with."""

    id: str
    kind: CycleKind = "cycle"
    mode: Mode
    target: str
    reasoner: str
    seed: int
    config: dict[str, Any]
    status: CycleStatus
    phase: str = ""
    created_at: datetime
    ended_at: datetime | None = None
    owner: str | None = None
    heartbeat_at: datetime | None = None
    lease_expires_at: datetime | None = None
    ending: Ending | None = None
    spent: Spent | None = None


def kind_of(record: Record) -> NodeKind:
    """Return the node kind of a record."""
    return _KIND_OF[type(record)]


_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN')
_FINITE = {"Infinity": "1e999", "-Infinity": "-1e999"}


def _strict(text: str) -> str:
    """Return JSON that every database reads: infinities as numbers too large for a float. Raises on NaN."""
    if "Infinity" not in text and "NaN" not in text:
        return text

    def spelled(found: re.Match[str]) -> str:
        word = found.group()
        if word == "NaN":
            raise ValueError("a value that is not a number (NaN) cannot be stored")
        return _FINITE.get(word, word)

    return _STRING_OR_CONSTANT.sub(spelled, text)


def to_json(data: Any) -> Encoded:
    """Return ``data`` as JSON text ready for a column; raises ``TypeError`` or ``ValueError`` when it is not JSON."""
    return Encoded(_strict(json.dumps(data, separators=(",", ":"))))


def record_json(record: Record) -> Encoded:
    """Return a record as the JSON text of its ``data`` column; a result's runs as ``run_ids``."""
    if isinstance(record, ExperimentResult):
        data: dict[str, Any] = adapter(ExperimentResult).dump_python(record, mode="json", exclude={"runs"})
        return to_json({**data, "run_ids": [run.id for run in record.runs]})
    of: Any = type(record)
    try:
        return Encoded(_strict(adapter(of).dump_json(record).decode()))
    except PydanticSerializationError:  # a lone surrogate somewhere in a free dict; JSON can escape it
        return to_json(dump(record))


def _words(record: Record) -> str:
    parts: list[str] = [record.id]
    for name in _SEARCHED[type(record)]:
        value = getattr(record, name)
        parts.extend(value if isinstance(value, tuple) else [value or ""])
    return " ".join(part for part in parts if part).lower()


class Batch:
    """Rows waiting to be written together: nodes, edges, labels to give, lines of the audit chain."""

    def __init__(self, cycle_id: str) -> None:
        self.cycle_id = cycle_id
        self.nodes: dict[str, dict[str, Any]] = {}
        self.records: dict[str, Record] = {}
        self.edges: dict[tuple[str, str, str], None] = {}
        self.numbered: list[tuple[str, tuple[str, ...]]] = []
        self.audited: list[tuple[str, str, dict[str, Any]]] = []

    def audit(self, actor: str, what: str, data: Mapping[str, Any]) -> None:
        """Add a line to the audit chain: who, what, with which values; JSON without secrets."""
        self.audited.append((actor, what, dict(data)))

    def record(self, record: Record, *, label: str | None = None) -> None:
        """Add a record, and the runs of a result with it. Raises ``ValueError`` on NaN."""
        if label is not None and not isinstance(record, Run):
            record = replace(record, label=label)
        if isinstance(record, ExperimentResult):
            for run in record.runs:
                if run.id not in self.records:
                    self.record(run)
        self.records[record.id] = record
        given: str = getattr(record, "label", label or "")
        self.nodes[record.id] = self._row(record.id, kind_of(record), given, _words(record), record_json(record))

    def note(self, kind: str, node_id: str, data: Mapping[str, Any], *, label: str = "") -> None:
        """Add an untyped node. Raises ``ValueError`` for a kind that is unknown, ``TypeError`` for data not JSON."""
        if kind not in KINDS or kind in _TYPE_OF:
            raise ValueError(f"node {node_id}: {kind!r} is not a kind of note")
        words = " ".join([node_id, *(value for value in data.values() if isinstance(value, str))]).lower()
        self.nodes[node_id] = self._row(node_id, kind, label, storable(words), to_json(dict(data)))

    def link(self, source_id: str, relation: str, target_id: str) -> None:
        """Add an edge. Raises ``ValueError`` for a relation that is unknown."""
        if relation not in RELATIONS:
            raise ValueError(f"edge {source_id} -> {target_id}: {relation!r} is not a relation")
        self.edges[source_id, relation, target_id] = None

    def number(self, prefix: str, record_ids: Iterable[str]) -> None:
        """Give stored nodes, or some of this batch, the next labels of the form ``F-9`` in the order given.

        The numbers are given in the transaction that stores the batch, so no other process gives them, too. One that
        has a label keeps it.
        """
        self.numbered.append((prefix, tuple(record_ids)))

    def _row(self, node_id: str, kind: str, label: str, words: str, data: Encoded) -> dict[str, Any]:
        return {
            "id": node_id,
            "kind": kind,
            "cycle_id": self.cycle_id,
            "label": label,
            "search": f"{label} {words}".lower() if label else words,
            "data": data,
        }


def decode(node_id: str, kind: str, data: dict[str, Any], runs: Mapping[str, Run]) -> Record | None:
    """Return the record in a row, or ``None`` for an untyped node.

    ``runs`` holds at least the runs that a result names by their ids. Raises ``StoreCorrupt`` when the row does not
    hold what its kind promises.
    """
    of = _TYPE_OF.get(kind)
    if of is None:
        return None
    try:
        if of is ExperimentResult:
            kept = {name: value for name, value in data.items() if name != "run_ids"}
            data = {**kept, "runs": tuple(runs[run_id] for run_id in data["run_ids"])}
        record: Record = adapter(of).validate_python(data)
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        missing = f"run {error} is missing" if isinstance(error, KeyError) else "it is no record"
        wrong = first_error(error) if isinstance(error, ValidationError) else missing
        raise StoreCorrupt(f"database: table nodes, row {node_id}: not a sound {kind}: {wrong}") from error
    if record.id != node_id:
        raise StoreCorrupt(f"database: table nodes, row {node_id}: not a sound {kind}: it holds that of {record.id}")
    return record
