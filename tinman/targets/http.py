"""An HTTP endpoint as a target: JSON in, JSON or server-sent events out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from tinman.errors import (
    ConfigError,
    GarbledReply,
    KeyRefused,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
)
from tinman.messages import Reply, Request
from tinman.models.client import retry_after
from tinman.targets.adapters.turn import calls_told
from tinman.targets.profile import TargetProfile
from tinman.targets.turn import CALLS, TurnTarget, said
from tinman.text.visible import line_of, shorten

if TYPE_CHECKING:
    import httpx2

MAX_BYTES = 8_000_000
_FIELDS = ("reply", "message", "answer", "response", "output", "text", "content", "delta", "choices")


def text_in(data: Any) -> str | None:
    """Return the text of an answer, where the usual shapes put it: ``reply``, ``message.content``, ``choices[0]``..."""
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        parts = [part for part in (text_in(item) for item in data) if part is not None]
        return "".join(parts) if parts else None
    if isinstance(data, dict):
        for field in _FIELDS:
            if field in data and data[field] is not None:
                found = text_in(data[field])
                if found is not None:
                    return found
    return None


class HttpTarget(TurnTarget):
    """Posts ``{"message", "session", "user"}`` to ``url`` and reads the answer out of JSON, events or plain text.

    A JSON answer may tell the turn's tool calls under ``tool_traces``: a list of objects with ``tool_name`` and
    ``arguments``, empty when there were none.
    """

    def __init__(self, url: str, profile: TargetProfile) -> None:

        super().__init__(url, profile.capabilities, identity={"kind": "http", "url": url})
        self._url = url
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise ConfigError(f"target: {shorten(url, 120)} is no address: {error}") from error
        if not self._host:
            raise ConfigError(f"target: {shorten(url, 120)} names no host; write http://HOST/PATH")
        self._timeout = profile.timeout_seconds
        self._clients: list[httpx2.AsyncClient] = []

    def _client(self) -> httpx2.AsyncClient:
        import httpx2  # noqa: PLC0415 - slow to load, and only this target needs it

        if not self._clients:
            self._clients.append(httpx2.AsyncClient(timeout=self._timeout, follow_redirects=False))
        return self._clients[0]

    async def describe(self) -> tuple[str, ...]:
        """Open a connection and close it; nothing is posted. Raises ``ProviderUnavailable``."""
        try:
            with anyio.fail_after(min(10.0, self._timeout)):
                stream = await anyio.connect_tcp(self._host, self._port)
            await stream.aclose()
            return ()
        except (OSError, TimeoutError) as error:
            told = shorten(str(error), 120) or type(error).__name__
            raise ProviderUnavailable(
                f"target {self._url}: not reachable ({told}); start it, or check the address"
            ) from error

    async def aclose(self) -> None:
        """Close the connections."""
        while self._clients:
            with anyio.CancelScope(shield=True):
                await self._clients.pop().aclose()

    async def answer(self, text: str, *, user: str, session: str, request: Request) -> Reply:
        """Post one turn. Raises the ``ProviderError`` that fits the status, a timeout or a broken connection."""
        import httpx2  # noqa: PLC0415

        body = {"message": text, "session": session, "user": user}
        content = bytearray()
        try:
            async with self._client().stream("POST", self._url, json=body) as response:
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise GarbledReply(f"target {self._url}: answered more than {MAX_BYTES} bytes")
        except httpx2.TimeoutException as error:
            raise ProviderTimeout(f"target {self._url}: no answer within {self._timeout:g} s") from error
        except httpx2.HTTPError as error:
            raise ProviderUnavailable(f"target {self._url}: {line_of(error)}") from error
        answered = content.decode("utf-8", "replace")
        self._check(response.status_code, answered, response.headers)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        reply = said(_read(kind, answered, self._url))
        told = _calls_in(answered)
        return reply if told is None else replace(reply, extra={CALLS: list(calls_told(told))})

    def _check(self, status: int, content: str, headers: Mapping[str, str]) -> None:
        if status < 300:
            return
        told = f"target {self._url}: HTTP {status}: {shorten(content, 120)}"
        if status in {401, 403}:
            raise KeyRefused(told)
        if status == 429:
            raise RateLimited(told, retry_after_seconds=retry_after(headers))
        if status >= 500:
            raise ProviderUnavailable(told, retry_after_seconds=retry_after(headers))
        raise RequestRefused(told)


def _calls_in(content: str) -> list[Any] | None:
    """Return the tool calls that a JSON answer tells under ``tool_traces``; ``None`` when it does not tell them."""
    if "tool_traces" not in content:
        return None
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None
    told = data.get("tool_traces") if isinstance(data, dict) else None
    return told if isinstance(told, list) else None


def _read(kind: str, content: str, url: str) -> str:
    if kind == "text/event-stream":
        return "".join(_events(content))
    if kind == "application/json" or content.lstrip().startswith("{"):
        try:
            found = text_in(json.loads(content))
        except ValueError as error:
            raise GarbledReply(f"target {url}: the answer is not JSON: {error}") from error
        if found is None:
            raise GarbledReply(f"target {url}: the answer holds no text under {', '.join(_FIELDS[:6])}")
        return found
    return content


def _events(content: str) -> list[str]:
    """Return the texts of server-sent events; ``[DONE]`` ends them, data that is not JSON is text."""
    import httpx2  # noqa: PLC0415

    # What was read is decoded, and counted, already: the events are taken out of a response made of it. A last event
    # that no empty line ends counts, too.
    plain = {"content-type": "text/event-stream"}
    asked = httpx2.Request("POST", "http://read")
    read = httpx2.Response(200, headers=plain, text=f"{content}\n\n", request=asked)
    texts: list[str] = []
    for event in httpx2.EventSource(read, max_event_size=None):
        if not event.data or event.data.strip() == "[DONE]":
            continue
        try:
            found = text_in(json.loads(event.data))
        except ValueError:
            found = event.data
        if found:
            texts.append(found)
    return texts
