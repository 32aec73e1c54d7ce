"""Bytes changed behind provision's back, in the cache and in trees: detected, reported and repaired.

Hypothesis selects the file and the byte. Most examples use a small archive's tree, in this process; the slow ones a
real interpreter's.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.protocols import NoProgress
from provision.store.hashing import Difference
from provision.store.layout import Store
from provision.store.publish import check_tree
from provision.store.receipts import installed_receipts
from provision.workflows.options import Options
from provision.workflows.store import VerifiedTree, verify
from tests.crash import invariants
from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server
from tests.support.tally import count

_QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def flip(path: Path, offset: int) -> None:
    """Turn one bit of a byte."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def look(project: Project, *, repair: bool = False) -> VerifiedTree:
    options = Options.of(project.environ(), manifest=project.manifest)
    (tree,) = verify(options, (), repair=repair, store_wide=False, progress=NoProgress()).trees
    return tree


def files_of(project: Project) -> tuple[Path, list[str]]:
    """The one tree, and its files that have bytes."""
    (tree,) = Store(project.home).trees.iterdir()
    found = [path for path in tree.rglob("*") if not path.is_symlink() and path.is_file() and path.stat().st_size]
    return tree, sorted(str(path.relative_to(tree)) for path in found)


@pytest.fixture
def synced(project: Project) -> Project:
    project.run("sync")
    return project


@given(data=st.data())
@_QUICK
def test_a_flipped_byte_anywhere_in_a_tree_is_found_and_repaired(synced: Project, data: st.DataObject) -> None:
    tree, files = files_of(synced)
    name = data.draw(st.sampled_from(files))
    flip(tree / name, data.draw(st.integers(0, (tree / name).stat().st_size - 1)))
    assert look(synced).differences == (Difference(name, "changed"),)
    assert look(synced, repair=True).repaired
    assert look(synced).differences == ()
    count("bytes flipped in trees, found and mended")


@pytest.mark.slow
def test_a_flipped_byte_in_a_real_interpreter_is_found_and_repaired(
    project: Project, server: Server, builds: tuple[Build, ...]
) -> None:
    write_catalog(server.root, builds[-1:])
    project.write(project.manifest.read_text().partition("one =")[0] + f"one = {builds[-1].entry}\n")
    project.run("sync")
    tree, files = files_of(project)

    @given(data=st.data())
    @_SLOW
    def one(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(files))
        offset = data.draw(st.integers(0, (tree / name).stat().st_size - 1))
        flip(tree / name, offset)
        assert look(project).differences == (Difference(name, "changed"),)
        flip(tree / name, offset)
        count("bytes flipped in a real interpreter's tree, found")

    one()
    flip(tree / files[len(files) // 2], 0)
    assert files[len(files) // 2] in project.run("verify", expect=5).out
    project.run("verify", "--repair")
    invariants.check_visible_trees(project.home)


@given(data=st.data())
@_QUICK
def test_a_flipped_byte_in_the_cache_never_reaches_the_unpacker(
    synced: Project, build: Build, server: Server, data: st.DataObject
) -> None:
    archive = synced.cache / "archives/sha256" / build.sha256
    flip(archive, data.draw(st.integers(0, archive.stat().st_size - 1)))
    fetched = server.count(build.archive.name)
    tree, files = files_of(synced)
    (tree / files[0]).unlink()
    assert look(synced, repair=True).repaired
    assert server.count(build.archive.name) == fetched + 1
    assert archive.read_bytes() == build.archive.read_bytes()
    count("bytes flipped in the cache, found and fetched again")


def test_a_damaged_archive_in_the_cache_is_reported_and_removed(synced: Project, build: Build) -> None:
    archive = synced.cache / "archives/sha256" / build.sha256
    flip(archive, 100)
    synced.home = synced.home.with_name("another-home")
    ended = synced.run("sync")
    assert "from the cache: sha256 mismatch" in ended.err
    assert archive.read_bytes() == build.archive.read_bytes()


def test_a_damaged_archive_in_the_cache_is_not_used_offline(synced: Project, build: Build) -> None:
    archive = synced.cache / "archives/sha256" / build.sha256
    flip(archive, 100)
    synced.home = synced.home.with_name("another-home")
    ended = synced.run("sync", "--offline", expect=6)
    assert ended.err.count("error:") == 1
    assert installed_receipts(Store(synced.home)) == ()
    synced.run("sync")


def test_a_mismatch_upstream_is_refused_with_both_digests(project: Project, build: Build, server: Server) -> None:
    project.run("lock")
    flip(server.root / build.archive.name, 100)
    ended = project.run("sync", expect=5)
    assert f"sha256:{build.sha256}" in ended.err or build.sha256 in ended.err
    assert ended.err.count("error:") == 1
    assert installed_receipts(Store(project.home)) == ()
    assert not list((project.cache / "archives/sha256").glob("*"))


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("missing", "missing"),
        pytest.param("extra", "extra", marks=pytest.mark.slow),
        ("mode", "mode"),
        pytest.param("type", "type", marks=pytest.mark.slow),
        pytest.param("link", "changed", marks=pytest.mark.slow),
    ],
)
def test_any_other_change_is_reported_and_repaired(synced: Project, kind: str, told: str) -> None:
    tree, _ = files_of(synced)
    path = tree / "lib/python3.13/os.py"
    match kind:
        case "missing":
            path.unlink()
        case "extra":
            path = tree / "lib/python3.13/sitecustomize.py"
            path.write_text("import os\n")
        case "mode":
            path.chmod(0o666)
        case "type":
            path.unlink()
            path.mkdir()
        case "link":
            path = tree / "bin/python3"
            path.unlink()
            path.symlink_to("/bin/sh")
    ended = synced.run("verify", expect=5)
    assert f"{told}  {path.relative_to(tree)}" in ended.out
    synced.run("verify", "--repair")
    (receipt,) = installed_receipts(Store(synced.home))
    assert check_tree(Store(synced.home), receipt) == ()
