"""Whatever a loop is given as its model, made into a ``Model``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from tinman.config.settings import provider_keys
from tinman.errors import GarbledReply, LoopConfigError, ProviderError
from tinman.frozen import adapter, make
from tinman.loop.apart import await_apart
from tinman.loop.llm import CallableLLM, LLMClient, LLMResponse
from tinman.loop.llm.transient import translated
from tinman.loop.session.nesting import in_its_thread
from tinman.messages import Message, Part, Reply, Request, Text, ToolUse, Usage
from tinman.models.base import Model
from tinman.models.client import SDKModel
from tinman.models.load import load_model
from tinman.models.metered import Metered
from tinman.models.sizes import prompt_bytes, reply_bytes
from tinman.processes.threads import in_thread, is_async
from tinman.text.invalid import first_error


def as_model(llm: object) -> Model:
    """Return ``llm`` as a ``Model``: one already, a client with ``complete``, a function, or ``"provider:name"``.

    Raises ``LoopConfigError`` for anything else.
    """
    if isinstance(llm, str):
        return load_model(llm, keys=provider_keys(), timeout_seconds=120.0)
    if isinstance(llm, SDKModel | Metered):
        model: Model = llm
        return model
    if hasattr(llm, "complete"):
        return OwnModel(llm) if _is_model(llm) else ClientModel(llm)  # type: ignore[arg-type]
    if callable(llm):
        return ClientModel(CallableLLM(llm))
    raise LoopConfigError(
        f"llm: a {type(llm).__name__} is no model; give AnthropicLLM(), OpenAILLM(), a Model, 'openai:NAME', or a "
        "function (messages, tool_schemas) -> LLMResponse"
    )


def _is_model(llm: Any) -> bool:
    """Say whether ``complete`` takes one request, as a ``Model``'s does, or messages, schemas and a cap."""
    if isinstance(llm, LLMClient) or not hasattr(llm, "provider"):
        return False
    try:
        inspect.signature(llm.complete).bind(None, None, None)
    except TypeError:
        return True
    except ValueError:  # one that is not written in Python tells nothing
        return True
    return False


class OwnModel:
    """A ``Model`` of the user's own; what it raises is tried again when that may help."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.provider = model.provider
        self.name = model.name

    def __getattr__(self, name: str) -> Any:
        """Whatever else the model has: where it is hosted, by whose prices it is priced."""
        return getattr(self.__dict__["model"], name)

    async def complete(self, request: Request) -> Reply:
        """Ask the model."""
        try:
            return await await_apart(partial(self.model.complete, request))
        except ProviderError:
            raise
        except Exception as error:
            if (told := translated(error, self.name)) is None:
                raise
            raise told from error

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()


class ClientModel:
    """A ``Model`` around an ``LLMClient``."""

    provider = "callable"

    def __init__(self, client: Any) -> None:
        self.client = client
        passes_on = isinstance(client, CallableLLM) and type(client).complete is CallableLLM.complete
        self._is_async = is_async(client.fn if passes_on else client.complete)
        self.name = str(getattr(client, "model_id", "") or type(client).__qualname__)

    async def complete(self, request: Request) -> Reply:
        """Ask the client; a synchronous one runs in a daemon thread that is abandoned on cancellation."""
        messages = [{"role": message.role, "content": message.text} for message in request.messages]
        schemas = [
            {"name": spec.name, "description": spec.description, "input_schema": dict(spec.parameters)}
            for spec in request.tools
        ]
        try:
            ask = self.client.complete if self._is_async else partial(in_thread, in_its_thread(self.client.complete))
            answer = await await_apart(partial(ask, messages, schemas, request.params["max_tokens"]))
            if inspect.isawaitable(answer):
                answer = await await_apart(answer)
        except ProviderError:
            raise
        except Exception as error:
            if (told := translated(error, self.name)) is None:
                raise
            raise told from error
        return _reply(answer, request, self.name)

    async def aclose(self) -> None:
        """Nothing is held open here."""


def _reply(answer: object, request: Request, name: str) -> Reply:
    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, str):
        answer = LLMResponse(text=answer)
    if not isinstance(answer, LLMResponse):
        try:
            given = answer.model_dump() if hasattr(answer, "model_dump") else answer
            answer = adapter(LLMResponse).validate_python(given)
        except ValidationError as error:
            raise GarbledReply(
                f"{name} answered a {type(answer).__name__} that is no LLMResponse: {first_error(error)}"
            ) from None
    return _as_reply(answer, request)  # type: ignore[arg-type]


def _as_reply(answer: LLMResponse, request: Request) -> Reply:
    parts: list[Part] = [make(Text, text=answer.text)] if answer.text else []
    for number, use in enumerate(answer.tool_calls, start=1):
        parts.append(_use(use.id or f"call_{number}", use.name, use.args))
    message = make(Message, role="assistant", parts=tuple(parts))
    into, out = answer.input_tokens, answer.output_tokens
    is_unsaid = into == 0 and out == 0
    if is_unsaid:
        into, out = prompt_bytes(request), reply_bytes(message)
    usage = Usage(calls=1, input_tokens=into, output_tokens=out)
    return make(Reply, message=message, usage=usage, extra={"usage_estimated": True} if is_unsaid else {})


def _use(call_id: str, name: str, args: Mapping[str, Any]) -> ToolUse:
    malformed = args.get("__malformed__")
    if isinstance(malformed, str) and len(args) == 1:
        return ToolUse(id=call_id, name=name, malformed=malformed)
    return make(ToolUse, id=call_id, name=name, arguments=dict(args))
