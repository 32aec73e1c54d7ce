"""Fixtures that the tests of bad disks and bad bytes share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.conftest import make_box
from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import small_build

__all__ = ["make_box"]


@pytest.fixture
def build(tmp_path: Path, server: Server) -> Build:
    """A small archive with a large file in it, on the server."""
    made = small_build(tmp_path / "builds", more=200_000)
    write_catalog(server.root, [made])
    return made


@pytest.fixture
def manifest(server: Server, build: Build) -> str:
    """A manifest that requests it."""
    return f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\none = {build.entry}\n'


@pytest.fixture
def project(tmp_path: Path, manifest: str) -> Project:
    made = Project(tmp_path / "project")
    made.write(manifest)
    return made


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A directory that everyone may enter, which those of pytest are not."""
    path = Path(tempfile.mkdtemp(prefix="provision-public-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
