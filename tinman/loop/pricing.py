"""Prices given by hand, in the shapes people write them, and how old they may be.

The public table is as old as the installed ``genai-prices``, which names no date: keep that package up to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeAlias

from tinman import clock
from tinman.errors import LoopConfigError
from tinman.loop.state.records import Metrics
from tinman.models.prices import Rate

Priced: TypeAlias = "Rate | tuple[float, float] | Mapping[str, float]"
AS_OF = "as_of"
STALE_DAYS = 90
_FORMS = "{'model': Rate(input_usd=3, output_usd=15)}, a pair (3, 15), or {'input': 3, 'output': 15}; USD a million"


def rates(pricing: Mapping[str, Any] | None, provider: str) -> dict[str, Rate]:
    """Return ``pricing`` keyed ``provider:model``; a key without a provider gets ``provider``.

    Raises ``LoopConfigError`` for a shape it does not know.
    """
    return {
        name if ":" in name else f"{provider}:{name}": _rate(name, given)
        for name, given in (pricing or {}).items()
        if name != AS_OF
    }


def age_days(pricing: Mapping[str, Any] | None) -> int:
    """Return how old a table says it is by its ``as_of`` (``"2026-01-31"``); 0 when it says nothing.

    Raises ``LoopConfigError`` for what is no date.
    """
    said = (pricing or {}).get(AS_OF)
    if said is None:
        return 0
    try:
        day = said if isinstance(said, date) else date.fromisoformat(str(said))
    except ValueError:
        raise LoopConfigError(f"pricing: as_of {said!r} is no date; write '2026-01-31'") from None
    return (clock.now().date() - day).days


def _rate(name: str, given: Any) -> Rate:
    if isinstance(given, Rate):
        return given
    try:
        into, out = (given["input"], given["output"]) if isinstance(given, Mapping) else given
        return Rate(input_usd=float(into), output_usd=float(out))
    except (KeyError, TypeError, ValueError):
        raise LoopConfigError(f"pricing: {name}: write {_FORMS}") from None


def cost_usd(rate: Rate, metrics: Metrics) -> float:
    """Return what the tokens of ``metrics`` cost at ``rate``."""
    return (metrics.input_tokens * rate.input_usd + metrics.output_tokens * rate.output_usd) / 1e6
