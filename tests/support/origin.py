"""A project with a lock, whose archives a server on loopback has: what mirrors are filled from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provision.workflows.options import Options
from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import small_build


@dataclass(frozen=True)
class Origin:
    """Three entries (``one``, ``again``, ``two``) of two archives."""

    server: Server
    project: Project
    builds: tuple[Build, Build]

    def options(self, folder: Path) -> Options:
        """Of a machine whose home and cache are in a folder."""
        return Options.of({}, home=folder / "home", cache=folder / "cache", manifest=self.project.manifest)

    def copy(self, folder: Path) -> Project:
        """The same project on another machine."""
        project = Project(folder / "project")
        project.lock.write_bytes(self.project.lock.read_bytes())
        project.manifest.write_bytes(self.project.manifest.read_bytes())
        return project


@contextmanager
def open_origin(folder: Path) -> Iterator[Origin]:
    """Serve the archives as PBS does, ``<build>/<name>``, and lock them."""
    with Server(folder / "served") as server:
        builds = (small_build(server.root / "20261201", 1), small_build(server.root / "20261202", 2))
        catalogs = []
        for build in builds:
            write_catalog(build.archive.parent, [build])
            catalogs.append(server.at(f"{build.name.build}/catalog.ndjson"))
        project = Project(folder / "project")
        project.write(
            f"[settings]\ncatalogs = {json.dumps(catalogs)}\n\n[pythons]\n"
            f"one = {builds[0].entry}\nagain = {builds[0].entry}\ntwo = {builds[1].entry}\n"
        )
        project.run("lock")
        yield Origin(server=server, project=project, builds=builds)
