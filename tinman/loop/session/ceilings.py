"""The ceilings of one loop: what is left, what fits, and why it is over."""

from __future__ import annotations

from tinman.budget import Amount, Budget, Ledger, Limits
from tinman.errors import BudgetExhausted
from tinman.loop.pricing import Pricing
from tinman.loop.state.records import LoopConfig, State

GRACE_SECONDS = 5.0
"""By how much a loop may end after its wall clock: the time to end what runs, then to write down how it ended."""
LEAST_TOKENS = 16
"""A model call with less room for its answer than this is not made."""
_LEAST = Amount(calls=1, tokens=1)


def spent_before(state: State) -> Amount:
    """Return what earlier sessions count for: after a clean end what they spent, else what they had drawn too."""
    return state.spent if state.ending is not None else state.spent.at_least(state.drawn)


def budget_of(config: LoopConfig, state: State, parent: Budget | None, ledger: Ledger) -> Budget:
    """Return the budget of one session: the loop's own ceilings less what is spent, out of ``parent``."""
    seconds = max(0.0, config.wall_clock_s - state.metrics.elapsed_s)
    limits = Limits(tokens=config.token_limit, usd=config.cost_limit_usd, seconds=seconds)
    block = Amount(calls=64, tokens=max(1, config.token_limit // 8), nano_usd=50_000_000)
    return Budget(limits, parent=parent, ledger=ledger, block=block)


def find_reached(state: State, budget: Budget, *, in_round: bool = False) -> str:
    """Return which ceiling is reached, in the order iterations, tokens, wall clock, money; empty when none is.

    Within a round the number of rounds does not count: the round that runs is the last one allowed at most.
    """
    config, spent = state.config, budget.spent
    if not in_round and len(state.iterations) >= config.max_iterations:
        return f"max_iterations ({config.max_iterations}) reached"
    if over := overrun(config, budget):
        return over
    if spent.tokens >= config.token_limit:
        return f"token_limit ({config.token_limit:,}) reached"
    left = budget.seconds_left
    if left is not None and left <= 0:
        return f"wall_clock_s ({config.wall_clock_s:g}) reached"
    if config.cost_limit_usd is not None and spent.nano_usd >= config.cost_limit_usd * 1e9:
        return f"cost_limit_usd ({config.cost_limit_usd:g}) reached"
    if budget.is_share and not budget.room.covers(_LEAST):
        return "the budget this loop has a share of is used up"
    return ""


def explain_refusal(state: State, budget: Budget, error: BudgetExhausted) -> str:
    """Return in the loop's own words why a reservation was refused."""
    if limit := find_reached(state, budget, in_round=True):
        return limit
    config = state.config
    name, ceiling = {
        "tokens": ("token_limit", f"{config.token_limit:,}"),
        "usd": ("cost_limit_usd", f"{config.cost_limit_usd or 0:g}"),
        "seconds": ("wall_clock_s", f"{config.wall_clock_s:g}"),
    }.get(error.limit, (error.limit, f"{error.ceiling:g}"))

    if error.limit == "tokens":
        need = "more" if error.needed is None else f"up to {error.needed:,.0f}"
        return f"{name} ({ceiling}): the next call may need {need} of the {budget.room.tokens:,} left"
    if error.limit == "usd":
        need = "more" if error.needed is None else f"up to {error.needed:.6f}"
        return f"{name} ({ceiling}): the next call may need {need} of the {budget.room.nano_usd / 1e9:.6f} left"
    return f"{name} ({ceiling}) reached"


def overrun(config: LoopConfig, budget: Budget) -> str:
    """Return by how much the token ceiling was overrun; empty when it was not."""
    over = budget.spent.tokens - config.token_limit
    if over <= 0:
        return ""
    return f"token_limit ({config.token_limit:,}) overrun by {over:,}: the model does not keep max_tokens"


def output_cap(prompt: int, config: LoopConfig, budget: Budget, pricing: Pricing) -> int:
    """Return how many tokens the answer to ``prompt`` tokens may have so that both fit under every ceiling.

    Raises ``BudgetExhausted`` when fewer than ``LEAST_TOKENS`` are left for it.
    """
    room, least = budget.room, min(LEAST_TOKENS, config.max_tokens_per_call)
    cap = min(config.max_tokens_per_call, room.tokens - prompt)
    if cap < least:
        needed = prompt + least
        raise BudgetExhausted("tokens", ceiling=config.token_limit, used=budget.spent.tokens, needed=needed)
    if not budget.has_usd_ceiling:
        return cap
    base, whole = pricing.bound(prompt, 0), pricing.bound(prompt, cap)
    if base is None or whole is None or whole <= room.nano_usd:
        return cap
    cap = int((room.nano_usd - base) * cap / (whole - base)) if whole > base else 0
    if cap < least:
        spent, dollars = budget.spent.nano_usd / 1e9, (pricing.bound(prompt, least) or 0) / 1e9
        raise BudgetExhausted("usd", ceiling=config.cost_limit_usd or 0.0, used=spent, needed=dollars)
    return cap
