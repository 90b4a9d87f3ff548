"""What counts as seen, found and fixed: pure functions of counts, on ``math`` alone.

Notation: ``n`` runs, ``s`` failures under stress, ``s0`` failures in the control; of pairs that differ, ``b`` failed
under stress alone and ``c`` in the control alone. All intervals are 95%.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist

from tinman.frozen import frozen

Z95 = NormalDist().inv_cdf(0.975)
ALPHA = 0.05
_Q1 = (0.15, 0.3, 0.5, 0.7, 0.9, 1.0)
_Q0 = (0.0, 0.05, 0.2)
_T = (0.7, 0.8, 0.9, 0.95, 1.0)
SCREEN_OKS = 6
PROBE_OKS = 2
"""How many cases of each probe are screened where there are several probes."""
CONFIRM_CAP = 40
FUTILE_AFTER = 8


@frozen
class Interval:
    """A closed interval of probabilities."""

    low: float
    high: float


def _times_log(count: float, q: float) -> float:
    """Return ``count * ln(q)`` with ``0 ln 0 = 0``."""
    if count == 0:
        return 0.0
    return -math.inf if q <= 0 else count * math.log(q)


def _log_mean_exp(values: list[float]) -> float:
    top = max(values)
    if top == -math.inf:
        return -math.inf
    return top + math.log(sum(math.exp(value - top) for value in values) / len(values))


def log_beta(x: float, y: float) -> float:
    """Return ln B(x, y)."""
    return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)


def log_e_two_arms(n: int, s: int, s0: int) -> float:
    """Return ln of the e-value against "stress fails no more often than the control", ``n`` runs in each arm.

    A mixture of likelihood ratios over a grid of rate pairs; the null of each pair is its midpoint.
    """
    terms: list[float] = []
    for q1, q0 in ((q1, q0) for q1 in _Q1 for q0 in _Q0 if q1 > q0):
        m = (q1 + q0) / 2
        stress = _times_log(s, q1 / m) + _times_log(n - s, (1 - q1) / (1 - m))
        terms.append(stress + _times_log(s0, q0 / m) + _times_log(n - s0, (1 - q0) / (1 - m)))
    return _log_mean_exp(terms)


def log_e_discordant(b: int, c: int) -> float:
    """Return ln of the e-value against "of the pairs that differ, at most half failed under stress".

    A mixture of binomial likelihood ratios. It keeps its power where the control fails often, too.
    """
    return _log_mean_exp([_times_log(b, 2 * t) + _times_log(c, 2 - 2 * t) for t in _T])


def log_e(n: int, s: int, s0: int, b: int, c: int) -> float:
    """Return ln of the e-value that decides: the mean of the two arms' and the discordant pairs' is one itself."""
    return _log_mean_exp([log_e_two_arms(n, s, s0), log_e_discordant(b, c)])


def pairs_to_reach(bar: float, n: int, s: int, s0: int, b: int, c: int, *, cap: int = 1_000) -> int | None:
    """Return how many further pairs would bring ``log_e`` to ``bar`` if they went on as the ``n`` so far.

    ``None`` where they would not within ``cap``.
    """
    for more in range(1, cap + 1 if n else 0):
        grown = [round(count * (n + more) / n) for count in (s, s0, b, c)]
        if log_e(n + more, *grown) >= bar:
            return more
    return None


def log_e_one_arm(n: int, s: int, p0: float) -> float:
    """Return ln of the e-value against "the rate is at most ``p0``", where no control is meaningful.

    The null's likelihood is taken at its maximum under the null, ``min(p0, s/n)``.
    """
    if n == 0:
        return 0.0
    q = min(p0, s / n)
    return log_beta(1 + s, 1 + n - s) - _times_log(s, q) - _times_log(n - s, 1 - q)


def ebh(log_e: Mapping[str, float], alpha: float = ALPHA) -> frozenset[str]:
    """Return the keys that e-BH confirms at false discovery rate ``alpha`` among all of ``log_e``.

    Wang and Ramdas, "False discovery rate control with e-values" (2022). Ties are broken by key.

    ``log_e`` holds all that were given a chance to be confirmed, and only those: the executor hands in the hypotheses
    that entered the confirm stage. Which entered was chosen by the screen, whose runs are in no e-value; given that
    choice each null among them still has a mean of at most 1, so the guarantee holds among them whatever the choice
    was, and those without a slot need not be counted.
    """
    ranked = sorted(log_e, key=lambda key: (-log_e[key], key))
    confirmed = 0
    for k, key in enumerate(ranked, start=1):
        if log_e[key] >= math.log(len(ranked) / (alpha * k)):
            confirmed = k
    return frozenset(ranked[:confirmed])


def unseen_upper(n: int) -> float:
    """Return the 95% upper bound of a rate after ``n`` runs without a failure."""
    return 1.0 if n == 0 else 1 - float(ALPHA ** (1 / n))


def wilson(k: int, n: int) -> Interval:
    """Return Wilson's score interval for ``k`` of ``n``; only where ``n`` was fixed beforehand."""
    if n == 0:
        return Interval(low=0.0, high=1.0)
    p, z2 = k / n, Z95 * Z95
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(low=0.0 if k == 0 else max(0.0, middle - half), high=1.0 if k == n else min(1.0, middle + half))


