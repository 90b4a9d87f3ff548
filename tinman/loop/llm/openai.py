"""``OpenAILLM``: a model behind Chat Completions, or any server that speaks them."""

from __future__ import annotations

from tinman.config.settings import provider_keys
from tinman.models.openai_client import OpenAIModel


class OpenAILLM(OpenAIModel):
    """``OpenAILLM("gpt-...")``; the key comes from ``OPENAI_API_KEY`` unless given. No SDK loads before the first call,
    and none retries: the loop does, within its budget."""

    def __init__(
        self,
        model: str = "gpt-4o",
        timeout_s: float = 120.0,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
    ) -> None:
        key = api_key or (None if base_url else provider_keys().get(self.key_variable))
        super().__init__(model, base_url=base_url, api_key=key, timeout_seconds=timeout_s)
