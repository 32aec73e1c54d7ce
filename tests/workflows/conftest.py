"""Options of a project whose store and cache are empty, and which is offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.workflows.options import Options


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """They name the manifest ``pythons.toml`` in the test's directory, which the test writes."""
    manifest = tmp_path / "pythons.toml"
    return Options.of({}, home=tmp_path / "home", cache=tmp_path / "cache", manifest=manifest, offline=True)