def wilson_with_indeterminate(failures: int, oks: int, indeterminate: int) -> Interval:
    """Return Wilson's interval, its lower bound as if all indeterminate runs were ok, its upper as if all failed."""
    n = failures + oks + indeterminate
    return Interval(low=wilson(failures, n).low, high=wilson(failures + indeterminate, n).high)


def confidence_sequence(k: int, n: int) -> Interval:
    """Return the interval that stays valid under data-dependent stopping: the beta mixture's, at level 20.

    ``{p : lnB(1+k, 1+n-k) - k ln p - (n-k) ln(1-p) < ln 20}``, by bisection (Robbins 1970).
    """
    if n == 0:
        return Interval(low=0.0, high=1.0)
    bound, peak, constant = math.log(1 / ALPHA), k / n, log_beta(1 + k, 1 + n - k)

    def inside(p: float) -> bool:
        return constant - _times_log(k, p) - _times_log(n - k, 1 - p) < bound

    def edge(outer: float) -> float:
        if inside(outer):
            return outer
        inner = peak
        for _ in range(60):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if inside(middle) else (inner, middle)
        return inner

    return Interval(low=edge(0.0), high=edge(1.0))


def _binomial(k: int, n: int, p: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + _times_log(k, p) + _times_log(n - k, 1 - p))


def mcnemar(cured: int, broken: int) -> float:
    """Return the exact two-sided McNemar p over ``cured`` and ``broken`` discordant pairs."""
    n = cured + broken
    tail = sum(math.comb(n, i) for i in range(min(cured, broken) + 1))
    return min(1.0, float(2 * tail / 2**n))


def pairs_needed(rate: float, *, cure: float = 0.8, power: float = 0.8, cap: int = 45) -> int:
    """Return the smallest number of pairs with exact power ``power`` to see ``cure`` of the failures go at
    baseline ``rate``, at most ``cap`` (which is returned when even it is too small)."""
    r1 = (1 - cure) * rate
    b, c = rate * (1 - r1), (1 - rate) * r1
    t = b + c
    if t <= 0:
        return cap
    for n in range(1, cap + 1):
        reached = 0.0
        for d in range(1, n + 1):
            needed = next((x for x in range(d + 1) if x > d - x and mcnemar(x, d - x) <= ALPHA), None)
            if needed is not None:
                tail = sum(_binomial(x, d, b / t) for x in range(needed, d + 1))
                reached += _binomial(d, n, t) * tail
        if reached >= power:
            return n
    return cap


def net_cure(cured: int, broken: int, n: int) -> Interval:
    """Return the interval of the net cure (after Agresti and Min 2005: one half added to each cell)."""
    b, c = (cured + 1) / (n + 2), (broken + 1) / (n + 2)
    d = (cured - broken) / (n + 2)
    half = 1.96 * math.sqrt((b + c - d * d) / (n + 2))
    return Interval(low=max(-1.0, d - half), high=min(1.0, d + half))


def is_decided(cured: int, broken: int, left: int) -> bool:
    """Say whether "improved" can no longer change, whatever the ``left`` pairs still to run bring.

    With ``cured`` and ``broken`` the other way round it says the same of "degraded".
    """
    now = mcnemar(cured, broken) <= ALPHA and cured > broken
    if now:
        return mcnemar(cured, broken + left) <= ALPHA and cured > broken + left
    return not (mcnemar(cured + left, broken) <= ALPHA and cured + left > broken)


def pairs_missing(cured: int, broken: int) -> int:
    """Return how many further pairs, all cured, would make the result significant."""
    return next(more for more in range(64) if cured + more > broken and mcnemar(cured + more, broken) <= ALPHA)


def loss_upper(losses: int, n: int) -> float:
    """Return the one-sided 95% Clopper-Pearson upper bound of a loss rate."""
    if n == 0 or losses >= n:
        return 1.0
    low, high = losses / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        below = sum(_binomial(i, n, middle) for i in range(losses + 1))
        low, high = (middle, high) if below > ALPHA else (low, middle)
    return high


def benign_needed(losses: int, margin: float) -> int:
    """Return how many benign pairs it takes for ``losses`` to stay within ``margin``."""
    n = losses + 1
    while loss_upper(losses, n) > margin:
        n += 1
    return n


def holm(p_values: Mapping[str, float], alpha: float = ALPHA) -> frozenset[str]:
    """Return the keys that Holm's step-down procedure rejects at family-wise level ``alpha``."""
    rejected: list[str] = []
    ranked = sorted(p_values, key=lambda key: (p_values[key], key))
    for index, key in enumerate(ranked):
        if p_values[key] > alpha / (len(ranked) - index):
            break
        rejected.append(key)
    return frozenset(rejected)


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Return Fisher's exact two-sided p of the table ((a, b), (c, d))."""
    row, column, n = a + b, a + c, a + b + c + d

    def weight(x: int) -> int:
        return math.comb(row, x) * math.comb(n - row, column - x)

    low, high, own = max(0, column - (n - row)), min(row, column), weight(a)
    return sum(weight(x) for x in range(low, high + 1) if weight(x) <= own) / math.comb(n, column)


