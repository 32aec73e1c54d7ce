"""Fixtures of the catalog's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.browser_fixtures import any_tab, axe, tab

__all__ = ["any_tab", "axe", "cache_dir", "tab"]


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    """The directory of saved catalogs, which does not exist yet."""
    return tmp_path / "cache" / "catalog"
