"""Addresses that somebody wrote: whether they can be called at all."""

from __future__ import annotations

from urllib.parse import urlsplit

from tinman.text.secrets import masked
from tinman.text.visible import shorten


def checked(url: str | None) -> str | None:
    """Return an ``http`` or ``https`` address as it is. Raises ``ValueError`` that says what is wrong with it."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"{_shown(url)} is no address: {error}") from None
    if any(ord(letter) < 33 or ord(letter) == 127 for letter in url):
        raise ValueError(f"{_shown(url)} is no address: it holds a blank or control character")
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise ValueError(f"{_shown(url)} is no address; write http://HOST/PATH or https://HOST/PATH")
    return url


def _shown(url: str) -> str:
    return shorten(masked(url, is_database=True), 120)
