"""``SDKModel``: a model behind a provider's SDK, opened at the first call, and the one way both wires are sent over it.

The call is the SDK's own ``post``: its authentication, headers, transport and errors. Its typed ``create`` would walk
the request and build response models we do not read, at twice the CPU a call. What the SDK and its transport raise is
told as a ``ProviderError``, in one line.
"""

from __future__ import annotations

import copy
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

import anyio

from tinman import clock
from tinman.errors import (
    FormRefused,
    GarbledReply,
    KeyRefused,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
)
from tinman.messages import Reply, Request
from tinman.models.wires.reading import read_body
from tinman.models.wires.refusals import Filtered, Form, error_in, filter_words, refused_by_filter, refused_form
from tinman.text.secrets import without_secrets
from tinman.text.storable import paired
from tinman.text.visible import shorten

if TYPE_CHECKING:
    import httpx2

NO_KEY = "not-needed"
_TOLD_BY_THE_SDK = "Lang Package-Version OS Arch Runtime Runtime-Version Async".split()
_NEED_A_KEY = frozenset({"api.openai.com", "api.anthropic.com"})
_NEVER_A_FILTER = frozenset({401, 404, 408, 429})
_OPTIONS = {"extra_headers": "headers", "extra_query": "params", "timeout": "timeout"}


class SDK(NamedTuple):
    """What ``openai`` and ``anthropic`` have in common: a client, the root of their errors, the mark of no header."""

    client: Callable[..., Any]
    error: type[Exception]
    omitted: Callable[[], Any]


