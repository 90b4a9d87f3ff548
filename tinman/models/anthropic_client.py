"""Anthropic's Messages, through the Anthropic SDK."""

from __future__ import annotations

from tinman.messages import Reply, Request
from tinman.models.client import SDK, SDKModel
from tinman.models.wires import messages as wire_anthropic

OFFICIAL_URL = "https://api.anthropic.com"


class AnthropicModel(SDKModel):
    """A model behind Messages."""

    provider = wire_anthropic.PROVIDER
    key_variable = "ANTHROPIC_API_KEY"

    def __init__(
        self, name: str, *, base_url: str | None = None, api_key: str | None = None, timeout_seconds: float = 60.0
    ) -> None:
        url = (base_url or OFFICIAL_URL).rstrip("/").removesuffix("/v1")
        super().__init__(name, url, base_url=base_url, api_key=api_key, timeout_seconds=timeout_seconds)

    async def complete(self, request: Request) -> Reply:
        """Return one message."""
        body = wire_anthropic.to_body(request, self.name)
        return wire_anthropic.from_response(await self._post("/v1/messages", body), request)

    def _sdk(self) -> SDK:
        import anthropic  # noqa: PLC0415 - a second of import, paid by the first call

        return SDK(anthropic.AsyncAnthropic, anthropic.AnthropicError, anthropic.Omit)
