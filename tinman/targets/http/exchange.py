"""One request to an endpoint and what came of it. Imported at a target's first turn: the client is slow to load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio
import httpx2

from tinman.errors import (
    ConfigError,
    GarbledReply,
    KeyRefused,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
)
from tinman.messages import Reply
from tinman.models.client import retry_after
from tinman.models.http import proxy_for, tls
from tinman.targets.http.answer import Finder, calls_in, decoded, read_answer
from tinman.targets.http.asking import Asking, Turn
from tinman.targets.turn import CALLS, CAPTURE_ERROR, GARBLED, said
from tinman.text.visible import line_of, shorten

MAX_BYTES = 8_000_000
_FLAGGED = ("flagged", "moderation", "content_filter", "content filter", "content policy", "safety")
_UNPACKED = {"", "identity", "gzip", "x-gzip", "deflate", "br"}


class Line:
    """The connections to ``url``, bound to the event loop of the first request.

    ``about`` begins every message; ``hidden`` holds what no message may tell, by the name it is called then.
    """

    def __init__(
        self,
        url: str,
        asking: Asking,
        *,
        about: str,
        headers: Mapping[str, str],
        hidden: Mapping[str, str],
        seconds: float,
        find: Finder | None,
        is_repeatable: bool,
    ) -> None:
        self._about = about
        self._asking = asking
        self._hidden = hidden
        self._seconds = seconds
        self._find = find
        try:
            self._url = httpx2.URL(url)
            self._proxy = proxy_for(self._url)
            # The environment's proxy is looked up here: the client's own way loads even one that is never used.
            # A kept connection that breaks leaves open whether the endpoint has acted on what it was sent last.
            kept = None if is_repeatable else 0
            self._client = httpx2.AsyncClient(
                timeout=seconds,
                verify=tls(),
                trust_env=False,
                proxy=self._proxy,
                limits=httpx2.Limits(max_keepalive_connections=kept),
            )
        except httpx2.InvalidURL as error:
            raise ConfigError(f"{about} is no usable address: {line_of(error)}") from error
        except (ValueError, ImportError) as error:
            raise ConfigError(f"{about}: the proxy in the environment cannot be used: {line_of(error)}") from error
        self._client.headers["Accept-Encoding"] = "identity"
        self._client.headers.update(headers)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def look(self) -> None:
        """Open a connection and close it; nothing is sent. Raises ``ProviderUnavailable``."""
        place = httpx2.URL(self._proxy) if self._proxy else self._url
        port = place.port or {"http": 80, "https": 443}.get(place.scheme, 1080)
        try:
            with anyio.fail_after(min(10.0, self._seconds)):
                stream = await anyio.connect_tcp(place.host, port)
            await stream.aclose()
        except (OSError, TimeoutError, ValueError) as error:
            told = shorten(str(error), 120) or type(error).__name__
            way = (
                f" by the proxy {place.host}:{port}; see NO_PROXY"
                if self._proxy
                else "; start it, or check the address"
            )
            raise ProviderUnavailable(f"{self._about}: not reachable ({told}){way}") from error

    async def ask(self, turn: Turn) -> Reply:
        """Return the answer to one turn. Raises the ``ProviderError`` that fits the status, a timeout or what broke."""
        with anyio.move_on_after(self._seconds):
            return await self._exchange(turn, is_second=False)
        raise ProviderTimeout(f"{self._about}: no answer within {self._seconds:g} s; raise [target] timeout_seconds")

    async def _exchange(self, turn: Turn, *, is_second: bool) -> Reply:
        """Make one request. One that met a kept connection which the endpoint had closed is sent once more."""
        connected: list[str] = []
        answered: list[int] = []

        async def trace(event: str, info: dict[str, Any]) -> None:
            if event.startswith("connection.connect"):
                connected.append(event)

        content = bytearray()
        try:
            asked = self._asking.arguments(turn)
            params = asked.pop("params", None)
            url = self._url.copy_merge_params(params) if params else self._url
            async with self._client.stream(self._asking.method, url, extensions={"trace": trace}, **asked) as response:
                answered.append(response.status_code)
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise GarbledReply(f"{self._about}: answered more than {MAX_BYTES} bytes")
                    if kind == "text/event-stream" and _is_done(content, len(chunk)):
                        break
        except httpx2.TimeoutException as error:
            raise ProviderTimeout(f"{self._about}: no answer within {self._seconds:g} s") from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise ConfigError(f"{self._about} is no usable address: {line_of(error)}") from error
        except httpx2.HTTPError as error:
            if not connected and not answered and not is_second:
                return await self._exchange(turn, is_second=True)
            raise self._broken(error, was_answered=bool(answered)) from error
        text = decoded(bytes(content), response.headers.get("content-type", ""))
        self._check(response.status_code, text, response.headers)
        self._check_encoding(response.headers)
        reply = said(read_answer(kind, text, self._about, self._find))
        calls, problem = calls_in(text)
        extra: dict[str, Any] = {} if calls is None else {CALLS: calls}
        if problem:
            extra[CAPTURE_ERROR], extra[GARBLED] = problem, True
        return replace(reply, extra=extra) if extra else reply

    def _broken(self, error: Exception, *, was_answered: bool) -> ProviderError:
        told = line_of(error)
        if isinstance(error, httpx2.DecodingError):
            return GarbledReply(f"{self._about}: the answer cannot be unpacked ({told})")
        if "CERTIFICATE_VERIFY_FAILED" in told or "certificate verify failed" in told.lower():
            return ProviderUnavailable(
                f"{self._about}: its certificate is not trusted ({told}); name its authority's file in SSL_CERT_FILE"
            )
        if was_answered:
            return GarbledReply(f"{self._about}: the answer broke off ({told})")
        if isinstance(error, httpx2.ProxyError):
            return ProviderUnavailable(f"{self._about}: the proxy does not let us through ({told}); see NO_PROXY")
        unavailable = ProviderUnavailable(f"{self._about}: not reachable ({told}); start it, or check the address")
        # A connection that broke after it stood may have carried a turn that the endpoint acts on.
        unavailable.is_billed = not isinstance(error, httpx2.ConnectError)
        return unavailable

    def _check(self, status: int, content: str, headers: Mapping[str, str]) -> None:
        if status < 300:
            return
        told = f"{self._about}: HTTP {status}: {shorten(self._clean(content), 160)}"
        if status in {401, 403}:
            if any(word in content.lower() for word in _FLAGGED):
                raise RequestRefused(f"{told} (the turn was refused, not the key)")
            raise KeyRefused(f"{told}; check [target] headers")
        if status == 429:
            raise RateLimited(told, retry_after_seconds=retry_after(headers))
        if status >= 500 or status == 408:
            raise ProviderUnavailable(told, retry_after_seconds=retry_after(headers))
        if status < 400:
            place = shorten(headers.get("location", ""), 120)
            raise RequestRefused(f"{told}redirects to {place or 'nowhere'}; give the final address")
        raise RequestRefused(told)

    def _check_encoding(self, headers: Mapping[str, str]) -> None:
        odd = {word.strip().lower() for word in headers.get("content-encoding", "").split(",")} - _UNPACKED
        if odd:
            raise GarbledReply(f"{self._about}: answered packed as {shorten(', '.join(sorted(odd)), 40)}, unasked")

    def _clean(self, text: str) -> str:
        for name, value in self._hidden.items():
            text = text.replace(value, f"[{name}]")
        return text


def _is_done(content: bytearray, last: int) -> bool:
    """Say whether the stream has said its last word; some endpoints keep the connection open after it."""
    tail = bytes(content[-(last + 16) :])
    return b"data: [DONE]" in tail or b"data:[DONE]" in tail