class SDKModel(ABC):
    """A model behind a provider's SDK. Bound to the event loop of its first call; close it there.

    It is called at ``url`` and priced by ``base_url`` where one is given. Raises the ``ProviderError`` that fits; no
    message holds the key, whose environment variable is ``key_variable``.
    """

    provider: str
    key_variable: str
    path: str

    def __init__(
        self, name: str, url: str, *, base_url: str | None, api_key: str | None, timeout_seconds: float
    ) -> None:
        self.name = name
        self.base_url = url
        self.price_provider = base_url or self.provider
        self.label = f"{self.provider}:{name} at {_host(url)}"
        """Names provider, model and host in every message."""
        self._api_key = api_key
        # What is not given here the SDK copies deeply, call for call.
        self._defaults = {"timeout": timeout_seconds, "max_retries": 0, "headers": {}, "params": {}}
        self._address = ""
        self._client: Any = None
        self._failures: tuple[type[Exception], ...] = ()
        self._raw: type[httpx2.Response] | None = None
        self._query: dict[str, str] = {}
        self._without: frozenset[str] = frozenset()

    @abstractmethod
    def _sdk(self) -> SDK:
        """Import the SDK."""

    @abstractmethod
    def _to_body(self, request: Request, without: frozenset[str]) -> dict[str, Any]:
        """Return what is sent, without the forms that the server has refused."""

    @abstractmethod
    def _forms_in(self, body: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[Form, ...]:
        """Return the forms in what was sent that the server can be asked without."""

    @abstractmethod
    def _from_response(self, response: Any, request: Request) -> Reply:
        """Return the reply in what came back."""

    async def complete(self, request: Request) -> Reply:
        """Return the model's reply; what the provider's filter stopped is a refusal that says nothing.

        Raises ``FormRefused`` for a form the server does not take: the same request, asked again, goes without it.
        """
        without = self._without
        body = self._to_body(request, without)
        try:
            return self._from_response(await self._post(body), request)
        except Filtered as error:
            return refused_by_filter(self._clean(error.words))
        except RequestRefused as error:
            cause = error.__cause__
            said = json.dumps(getattr(cause, "body", None), default=str, ensure_ascii=False)
            form = refused_form(self._forms_in(body, request.params), said) if cause is not None else None
            if form is None or form in without:
                raise
            self._without |= {form}
            raise FormRefused(f"{error} (asked again without {form})", retry_after_seconds=0.0) from error

    async def _post(self, body: dict[str, Any]) -> Any:
        """Send ``body`` and return the JSON that came back; raises a ``ProviderError``, ``Filtered``.

        ``extra_headers``, ``extra_query``, ``extra_body`` and ``timeout`` in it mean what they mean to the SDK.
        """
        client = self._client or self._open()
        asked = {option: body.pop(name) for name, option in _OPTIONS.items() if name in body}
        body.update(body.pop("extra_body", None) or {})
        content = self._written(body)
        options = {**self._defaults, **asked}
        if self._query:
            options["params"] = {**self._query, **(options["params"] or {})}
        try:
            response = await client.post(self._address, cast_to=self._raw, content=content, options=options)
        except ProviderError:
            raise
        except self._failures as error:
            if (words := filter_words(getattr(error, "body", None))) is not None and _may_be_filter(error):
                raise Filtered(words) from error
            raise self._translated(error) from error
        return read_body(response.content, self.label, response.charset_encoding or "")

    def _written(self, body: dict[str, Any]) -> bytes:
        try:
            text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            return paired(text).encode()
        except (TypeError, ValueError, RecursionError) as error:
            why = shorten(str(error), 100)
            raise RequestRefused(f"{self.label}: the request cannot be written as JSON ({why})") from error

    def _open(self) -> Any:
        if self._api_key is None and urlsplit(self.base_url).hostname in _NEED_A_KEY:
            raise KeyRefused(
                f"{self.label} needs a key, and nothing was sent; set {self.key_variable}, or give a base_url"
            )
        import aiohttp  # noqa: PLC0415 - heavy packages load with the first call
        import httpx2  # noqa: PLC0415

        from tinman.models import http  # noqa: PLC0415 - it imports both

        sdk = self._sdk()
        place, _, query = self.base_url.partition("?")
        self._query = dict(parse_qsl(query))
        self._raw = httpx2.Response
        self._client = sdk.client(
            api_key=self._api_key or NO_KEY,
            base_url=place,
            max_retries=0,
            timeout=self._defaults["timeout"],
            default_headers=headers(sdk.omitted()),
            http_client=http.Client(),
        )
        self._address = str(self._client.base_url).rstrip("/") + self.path
        self._failures = (sdk.error, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError, ValueError)
        return self._client

    def apart(self) -> Self:
        """Return the same model with connections of its own, for another event loop."""
        other = copy.copy(self)
        other._client = None
        return other

    async def aclose(self) -> None:
        """Close the connections, under cancellation too; twice does no harm."""
        client, self._client = self._client, None
        if client is not None:
            with anyio.CancelScope(shield=True):
                await client.close()

    def _translated(self, error: Exception) -> ProviderError:
        """Return the ``ProviderError`` for what the SDK, its transport raised."""
        chain = tuple(_chain(error))
        for cause in chain:
            if isinstance(cause, ProviderError):
                return cause
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            return self._for_status(status, error)
        return self._for_connection(chain)

    def _for_status(self, status: int, error: Exception) -> ProviderError:
        headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
        told = self._words(getattr(error, "body", None))
        said = f"{self.label} answered {status}{told}"
        if status == 401:
            # The provider's own words are left out: they like to repeat the key.
            return KeyRefused(f"{self.label} answered {status}: it refuses the key; check {self.key_variable}")
        if status == 403:
            return KeyRefused(f"{said}: it refuses the key, or what was asked with it; check {self.key_variable}")
        if status == 429:
            if _code(error) == "insufficient_quota":
                return RequestRefused(f"{said}; the account has no quota left, add credit or use another key")
            return RateLimited(f"{said}; lower the concurrency", retry_after_seconds=retry_after(headers))
        if status >= 500 or status == 408:
            return ProviderUnavailable(f"{said}; try again later", retry_after_seconds=retry_after(headers))
        if status == 402:
            return RequestRefused(f"{said}; the account has no credit left, add some or use another key")
        if status == 404:
            return RequestRefused(f"{said}; check the model's name and the base_url")
        if status < 400:
            return RequestRefused(f"{self.label} redirects elsewhere ({status}); give the final base_url")
        return RequestRefused(f"{said}; the request itself is wrong: check the model's name and its params")

    def _for_connection(self, chain: tuple[BaseException, ...]) -> ProviderError:
        import aiohttp  # noqa: PLC0415 - the SDKs' transport, loaded by them long before an error

        cause = next((c for c in chain if isinstance(c, aiohttp.ClientError | OSError)), chain[-1])
        why = shorten(f"{type(cause).__name__}: {self._clean(str(cause))}".removesuffix(": "), 120)

        def has(wanted: type[BaseException]) -> bool:
            return any(isinstance(c, wanted) for c in chain)

        if has(aiohttp.ClientPayloadError):
            return GarbledReply(f"{self.label} cut its reply off ({why}); try again")
        if has(TimeoutError):
            return ProviderTimeout(f"{self.label} gave no reply in time ({why}); raise the timeout or ask for less")
        if has(aiohttp.InvalidURL) or has(aiohttp.NonHttpUrlClientError):
            return RequestRefused(f"{self.label} is no usable address; check the base_url")
        if has(ValueError):
            return RequestRefused(f"{self.label}: the request cannot be sent ({why}); check the base_url and the key")
        unavailable = ProviderUnavailable(f"{self.label} is not reachable ({why}); check the base_url and the network")
        # A connection that broke after it stood may have carried a request that is billed all the same.
        unavailable.is_billed = not has(aiohttp.ClientConnectorError) and not has(aiohttp.ClientHttpProxyError)
        return unavailable

    def _words(self, body: object) -> str:
        if (inner := error_in(body)) is not None:
            body = inner.get("message", dict(inner))
        text = self._clean(str(body)) if body else ""
        return f" ({shorten(text, 160)})" if text else ""

    def _clean(self, text: str) -> str:
        text = text.replace(self._api_key, "[key]") if self._api_key else text
        return without_secrets(text)


def headers(leave_out: Any) -> dict[str, Any]:
    """Return the SDK client's headers; ``leave_out`` is the SDK's own mark for a header that is not sent.

    Replies come uncompressed, so that their length can be counted before they are in memory. What the SDK would tell
    of this machine is nobody's business, and every header is written several times a call.
    """
    kept = {"Accept-Encoding": "identity", "Connection": "keep-alive"}
    return {**kept, **{f"X-Stainless-{name}": leave_out for name in _TOLD_BY_THE_SDK}}


def _host(url: str) -> str:
    """Return the host of ``url`` as messages name it, never its password."""
    return urlsplit(url).netloc.rpartition("@")[2] or url


def _may_be_filter(error: Exception) -> bool:
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and status >= 400 and status not in _NEVER_A_FILTER


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a provider asks to wait: ``retry-after-ms``, or ``Retry-After`` as a number or a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        seconds = _number(text)
        if seconds is None:
            try:
                seconds = (parsedate_to_datetime(text) - clock.now()).total_seconds() * unit
            except (ValueError, TypeError):
                continue
        if math.isfinite(seconds):
            return max(0.0, seconds / unit)
    return None


def _number(text: str) -> float | None:
    try:
        return float(text) if text.isascii() else None
    except ValueError:
        return None


def _code(error: Exception) -> object:
    inner = error_in(getattr(error, "body", None)) or {}
    return inner.get("code") or inner.get("type")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
