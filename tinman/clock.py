"""The only source of time, chance and identity.

Chance is a function, not a stream: ``rng(seed, key)`` gives the same dice for the same key, so a resumed
cycle, a parallel one and a patched replay all see the same throws.
"""

from __future__ import annotations

import hashlib
import random
import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current moment, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds on a clock that never goes back."""
    return time.monotonic()


def rng(seed: int, key: str) -> random.Random:
    """Return dice that depend on ``seed`` and ``key`` alone; never share the returned object."""
    material = hashlib.sha256(f"{seed}:{key}".encode("utf-8", "surrogatepass")).digest()
    return random.Random(int.from_bytes(material[:8], "big"))


def chance(seed: int, key: str) -> float:
    """Return one number in [0, 1) that depends on ``seed`` and ``key`` alone."""
    material = hashlib.sha256(f"{seed}:{key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(material[:8], "big") / 2**64


def derive_seed(seed: int, key: str) -> int:
    """Return a 31-bit seed derived from ``seed`` and ``key``; providers accept nothing longer."""
    return int(chance(seed, key) * (2**31 - 1))


# A call that is made again for one request has other dice: the request's seed plus its number times a prime. Each
# reason to call again has a prime of its own, so that no two come to the same seed. Recorded runs rest on the values.
ROUND_PRIME = 7_919
"""Between the rounds of a tool loop."""
REFUSAL_PRIME = 104_729
"""Between the times a model is asked because a call that it wants is forbidden."""
RETRY_PRIME = 15_485_863
"""Between the attempts of a retry policy."""


def derive_id(kind: str, *parts: object) -> str:
    """Return an id that is the same whenever the same thing is made again in the same cycle."""
    text = "\x1f".join(str(part) for part in parts)
    return f"{kind}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
