"""An HTTP endpoint as a target: a request a turn, tried again where that may help."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from tinman import clock
from tinman.config.settings import environment
from tinman.errors import ConfigError, ProviderError
from tinman.messages import Reply, Request
from tinman.targets.http.asking import Turn, asking_of, read_headers
from tinman.targets.profile import TargetProfile
from tinman.targets.turn import TurnTarget, spoken
from tinman.text.secrets import masked
from tinman.text.visible import shorten

if TYPE_CHECKING:
    from tinman.targets.http.exchange import Line

MAX_WAIT_SECONDS = 120.0
_BACKOFF_SECONDS = 0.5


class HttpTarget(TurnTarget):
    """Sends each turn to ``url`` and reads the answer out of JSON, events or plain text.

    Without a ``body`` in the profile it is ``{"message", "session", "user"}``. A JSON answer may tell the turn's tool
    calls under ``tool_traces``: a list of objects with ``tool_name`` and ``arguments``, empty when there were none.
    """

    def __init__(self, profile: TargetProfile) -> None:
        url = profile.spec.strip()
        self._url = url
        shown = _without_password(url)
        self._about = f"target {shown}"
        self._asking = asking_of(profile)
        self._headers, self._taken = read_headers(profile.headers, environment())
        self._reply = profile.reply
        self._retries = profile.retries
        self._seconds = profile.timeout_seconds
        self._is_repeatable = profile.is_repeatable
        self._lines: list[Line] = []
        # Only what differs from the default is told, so that a plain endpoint keeps its fingerprint.
        told = {"method": profile.method, "encoding": profile.encoding, "body": profile.body, "reply": profile.reply}
        told |= {"headers": dict(profile.headers), "session_parameter": profile.session_parameter}
        plain = TargetProfile()
        given = {name: value for name, value in told.items() if value != getattr(plain, name)}
        # The time limit is kept here, attempt by attempt.
        identity: dict[str, object] = {"kind": "http", "url": shown, **given}
        super().__init__(shown, profile.capabilities, identity=identity, canaries=profile.canaries)

    def _line(self) -> Line:
        if not self._lines:
            from tinman.targets.http.answer import by_path  # noqa: PLC0415 - slow to load, as what it comes with
            from tinman.targets.http.exchange import Line  # noqa: PLC0415 - slow to load, and only this target needs it

            self._lines.append(
                Line(
                    self._url,
                    self._asking,
                    about=self._about,
                    headers=self._headers,
                    hidden=self._taken,
                    seconds=self._seconds,
                    find=by_path(self._reply) if self._reply else None,
                    is_repeatable=self.capabilities.is_repeatable,
                )
            )
        return self._lines[0]

    async def describe(self) -> tuple[str, ...]:
        """Open a connection and close it; nothing is sent. Raises ``ProviderUnavailable``."""
        await self._line().look()
        return ()

    async def aclose(self) -> None:
        """Close the connections."""
        while self._lines:
            with anyio.CancelScope(shield=True):
                await self._lines.pop().aclose()

    async def answer(self, text: str, *, user: str, session: str, request: Request) -> Reply:
        """Send one turn. Raises the ``ProviderError`` that fits the status, a timeout or a broken connection.

        What may pass (429, 5xx, a connection that never stood) is tried again as often as the profile's ``retries``
        say, after the time the endpoint asks for.
        """
        turn = Turn(text=text, session=session, user=user, messages=tuple(spoken(request.messages)))
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._line().ask(turn)
            except ProviderError as error:
                if attempt > (0 if request.once else self._retries) or not self._may_pass(error):
                    raise
                dice = clock.chance(request.seed, f"{request.session}:{attempt}")
                wait = error.retry_after_seconds
                if wait is None:
                    wait = _BACKOFF_SECONDS * 2 ** (attempt - 1) * (0.5 + dice)
                if wait > MAX_WAIT_SECONDS:
                    raise
            await anyio.sleep(wait)

    def _may_pass(self, error: ProviderError) -> bool:
        """Say whether asking again may help, and cannot make the endpoint act twice on one turn."""
        return error.is_retryable and (self._is_repeatable or not error.is_billed)


def _without_password(url: str) -> str:
    """Return an address that can be shown. Raises ``ConfigError`` for what is none."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.port is not None and not 0 < parts.port < 65_536:
            raise ValueError("its port is none")
        if any(ord(c) < 33 or ord(c) == 127 for c in url):
            raise ValueError("it holds a blank or control character")
    except ValueError as error:
        raise ConfigError(f"target: {shorten(masked(url, is_database=True), 120)} is no address: {error}") from error
    if not host:
        raise ConfigError(
            f"target: {shorten(masked(url, is_database=True), 120)} names no host; write http://HOST/PATH"
        )
    return url if "@" not in parts.netloc else parts._replace(netloc=f"***@{parts.netloc.rpartition('@')[2]}").geturl()
