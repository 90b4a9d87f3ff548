"""Approvals through a webhook: a signed question goes out, a signed answer comes back, each good for a short time.

The answer's token is spent by the resume that brings it, so an answer that is sent twice counts once.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio
from pydantic import ValidationError

from tinman import clock
from tinman.approvals.reviewers import BaseReviewer
from tinman.errors import ApprovalError, AwaitingApproval, LoopConfigError
from tinman.frozen import adapter, frozen
from tinman.models.prices import is_loopback
from tinman.review import ApprovalRequest, Decision, plain
from tinman.text.invalid import first_error
from tinman.text.secrets import masked
from tinman.text.visible import shorten

SIGNATURE = "X-Tinman-Signature"
TIMESTAMP = "X-Tinman-Timestamp"
SCHEMA = "tinman.approval-request/1"
WINDOW_SECONDS = 300.0
MAX_ANSWER_BYTES = 64_000


@frozen
class _Answer:
    token: str
    approved: bool
    note: str = ""


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the signature of a body: ``v1=`` and the HMAC-SHA256 over ``timestamp.body``."""
    return "v1=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def read_answer(
    body: bytes, headers: Mapping[str, str], secret: bytes, *, window_s: float = WINDOW_SECONDS
) -> dict[str, Any]:
    """Return what ``Loop.resume(approval=...)`` takes, from the body and headers of a request to your own endpoint.

    The body is ``{"token": ..., "approved": true, "note": ...}``. Raises ``ApprovalError`` when it is not signed with
    ``secret``, is older or newer than ``window_s``, or malformed; that is never a yes.
    """
    given = {name.lower(): value for name, value in headers.items()}
    timestamp, signature = given.get(TIMESTAMP.lower(), ""), given.get(SIGNATURE.lower(), "")
    if len(body) > MAX_ANSWER_BYTES:
        raise ApprovalError(f"webhook answer: longer than {MAX_ANSWER_BYTES} bytes")
    if not hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode("utf-8", "replace")):
        raise ApprovalError(f"webhook answer: {SIGNATURE} does not fit; sign timestamp.body with the shared secret")
    try:
        age = clock.now().timestamp() - float(timestamp)
    except ValueError:
        raise ApprovalError(f"webhook answer: {TIMESTAMP} is no number of seconds") from None
    if not abs(age) <= window_s:
        raise ApprovalError(f"webhook answer: {age:.0f} s old, {window_s:g} s are allowed; sign it afresh")
    try:
        answer: _Answer = adapter(_Answer).validate_json(body, strict=True)
    except ValidationError as error:
        raise ApprovalError(f"webhook answer: {first_error(error)}") from None
    return {"token": answer.token, "approved": answer.approved, "note": answer.note}


class WebhookReviewer(BaseReviewer):
    """Posts each question to ``url`` and says: later. The answer comes back to your own endpoint, by ``read_answer``.

    The request carries the token, so ``url`` has to be https (or this machine). 429, 5xx and broken connections are
    tried again; when no attempt gets through, the answer is no. An attempt takes ``attempt_timeout_s`` seconds at most,
    whatever the server does meanwhile. A name that leads to a private address is refused unless ``allow_private``. The
    question may arrive before the loop has ended: a resume that comes too early raises ``LoopOwned``, so answer that
    with "try again".
    """

    is_headless = True

    def __init__(
        self,
        url: str,
        secret: bytes,
        *,
        ttl_s: float = 3600.0,
        attempts: int = 3,
        attempt_timeout_s: float = 10.0,
        backoff_s: float = 0.5,
        allow_private: bool = False,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url)):
            raise LoopConfigError(
                f"webhook: {shorten(masked(url), 80)} would send the token in clear; give an https address"
            )
        if len(secret) < 16:
            raise LoopConfigError("webhook: the secret is shorter than 16 bytes; make one with secrets.token_bytes(32)")
        self.url = url
        self.ttl_s = ttl_s
        self._secret = secret
        self._attempts = max(1, attempts)
        self._attempt_timeout_s = attempt_timeout_s
        self._backoff_s = backoff_s
        self._may_be_private = allow_private or is_loopback(url)

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Post the question and raise ``AwaitingApproval``; ``ApprovalError``, a no, when it cannot arrive."""
        import stamina  # noqa: PLC0415 - heavy packages load when they are used

        question = {
            "schema": SCHEMA,
            "token": request.token,
            "tool": request.tool,
            "arguments": plain(request.args),
            "reason": request.reason,
            "action_hash": request.action_hash,
            "expires_at": request.created_at + request.ttl_s,
        }
        body = json.dumps(question).encode("ascii")
        try:
            async for attempt in stamina.retry_context(
                on=_Undelivered,
                attempts=self._attempts,
                timeout=None,
                wait_initial=self._backoff_s,
                wait_max=float("inf"),
                wait_jitter=0,
            ):
                with attempt:
                    await self._post(body)
        except _Undelivered as error:
            raise ApprovalError(f"webhook {self._name}: the question did not arrive: {error}") from error
        raise AwaitingApproval(request.action_hash, request.tool)

    async def _post(self, body: bytes) -> None:
        """Send it once. Raises ``_Undelivered`` for what may pass, ``ApprovalError`` for what will not."""
        import httpx2  # noqa: PLC0415

        from tinman.models.http import proxy_for, tls  # noqa: PLC0415 - it imports httpx2

        timestamp = f"{clock.now().timestamp():.0f}"
        signature = sign(self._secret, timestamp, body)
        headers = {"Content-Type": "application/json", TIMESTAMP: timestamp, SIGNATURE: signature}
        try:
            with anyio.fail_after(self._attempt_timeout_s):
                url = httpx2.URL(self.url)
                own, place = {"Host": url.netloc.decode("ascii")}, url
                if proxy_for(url) is None:  # else the proxy resolves the name
                    place = url.copy_with(host=await self._address(url.host, url.port or 443))
                async with (
                    httpx2.AsyncClient(timeout=self._attempt_timeout_s, follow_redirects=False, verify=tls()) as client,
                    client.stream(
                        "POST", place, content=body, headers=headers | own, extensions={"sni_hostname": url.host}
                    ) as answer,
                ):
                    status = answer.status_code  # of the rest, however long it is, nothing is read
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:  # a TimeoutError is an OSError
            raise _Undelivered(type(error).__name__) from error
        if 200 <= status < 300:
            return
        if status == 429 or status >= 500:
            raise _Undelivered(f"it answered {status}")
        raise ApprovalError(f"webhook {self._name}: the question did not arrive: it answered {status}")

    @property
    def _name(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]

    async def _address(self, host: str, port: int) -> str:
        """Return the address that ``host`` leads to now: the very one that was looked at is called.

        Raises ``ApprovalError`` for one that is not public.
        """
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        places = [str(entry[4][0]).partition("%")[0] for entry in found]
        for each in places if not self._may_be_private else ():
            address = ipaddress.ip_address(each)
            mapped = getattr(address, "ipv4_mapped", None)
            if not (mapped or address).is_global:
                raise ApprovalError(f"webhook {self._name}: it leads to {each}, no public address; allow_private=True")
        return places[0]


class _Undelivered(Exception):
    """What another attempt may mend."""