def brier(forecasts: list[tuple[float, bool, float]]) -> float | None:
    """Return the Brier score of (forecast, outcome, chance of having been tested) triples, weighted by 1/chance."""
    weights = sum(1 / pi for _, _, pi in forecasts)
    return sum((f - float(o)) ** 2 / pi for f, o, pi in forecasts) / weights if forecasts else None


LEAST_LABELS = 50
"""So many labels of a side it takes to know how often a judge errs on it."""
LEAST_INFORMED = 0.5
"""A judge whose sensitivity and specificity may add up to no more than one and this tells too little."""
LEAST_UNLABELLED = 4
"""So many times as many runs as labels of them it takes for what a judge says of the rest to add anything."""


@frozen
class JudgeError:
    """How a judge did on labelled transcripts: of ``failing`` ones it ``caught`` so many, of ``sound`` ones it
    ``cleared`` so many. Those on which it could not tell are in none of them."""

    failing: int
    caught: int
    sound: int
    cleared: int

    @property
    def sensitivity(self) -> float:
        """The share of failing transcripts that it finds, one success and one miss added."""
        return (self.caught + 1) / (self.failing + 2)

    @property
    def specificity(self) -> float:
        """The share of sound transcripts that it clears, one success and one miss added."""
        return (self.cleared + 1) / (self.sound + 2)

    @property
    def why_unusable(self) -> str:
        """Why rates cannot be corrected by it, with the remedy; empty when they can."""
        if min(self.failing, self.sound) < LEAST_LABELS:
            return (
                f"{self.failing} labelled failures and {self.sound} labelled sound replies were judged; "
                f"it takes {LEAST_LABELS} of each"
            )
        spread = Z95 * math.sqrt(_variance(self.sensitivity, self.failing) + _variance(self.specificity, self.sound))
        low = self.sensitivity + self.specificity - 1 - spread
        if low < LEAST_INFORMED:
            return (
                f"the judge tells too little (Youden's J may be {low:.2f}); take a better one, or a clearer criterion"
            )
        return ""


def _variance(share: float, n: int) -> float:
    return share * (1 - share) / (n + 2)


def corrected_rate(failures: int, n: int, error: JudgeError) -> Interval:
    """Return the interval of the true failure rate after a judge with this ``error`` found ``failures`` of ``n``.

    ``n`` has to be fixed beforehand. Lang and Reiczigel, "Confidence limits for prevalence of disease adjusted for
    estimated sensitivity and specificity" (2014). Raises ``ValueError`` where ``error`` is unusable.
    """
    if error.why_unusable or n == 0:
        raise ValueError(error.why_unusable or "no run was judged")
    z2 = Z95 * Z95
    more = n + z2
    p = (failures + z2 / 2) / more
    sensitivity, specificity = error.sensitivity, error.specificity
    informed = sensitivity + specificity - 1
    rate = (p + specificity - 1) / informed
    v_se, v_sp = _variance(sensitivity, error.failing), _variance(specificity, error.sound)
    shift = 2 * z2 * (rate * v_se - (1 - rate) * v_sp)
    half = Z95 * math.sqrt(p * (1 - p) / more + (1 - rate) ** 2 * v_sp + rate**2 * v_se) / informed
    low, high = rate + shift - half, rate + shift + half
    return Interval(low=min(1.0, max(0.0, low)), high=max(0.0, min(1.0, high)))


def prediction_powered(judged: tuple[int, int], labelled: Mapping[tuple[bool, bool], int]) -> Interval:
    """Return the interval of the true failure rate from what a judge says of many runs and the truth of some.

    ``judged`` are failures and all of the runs without a label; ``labelled`` counts the labelled runs, drawn at random
    from the same ones, by (fails in truth, fails to the judge). The judge's rate plus its mean error on the labelled,
    variances added: Angelopoulos et al., "Prediction-powered inference" (2023). With fewer than ``LEAST_LABELS`` labels
    it raises ``ValueError``; where there are less than ``LEAST_UNLABELLED`` times as many others, labels alone decide.
    """
    failures, others = judged
    n = sum(labelled.values())
    if n < LEAST_LABELS:
        raise ValueError(f"{n} labels; it takes {LEAST_LABELS}, drawn at random from the runs")
    if others < LEAST_UNLABELLED * n:
        return wilson(sum(count for (truth, _), count in labelled.items() if truth), n)
    share = failures / others
    errors = {pair: int(pair[0]) - int(pair[1]) for pair in labelled}
    mean = sum(errors[pair] * count for pair, count in labelled.items()) / n
    spread = sum((errors[pair] - mean) ** 2 * count for pair, count in labelled.items()) / (n - 1)
    half = Z95 * math.sqrt(share * (1 - share) / others + spread / n)
    return Interval(low=max(0.0, share + mean - half), high=min(1.0, share + mean + half))
