"""``Client``: a model behind a provider's SDK, opened at the first call, and the one way both wires are sent over it.

The call is the SDK's own ``post``: its authentication, headers, transport and errors. Its typed ``create`` would walk
the request and build response models we do not read, at twice the CPU a call.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio

from tinman.errors import ProviderError, RequestRefused
from tinman.models.endpoint import NO_KEY, Endpoint, headers
from tinman.models.wires.reading import read_json
from tinman.text.visible import shorten

if TYPE_CHECKING:
    import httpx2

_OPTIONS = {"extra_headers": "headers", "extra_query": "params", "timeout": "timeout"}


class SDK(NamedTuple):
    """What ``openai`` and ``anthropic`` have in common: a client, the root of their errors, the mark of no header."""

    client: Callable[..., Any]
    error: type[Exception]
    omitted: Callable[[], Any]


class Client(ABC):
    """A model behind a provider's SDK. Bound to the event loop of its first call; close it there.

    It is called at ``url`` and priced by ``base_url`` where one is given. Raises the ``ProviderError`` that fits; no
    message holds the key, whose environment variable is ``key_variable``.
    """

    provider: str
    key_variable: str

    def __init__(
        self, name: str, url: str, *, base_url: str | None, api_key: str | None, timeout_seconds: float
    ) -> None:
        self.name = name
        self.base_url = url
        self.price_provider = base_url or self.provider
        self._endpoint = Endpoint(self.provider, name, url, key=api_key, key_variable=self.key_variable)
        self._api_key = api_key
        # What is not given here the SDK copies deeply, call for call.
        self._defaults = {"timeout": timeout_seconds, "max_retries": 0, "headers": {}, "params": {}}
        self._address = ""
        self._client: Any = None
        self._failures: tuple[type[Exception], ...] = ()
        self._raw: type[httpx2.Response] | None = None

    @abstractmethod
    def _sdk(self) -> SDK:
        """Import the SDK."""

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
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

    def _open(self) -> Any:
        import aiohttp  # noqa: PLC0415 - heavy packages load with the first call
        import httpx2  # noqa: PLC0415

        from tinman.models import http  # noqa: PLC0415 - it imports both

        sdk = self._sdk()
        self._raw = httpx2.Response
        self._client = sdk.client(
            api_key=self._api_key or NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            timeout=self._defaults["timeout"],
            default_headers=headers(sdk.omitted()),
            http_client=http.Client(),
        )
        self._address = str(self._client.base_url).rstrip("/")
        self._failures = (sdk.error, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError, ValueError)
        return self._client

    async def aclose(self) -> None:
        """Close the connections, under cancellation too; twice does no harm."""
        client, self._client = self._client, None
        if client is not None:
            with anyio.CancelScope(shield=True):
                await client.close()
