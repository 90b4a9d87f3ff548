"""An adapter made ready to be measured outside a run or confirm: for promotion, for pytest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tinman.errors import TargetError
from tinman.harness.inner_model import choose
from tinman.targets.adapters.base import PreflightResult
from tinman.targets.adapters.target import AdapterProcess, AdapterTarget


def check_ready(found: PreflightResult) -> None:
    """Raise ``TargetError`` unless the target says that it can be measured."""
    if found.status != "ready":
        raise TargetError(f"preflight: {found.status}: {found.summary}")


@asynccontextmanager
async def ready_adapter(place: str, *, user: str, provider: str = "", model: str = "") -> AsyncIterator[AdapterTarget]:
    """Open the adapter made by the factory ``place``: loaded, ready, and told which model is measured.

    Raises ``TargetError`` when it cannot be made or is not ready, ``DefinitionError`` when the model is not certain.
    """
    async with AdapterProcess(place) as process:
        await process.load()
        check_ready(await process.preflight(user))
        resolved, candidates = await process.runtimes(user)
        await process.select(choose(resolved, candidates, provider=provider, model=model).runtime)
        yield AdapterTarget(place, process)
