"""Owns the fixtures that all rooms share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builds import Build, ready_made
from tests.support.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real HTTP server on loopback, with an empty directory to serve."""
    root = tmp_path / "www"
    root.mkdir()
    with Server(root) as running:
        yield running


@pytest.fixture(scope="session")
def builds() -> tuple[Build, ...]:
    """Real interpreters as archives: those at hand in PBS's layout, else the Python that runs the tests, packed."""
    return ready_made()
