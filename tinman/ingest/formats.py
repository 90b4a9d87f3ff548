"""Which tool wrote a file, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tinman.errors import DefinitionError
from tinman.ingest import agentdojo, garak, inspect_dataset, promptfoo, pyrit
from tinman.ingest.gathering import Imported
from tinman.ingest.sources import Source

READERS: Mapping[str, Callable[[Source, str], Imported]] = {
    garak.TOOL: garak.read,
    pyrit.TOOL: pyrit.read,
    promptfoo.TOOL: promptfoo.read,
    inspect_dataset.TOOL: inspect_dataset.read,
}
_FORMATS = (*READERS, agentdojo.TOOL)


def read_from(place: str, tool: str = "", scorer: str = "") -> Imported:
    """Return what ``tool`` wrote at ``place``; the tool is recognised by what the file holds when none is named.

    ``place`` is a file; for ``agentdojo`` the name of a suite. Raises ``DefinitionError``.
    """
    if tool == agentdojo.TOOL:
        return agentdojo.read(place)
    source = Source(Path(place).expanduser())
    if scorer and (tool or recognised(source)) != inspect_dataset.TOOL:
        raise DefinitionError("import: --scorer is for datasets of inspect; leave it out")
    return READERS[tool or recognised(source)](source, scorer)


def recognised(source: Source) -> str:
    """Return the tool that wrote a file. Raises ``DefinitionError`` when nothing in it tells."""
    if source.is_zip:
        raise DefinitionError(
            f"import of {source.path}: is an archive; write an Inspect log as JSON first: inspect log convert --to json"
        )
    if source.holds_lines:
        first = source.first
        if first.keys() & {"entry_type"} or {"probe", "detector"} <= first.keys():
            return garak.TOOL
        data: object = first
    else:
        data = source.document
    if promptfoo.wants(data if not source.holds_lines else [data]):
        return promptfoo.TOOL
    if inspect_dataset.wants(data):
        return inspect_dataset.TOOL
    if isinstance(data, dict) and ({"seeds", "value"} & data.keys()):
        return pyrit.TOOL
    raise DefinitionError(
        f"import of {source.path}: no tool is recognised by it; name it with --from {'|'.join(_FORMATS)}"
    )
