"""Approvals through a webhook: a signed question goes out, a signed answer comes back, each good for a short time.

The answer's token is spent by the resume that brings it, so an answer that is sent twice counts once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from tinman import clock
from tinman.approvals.reviewers import BaseReviewer
from tinman.errors import ApprovalError, AwaitingApproval, LoopConfigError
from tinman.frozen import adapter, frozen
from tinman.models.prices import is_loopback
from tinman.review import ApprovalRequest, Decision, plain
from tinman.text.invalid import first_error
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
    tried again; when no attempt gets through, the answer is no. The question may arrive before the loop has ended: a
    resume that comes too early raises ``LoopOwned``, so answer that with "try again".
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
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url)):
            raise LoopConfigError(f"webhook: {shorten(url, 80)} would send the token in clear; give an https address")
        if len(secret) < 16:
            raise LoopConfigError("webhook: the secret is shorter than 16 bytes; make one with secrets.token_bytes(32)")
        self.url = url
        self.ttl_s = ttl_s
        self._secret = secret
        self._attempts = max(1, attempts)
        self._attempt_timeout_s = attempt_timeout_s
        self._backoff_s = backoff_s

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
            raise ApprovalError(f"webhook {urlsplit(self.url).netloc}: the question did not arrive: {error}") from error
        raise AwaitingApproval(request.action_hash, request.tool)

    async def _post(self, body: bytes) -> None:
        """Send it once. Raises ``_Undelivered`` for what may pass, ``ApprovalError`` for what will not."""
        import httpx2  # noqa: PLC0415

        from tinman.models.http import tls  # noqa: PLC0415 - it imports httpx2

        timestamp = f"{clock.now().timestamp():.0f}"
        signature = sign(self._secret, timestamp, body)
        headers = {"Content-Type": "application/json", TIMESTAMP: timestamp, SIGNATURE: signature}
        try:
            async with httpx2.AsyncClient(
                timeout=self._attempt_timeout_s, follow_redirects=False, verify=tls()
            ) as client:
                answer = await client.post(self.url, content=body, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _Undelivered(type(error).__name__) from error
        if 200 <= answer.status_code < 300:
            return
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _Undelivered(f"it answered {answer.status_code}")
        raise ApprovalError(
            f"webhook {urlsplit(self.url).netloc}: the question did not arrive: it answered {answer.status_code}"
        )


class _Undelivered(Exception):
    """What another attempt may mend."""
