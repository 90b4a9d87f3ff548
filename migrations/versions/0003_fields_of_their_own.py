"""What stood in free-form members, in the text of a reason or in the name of a case gets fields of its own."""

import hashlib
import json
import re

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000
_NODES = sa.table("nodes", sa.column("id", sa.String), sa.column("kind", sa.String), sa.column("data", sa.JSON))
_CYCLES = sa.table(
    "cycles",
    sa.column("id", sa.String),
    sa.column("kind", sa.String),
    sa.column("status", sa.String),
    sa.column("stopped_reason", sa.String),
    sa.column("summary", sa.JSON),
    sa.column("ending", sa.JSON(none_as_null=True)),
    sa.column("spent", sa.JSON(none_as_null=True)),
)
_JOURNAL = sa.table(
    "journal",
    sa.column("cycle_id", sa.String),
    sa.column("key", sa.String),
    sa.column("value", sa.JSON),
)
_APPROVALS = sa.table(
    "approvals",
    sa.column("id", sa.String),
    sa.column("kind", sa.String),
    sa.column("mode", sa.String),
    sa.column("tier", sa.String),
    sa.column("digest", sa.String),
    sa.column("summary", sa.JSON),
)
_SPENT = ("calls", "tokens", "nano_usd", "input_tokens", "output_tokens", "seconds")


def upgrade() -> None:
    """Convert every row, a bounded number at a time."""
    for name in ("ending", "spent"):
        op.add_column("cycles", sa.Column(name, sa.JSON()))
    _convert_cycles()
    for name in ("stopped_reason", "summary"):
        op.drop_column("cycles", name)
    _convert_nodes()
    _convert_journal()
    _convert_approvals()


def _convert_cycles() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_CYCLES)).all():
        summary = row.summary or {}
        spent = {name: summary[name] for name in _SPENT if name in summary} if row.kind == "cycle" else {}
        change = sa.update(_CYCLES).where(_CYCLES.c.id == row.id)
        connection.execute(change.values(ending=_ending(row, summary), spent=spent or None))


def _ending(row, summary):
    """Return how a cycle or loop ended; ``None`` for one that runs, or whose process was killed."""
    reason = summary.get("reason", "") if row.kind == "loop" else row.stopped_reason
    if row.kind == "loop":
        kind = row.stopped_reason or ("SUCCESS" if row.status == "completed" else "")
    else:
        kind = summary.get("ended_as") or {"completed": "SUCCESS", "cancelled": "CANCELLED"}.get(row.status, "")
        kind = kind or ("STOPPED" if row.stopped_reason else "")
    if not kind:
        return None
    limit = re.match(r"budget: (\w+) ceiling", row.stopped_reason)
    approval = re.match(r"awaiting approval (\S+)", row.stopped_reason)
    return {
        "kind": kind,
        "reason": reason,
        "limit": limit[1] if limit else "",
        "approval_id": approval[1] if approval else "",
    }


def _convert_nodes() -> None:
    connection = op.get_bind()
    converters = {"hypothesis": _hypothesis, "experiment": _experiment, "run": _name_probe, "failure_mode": _failure}
    last = ""
    while True:
        query = sa.select(_NODES).where(_NODES.c.kind.in_(converters), _NODES.c.id > last)
        rows = connection.execute(query.order_by(_NODES.c.id).limit(_AT_ONCE)).all()
        for row in rows:
            converters[row.kind](row.data)
            connection.execute(sa.update(_NODES).where(_NODES.c.id == row.id).values(data=row.data))
        if not rows:
            return
        last = rows[-1].id


def _hypothesis(data):
    for name in ("family", "source_forecast"):
        if name in data["metadata"]:
            data[name] = data["metadata"].pop(name)


def _experiment(data):
    if "forecast" in data["parameters"]:
        data["forecast"] = data["parameters"].pop("forecast")
    for case in (*data["test_cases"], *data["measure_cases"]):
        _name_probe(case)


def _failure(data):
    for case in data["scenarios"]:
        _name_probe(case)


def _name_probe(case):
    """A drawn case is called by its base task, probe, wording and opener: ``acme/poisoned/1/0``."""
    parts = case["case"].split("/")
    case["probe"] = parts[1].replace("_", " ") if len(parts) > 2 else ""


def _convert_journal() -> None:
    """The values of two steps were flat lists: whether an LLM was used, then the records."""
    connection = op.get_bind()
    steps = sa.or_(_JOURNAL.c.key == "hypotheses", _JOURNAL.c.key.like("interventions/%"))
    for row in connection.execute(sa.select(_JOURNAL).where(steps)).all():
        value = row.value["value"]
        if isinstance(value, list):
            used, *records = value
            mine = (_JOURNAL.c.cycle_id == row.cycle_id, _JOURNAL.c.key == row.key)
            packed = {"value": {"$tuple": [used, {"$tuple": records}]}}
            connection.execute(sa.update(_JOURNAL).where(*mine).values(value=packed))


def _convert_approvals() -> None:
    """A simulation's patches were one text. As a list they have another digest: the row gets it, and is found by it."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(_APPROVALS).where(_APPROVALS.c.kind == "simulation")).all():
        details = {**row.summary, "patches": row.summary["patch"].split(", ")}
        what = details.pop("what")
        del details["patch"]
        asked = json.dumps(
            [row.kind, what, row.mode, row.tier, details], sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        digest = hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        change = {"summary": {"what": what, **details}, "digest": digest}
        connection.execute(sa.update(_APPROVALS).where(_APPROVALS.c.id == row.id).values(change))


def downgrade() -> None:
    """Raise: what has fields of its own is not put back into free-form members."""
    raise NotImplementedError("restore the copy of the database that was made before it was brought up to date")
