"""Who holds a lease or drew a block of budget: one object in one process, told apart from every other there was."""

from __future__ import annotations

import itertools
import os
import platform
from typing import Self

from tinman import clock
from tinman.errors import StoreCorrupt
from tinman.frozen import frozen

_serials = itertools.count(1)


@frozen
class Owner:
    """``started`` is when it was made; ``serial`` tells apart those that one process makes at the same moment."""

    host: str
    pid: int
    started: str
    serial: int

    @classmethod
    def here(cls) -> Self:
        """Return a new owner in this process."""
        return cls(host=platform.node(), pid=os.getpid(), started=clock.now().isoformat(), serial=next(_serials))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the owner that was printed as ``text``; raises ``StoreCorrupt`` when none was."""
        host, _, rest = text.partition(":")
        pid, _, when = rest.partition(":")
        started, _, serial = when.partition("/")
        if not pid.isdecimal():
            raise StoreCorrupt(f"database: {text!r} is no owner of a lease")
        return cls(host=host, pid=int(pid), started=started, serial=int(serial) if serial.isdecimal() else 0)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.started}/{self.serial}"

    def may_live(self) -> bool:
        """Whether its process may still run; of another machine nothing is known, so it may."""
        if self.host != platform.node():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody else's process: it is there
            pass
        return True
