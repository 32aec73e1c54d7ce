"""Known hosts simulated on loopback, as in the tests of `fetch`; a locked project, and a bundle of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fetch.conftest import authority, authority_file, internet
from tests.support.bundles import Near
from tests.support.project import Project
from tests.support.server import Server

__all__ = ["authority", "authority_file", "internet"]


@pytest.fixture(scope="session")
def near(tmp_path_factory: pytest.TempPathFactory) -> Near:
    """A project of four entries for three targets, whose archives are all in its cache; its server has stopped."""
    root = tmp_path_factory.mktemp("near")
    near = Near(Project(root / "project"), root / "www")
    with Server(near.www) as server:
        near.lock(server.url)
        near.create(root / "all.tar")
    return near


@pytest.fixture(scope="session")
def bundle(near: Near) -> Path:
    """A bundle of everything that is locked, as a tar file."""
    return near.project.directory.parent / "all.tar"


@pytest.fixture
def far(near: Near, tmp_path: Path) -> Project:
    """The far side: the same manifest and lock, an empty store and cache."""
    project = Project(tmp_path / "far" / "project")
    shutil.copy(near.project.manifest, project.manifest)
    shutil.copy(near.project.lock, project.lock)
    return project
