"""No write follows a link out of a repository, and files of a repository are not mistaken for ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.store.layout import Store
from tests.support.builds import write_catalog
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import small_build
from tests.trust.hostile import CASES, SHA

POLICY = 5


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.write('[pythons]\none = "3.13.5"\n')
    (tmp_path / "outside").mkdir()
    return project


@pytest.fixture
def synced(project: Project, server: Server, tmp_path: Path) -> Project:
    build = small_build(tmp_path / "builds")
    write_catalog(server.root, [build])
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n[pythons]\none = {build.entry}\n')
    project.run("sync")
    return project


def test_a_lock_file_link_out_of_the_repository_is_not_written_through(project: Project) -> None:
    project.lock.symlink_to("../outside/new")
    ended = project.run("lock", "--offline", expect=POLICY)
    assert "outside" in ended.err
    assert list((project.directory.parent / "outside").iterdir()) == []


def test_a_lock_file_link_within_the_repository_remains_a_link(project: Project) -> None:
    (project.directory / "locks").mkdir()
    project.lock.symlink_to("locks/linux.lock")
    project.run("lock", "--offline")
    assert project.lock.is_symlink()
    assert (project.directory / "locks" / "linux.lock").is_file()


def test_without_a_repository_a_link_must_stay_below_its_own_directory(tmp_path: Path) -> None:
    project = Project(tmp_path / "alone")
    (project.directory / ".git").rmdir()
    project.write('[pythons]\none = "3.13.5"\n')
    project.lock.symlink_to(tmp_path / "elsewhere.lock")
    project.run("lock", "--offline", expect=POLICY)
    assert not (tmp_path / "elsewhere.lock").exists()


@pytest.mark.parametrize("through", ["a linked file", "a linked directory"])
def test_output_within_the_repository_is_not_written_outside(project: Project, through: str) -> None:
    outside = project.directory.parent / "outside"
    project.run("lock", "--offline")
    if through == "a linked file":
        (project.directory / "today.plan").symlink_to(outside / "today.plan")
        output = "today.plan"
    else:
        (project.directory / "plans").symlink_to(outside)
        output = "plans/today.plan"
    project.run("plan", "-o", output, expect=POLICY)
    assert list(outside.iterdir()) == []
    project.run("plan", "-o", outside / "today.plan")


def test_output_outside_is_written_to_a_typed_path_but_not_through_a_link(synced: Project) -> None:
    outside = synced.directory.parent / "outside"
    for words in (
        "plan -o ../outside/today.plan",
        "export uv -o ../outside/uv.json",
        "bundle create -o ../outside/b.tar",
    ):
        synced.run(*words.split())
    assert {path.name for path in outside.iterdir()} == {"today.plan", "uv.json", "b.tar"}
    (outside / "below").mkdir()
    (synced.directory / "link").symlink_to(outside / "below")
    for words in ("plan -o link/../x.plan", "export uv -o link/../x.json", "bundle create -o link/../x.tar"):
        assert "it links to" in synced.run(*words.split(), expect=POLICY).err
    assert not [*outside.glob("x.*")]


def test_a_manifest_link_out_of_the_repository_is_not_edited(project: Project) -> None:
    other = project.directory.parent / "outside" / "pythons.toml"
    other.write_text(project.manifest.read_text())
    project.manifest.unlink()
    project.manifest.symlink_to(other)
    before = other.read_bytes()
    project.run("add", "two", "3.14", expect=POLICY)
    assert other.read_bytes() == before


def test_forged_links_and_stamps_are_not_used(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    CASES["forged links"](project)
    for words in (("which", "one"), ("run", "one"), ("env",)):
        ended = project.run(*words, expect=None)
        assert ended.code != 0
        assert "owned" not in ended.out
    assert not (project.directory / "owned-by-it").exists()


@pytest.mark.parametrize("folder", [".pythons", ".pythons/bin"])
def test_a_linked_directory_is_not_put_on_path(project: Project, folder: str) -> None:
    path = project.directory / folder
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(project.directory.parent / "outside")
    assert "symbolic link" in project.run("env", expect=1).err


@pytest.mark.parametrize("name", ["x\n", "x:"])
def test_a_directory_that_path_would_split_is_not_put_on_path(tmp_path: Path, name: str) -> None:
    project = Project(tmp_path / name / "tmp" / "owned")
    project.write('[pythons]\none = "3.13.5"\n')
    assert project.run("env", "--shell", "github", expect=POLICY).out == ""


def test_a_tree_of_another_archive_is_not_used_for_the_locked_one(synced: Project) -> None:
    """Two archives can be made to share the twelve digits of a key."""
    (receipt,) = Store(synced.home).receipts.glob("*.json")
    document = json.loads(receipt.read_text())
    # With another recipe, the key does not depend on the hash: as if two keys were equal.
    receipt.write_text(json.dumps({**document, "recipe": 0, "asset": {**document["asset"], "sha256": SHA}}))
    synced.run("which", "--home", synced.home, "one", expect=1)
    assert "not installed" in synced.run("list").out
    synced.run("plan", "--exit-code", expect=3)
    synced.run("sync", "--no-progress")
    assert json.loads(receipt.read_text()) == {**document, "boot": json.loads(receipt.read_text())["boot"]}


def test_forged_receipts_are_not_used(synced: Project) -> None:
    store = Store(synced.home)
    (receipt,) = store.receipts.glob("*.json")
    text = receipt.read_text()
    key = receipt.name.removesuffix(".json")
    for forged in ("", "[]", text.replace(key, "../../x"), text.replace('"cpython"', '"../../x"'), "[" * 100_000):
        receipt.write_text(forged)
        assert synced.run("which", "one", expect=1).out == ""
    receipt.write_text(text)
    assert synced.run("which", "one", "--store").out.strip() == str(store.tree(key) / "bin" / "python")
