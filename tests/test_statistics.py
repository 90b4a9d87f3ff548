"""Each formula behind a finding or a proven fix agrees with an independent oracle, and keeps what it promises."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle
from scipy.special import betaln

from tinman import stats

counts = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
few = st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n)))
rates = st.floats(0, 1)


def binomial(k: int, n: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


# -- evidence -------------------------------------------------------------------------------------------------------


def direct_e2(n: int, s: int, s0: int) -> float:
    """The formula of the two-arm e-value, written down once more, without logarithms."""
    terms = []
    for q1, q0 in itertools.product((0.15, 0.3, 0.5, 0.7, 0.9, 1), (0, 0.05, 0.2)):
        if q1 > q0:
            m = (q1 + q0) / 2
            stress = (q1 / m) ** s * ((1 - q1) / (1 - m)) ** (n - s)
            terms.append(stress * (q0 / m) ** s0 * ((1 - q0) / (1 - m)) ** (n - s0))
    return sum(terms) / len(terms)


@given(few)
def test_evidence_of_two_arms_is_the_mean_of_likelihood_ratios(case: tuple[int, int, int]) -> None:
    n, s, s0 = case

    assert math.exp(stats.log_e_two_arms(n, s, s0)) == pytest.approx(direct_e2(n, s, s0), rel=1e-9, abs=1e-300)


def test_four_failing_pairs_against_silent_controls_give_the_published_evidence() -> None:
    values = [math.exp(stats.log_e_two_arms(n, n, 0)) for n in (1, 2, 3, 4)]

    assert [round(v, 1) for v in values] == [2.7, 7.8, 24.0, 77.9]


@given(few)
def test_another_stressed_failure_raises_the_evidence_and_another_control_failure_lowers_it(
    case: tuple[int, int, int],
) -> None:
    n, s, s0 = case
    here = stats.log_e_two_arms(n, s, s0)

    assert s == n or stats.log_e_two_arms(n, s + 1, s0) >= here
    assert s0 == n or stats.log_e_two_arms(n, s, s0 + 1) <= here


@pytest.mark.parametrize(("stress", "control"), [(0.0, 0.0), (0.05, 0.05), (0.3, 0.3), (0.7, 0.7), (1, 1), (0.1, 0.4)])
@pytest.mark.parametrize("n", [1, 3, 8])
def test_evidence_of_two_arms_is_at_most_one_on_average_when_stress_does_no_harm(
    n: int, stress: float, control: float
) -> None:
    mean = sum(
        binomial(s, n, stress) * binomial(s0, n, control) * math.exp(stats.log_e_two_arms(n, s, s0))
        for s in range(n + 1)
        for s0 in range(n + 1)
    )

    assert mean <= 1 + 1e-9


@given(counts, st.floats(0.01, 0.5))
def test_evidence_of_one_arm_divides_the_beta_mixture_by_the_best_rate_of_the_null(
    case: tuple[int, int], p0: float
) -> None:
    s, n = case
    q = min(p0, s / n)
    likelihood = (s * math.log(q) if s else 0.0) + ((n - s) * math.log1p(-q) if n > s else 0.0)

    assert stats.log_e_one_arm(n, s, p0) == pytest.approx(betaln(1 + s, 1 + n - s) - likelihood, abs=1e-8)


@pytest.mark.parametrize("p", [0.0, 0.01, 0.03, 0.05])
def test_evidence_of_one_arm_is_at_most_one_on_average_below_its_bound(p: float) -> None:
    means = [
        sum(binomial(s, n, p) * math.exp(stats.log_e_one_arm(n, s, 0.05)) for s in range(n + 1)) for n in (1, 5, 20)
    ]

    assert max(means) <= 1 + 1e-9


def test_no_runs_are_no_evidence() -> None:
    assert stats.log_e_two_arms(0, 0, 0) == 0.0
    assert stats.log_e_one_arm(0, 0, 0.05) == 0.0


def confirmed_at_the_null(p: float, *, pairs: int) -> float:
    """The exact chance that E2 >= 20 after any of the first ``pairs`` pairs, when both arms fail at ``p``."""
    alive, confirmed = {(0, 0): 1.0}, 0.0
    for n in range(1, pairs + 1):
        after: dict[tuple[int, int], float] = {}
        for (s, s0), mass in alive.items():
            for a, b in itertools.product((0, 1), repeat=2):
                key = (s + a, s0 + b)
                after[key] = after.get(key, 0.0) + mass * (p if a else 1 - p) * (p if b else 1 - p)
        alive = {}
        for (s, s0), mass in after.items():
            if s > s0 and evidence(n, s, s0) >= math.log(20):
                confirmed += mass
            elif mass > 1e-12:
                alive[s, s0] = mass
    return confirmed


_EVIDENCE: dict[tuple[int, int, int], float] = {}


def evidence(n: int, s: int, s0: int) -> float:
    key = (n, s, s0)
    if key not in _EVIDENCE:
        _EVIDENCE[key] = stats.log_e_two_arms(n, s, s0)
    return _EVIDENCE[key]


@pytest.mark.parametrize("p", [0.02, 0.05, 0.1, 0.2, 0.5, 0.9])
def test_a_harmless_stress_is_confirmed_in_at_most_one_of_forty_experiments(p: float) -> None:
    """Looked at after every pair up to the cap, which is oftener than the executor looks."""
    assert confirmed_at_the_null(p, pairs=stats.CONFIRM_CAP) <= 0.025


def mean_calls(rate: float, log_e: dict[tuple[int, int], float], *, arms: int) -> float:
    """The mean number of calls until E >= 20 when only the stressed arm ever fails."""
    alive, total = {0: 1.0}, 0.0
    for n in range(1, 200):
        total += arms * sum(alive.values())
        after: dict[int, float] = {}
        for s, mass in alive.items():
            after[s + 1] = after.get(s + 1, 0.0) + mass * rate
            after[s] = after.get(s, 0.0) + mass * (1 - rate)
        alive = {s: mass for s, mass in after.items() if log_e[n, s] < math.log(20)}
    return total


def test_the_published_numbers_of_calls_until_confirmation_hold() -> None:
    two = {(n, s): stats.log_e_two_arms(n, s, 0) for n in range(1, 200) for s in range(n + 1)}
    one = {(n, s): stats.log_e_one_arm(n, s, 0.05) for n in range(1, 200) for s in range(n + 1)}

    assert [mean_calls(r, two, arms=2) for r in (1.0, 0.6, 0.3)] == pytest.approx([6, 15, 40], rel=0.1)
    assert [mean_calls(r, one, arms=1) for r in (1.0, 0.6, 0.3)] == pytest.approx([2, 4, 14], rel=0.15)


# -- many hypotheses ------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.floats(-3, 9), min_size=1, max_size=8))
def test_ebh_confirms_the_largest_set_that_carries_its_threshold(log_e: dict[str, float]) -> None:
    size = len(log_e)
    largest: frozenset[str] = frozenset()
    for k in range(1, size + 1):
        above = frozenset(key for key, value in log_e.items() if value >= math.log(size / (0.05 * k)))
        if len(above) >= k:
            largest = above

    assert stats.ebh(log_e) == largest


def test_one_hypothesis_alone_needs_evidence_of_twenty() -> None:
    assert stats.ebh({"a": math.log(20)}) == {"a"}
    assert stats.ebh({"a": math.log(19.9)}) == frozenset()
    assert stats.ebh({}) == frozenset()


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0, 0.2), min_size=1, max_size=6))
def test_holm_rejects_what_closed_testing_by_bonferroni_rejects(p_values: dict[str, float]) -> None:
    keys = list(p_values)
    subsets = [set(c) for size in range(1, len(keys) + 1) for c in itertools.combinations(keys, size)]
    closed = {
        key
        for key in keys
        if all(min(p_values[k] for k in each) <= 0.05 / len(each) for each in subsets if key in each)
    }

    assert stats.holm(p_values) == closed


# -- intervals ------------------------------------------------------------------------------------------------------


@given(counts)
def test_wilson_is_scipys(case: tuple[int, int]) -> None:
    k, n = case
    theirs = oracle.binomtest(k, n).proportion_ci(method="wilson")
    ours = stats.wilson(k, n)

    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_runs_without_a_verdict_only_widen_the_interval(failures: int, oks: int, indeterminate: int) -> None:
    wide = stats.wilson_with_indeterminate(failures, oks, indeterminate)
    n = failures + oks + indeterminate

    for hidden in range(0, indeterminate + 1, 7):
        narrow = stats.wilson(failures + hidden, n)

        assert wide.low <= narrow.low + 1e-12
        assert narrow.high <= wide.high + 1e-12


@given(counts)
def test_the_confidence_sequence_ends_where_the_mixture_reaches_twenty(case: tuple[int, int]) -> None:
    k, n = case
    interval = stats.confidence_sequence(k, n)

    def log_ratio(p: float) -> float:
        told = (k * math.log(p) if k else 0.0) + ((n - k) * math.log1p(-p) if n > k else 0.0)
        return float(betaln(1 + k, 1 + n - k)) - told

    assert interval.low <= k / n <= interval.high
    if k:
        assert log_ratio(interval.low) == pytest.approx(math.log(20), abs=1e-6)
    if k < n:
        assert log_ratio(interval.high) == pytest.approx(math.log(20), abs=1e-6)


def test_five_of_six_is_shown_as_28_to_100_percent() -> None:
    interval = stats.confidence_sequence(5, 6)

    assert f"{interval.low:.0%} to {interval.high:.0%}" == "28% to 100%"


@pytest.mark.parametrize("p", [0.05, 0.3, 0.6, 0.9])
def test_the_confidence_sequence_covers_the_rate_at_every_moment_at_once(p: float) -> None:
    """The exact chance that the interval has ever missed the true rate within 40 runs."""
    alive, missed = {0: 1.0}, 0.0
    for n in range(1, 41):
        after: dict[int, float] = {}
        for s, mass in alive.items():
            after[s + 1] = after.get(s + 1, 0.0) + mass * p
            after[s] = after.get(s, 0.0) + mass * (1 - p)
        alive = {}
        for s, mass in after.items():
            interval = stats.confidence_sequence(s, n)
            if interval.low <= p <= interval.high:
                alive[s] = mass
            else:
                missed += mass

    assert missed <= 0.05


@given(st.integers(1, 500))
def test_the_upper_bound_of_what_was_never_seen_is_the_rate_that_stays_hidden_one_time_in_twenty(n: int) -> None:
    assert (1 - stats.unseen_upper(n)) ** n == pytest.approx(0.05)


def test_six_oks_leave_room_for_a_rate_of_39_percent() -> None:
    assert f"{stats.unseen_upper(stats.SCREEN_OKS):.0%}" == "39%"
    assert stats.unseen_upper(0) == 1.0


def test_without_runs_every_rate_is_possible() -> None:
    everything = stats.Interval(low=0.0, high=1.0)

    assert stats.wilson(0, 0) == stats.confidence_sequence(0, 0) == everything


# -- fixes ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_sign_test(cured: int, broken: int) -> None:
    theirs = oracle.binomtest(cured, cured + broken, 0.5).pvalue if cured + broken else 1.0

    assert stats.mcnemar(cured, broken) == pytest.approx(theirs)


def test_the_default_of_five_runs_never_suffices_and_six_cures_do() -> None:
    assert stats.mcnemar(5, 0) == 0.0625
    assert stats.mcnemar(6, 0) <= 0.05
    assert (stats.pairs_missing(5, 0), stats.pairs_missing(6, 0)) == (1, 0)


def exact_power(n: int, rate: float) -> float:
    """The power of ``n`` pairs to see 80% of failures at ``rate`` cured, by going through all outcomes."""
    left = 0.2 * rate
    cure, harm = rate * (1 - left), (1 - rate) * left
    return sum(
        math.comb(n, b) * math.comb(n - b, c) * cure**b * harm**c * (1 - cure - harm) ** (n - b - c)
        for b in range(n + 1)
        for c in range(n - b + 1)
        if b > c and stats.mcnemar(b, c) <= 0.05
    )


@pytest.mark.parametrize(("rate", "pairs"), [(1.0, 9), (0.6, 19), (0.3, 45)])
def test_the_number_of_pairs_is_the_smallest_with_a_power_of_80_percent(rate: float, pairs: int) -> None:
    assert stats.pairs_needed(rate, cap=100) == pairs
    assert exact_power(pairs, rate) >= 0.8


def test_pairs_are_capped_where_the_failure_is_rare() -> None:
    assert stats.pairs_needed(0.05) == 45
    assert stats.pairs_needed(0.0) == 45
    assert stats.pairs_needed(0.3, cap=20) == 20


@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, 8))
def test_a_trial_ends_early_only_when_no_continuation_changes_its_verdict(cured: int, broken: int, left: int) -> None:
    def improved(b: int, c: int) -> bool:
        return b > c and stats.mcnemar(b, c) <= 0.05

    ends = {improved(cured + b, broken + c) for b in range(left + 1) for c in range(left + 1 - b)}

    assert stats.is_decided(cured, broken, left) == (len(ends) == 1)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_the_net_cure_is_the_wald_interval_with_a_half_added_to_each_cell(cured: int, broken: int, same: int) -> None:
    n = cured + broken + same
    b, c, d = (cured + 1) / (n + 2), (broken + 1) / (n + 2), (cured - broken) / (n + 2)
    half = 1.96 * math.sqrt((b + c - d**2) / (n + 2))
    ours = stats.net_cure(cured, broken, n)

    assert (ours.low, ours.high) == pytest.approx((max(-1, d - half), min(1, d + half)))


@given(counts)
def test_the_bound_on_benign_loss_is_clopper_pearsons(case: tuple[int, int]) -> None:
    losses, n = case
    theirs = oracle.beta.ppf(0.95, losses + 1, n - losses) if losses < n else 1.0

    assert stats.loss_upper(losses, n) == pytest.approx(theirs, abs=1e-8)


@pytest.mark.parametrize(("margin", "needed"), [(0.10, (29, 46, 61)), (0.05, (59, 93, 124)), (0.02, (149, 236, 313))])
def test_the_published_numbers_of_benign_cases_hold(margin: float, needed: tuple[int, int, int]) -> None:
    assert tuple(stats.benign_needed(losses, margin) for losses in (0, 1, 2)) == needed


def test_twenty_benign_cases_kept_leave_room_for_a_loss_of_13_9_percent() -> None:
    assert f"{stats.loss_upper(0, 20):.1%}" == "13.9%"
    assert stats.benign_needed(0, 0.10) - 20 == 9


tables = st.tuples(*[st.integers(0, 30)] * 4).filter(lambda t: t[0] + t[1] and t[2] + t[3])


@given(tables)
def test_fisher_is_scipys(table: tuple[int, int, int, int]) -> None:
    a, b, c, d = table

    assert stats.fisher(a, b, c, d) == pytest.approx(oracle.fisher_exact([[a, b], [c, d]]).pvalue, rel=1e-6)


def test_the_brier_score_weighs_each_forecast_by_how_seldom_such_were_tested() -> None:
    scored = stats.brier([(0.9, True, 1.0), (0.4, True, 0.1)])

    assert scored == pytest.approx((0.01 + 0.36 * 10) / 11)
    assert stats.brier([]) is None
