"""An adapter made ready to be measured outside a run or confirm: for promotion, for pytest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from tinman.errors import TargetError
from tinman.harness.runtime_choice import choose
from tinman.targets.adapters.base import RuntimeSpec
from tinman.targets.adapters.target import AdapterProcess, AdapterTarget


@asynccontextmanager
async def ready_adapter(place: str, *, user: str, provider: str = "", model: str = "") -> AsyncIterator[AdapterTarget]:
    """Open the adapter made by the factory ``place``: loaded, ready, and told which model is measured.

    Raises ``TargetError`` when it cannot be made or is not ready, ``DefinitionError`` when the model is not certain.
    """
    async with AdapterProcess(place) as process:
        await process.load()
        found = await process.ask("preflight", user_id=user)
        if found["status"] != "ready":
            raise TargetError(f"preflight: {found['status']}: {found['summary']}")
        known = await process.ask("runtime", user_id=user)
        resolved = RuntimeSpec(**known["resolved"]) if known["resolved"] else None
        candidates = [RuntimeSpec(**one) for one in known["candidates"] if one]
        choice = choose(resolved, candidates, provider=provider, model=model)
        await process.ask("select", runtime=asdict(choice.runtime))
        yield AdapterTarget(place, process)
