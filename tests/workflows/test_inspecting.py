"""`provision diff --details`: what differs inside, of installed trees and of archives that were only fetched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server


@pytest.fixture
def pair(tmp_path: Path, server: Server, builds: tuple[Build, ...]) -> Project:
    """A project with the same interpreter in two trees: one as it is, one without its tests and pip."""
    project = Project(tmp_path / "project")
    write_catalog(server.root, [builds[0]])
    for name, more in (("old", ""), ("new", ', without = ["ensurepip", "idle"]')):
        entry = builds[0].entry.replace(" }", f"{more} }}")
        project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\none = {entry}\n')
        project.run("lock")
        project.run("sync")
        shutil.copy(project.lock, project.directory / f"{name}.lock")
    return project


def details(project: Project) -> dict[str, object]:
    found: list[dict[str, object]]
    found = project.run("diff", "old.lock", "new.lock", "--details", "--json").document()["details"]
    (one,) = found
    return one


def test_installed_trees_and_fetched_archives_tell_the_same(pair: Project) -> None:
    installed = details(pair)
    assert installed["missing"] is None
    folders = installed["folders"]
    assert isinstance(folders, list)
    assert any("ensurepip" in each["folder"] and each["removed"] and not each["added"] for each in folders)
    assert isinstance(installed["size-delta"], int)
    assert installed["size-delta"] < 0
    pair.run("prune")
    shutil.rmtree(pair.home)
    fetched = details(pair)
    assert (fetched["folders"], fetched["size-delta"]) == (installed["folders"], installed["size-delta"])
    shutil.rmtree(pair.cache)
    assert "neither in the store nor in the cache" in str(details(pair)["missing"])


def test_the_text_says_it_by_folder(pair: Project) -> None:
    text = pair.run("diff", "old.lock", "new.lock", "--details").out
    assert "inside one, " in text
    assert "removed" in text
