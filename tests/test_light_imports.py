"""Looking at the help, or importing the package, loads nothing heavy; the environment has one reader."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tinman

HEAVY = {
    "aiohttp",
    "aiosqlite",
    "alembic",
    "anthropic",
    "genai_prices",
    "httpx2",
    "networkx",
    "openai",
    "pydantic",
    "pydantic_settings",
    "rich",
    "sqlalchemy",
    "structlog",
}
PACKAGE = Path(tinman.__file__).parent
HELP = "try: main(['--help'])\nexcept SystemExit: pass"


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after ``code``."""
    ending = "import json, sys; print('\\n' + json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{ending}"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    ["import tinman", f"from tinman.cli.main import main\n{HELP}"],
    ids=["import tinman", "tinman --help"],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert not loaded_by(code) & HEAVY


def test_a_listing_of_failures_loads_no_store() -> None:
    loaded = loaded_by("import tinman.cli.bodies.failures")
    assert not loaded & (HEAVY - {"pydantic"})


def test_settings_load_their_library_only_for_variables_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from tinman.config.settings import resolve; resolve({})"
    for name in [name for name in os.environ if name.startswith("TINMAN_")]:
        monkeypatch.delenv(name)
    assert "pydantic_settings" not in loaded_by(code)
    monkeypatch.setenv("TINMAN_MODE", "shadow")
    assert "pydantic_settings" in loaded_by(code)


def test_the_measure_sees_a_heavy_module() -> None:
    """A look at the door itself: what is imported does show up."""
    assert "sqlalchemy" in loaded_by("import tinman.db.engine")


def test_the_public_names_are_these() -> None:
    assert tinman.__all__ == [
        "AgentContext",
        "AgentResult",
        "ApprovalHandler",
        "DiscoveredFailure",
        "EventBus",
        "FailureClass",
        "Hypothesis",
        "Intervention",
        "Mode",
        "ResearchCycleResult",
        "Scenario",
        "Severity",
        "SimulationResult",
        "Tinman",
        "TinmanError",
        "create_tinman",
    ]
    assert sorted(tinman.__all__) == tinman.__all__


def test_every_public_name_is_there() -> None:
    for name in tinman.__all__:
        assert getattr(tinman, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tinman.nothing


def test_the_settings_alone_read_the_environment() -> None:
    readers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}:
                readers.add(path.relative_to(PACKAGE).as_posix())

    # What begins a child hands the environment on; it takes no setting out of it.
    assert readers == {"config/settings.py", "processes/groups.py"}
