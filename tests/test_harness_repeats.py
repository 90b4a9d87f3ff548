"""What several tries say is unbiased, gates are read exactly, and an early answer is the one the end would give."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinman.errors import DefinitionError
from tinman.harness.repeats import pass_at, pass_hat, read_gate


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_the_estimates_are_the_share_of_all_choices_of_k_tries(numbers: tuple[int, int, int]) -> None:
    n, passes, k = numbers
    tries = [True] * passes + [False] * (n - passes)
    choices = list(itertools.combinations(tries, k))

    assert pass_at(k, passes, n) == pytest.approx(sum(any(one) for one in choices) / len(choices))
    assert pass_hat(k, passes, n) == pytest.approx(sum(all(one) for one in choices) / len(choices))


@pytest.mark.parametrize("rate", [0.2, 0.7])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_estimates_are_right_on_average(rate: float, k: int) -> None:
    from math import comb

    n = 6
    weights = [comb(n, c) * rate**c * (1 - rate) ** (n - c) for c in range(n + 1)]

    assert sum(w * pass_hat(k, c, n) for c, w in enumerate(weights)) == pytest.approx(rate**k)
    assert sum(w * pass_at(k, c, n) for c, w in enumerate(weights)) == pytest.approx(1 - (1 - rate) ** k)


@pytest.mark.parametrize(("k", "passes", "n"), [(0, 1, 2), (3, 1, 2), (1, 3, 2), (1, -1, 2)])
def test_counts_that_cannot_be_are_refused(k: int, passes: int, n: int) -> None:
    with pytest.raises(ValueError, match="k has to be"):
        pass_at(k, passes, n)


@pytest.mark.parametrize(
    ("text", "told"), [("pass^3>=0.9", "pass^3>=0.9"), (" pass @ 2 < 1 ", "pass@2<1"), ("pass^1>.5", "pass^1>0.5")]
)
def test_a_gate_is_read(text: str, told: str) -> None:
    assert read_gate(text).text == told


@pytest.mark.parametrize(
    "text", ["", "pass^3", "pass^0>=1", "pass^3>=1.5", "pass3>=1", "fail^3>=1", "pass^3=>0.9", "pass^3>=nan"]
)
def test_a_gate_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(DefinitionError, match="gate"):
        read_gate(text)


@given(
    st.sampled_from(["pass^1>=0.5", "pass^2>0.3", "pass@2>=0.9", "pass@1<0.4", "pass^2<=0.6"]),
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=3),
    st.integers(1, 4),
)
def test_an_early_answer_is_never_another_than_that_of_the_end(text: str, tries: list[list[bool]], seen: int) -> None:
    gate = read_gate(text)
    early = gate.decided([(sum(one[:seen]), seen, 4) for one in tries])
    end = gate.holds([(sum(one), 4) for one in tries])

    assert early in {None, end}
    assert seen < 4 or early is end
