"""A project with one small interpreter, not locked yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import small_build


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return small_build(tmp_path / "builds")


@pytest.fixture
def project(tmp_path: Path, server: Server, build: Build) -> Project:
    project = Project(tmp_path / "project")
    write_catalog(server.root, [build])
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\none = {build.entry}\n')
    return project
