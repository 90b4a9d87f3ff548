"""Approvals through a webhook: a signed question goes out, a signed answer comes back, each good for a short time.

The answer's token is spent by the resume that brings it, so an answer that is sent twice counts once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio
from pydantic import ValidationError

from tinman import clock
from tinman.errors import ApprovalError, LoopConfigError
from tinman.frozen import adapter, frozen
from tinman.loop.approvals.approval import ApprovalDecision, ApprovalRequest, ApprovalRunner
from tinman.models.prices import is_loopback
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
        first = error.errors()[0]
        raise ApprovalError(f"webhook answer: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return {"token": answer.token, "approved": answer.approved, "note": answer.note}


class WebhookApprovalRunner(ApprovalRunner):
    """Posts each question to ``url`` and ends the loop AWAITING_APPROVAL; the answer comes with ``read_answer``.

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
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url)):
            raise LoopConfigError(f"webhook: {shorten(url, 80)} would send the token in clear; give an https address")
        if len(secret) < 16:
            raise LoopConfigError("webhook: the secret is shorter than 16 bytes; make one with secrets.token_bytes(32)")
        self.url = url
        self.ttl_s = ttl_s
        self.timeout_s = None
        self._secret = secret
        self._attempts = max(1, attempts)
        self._attempt_timeout_s = attempt_timeout_s
        self._backoff_s = backoff_s
        self._sleep = sleep

    async def request(self, req: ApprovalRequest) -> tuple[ApprovalDecision, str]:
        """Post the question and say: later. Raises ``ApprovalError``, which means no, when it does not arrive."""
        import httpx2  # noqa: PLC0415 - heavy packages load when they are used

        from tinman.models.http import tls  # noqa: PLC0415 - it imports httpx2

        question = {
            "schema": SCHEMA,
            "token": req.token,
            "tool": req.tool,
            "arguments": _plain(req.args),
            "reason": req.reason,
            "action_hash": req.action_hash,
            "expires_at": req.created_at + req.ttl_s,
        }
        body = json.dumps(question).encode("ascii")
        why = ""
        async with httpx2.AsyncClient(timeout=self._attempt_timeout_s, follow_redirects=False, verify=tls()) as client:
            for attempt in range(1, self._attempts + 1):
                if attempt > 1:
                    await self._sleep(self._backoff_s * 2 ** (attempt - 2))
                timestamp = f"{clock.now().timestamp():.0f}"
                headers = {
                    "Content-Type": "application/json",
                    TIMESTAMP: timestamp,
                    SIGNATURE: sign(self._secret, timestamp, body),
                }
                try:
                    answer = await client.post(self.url, content=body, headers=headers)
                except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                    why = type(error).__name__
                    continue
                if 200 <= answer.status_code < 300:
                    return ApprovalDecision.PENDING, "asked by webhook"
                why = f"it answered {answer.status_code}"
                if answer.status_code != 429 and answer.status_code < 500:
                    break
        raise ApprovalError(f"webhook {urlsplit(self.url).netloc}: the question did not arrive: {why}")


def _plain(value: Any) -> Any:
    """Return read-only JSON as ``json.dumps`` takes it."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
