"""Errors, each with its exit code and a helpful message, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def locked(project: Project, server: Server, builds: tuple[Build, ...]) -> Project:
    """A project with one interpreter, locked and not yet installed."""
    build = builds[0]
    write_catalog(server.root, [build])
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\none = {build.entry}\n')
    project.run("lock")
    return project


def nothing_installed(project: Project) -> bool:
    """No tree, no receipt, nothing left in staging."""
    rooms = (project.home / "store", project.home / "receipts", project.home / "staging")
    return not any(room.is_dir() and any(room.iterdir()) for room in rooms)


def test_a_wrong_hash_never_reaches_the_unpacker(locked: Project, server: Server, builds: tuple[Build, ...]) -> None:
    archive = server.root / builds[0].archive.name
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    ended = locked.run("sync", expect=5)
    assert builds[0].sha256 in ended.err
    assert ended.err.count("error:") == 1
    assert nothing_installed(locked)
    assert not any((locked.cache / "archives" / "sha256").glob("*"))


def test_an_unknown_key_is_named_with_its_place_and_the_nearest_known(project: Project) -> None:
    project.write('[pythons]\none = { version = "3.14", flavour = "full" }\n')
    ended = project.run("lock", expect=2)
    assert "pythons.toml:2:27: pythons.one.flavour" in ended.err
    assert "'flavor'" in ended.err
    assert not project.lock.exists()


def test_all_impossible_requests_are_reported_together_with_existing_builds(project: Project) -> None:
    project.write(
        '[settings]\ntargets = ["windows-x86_64"]\n[pythons]\n'
        'debug = "3.12.3d"\nfree = "3.12t"\nfuture = "3.99"\nfast = { version = "3.14", cpu = "v3" }\n'
    )
    ended = project.run("lock", expect=1)
    for name, word in (("debug", "debug"), ("free", "3.13"), ("future", "3.1"), ("fast", "v3")):
        (line,) = (line for line in ended.err.splitlines() if f"pythons.{name}" in line)
        assert word in line
    assert not project.lock.exists()


def test_an_out_of_date_lock_file_is_refused_if_locking_is_not_allowed(locked: Project) -> None:
    before = locked.lock.read_bytes()
    with locked.manifest.open("a") as manifest:
        manifest.write('two = "3.14"\n')
    for words, ci in ((("sync", "--locked"), ""), (("sync",), "true"), (("lock", "--check"), ""), (("plan",), "")):
        ended = locked.run(*words, expect=4, CI=ci)
        assert "two" in ended.out + ended.err
    assert locked.lock.read_bytes() == before
    assert nothing_installed(locked)


def test_ci_relocks_with_no_locked(locked: Project) -> None:
    locked.run("sync", CI="true")
    locked.write(locked.manifest.read_text().replace("one =", "renamed ="))
    locked.run("sync", "--no-locked", CI="true")
    assert 'name = "renamed"' in locked.lock.read_text()


def test_a_missing_lock_file_is_an_error_if_locking_is_not_allowed(project: Project) -> None:
    project.write('[pythons]\none = "3.14"\n')
    for words in (("sync", "--locked"), ("sync", "--frozen"), ("plan",), ("lock", "--check")):
        assert "pythons.lock" in project.run(*words, expect=4).err


@pytest.mark.parametrize(
    "words", [("sync",), ("sync", "one"), ("sync", "--json"), ("sync", "--target", "all")], ids=str
)
def test_ci_writes_no_lock_file_if_none_is_committed(project: Project, words: tuple[str, ...]) -> None:
    project.write('[pythons]\none = "3.14"\n')
    ended = project.run(*words, expect=4, CI="true")
    assert "pythons.lock does not exist" in ended.err
    assert "Run `provision lock`" in ended.err
    assert not project.lock.exists()
    assert nothing_installed(project)


def test_ci_writes_the_first_lock_with_no_locked(locked: Project) -> None:
    locked.lock.unlink()
    locked.run("sync", "--no-locked", CI="true")
    assert locked.lock.exists()


def test_the_error_of_a_missing_manifest_has_a_hint(project: Project) -> None:
    ended = project.run("sync", expect=2)
    assert "provision init" in ended.err


def test_a_missing_archive_is_a_network_failure(locked: Project, server: Server, builds: tuple[Build, ...]) -> None:
    (server.root / builds[0].archive.name).unlink()
    ended = locked.run("sync", expect=6)
    assert "404" in ended.err
    assert nothing_installed(locked)


def test_an_archive_that_is_not_cached_is_an_error_offline(locked: Project) -> None:
    ended = locked.run("sync", "--offline", expect=6)
    assert "offline" in ended.err
    assert nothing_installed(locked)


def test_a_saved_plan_is_carried_out_or_refused(locked: Project) -> None:
    locked.run("plan", "-o", "today.plan")
    assert "a saved plan cannot be combined" in locked.run("sync", "today.plan", "--cpu", "v3", expect=2).err
    locked.run("sync", "today.plan")
    assert "changed after the plan was saved" in locked.run("sync", "today.plan", expect=4).err
    (locked.directory / "broken.plan").write_text("{}")
    assert "not a saved plan" in locked.run("sync", "broken.plan", expect=2).err


def test_invalid_command_lines_are_usage_errors(locked: Project) -> None:
    for words in (
        ("sync", "--target", "linux-vax"),
        ("sync", "--frozen", "--locked"),
        ("lock", "one"),
        ("lock", "--check", "--upgrade"),
        ("sync", "--jobs", "0"),
        ("which",),
        ("schema", "plan"),
    ):
        locked.run(*words, expect=2)


def test_the_error_of_an_unknown_name_suggests_one(locked: Project) -> None:
    assert "'one'" in locked.run("which", "onee", expect=2).err
