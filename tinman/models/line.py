"""``Line``: a provider's SDK client, opened at the first call, and the one way both wires are sent over it.

The call is the SDK's own ``post``: its authentication, headers, transport and errors. Its typed ``create`` would walk
the request and build response models we do not read, at twice the CPU a call.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import anyio

from tinman.errors import ProviderError, RequestRefused
from tinman.models.endpoint import Endpoint
from tinman.models.wires.reading import read_json
from tinman.text.visible import shorten

if TYPE_CHECKING:
    import httpx2

_OPTIONS = {"extra_headers": "headers", "extra_query": "params", "timeout": "timeout"}


class SDKClient(Protocol):
    """What ``AsyncOpenAI`` and ``AsyncAnthropic`` have in common."""

    base_url: Any

    async def close(self) -> None: ...
    async def post(self, path: str, *, cast_to: Any, content: bytes, options: Any) -> Any: ...


Opening: TypeAlias = "Callable[[httpx2.AsyncClient], tuple[SDKClient, type[Exception]]]"


class Line:
    """Bound to the event loop of the first call. ``open_client`` gets the HTTP client and returns the SDK's client and
    the root of the SDK's exceptions."""

    def __init__(self, endpoint: Endpoint, open_client: Opening, *, timeout_seconds: float) -> None:
        self._endpoint = endpoint
        self._open_client = open_client
        # What is not given here the SDK copies deeply, call for call.
        self._defaults = {"timeout": timeout_seconds, "max_retries": 0, "headers": {}, "params": {}}
        self._address = ""
        self._client: SDKClient | None = None
        self._failures: tuple[type[Exception], ...] = ()
        self._raw: type[httpx2.Response] | None = None

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send ``body`` and return the JSON that came back; raises a ``ProviderError``.

        ``extra_headers``, ``extra_query``, ``extra_body`` and ``timeout`` in it mean what they mean to the SDK.
        """
        client = self._client or self._open()
        asked = {option: body.pop(name) for name, option in _OPTIONS.items() if name in body}
        body.update(body.pop("extra_body", None) or {})
        content = self._written(body)
        try:
            response = await client.post(
                self._address + path, cast_to=self._raw, content=content, options={**self._defaults, **asked}
            )
        except ProviderError:
            raise
        except self._failures as error:
            raise self._endpoint.translated(error) from error
        return read_json(response.content, self._endpoint.label)

    def _written(self, body: dict[str, Any]) -> bytes:
        try:
            return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            why = shorten(str(error), 100)
            raise RequestRefused(f"{self._endpoint.label}: the request cannot be written as JSON ({why})") from error

    def _open(self) -> SDKClient:
        import aiohttp  # noqa: PLC0415 - heavy packages load with the first call
        import httpx2  # noqa: PLC0415

        from tinman.models.http import Client  # noqa: PLC0415 - it imports both

        self._raw = httpx2.Response
        self._client, sdk_error = self._open_client(Client())
        self._address = str(self._client.base_url).rstrip("/")
        self._failures = (sdk_error, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError, ValueError)
        return self._client

    async def aclose(self) -> None:
        """Close the connections, under cancellation too; twice does no harm."""
        client, self._client = self._client, None
        if client is not None:
            with anyio.CancelScope(shield=True):
                await client.close()
