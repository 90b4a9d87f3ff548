"""What every HTTP client of ours shares: a cap on bodies and one TLS context. Imported when a client is opened."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import cache

import httpx2

from tinman.errors import GarbledReply

MAX_BODY_BYTES = 8_000_000


@cache
def tls() -> ssl.SSLContext:
    """Return the one TLS context; reading the certificates takes longer than many calls."""
    return httpx2.create_ssl_context()


async def cap_body(response: httpx2.Response) -> None:
    """Refuse a response longer than ``MAX_BODY_BYTES``, at once or while it is read, with ``GarbledReply``."""
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise _too_long(response.request.url.host)
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Capped(response.stream, response.request.url.host)


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, host: str) -> None:
        self._stream = stream
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._stream:
            total += len(chunk)
            if total > MAX_BODY_BYTES:
                raise _too_long(self._host)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _too_long(host: str) -> GarbledReply:
    return GarbledReply(f"{host} sent more than {MAX_BODY_BYTES // 1_000_000} MB in one reply; ask for less")
