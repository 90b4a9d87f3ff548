"""What a model of the user's own raises, told as the ``ProviderError`` that fits when asking again may help.

Libraries are known by the names of their classes, so that none is imported for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinman.errors import ProviderError, ProviderUnavailable, RateLimited
from tinman.models.client import retry_after
from tinman.text.visible import line_of

_STATUSES = frozenset({408, 409, 429, *range(500, 600)})
_CLASSES = frozenset(
    {
        *((root, name) for root in ("openai", "anthropic", "groq", "mistralai") for name in ("APIConnectionError",)),
        *((root, name) for root in ("httpx", "httpx2") for name in ("TimeoutException", "NetworkError")),
        *((root, name) for root in ("httpx", "httpx2") for name in ("RemoteProtocolError", "ProxyError")),
        *(("httpcore", name) for name in ("TimeoutException", "NetworkError", "RemoteProtocolError")),
        *(("aiohttp", name) for name in ("ClientConnectionError", "ClientPayloadError")),
        *(("requests", name) for name in ("ConnectionError", "Timeout", "ChunkedEncodingError")),
        *(("urllib3", name) for name in ("TimeoutError", "ProtocolError", "NewConnectionError", "MaxRetryError")),
        *(("botocore", name) for name in ("HTTPClientError", "ConnectionError")),
    }
)


def translated(error: Exception, name: str) -> ProviderError | None:
    """Return what ``error`` of the model ``name`` is as a ``ProviderError`` worth another try; ``None`` when it is not.

    Broken connections and timeouts are, by class, and whatever carries a status of 408, 409, 429 or 5xx; an account
    without quota is not.
    """
    status = status_of(error)
    if getattr(error, "code", None) == "insufficient_quota":
        return None
    if status is None:
        if not _is_connection(error):
            return None
    elif status not in _STATUSES:
        return None
    said = f"answered {status}" if status is not None else "is not reachable"
    message = f"{name} {said} ({line_of(error, 160)}); try again later"
    headers = getattr(getattr(error, "response", None), "headers", None)
    wait = retry_after(headers) if isinstance(headers, Mapping) else None
    if status == 429:
        return RateLimited(message, retry_after_seconds=wait)
    told = ProviderUnavailable(message, retry_after_seconds=wait)
    # What timed out may have been answered, and billed, all the same.
    told.is_billed = status is None and any("Timeout" in kind.__name__ for kind in type(error).__mro__)
    return told


def status_of(error: Exception) -> int | None:
    """Return the HTTP status that an error carries, as the SDKs, httpx, aiohttp, urllib or botocore keep it."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        response = response.get("ResponseMetadata")
        response = response if isinstance(response, Mapping) else {}
        places = [response.get("HTTPStatusCode")]
    else:
        places = [getattr(response, "status_code", None), getattr(response, "status", None)]
    own = [getattr(error, name, None) for name in ("status_code", "status", "http_status", "code")]
    for status in (*own, *places):
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status < 600:
            return int(status)
    return None


def _is_connection(error: Exception) -> bool:
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    reason = getattr(error, "reason", None)
    if isinstance(reason, ConnectionError | TimeoutError):  # urllib's URLError
        return True
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__}
    return bool(kinds & _CLASSES)
