"""The few verbs through which a cycle reaches the world, and the journal that makes it resumable.

A *step* makes its calls first and buffers its rows in a ``Tx``; then one short transaction writes rows and journal
entry together. A key that is there already is rehydrated, not run again, so resuming is running the same coroutine once
more. What must not happen twice is a ``step_once``: its plan is committed first, and a plan without outcome is asked
about.
"""

from tinman.errors import Stopped, Unresolved
from tinman.runtime.inline import InlineRuntime
from tinman.runtime.journal import JournalRuntime
from tinman.runtime.verbs import Runtime, Tx, Work

__all__ = ["InlineRuntime", "JournalRuntime", "Runtime", "Stopped", "Tx", "Unresolved", "Work"]
