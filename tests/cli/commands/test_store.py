"""`verify`, `prune` and `cache` on the command line: what they print, and their exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.builds import Build
from tests.support.project import Project

INTEGRITY = 5


@pytest.fixture
def synced(project: Project) -> Project:
    project.run("sync")
    return project


def verified(project: Project, *options: str, expect: int = 0) -> dict[str, Any]:
    """What `verify` prints of the one tree."""
    document = project.run("verify", *options, "--json", expect=expect).document()
    assert document["sound"] is (expect == 0)
    tree: dict[str, Any]
    (tree,) = document["trees"]
    return tree


def test_verify_names_the_files_that_differ_until_it_repairs_them(synced: Project) -> None:
    tree = verified(synced)
    assert (tree["names"], tree["differences"], tree["repaired"]) == (["one"], [], False)

    changed = synced.home / "store" / tree["key"] / "share" / "empty"
    changed.write_text("no longer")
    assert verified(synced, expect=INTEGRITY)["differences"] == [{"path": "share/empty", "kind": "changed"}]
    assert "share/empty" in synced.run("verify", expect=INTEGRITY).out

    assert verified(synced, "--repair")["repaired"] is True
    assert verified(synced)["differences"] == []
    assert changed.read_bytes() == b""


def test_verify_takes_names_or_the_whole_store(synced: Project) -> None:
    assert verified(synced, "--store")["names"] == []
    assert "--store" in synced.run("verify", "--store", "one", expect=2).err


def test_prune_removes_the_trees_of_projects_that_are_gone(synced: Project, tmp_path: Path) -> None:
    key = verified(synced)["key"]
    assert synced.run("prune", "--json").document()["removed"] == []
    synced.directory.rename(tmp_path / "elsewhere")
    other = Project(tmp_path / "other", home=synced.home, cache=synced.cache)

    assert other.run("prune", "--dry-run").out == f"{key}\n"
    assert (synced.home / "store" / key).is_dir()
    document = other.run("prune", "--json").document()
    assert (document["removed"], document["dry-run"]) == ([key], False)
    assert document["freed-bytes"] > 0
    assert not (synced.home / "store" / key).exists()


def test_the_cache_has_a_directory_a_size_and_an_end(synced: Project, build: Build) -> None:
    assert synced.run("cache", "dir").out == f"{synced.cache}\n"
    size = build.archive.stat().st_size
    assert synced.run("cache", "size", "--json").document()["archives-bytes"] == size
    assert synced.run("cache", "clean", "--unused", "--json").document()["freed-bytes"] == 0
    assert synced.run("cache", "clean", "--json").document()["freed-bytes"] == size
    assert synced.run("cache", "size", "--json").document()["archives-bytes"] == 0
