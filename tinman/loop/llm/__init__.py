"""Models for loops: anything that answers with an ``LLMResponse``, and every Tinman ``Model``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from tinman.frozen import Dumps, frozen


@frozen
class ToolCallReq(Dumps):
    """A call the model wants made. ``args`` is whatever it wrote; it is validated before anything runs."""

    id: str = ""
    name: str
    args: dict[str, Any] = Field(default_factory=dict)


@frozen
class LLMResponse(Dumps):
    """What a model answered. Tokens of 0 in and out mean "not said": they are then counted as one a byte."""

    text: str = ""
    tool_calls: tuple[ToolCallReq, ...] = ()
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    model_id: str = ""


class LLMClient:
    """A model. Subclass it, or wrap a function in ``CallableLLM``; ``complete`` may be async.

    One whose ``model_id`` is publicly priced is priced so, whoever serves it; what any other costs is unknown, unless
    the loop is given ``pricing=``.
    """

    model_id: str = ""

    def complete(
        self, messages: list[dict[str, str]], tool_schemas: list[dict[str, Any]], max_tokens: int
    ) -> LLMResponse:
        """Return the answer to ``messages`` (``role`` and ``content``), of at most ``max_tokens`` tokens.

        ``tool_schemas`` hold ``name``, ``description`` and ``input_schema``. A synchronous one runs in a thread that is
        abandoned when its time is over. Broken connections and timeouts (those of httpx and the SDKs among them), and
        errors that carry a ``status_code`` of 408, 409, 429 or 5xx, are tried again.
        """
        raise NotImplementedError(f"{type(self).__name__} has to answer: override complete()")


@dataclass
class CallableLLM(LLMClient):
    """A function ``(messages, tool_schemas) -> LLMResponse`` as a model.

    It is not told ``max_tokens``, so it may overrun its reservation; the loop then ends at once and says by how much.
    """

    fn: Callable[[list[dict[str, str]], list[dict[str, Any]]], Any]
    model_id: str = "callable"

    def complete(self, messages: list[dict[str, str]], tool_schemas: list[dict[str, Any]], max_tokens: int) -> Any:
        """Return what the function answers, a coroutine when it is async."""
        return self.fn(messages, tool_schemas)
