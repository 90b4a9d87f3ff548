"""OpenAI and every server that speaks its Chat Completions, through the OpenAI SDK."""

from __future__ import annotations

from typing import Any

from tinman.messages import Request
from tinman.models.client import SDK, SDKModel
from tinman.models.wires import chat as wire_openai

OFFICIAL_URL = "https://api.openai.com/v1"


class OpenAIModel(SDKModel):
    """A model behind Chat Completions; ``base_url`` names another server of theirs, usually ending in ``/v1``."""

    provider = wire_openai.PROVIDER
    key_variable = "OPENAI_API_KEY"
    path = "/chat/completions"

    def __init__(
        self, name: str, *, base_url: str | None = None, api_key: str | None = None, timeout_seconds: float = 60.0
    ) -> None:
        place, mark, query = (base_url or OFFICIAL_URL).partition("?")
        url = place.rstrip("/").removesuffix(self.path) + mark + query
        super().__init__(name, url, base_url=base_url, api_key=api_key, timeout_seconds=timeout_seconds)
        self._is_compatible = base_url is not None

    def _to_body(self, request: Request, without: frozenset[str]) -> dict[str, Any]:
        return wire_openai.to_body(request, self.name, is_compatible=self._is_compatible, without=without)

    _forms_in = staticmethod(wire_openai.forms_in)
    _from_response = staticmethod(wire_openai.from_response)

    def _sdk(self) -> SDK:
        import openai  # noqa: PLC0415 - half a second of import, paid by the first call

        return SDK(openai.AsyncOpenAI, openai.OpenAIError, openai.Omit)
