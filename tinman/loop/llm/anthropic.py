"""``AnthropicLLM``: a model behind Anthropic's Messages, or any server that speaks them."""

from __future__ import annotations

from tinman.config.settings import provider_keys
from tinman.models.anthropic_client import AnthropicModel


class AnthropicLLM(AnthropicModel):
    """``AnthropicLLM("claude-...")``; the key comes from ``ANTHROPIC_API_KEY`` unless given. No SDK loads before the
    first call, and none retries: the loop does, within its budget."""

    def __init__(
        self,
        model: str = "claude-sonnet-4-6",
        timeout_s: float = 120.0,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
    ) -> None:
        key = api_key or (None if base_url else provider_keys().get(self.key_variable))
        super().__init__(model, base_url=base_url, api_key=key, timeout_seconds=timeout_s)
