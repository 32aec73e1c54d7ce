"""Owns the fixtures of the catalog's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalog.server import Upstream, serve


@pytest.fixture
def upstream_server() -> Iterator[Upstream]:
    with serve() as upstream:
        yield upstream


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    """Where catalogs are kept; it does not exist yet."""
    return tmp_path / "cache" / "catalog"
