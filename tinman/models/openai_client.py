"""OpenAI and every server that speaks its Chat Completions, through the OpenAI SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinman.messages import Reply, Request
from tinman.models.endpoint import NO_KEY, Endpoint, headers
from tinman.models.line import Line, SDKClient
from tinman.models.wires import chat as wire_openai

if TYPE_CHECKING:
    import httpx2

OFFICIAL_URL = "https://api.openai.com/v1"


class OpenAIModel:
    """A model behind Chat Completions. Bound to the event loop of its first call; close it there.

    ``base_url`` names another server of that protocol, usually ending in ``/v1``. Raises the ``ProviderError`` that
    fits; no message holds the key.
    """

    def __init__(
        self, name: str, *, base_url: str | None = None, api_key: str | None = None, timeout_seconds: float = 60.0
    ) -> None:
        self.provider = wire_openai.PROVIDER
        self.name = name
        self.base_url = base_url or OFFICIAL_URL
        self.price_provider = base_url or self.provider
        self._is_compatible = base_url is not None
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds
        endpoint = Endpoint(self.provider, name, self.base_url, key=api_key, key_variable="OPENAI_API_KEY")
        self._line = Line(endpoint, self._open, timeout_seconds=timeout_seconds)

    async def complete(self, request: Request) -> Reply:
        """Return the first choice of one chat completion."""
        body = wire_openai.to_body(request, self.name, is_compatible=self._is_compatible)
        return wire_openai.from_response(await self._line.post("/chat/completions", body), request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._line.aclose()

    def _open(self, http_client: httpx2.AsyncClient) -> tuple[SDKClient, type[Exception]]:
        import openai  # noqa: PLC0415 - half a second of import, paid by the first call

        client = openai.AsyncOpenAI(
            api_key=self._api_key or NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            timeout=self._timeout_seconds,
            default_headers=headers(openai.Omit()),
            http_client=http_client,
        )
        return client, openai.OpenAIError
