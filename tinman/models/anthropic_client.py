"""Anthropic's Messages, through the Anthropic SDK."""

from __future__ import annotations

from typing import Any

from tinman.messages import Request
from tinman.models.client import SDK, SDKModel
from tinman.models.wires import messages as wire_anthropic

OFFICIAL_URL = "https://api.anthropic.com"


class AnthropicModel(SDKModel):
    """A model behind Messages."""

    provider = wire_anthropic.PROVIDER
    key_variable = "ANTHROPIC_API_KEY"
    path = "/v1/messages"

    def __init__(
        self, name: str, *, base_url: str | None = None, api_key: str | None = None, timeout_seconds: float = 60.0
    ) -> None:
        place, mark, query = (base_url or OFFICIAL_URL).partition("?")
        url = place.rstrip("/").removesuffix("/messages").removesuffix("/v1") + mark + query
        super().__init__(name, url, base_url=base_url, api_key=api_key, timeout_seconds=timeout_seconds)

    def _to_body(self, request: Request, without: frozenset[str]) -> dict[str, Any]:
        return wire_anthropic.to_body(request, self.name, without=without)

    _forms_in = staticmethod(wire_anthropic.forms_in)
    _from_response = staticmethod(wire_anthropic.from_response)

    def _sdk(self) -> SDK:
        import anthropic  # noqa: PLC0415 - a second of import, paid by the first call

        return SDK(anthropic.AsyncAnthropic, anthropic.AnthropicError, anthropic.Omit)
