"""Fixtures of the store's tests: a store that does not exist yet, and a directory that other users can enter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.store.directories import remove_recursively
from provision.store.layout import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


@pytest.fixture
def public_path() -> Iterator[Path]:
    """Like ``tmp_path``, which only its owner can enter."""
    folder = Path(tempfile.mkdtemp(prefix="provision-test-"))
    folder.chmod(0o755)
    yield folder
    remove_recursively(folder)
