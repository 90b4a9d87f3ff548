"""Writing to the terminal, which may be gone."""

from __future__ import annotations

import errno
import os
import signal
import stat

import click

__all__ = ["echo", "leave_terminal"]


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print what is ours or made visible.

    A terminal that is closed refuses what is written an instant before its signal comes: it is answered as the signal
    is, so that what is in flight gets stored.
    """
    try:
        click.echo(text, err=err, nl=nl)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        leave_terminal()
        signal.raise_signal(signal.SIGHUP)


def leave_terminal() -> None:
    """Write nothing more to a terminal that is gone: it would raise."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for place in (1, 2):
        if stat.S_ISCHR(os.fstat(place).st_mode):  # a closed terminal no longer says that it is one
            os.dup2(nowhere, place)
    os.close(nowhere)
