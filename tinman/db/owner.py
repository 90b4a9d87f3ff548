"""Who holds a lease or drew a block of budget: one object in one process, told apart from every other there was."""

from __future__ import annotations

import itertools
import os
import platform
from pathlib import Path
from typing import Self

from tinman import clock
from tinman.errors import StoreCorrupt
from tinman.frozen import frozen

_serials = itertools.count(1)


@frozen
class Owner:
    """``started`` is when it was made; ``serial`` tells apart those that one process makes at the same moment.

    ``birth`` tells the process from another one of the same number: the machine's boot and the moment since then; empty
    where the system does not say.
    """

    host: str
    pid: int
    started: str
    serial: int
    birth: str = ""

    @classmethod
    def here(cls) -> Self:
        """Return a new owner in this process."""
        started, pid = clock.now().isoformat(), os.getpid()
        return cls(host=platform.node(), pid=pid, started=started, serial=next(_serials), birth=_birth(pid))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the owner that was printed as ``text``; raises ``StoreCorrupt`` when none was."""
        host, _, rest = text.partition(":")
        pid, _, when = rest.partition(":")
        started, _, number = when.partition("/")
        serial, _, birth = number.partition("@")
        if not pid.isdecimal():
            raise StoreCorrupt(f"database: {text!r} is no owner of a lease")
        number_of = int(serial) if serial.isdecimal() else 0
        return cls(host=host, pid=int(pid), started=started, serial=number_of, birth=birth)

    def __str__(self) -> str:
        born = f"@{self.birth}" if self.birth else ""
        return f"{self.host}:{self.pid}:{self.started}/{self.serial}{born}"

    def surely_lives(self) -> bool:
        """Whether its very process, another than this one, runs on this machine, asleep or not, whatever clocks say."""
        is_near = self.host == platform.node() and self.pid != os.getpid()
        return is_near and bool(self.birth) and _birth(self.pid) == self.birth

    def may_live(self) -> bool:
        """Whether its process may still run; of another machine nothing is known, so it may."""
        if self.host != platform.node():
            return True
        if self.birth:
            return _birth(self.pid) == self.birth
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody else's process: it is there
            pass
        return True


def _birth(pid: int) -> str:
    """Return what tells a process from all others that had, or will have, its number here; empty when unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = told.rpartition(")")[2].split()  # of proc(5), from the third on: the program's name may hold anything
    return "" if fields[0] in "ZX" else f"{boot}.{fields[19]}"  # a process that ended may still be there by name
