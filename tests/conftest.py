"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> Iterator[None]:
    """The command line, run inside a test, sets logs up for the standard error of that test, which is closed then."""
    yield
    structlog.reset_defaults()
