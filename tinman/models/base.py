"""``Model``: anything that completes a conversation, and a plain callable made into one."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from tinman.errors import GarbledReply, ModelRaised, TinmanError
from tinman.messages import Message, Reply, Request, ToolSpec, Usage, say
from tinman.models.sizes import prompt_bytes, reply_bytes
from tinman.processes.threads import call
from tinman.text.visible import line_of

_OURS = str(Path(__file__).parents[1])


class Model(Protocol):
    """One model at one provider. Safe to share between tasks of one event loop."""

    provider: str
    name: str

    async def complete(self, request: Request) -> Reply:
        """Return the model's reply, its usage filled in.

        Raises a ``ProviderError`` when there is no usable one. Cancelling it abandons the call.
        """
        ...

    async def aclose(self) -> None:
        """Release connections. Calling it twice does no harm; a closed model is not used again."""
        ...


@runtime_checkable
class Listed(Protocol):
    """A model whose price is found under another name: a provider's, or the base URL of its endpoint."""

    price_provider: str


@runtime_checkable
class Hosted(Protocol):
    """A model whose calls go to an endpoint, over connections that belong to the event loop of the first call."""

    base_url: str


def price_provider_of(model: Model) -> str:
    """Return by whose prices a model's usage is priced."""
    return model.price_provider if isinstance(model, Listed) else model.provider


def endpoint_of(model: Model) -> tuple[str, str]:
    """Return what limits how many calls run at once: provider and base URL, the latter empty if it is not known."""
    return model.provider, model.base_url if isinstance(model, Hosted) else ""


Answer: TypeAlias = str | Reply
Answering: TypeAlias = Callable[[tuple[Message, ...], tuple[ToolSpec, ...]], Answer | Awaitable[Answer]]


class CallableModel:
    """A model played by ``answer(messages, tools)``, which returns text or a whole ``Reply``.

    A synchronous callable runs in a worker thread; on cancellation the thread is abandoned, not stopped. What it raises
    of our own errors passes through, anything else as ``ModelRaised``. A reply without usage is counted as one token a
    byte, in and out.
    """

    provider = "callable"

    def __init__(self, answer: Answering, *, name: str | None = None) -> None:
        self.name: str = name or str(getattr(answer, "__qualname__", type(answer).__qualname__))
        self._answer = answer

    async def complete(self, request: Request) -> Reply:
        """Return what the callable answered."""
        try:
            said = await call(self._answer, request.messages, request.tools)
        except TinmanError:
            raise
        except Exception as error:
            frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(_OURS)]
            place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
            raise ModelRaised(f"callable:{self.name} raised {line_of(error)}{place}") from error
        if isinstance(said, Reply):
            return said
        if not isinstance(said, str):
            raise GarbledReply(f"callable:{self.name} answered a {type(said).__name__}; return str or Reply")
        message = say("assistant", said)
        usage = Usage(calls=1, input_tokens=prompt_bytes(request), output_tokens=reply_bytes(message))
        return Reply(message=message, usage=usage, extra={"usage_estimated": True})

    async def aclose(self) -> None:
        """Do nothing: a callable holds no connection."""
