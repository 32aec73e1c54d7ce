"""An empty project, and a server that has archives and a catalog of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server


class Offer:
    """A project whose manifest has one custom catalog: the builds that the server offers."""

    def __init__(self, project: Project, server: Server) -> None:
        self.project, self.server = project, server

    def __call__(self, builds: Sequence[Build], entries: str, *, settings: str = "") -> Project:
        """Offer the builds, and write a manifest with these settings and entries."""
        write_catalog(self.server.root, builds)
        head = f'[settings]\ncatalogs = ["{self.server.url}/catalog.ndjson"]\n{settings}\n\n[pythons]\n'
        self.project.write(f"{head}{entries}\n")
        return self.project

    def archives(self) -> list[str]:
        """The names of the archives that were requested so far."""
        paths = [seen.path.rpartition("/")[2].replace("%2B", "+") for seen in self.server.requests]
        return [path for path in paths if not path.endswith(".ndjson")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def offer(project: Project, server: Server) -> Offer:
    return Offer(project, server)
