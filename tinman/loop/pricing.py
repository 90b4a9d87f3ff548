"""Prices given by hand, in the shapes people write them, and how old the public table may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from tinman.errors import LoopConfigError
from tinman.loop.state import Metrics
from tinman.models.prices import Rate

Priced: TypeAlias = "Rate | tuple[float, float] | Mapping[str, float]"
_FORMS = "{'model': Rate(input_usd=3, output_usd=15)}, a pair (3, 15), or {'input': 3, 'output': 15}; USD a million"


def rates(pricing: Mapping[str, Any] | None, provider: str) -> dict[str, Rate]:
    """Return ``pricing`` keyed ``provider:model``; a key without a provider gets ``provider``.

    Raises ``LoopConfigError`` for a shape it does not know.
    """
    made: dict[str, Rate] = {}
    for name, given in (pricing or {}).items():
        made[name if ":" in name else f"{provider}:{name}"] = _rate(name, given)
    return made


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
