"""What a client says when its provider does not answer well: SDK exceptions as ``ProviderError``s, in one line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from tinman import clock
from tinman.errors import (
    GarbledReply,
    KeyRefused,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
)
from tinman.text.visible import shorten

NO_KEY = "not-needed"
_TOLD_BY_THE_SDK = "Lang Package-Version OS Arch Runtime Runtime-Version Async".split()


def headers(leave_out: Any) -> dict[str, Any]:
    """Return the SDK client's headers; ``leave_out`` is the SDK's own mark for a header that is not sent.

    Replies come uncompressed, so that their length can be counted before they are in memory. What the SDK would tell
    of this machine is nobody's business, and every header is written several times a call.
    """
    kept = {"Accept-Encoding": "identity", "Connection": "keep-alive"}
    return {**kept, **{f"X-Stainless-{name}": leave_out for name in _TOLD_BY_THE_SDK}}


@dataclass(frozen=True)
class Endpoint:
    """One model at one host. ``key`` is held only to be kept out of messages."""

    provider: str
    model: str
    base_url: str
    key: str | None
    key_variable: str

    @property
    def label(self) -> str:
        """Names provider, model and host in every message."""
        return f"{self.provider}:{self.model} at {urlsplit(self.base_url).netloc.rpartition('@')[2] or self.base_url}"

    def translated(self, error: Exception) -> ProviderError:
        """Return the ``ProviderError`` for what the SDK, its transport raised."""
        chain = tuple(_chain(error))
        for cause in chain:
            if isinstance(cause, ProviderError):
                return cause
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            return self._for_status(status, error)
        return self._for_connection(chain)

    def _for_status(self, status: int, error: Exception) -> ProviderError:
        headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
        told = self._words(getattr(error, "body", None))
        said = f"{self.label} answered {status}{told}"
        if status in (401, 403):
            # The provider's own words are left out: they like to repeat the key.
            return KeyRefused(f"{self.label} answered {status}: it refuses the key; check {self.key_variable}")
        if status == 429:
            if _code(error) == "insufficient_quota":
                return RequestRefused(f"{said}; the account has no quota left, add credit or use another key")
            return RateLimited(f"{said}; lower the concurrency", retry_after_seconds=retry_after(headers))
        if status >= 500 or status == 408:
            return ProviderUnavailable(f"{said}; try again later", retry_after_seconds=retry_after(headers))
        if status == 404:
            return RequestRefused(f"{said}; check the model's name and the base_url")
        if status < 400:
            return RequestRefused(f"{self.label} redirects elsewhere ({status}); give the final base_url")
        return RequestRefused(f"{said}; the request itself is wrong: check the model's name and its params")

    def _for_connection(self, chain: tuple[BaseException, ...]) -> ProviderError:
        import aiohttp  # noqa: PLC0415 - the SDKs' transport, loaded by them long before an error

        cause = next((c for c in chain if isinstance(c, aiohttp.ClientError | OSError)), chain[-1])
        why = shorten(f"{type(cause).__name__}: {self._clean(str(cause))}".removesuffix(": "), 120)

        def has(wanted: type[BaseException]) -> bool:
            return any(isinstance(c, wanted) for c in chain)

        if has(aiohttp.ClientPayloadError):
            return GarbledReply(f"{self.label} cut its reply off ({why}); try again")
        if has(TimeoutError):
            return ProviderTimeout(f"{self.label} gave no reply in time ({why}); raise the timeout or ask for less")
        if has(aiohttp.InvalidURL) or has(aiohttp.NonHttpUrlClientError):
            return RequestRefused(f"{self.label} is no usable address; check the base_url")
        if has(ValueError):
            return RequestRefused(f"{self.label}: the request cannot be sent ({why}); check the base_url and the key")
        unavailable = ProviderUnavailable(f"{self.label} is not reachable ({why}); check the base_url and the network")
        # A connection that broke after it stood may have carried a request that is billed all the same.
        unavailable.is_billed = not has(aiohttp.ClientConnectorError) and not has(aiohttp.ClientHttpProxyError)
        return unavailable

    def _words(self, body: object) -> str:
        if isinstance(body, dict):
            inner = body.get("error", body)
            body = inner.get("message", inner) if isinstance(inner, dict) else inner
        text = self._clean(str(body)) if body else ""
        return f" ({shorten(text, 160)})" if text else ""

    def _clean(self, text: str) -> str:
        return text.replace(self.key, "[key]") if self.key else text


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a provider asks to wait: ``retry-after-ms``, or ``Retry-After`` as a number or a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        seconds = _number(text)
        if seconds is None:
            try:
                seconds = (parsedate_to_datetime(text) - clock.now()).total_seconds() * unit
            except (ValueError, TypeError):
                continue
        if math.isfinite(seconds):
            return max(0.0, seconds / unit)
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _code(error: Exception) -> object:
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    return inner.get("code") if isinstance(inner, dict) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
