"""Anthropic's Messages, through the Anthropic SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinman.messages import Reply, Request
from tinman.models.endpoint import NO_KEY, Endpoint, headers
from tinman.models.line import Line, SDKClient
from tinman.models.wires import messages as wire_anthropic

if TYPE_CHECKING:
    import httpx2

OFFICIAL_URL = "https://api.anthropic.com"


class AnthropicModel:
    """A model behind Messages. Bound to the event loop of its first call; close it there.

    Raises the ``ProviderError`` that fits; no message holds the key.
    """

    def __init__(
        self, name: str, *, base_url: str | None = None, api_key: str | None = None, timeout_seconds: float = 60.0
    ) -> None:
        self.provider = wire_anthropic.PROVIDER
        self.name = name
        self.base_url = (base_url or OFFICIAL_URL).rstrip("/").removesuffix("/v1")
        self.price_provider = base_url or self.provider
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds
        endpoint = Endpoint(self.provider, name, self.base_url, key=api_key, key_variable="ANTHROPIC_API_KEY")
        self._line = Line(endpoint, self._open, timeout_seconds=timeout_seconds)

    async def complete(self, request: Request) -> Reply:
        """Return one message."""
        body = wire_anthropic.to_body(request, self.name)
        return wire_anthropic.from_response(await self._line.post("/v1/messages", body), request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._line.aclose()

    def _open(self, http_client: httpx2.AsyncClient) -> tuple[SDKClient, type[Exception]]:
        import anthropic  # noqa: PLC0415 - a second of import, paid by the first call

        client = anthropic.AsyncAnthropic(
            api_key=self._api_key or NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            timeout=self._timeout_seconds,
            default_headers=headers(anthropic.Omit()),
            http_client=http_client,
        )
        return client, anthropic.AnthropicError
