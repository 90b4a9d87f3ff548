"""``tinman scenarios import``: cases of another tool become scenario files."""

from __future__ import annotations

from pathlib import Path

from tinman.cli.app import App
from tinman.errors import DefinitionError
from tinman.frozen import dump
from tinman.ingest.formats import read_from
from tinman.ingest.gathering import Imported
from tinman.scenarios.files import read_file, write_scenario
from tinman.scenarios.scenario import Scenario
from tinman.text.visible import shorten

_MOST_TOLD = 20


def import_(app: App, place: str, tool: str | None, folder: str, scorer: str | None, force: bool) -> None:
    """Write the scenarios of another tool's file, and say what was left out. Raises ``DefinitionError``."""
    found = read_from(place, tool or "", scorer or "")
    files = {Path(folder) / f"{scenario.scenario_id}.json": scenario for scenario in found.scenarios}
    changed = [file for file, scenario in files.items() if file.exists() and not _is(file, scenario)]
    if changed and not force:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise DefinitionError(
            f"import of {place}: {changed[0]}{more} holds something else; name another folder by --to, or --force"
        )
    for file, scenario in files.items():
        write_scenario(file, scenario)
    app.answer(_document(found, files), *_lines(found, folder))
    judge = {"--judge": "MODEL"} if found.judged else {}
    app.say(f"Next:  {app.command('scenarios', 'run', options={'--target': 'TARGET', '--scenarios': folder, **judge})}")


def _is(file: Path, scenario: Scenario) -> bool:
    try:
        return read_file(file) == scenario
    except DefinitionError:
        return False


def _document(found: Imported, files: dict[Path, Scenario]) -> dict[str, object]:
    return {
        "schema": "tinman.import/1",
        "tool": found.tool,
        "tool_version": found.version,
        "scenarios": len(found.scenarios),
        "judged": found.judged,
        "files": [str(file) for file in files],
        "left_out": [dump(one) for one in found.left_out],
        "notes": list(found.notes),
    }


def _lines(found: Imported, folder: str) -> list[str]:
    version = f" {found.version}" if found.version else ""
    lines = [f"{_counted(len(found.scenarios), 'case')} of {found.tool}{version} in {folder}"]
    if found.judged:
        lines.append(f"  {found.judged} of them {_have(found.judged)} a check that a model answers: run with --judge")
    lines += [f"  left out: {shorten(str(one), 240)}" for one in found.left_out[:_MOST_TOLD]]
    if len(found.left_out) > _MOST_TOLD:
        rest = sum(one.count for one in found.left_out[_MOST_TOLD:])
        lines.append(
            f"  left out: {rest} more for {len(found.left_out) - _MOST_TOLD} further reasons; --json lists all"
        )
    return lines + [f"  note: {shorten(note, 240)}" for note in found.notes]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
