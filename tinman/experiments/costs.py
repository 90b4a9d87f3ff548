"""What runs may cost, for whoever is asked to allow them: an estimate at the target's own price, or no figure."""

from __future__ import annotations

from tinman.messages import Usage
from tinman.models.metered import price_of
from tinman.records import ExperimentDesign
from tinman.stats import CONFIRM_CAP, SCREEN_OKS
from tinman.targets.base import Target

REPLY_TOKENS = 200  # of a run, as the architect plans them


def estimate_cost_usd(target: Target, design: ExperimentDesign, runs: int) -> float | None:
    """Return what ``runs`` runs of the design's cases may cost; ``None`` when no price is known.

    A model is priced by the table and the user's own prices, as its calls will be. What a black box spends inside,
    nobody here knows.
    """
    model = target.model
    if model is None:
        return None
    planned = 2 * (SCREEN_OKS + CONFIRM_CAP)  # for so many the architect states the tokens
    tokens = -(-design.estimated_tokens // planned)
    answer = min(REPLY_TOKENS, tokens)
    each = Usage(calls=1, input_tokens=tokens - answer, output_tokens=answer)
    nano_usd = price_of(model, each)
    return None if nano_usd is None else round(runs * nano_usd / 1e9, 6)
