"""The HTTP client that the SDKs are given: their requests over aiohttp, straight. Imported when a client is opened.

``httpx2.AsyncClient`` merges URLs, headers and cookies for every request, follows redirects and runs the steps of an
authentication; the SDKs have done what of that is needed, and the rest costs more CPU than the call itself
(``benchmarks/cycle_throughput.py``).
"""

from __future__ import annotations

import base64
import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import aiohttp
import httpx2
from yarl import URL

from tinman.errors import GarbledReply

MAX_BODY_BYTES = 8_000_000
_MAX_CONNECTIONS = 1000
_KEEPALIVE_SECONDS = 5.0
_MAX_HEADER_BYTES = 262_144
_parsed = lru_cache(maxsize=64)(httpx2.URL)


@cache
def tls() -> ssl.SSLContext:
    """Return the one TLS context; reading the certificates takes longer than many calls."""
    return httpx2.create_ssl_context()


class Client(httpx2.AsyncClient):
    """What an SDK takes as ``http_client``: no redirects, no cookies, no streaming, bodies of at most 8 MB.

    Bound to the event loop of its first request. Errors leave as aiohttp raised them, and as ``GarbledReply`` for a
    body that is too long; cancellation closes the connection.
    """

    def __init__(self) -> None:
        self._line = _Line()
        super().__init__(transport=self._line, trust_env=False)

    def build_request(
        self,
        method: str,
        url: httpx2.URL | str,
        *,
        headers: Any = None,
        params: Any = None,
        content: Any = None,
        timeout: Any = None,
        extensions: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> httpx2.Request:
        """Return the request as it was asked for; nothing is merged into it."""
        extensions = {**(extensions or {}), "timeout": httpx2.Timeout(timeout).as_dict()}
        url = _parsed(url) if isinstance(url, str) else url
        return httpx2.Request(
            method, url, headers=headers, params=params, content=content, extensions=extensions, **others
        )

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Return the response, its body read."""
        return await self._line.handle_async_request(request)


class _Line(httpx2.AsyncBaseTransport):
    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._proxy: str | None = None
        self._is_closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        session = self._session or self._open(request.url)
        waits = request.extensions["timeout"]
        timeout = aiohttp.ClientTimeout(sock_connect=waits["connect"], sock_read=waits["read"], connect=waits["pool"])
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        try:
            url = URL(str(request.url))
        except ValueError as error:
            raise aiohttp.InvalidURL(str(request.url), str(error)) from error
        if url.user is not None or url.password is not None:
            url, headers = _with_password(url, headers)
        async with session.request(
            request.method,
            url,
            headers=headers,
            data=request.content,
            allow_redirects=False,
            timeout=timeout,
            proxy=self._proxy,
            server_hostname=request.extensions.get("sni_hostname"),
        ) as response:
            body = await _read(response)
        # It is unpacked already, and its length is another one then.
        kept = [pair for pair in response.raw_headers if pair[0].lower() != b"content-encoding"]
        return httpx2.Response(response.status, headers=kept, content=body, request=request)

    def _open(self, url: httpx2.URL) -> aiohttp.ClientSession:
        if self._is_closed:
            raise aiohttp.ClientConnectionError("the client has been closed")
        self._proxy = proxy_for(url)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, keepalive_timeout=_KEEPALIVE_SECONDS, ssl=tls()),
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )
        return self._session

    async def aclose(self) -> None:
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def proxy_for(url: httpx2.URL) -> str | None:
    """Return the environment's proxy. aiohttp's own ``trust_env`` reads files in a thread, for every request."""
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    if any(urllib.request.proxy_bypass(place) for place in (url.host, f"{url.host}:{port}")):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _with_password(url: URL, headers: list[tuple[str, str]]) -> tuple[URL, list[tuple[str, str]]]:
    """Send what ``https://user:password@host`` holds, instead of the key."""
    word = base64.b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    others = [pair for pair in headers if pair[0].lower() != "authorization"]
    return url.with_user(None), [*others, ("Authorization", f"Basic {word}")]


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, unpacked; raise ``GarbledReply`` as soon as it is longer than ``MAX_BODY_BYTES``."""
    if (response.content_length or 0) > MAX_BODY_BYTES:
        raise _too_long(response)
    pieces: list[bytes] = []
    total = 0
    async for piece in response.content.iter_any():
        total += len(piece)
        if total > MAX_BODY_BYTES:
            raise _too_long(response)
        pieces.append(piece)
    return b"".join(pieces)


def _too_long(response: aiohttp.ClientResponse) -> GarbledReply:
    response.close()
    return GarbledReply(
        f"{response.url.host} sent more than {MAX_BODY_BYTES // 1_000_000} MB in one reply; ask for less"
    )
