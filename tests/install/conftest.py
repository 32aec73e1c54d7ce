"""Fixtures with real interpreters, each installed once for all tests of a worker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.install.interpreters import Installed, archive_of, install, labels

# Debug builds take many times as long for everything.
_LABELS = [pytest.param(label, marks=pytest.mark.slow) if "-debug-" in label else label for label in labels()]


@pytest.fixture(scope="session", params=_LABELS)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive in PBS's layout, one after the other."""
    base = tmp_path_factory.getbasetemp()
    directory = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return archive_of(request.param, directory)


@pytest.fixture(scope="session")
def interpreter(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The archive's interpreter, installed in a directory whose name says nothing."""
    return install(archive, tmp_path_factory.mktemp("store") / "tree")
