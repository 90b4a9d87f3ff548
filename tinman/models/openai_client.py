"""OpenAI and every server that speaks its Chat Completions, through the OpenAI SDK."""

from __future__ import annotations

from tinman.messages import Reply, Request
from tinman.models.client import SDK, SDKModel
from tinman.models.wires import chat as wire_openai

OFFICIAL_URL = "https://api.openai.com/v1"


class OpenAIModel(SDKModel):
    """A model behind Chat Completions; ``base_url`` names another server of theirs, usually ending in ``/v1``."""

    provider = wire_openai.PROVIDER
    key_variable = "OPENAI_API_KEY"

    def __init__(
        self, name: str, *, base_url: str | None = None, api_key: str | None = None, timeout_seconds: float = 60.0
    ) -> None:
        url = base_url or OFFICIAL_URL
        super().__init__(name, url, base_url=base_url, api_key=api_key, timeout_seconds=timeout_seconds)
        self._is_compatible = base_url is not None

    async def complete(self, request: Request) -> Reply:
        """Return the first choice of one chat completion."""
        body = wire_openai.to_body(request, self.name, is_compatible=self._is_compatible)
        return wire_openai.from_response(await self._post("/chat/completions", body), request)

    def _sdk(self) -> SDK:
        import openai  # noqa: PLC0415 - half a second of import, paid by the first call

        return SDK(openai.AsyncOpenAI, openai.OpenAIError, openai.Omit)
