"""What is known of each target, version by version: a node for each, with an edge from the one before it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tinman import clock
from tinman.errors import NotFound, StoreCorrupt
from tinman.frozen import dump, frozen
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Batch
from tinman.surface import Corrections, Surface, corrected, dated, hidden
from tinman.text.invalid import read_as
from tinman.text.nearest import did_you_mean

_PREFIX = "SURF"


@frozen
class Kept:
    """A version as it is stored, without secrets: the whole ``surface``, and of it what was ``learned`` and what a
    person corrected, so that a profile that changed is laid over these alone."""

    target: str
    digest: str
    surface: Surface
    learned: Surface = Surface()
    corrections: Corrections = Corrections()


@frozen
class Version:
    """A stored version; ``label`` is what it is called by (``SURF-2``)."""

    id: str
    label: str
    since: datetime
    kept: Kept


@frozen
class Remembered:
    """What was learned of a target before, and what a person corrected."""

    learned: Surface = Surface()
    corrections: Corrections = Corrections()

    def under(self, profile: Surface) -> Surface:
        """Return all that is known: what the ``profile`` says, then the corrections, then what was learned.

        Raises ``ConfigError`` for a corrected rule whose check no installed package knows.
        """
        return corrected(profile.merged(self.learned), self.corrections)


async def versions(graph: MemoryGraph, target: str, *, limit: int | None = None) -> list[Version]:
    """Return the versions of a target's surface, newest first."""
    nodes = await graph.find(kind="surface", where={"target": target}, newest_first=True, limit=limit)
    return [Version(id=n.id, label=n.label, since=n.created_at, kept=n.noted(Kept)) for n in nodes]


async def latest(graph: MemoryGraph, target: str) -> Version | None:
    """Return the newest version of a target's surface, ``None`` when there is none."""
    return next(iter(await versions(graph, target, limit=1)), None)


async def version(graph: MemoryGraph, target: str, name: str) -> Version:
    """Return the version that is called ``name``. Raises ``NotFound`` with the nearest."""
    known = await versions(graph, target)
    for each in known:
        if name in (each.label, each.id):
            return each
    hint = did_you_mean(name, [each.label for each in known], "`tinman surface show` keeps the first")
    raise NotFound(f"surface {name}: there is none of {target}; {hint}")


async def surface_at(graph: MemoryGraph, target: str, time: datetime) -> Surface | None:
    """Return what was known of a target at ``time``, without secrets; ``None`` when nothing was kept by then."""
    newest = await latest(graph, target)
    if newest is not None and newest.since > time:
        newest = next((each for each in await versions(graph, target) if each.since <= time), None)
    return newest.kept.surface if newest else None


async def remembered(graph: MemoryGraph, target: str) -> Remembered:
    """Return what the newest version of a target's surface adds to its profile."""
    newest = await latest(graph, target)
    if newest is None:
        return Remembered()
    return Remembered(learned=newest.kept.learned, corrections=newest.kept.corrections)


def readable(surface: Surface, before: Version | None, hide: Callable[[str], str]) -> Surface:
    """Return ``surface`` as it is stored and shown: without secrets, and what was known ``before`` known since then."""
    shown = hidden(surface, hide)
    return dated(shown, before.kept.surface) if before else shown


def read_remembered(stored: object) -> Remembered:
    """Return what a step of the journal recalled. Raises ``StoreCorrupt``."""
    return read_as(
        Remembered, stored, lambda wrong: StoreCorrupt(f"database: table journal, what was recalled: {wrong}")
    )


def put(
    batch: Batch,
    target: str,
    surface: Surface,
    known: Remembered,
    before: Version | None,
    hide: Callable[[str], str],
) -> str | None:
    """Add a version to ``batch`` and return its id; ``None`` when it is ``before`` once more.

    ``hide`` takes secrets out of each text.
    """
    shown, learned = readable(surface, before, hide), hidden(known.learned, hide)
    kept = Kept(target=target, digest=shown.digest, surface=shown, learned=learned, corrections=known.corrections)
    if before is not None and (before.kept.digest, before.kept.corrections) == (kept.digest, kept.corrections):
        return None
    node_id = clock.derive_id("surface", target, kept.digest, dump(kept.corrections), before.id if before else "")
    batch.note("surface", node_id, dump(kept))
    batch.number(_PREFIX, [node_id])
    if before is not None:
        batch.link(before.id, "evolved_into", node_id)
    return node_id
