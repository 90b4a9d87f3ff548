"""Several tries of one scenario: what they say, and gates on them. Pure functions of counts.

``pass@k`` is the chance that at least one of ``k`` tries passes, ``pass^k`` that all of them do. Both estimates are
unbiased over the tries that were made (Chen et al. 2021, arXiv:2107.03374; Yao et al. 2024, arXiv:2406.12045).
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Literal

from tinman.errors import DefinitionError
from tinman.frozen import frozen

_GATE = re.compile(r"\s*(pass)\s*([\^@])\s*(\d{1,4})\s*(>=|>|<=|<)\s*([01](?:\.\d+)?|\.\d+)\s*\Z")
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


def pass_at(k: int, passes: int, n: int) -> float:
    """Return the unbiased estimate of "one of ``k`` tries passes" from ``passes`` of ``n``. Raises ``ValueError``."""
    _check(k, passes, n)
    return 1.0 - math.comb(n - passes, k) / math.comb(n, k)


def pass_hat(k: int, passes: int, n: int) -> float:
    """Return the unbiased estimate of "all of ``k`` tries pass" from ``passes`` of ``n``. Raises ``ValueError``."""
    _check(k, passes, n)
    return math.comb(passes, k) / math.comb(n, k)


def _check(k: int, passes: int, n: int) -> None:
    if not 1 <= k <= n or not 0 <= passes <= n:
        raise ValueError(f"k={k}, passes={passes}, n={n}: k has to be from 1 to n, passes from 0 to n")


@frozen
class Gate:
    """``pass^3>=0.9``: a bound on the mean over the scenarios of an estimate from ``n`` tries each."""

    kind: Literal["pass@", "pass^"]
    k: int
    sign: Literal[">=", ">", "<=", "<"]
    bound: float

    @property
    def text(self) -> str:
        """The gate as it is written."""
        return f"{self.kind}{self.k}{self.sign}{self.bound:g}"

    def estimate(self, counts: Sequence[tuple[int, int]]) -> float:
        """Return the mean over scenarios of (passes, tries)."""
        of = pass_at if self.kind == "pass@" else pass_hat
        return sum(of(self.k, passes, n) for passes, n in counts) / len(counts)

    def holds(self, counts: Sequence[tuple[int, int]]) -> bool:
        """Say whether the finished tries meet the bound; a rounding error of the mean does not decide."""
        value = self.estimate(counts)
        if math.isclose(value, self.bound, abs_tol=1e-12):
            return self.sign in {">=", "<="}
        return _COMPARED[self.sign](value, self.bound)

    def decided(self, counts: Sequence[tuple[int, int, int]]) -> bool | None:
        """Return the answer of (passes, tries so far, tries planned) if no further try can change it, else ``None``."""
        worst = self.holds([(passes, planned) for passes, _, planned in counts])
        best = self.holds([(passes + planned - tried, planned) for passes, tried, planned in counts])
        return worst if worst is best else None


def read_gate(text: str) -> Gate:
    """Return the gate that ``text`` writes. Raises ``DefinitionError``."""
    found = _GATE.match(text)
    if found is None or int(found[3]) < 1 or float(found[5]) > 1:
        raise DefinitionError(f"gate {text!r} cannot be read; write pass^3>=0.9 or pass@2>=1")
    return Gate(kind=f"pass{found[2]}", k=int(found[3]), sign=found[4], bound=float(found[5]))  # type: ignore[arg-type]
