"""``tinman doctor``: whether a cycle could start here, and what is missing."""

from __future__ import annotations

from tinman.cli.app import App, Exit
from tinman.cli.project import open_project
from tinman.cli.settings import resolve
from tinman.config.settings import KEYS, provider_keys
from tinman.errors import TinmanError
from tinman.memory import surfaces
from tinman.surface import missing
from tinman.text.visible import visible
from tinman.tinman import Tinman

_MOST_MISSING = 3


async def _missing(tinman: Tinman) -> tuple[str, ...]:
    """Return what is not known of the target that would make more probes possible; of a demo nothing is."""
    if tinman.target.name.startswith("sandbox"):
        return ()
    known = await surfaces.remembered(tinman.graph, tinman.target.name)
    return missing(known.under(tinman.surface))[:_MOST_MISSING]


async def doctor(app: App) -> int:
    """Check settings, keys present (never their values), database and target; return what a cycle would exit with."""
    resolved = resolve(app)
    found = provider_keys()
    rows = [("settings", "ok", str(resolved.file or "defaults"))]
    rows += [(name, "set" if name in found else "not set", "") for name in KEYS]
    code = Exit.DONE
    try:
        async with await open_project(app, resolved.settings, resolved.settings.target) as tinman:
            rows.append(("database", "ok", tinman.graph.db.place))
            notes = await tinman.preflight()
            rows.append(("target", "reachable", tinman.target.name))
            rows += [("target", "note", visible(note, keep_newlines=False)) for note in notes]
            rows.append(("reasoner", "reachable", tinman.reasoner_name))
            rows += [("surface", "missing", line) for line in await _missing(tinman)]
    except TinmanError as error:
        rows.append(("problem", type(error).__name__, visible(str(error), keep_newlines=False)))
        code = error.exit_code
    app.answer(
        {"schema": "tinman.doctor/1", "checks": [list(row) for row in rows], "ok": code == Exit.DONE},
        *(f"  {name:<18} {state:<12} {detail}".rstrip() for name, state, detail in rows),
    )
    return code
