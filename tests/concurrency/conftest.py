"""The fixture that the tests of many processes share: a locked project with two small archives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builds import write_catalog
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import small_build


@pytest.fixture
def project(tmp_path: Path, server: Server) -> Project:
    made = Project(tmp_path / "project")
    builds = [small_build(tmp_path / "builds", number, more=200_000) for number in (1, 2)]
    write_catalog(server.root, builds)
    entries = "".join(f"b{build.name.build} = {build.entry}\n" for build in builds)
    made.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\n{entries}')
    made.run("lock")
    return made
