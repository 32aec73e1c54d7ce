"""Homes, caches and projects in bad places: full, read-only, elsewhere, occupied, linked, or with an unprintable name.

Each failure has its documented exit code and one clear message, and leaves nothing half done.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.store.layout import Store
from provision.store.receipts import installed_receipts
from provision.store.stamp import read_stamp
from tests.bytes.people import NOBODY, run_as_stranger, run_with_umask
from tests.crash import invariants
from tests.crash.disks import require_mounts, small_disk
from tests.support.file_systems import another_file_system, without_symlinks
from tests.support.project import COMMAND, Ended, Project
from tests.support.strangers import is_root
from tests.support.tally import count
from tests.support.variants import variants


def check_refused(ended: Ended, *words: str, code: int = 1) -> None:
    """One error with its exit code, which says what is wrong."""
    assert ended.code == code, ended.err
    assert ended.err.count("error:") == 1, ended.err
    for word in words:
        assert word in ended.err, ended.err
    count("bad places refused with one message")


def check_works(project: Project) -> None:
    project.run("sync")
    assert len(invariants.check_visible_trees(project.home)) == 1
    invariants.check_links(project)
    invariants.check_tidy(project)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


def fill(path: Path) -> None:
    """Fill the available space."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017  (it is what we are here for)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 128 KiB."""
    require_mounts(tmp_path)
    with small_disk(tmp_path / "disk", size="128k") as place:
        yield place


def test_a_home_on_a_full_disk_is_reported(project: Project, disk: Path) -> None:
    project.home = disk / "home"
    check_refused(project.run("sync", expect=1), "the disk is full", "hint:")
    assert installed_receipts(Store(project.home)) == ()
    assert list(Store(project.home).staging.iterdir()) == []
    remount(disk, "size=2m")
    check_works(project)


def test_a_cache_on_a_full_disk_is_reported(project: Project, disk: Path) -> None:
    project.cache = disk / "cache"
    check_refused(project.run("sync", expect=1), "the disk is full")
    remount(disk, "size=2m")
    check_works(project)


def test_a_project_on_a_full_disk_is_reported(project: Project, disk: Path, manifest: str) -> None:
    there = Project(disk / "project", home=project.home, cache=project.cache)
    there.write(manifest)
    filler = disk / "filler"
    fill(filler)
    check_refused(there.run("lock", expect=1), "pythons.lock", "space")
    assert not there.lock.exists()
    filler.unlink()
    check_works(there)


def check_works_unlinked(project: Project, reason: str, *words: str) -> None:
    """A sync installs, notes that there are no links, and everything that needs none works."""
    ended = project.run("sync", *words)
    note = f"note: cannot link interpreters into the project: {project.directory}/.pythons: {reason}"
    assert f"{note}; `provision run` and `provision which` work without links\n" in ended.err
    assert "→" not in ended.out
    assert len(invariants.check_visible_trees(project.home)) == 1
    assert not (project.directory / ".pythons").exists()
    assert "Python 3.13.5" in project.run("run", "one", "python", "-VV").out
    assert project.run("which", "one").out.startswith(str(project.home))
    assert project.run("sync", *words, "--json").document()["not-linked"] == note.removeprefix("note: ")
    for command in (["list"], ["status"], ["verify"], ["lock", "--check"], ["prune"]):
        project.run(*command)
    assert "If it cannot create links in the project, use `provision run`" in project.run("env", expect=1).err


@pytest.mark.parametrize("words", variants([[], ["--locked"], ["--frozen"]], quick=[["--locked"]]), ids=" ".join)
def test_a_read_only_checkout(project: Project, disk: Path, manifest: str, words: list[str]) -> None:
    there = Project(disk / "project", home=project.home, cache=project.cache)
    there.write(manifest)
    there.run("lock")
    remount(disk, "ro")
    check_works_unlinked(there, "the file system is read-only", *words)
    remount(disk, "rw")
    check_works(there)
    assert (there.directory / ".pythons/one/bin/python").exists()


def test_a_checkout_of_another_user(project: Project, public_path: Path, manifest: str) -> None:
    if not is_root():
        pytest.skip("we cannot be two users")
    there = Project(public_path / "project", home=public_path / "home", cache=public_path / "cache")
    there.write(manifest)
    there.run("lock")
    shutil.rmtree(there.cache)
    for path in (there.home, there.cache):
        path.mkdir(exist_ok=True)
        os.chown(path, NOBODY, NOBODY)
    ended = run_as_stranger(there, ["sync", "--locked"])
    assert ended.code == 0, ended.err
    assert (
        f"note: cannot link interpreters into the project: {there.directory}/.pythons: permission denied" in ended.err
    )
    assert "PROVISION_HOME" not in ended.err
    assert run_as_stranger(there, ["run", "one", "python", "-VV"]).out == "Python 3.13.5\n"


@pytest.mark.parametrize(
    "number", variants([errno.EPERM, errno.EOPNOTSUPP], quick=[errno.EPERM]), ids=errno.errorcode.get
)
def test_a_project_on_a_file_system_without_links(project: Project, number: int) -> None:
    other = Project(project.directory.parent / "other", home=project.home, cache=project.cache)
    other.write(project.manifest.read_text())
    other.run("sync")  # the store is on a file system that has links
    done = subprocess.run(
        without_symlinks([*COMMAND, "sync"], number),
        cwd=project.directory,
        env=project.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    invariants.check_links(project)
    assert not (project.directory / ".pythons/one").is_symlink()
    for program in ("bin/python3.13", "one/bin/python"):
        started = subprocess.run([project.directory / ".pythons" / program, "-V"], capture_output=True, check=True)
        assert started.stdout == b"Python 3.13.5\n"
    project.run("env")
    assert project.run("plan", "--exit-code").out.startswith("=")
    assert "up to date" in project.run("sync").err
    stamp = read_stamp(project.environ(), str(project.directory))
    assert stamp
    assert list(stamp.pythons) == ["one"]
    (project.directory / ".pythons/one/bin/python").unlink()
    assert not read_stamp(project.environ(), str(project.directory))


def test_a_home_without_inodes_is_reported(project: Project, tmp_path: Path) -> None:
    require_mounts(tmp_path)
    with small_disk(tmp_path / "disk", size="2m", inodes=14) as disk:
        project.home = disk / "home"
        check_refused(project.run("sync", expect=1), "no free inodes")
        assert installed_receipts(Store(project.home)) == ()
        remount(disk, "nr_inodes=1000")
        check_works(project)


def test_a_read_only_home_is_reported(project: Project, disk: Path) -> None:
    project.home = disk / "home"
    remount(disk, "ro")
    check_refused(project.run("sync", expect=1), "read-only")
    remount(disk, "rw,size=2m")
    check_works(project)
    remount(disk, "ro")
    (project.directory / ".pythons/.stamp").unlink()
    assert "1 interpreter" in project.run("sync").err
    project.run("verify")
    project.run("list")
    check_refused(project.run("prune", expect=1), "read-only")
    remount(disk, "rw")


@pytest.mark.parametrize(
    "taken",
    variants(
        ["home", "home/store", "home/staging", "home/receipts", "home/locks", "home/roots", "cache", "cache/archives"],
        quick=["home", "home/receipts", "cache/archives"],
    ),
)
def test_a_file_where_a_directory_should_be(project: Project, tmp_path: Path, taken: str) -> None:
    place = tmp_path / taken
    place.parent.mkdir(exist_ok=True)
    place.write_text("somebody's notes\n")
    check_refused(project.run("sync", expect=1), str(place), "a file is where a directory should be")
    assert place.read_text() == "somebody's notes\n"
    place.unlink()
    check_works(project)


@pytest.mark.parametrize("taken", [".pythons", ".pythons/bin", ".pythons/one"])
def test_a_file_where_the_projects_links_should_be(project: Project, taken: str) -> None:
    place = project.directory / taken
    place.parent.mkdir(exist_ok=True)
    place.write_text("somebody's notes\n")
    check_refused(project.run("sync", expect=1), taken)
    assert place.read_text() == "somebody's notes\n"
    place.unlink()
    check_works(project)


def test_a_home_can_be_a_link(project: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "linked").symlink_to("elsewhere")
    project.home = tmp_path / "linked"
    check_works(project)
    assert "Python 3.13.5" in project.run("run", "one", "--", "python", "-VV").out
    assert "up to date" in project.run("sync").err
    project.run("verify")


def test_home_and_cache_can_be_on_different_file_systems(project: Project) -> None:
    project.home = Path(tempfile.mkdtemp(dir=another_file_system(project.directory)))
    try:
        check_works(project)
        project.run("verify", "--repair")
        project.run("prune")
    finally:
        shutil.rmtree(project.home)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_the_path_of_a_project_need_not_be_utf_8(project: Project, tmp_path: Path, manifest: str) -> None:
    there = Project(tmp_path / os.fsdecode(b"caf\xe9"), home=project.home, cache=project.cache)
    there.write(manifest)
    check_works(there)
    assert "up to date" in there.run("sync").err
    there.run("list")
    assert b"caf\xe9/.pythons/one/bin/python" in which_bytes(there)
    there.run("verify")
    there.run("add", "two", "3.13")
    there.run("prune")
    assert len(invariants.check_visible_trees(there.home)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_the_path_of_a_home_need_not_be_utf_8(project: Project, tmp_path: Path) -> None:
    project.home = tmp_path / os.fsdecode(b"h\xf4me")
    check_works(project)
    assert "Python 3.13.5" in project.run("run", "one", "--", "python", "-VV").out
    assert b"h\xf4me" in which_bytes(project, "--store")
    project.run("verify")


def which_bytes(project: Project, *words: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-m", "provision", "which", *words, "one"],
        cwd=project.directory,
        env=project.environ(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


@pytest.mark.parametrize("umask", variants([0o000, 0o022, 0o077], quick=[0o000]), ids=oct)
def test_under_any_umask_others_can_write_nothing(project: Project, umask: int) -> None:
    for words in (
        ["sync"],
        ["verify", "--repair"],
        ["add", "two", "3.13"],
        ["remove", "two"],
        ["plan", "-o", "a.plan"],
        ["prune"],
    ):
        run_with_umask(project, umask, *words)
    invariants.check_modes(project.home, project.cache, project.directory / ".pythons")
    for path in (project.lock, project.directory / "a.plan"):
        assert not path.stat().st_mode & 0o022
    tree = Path(project.run("which", "one", "--store").out.strip()).parent.parent
    assert tree.stat().st_mode & 0o777 == 0o755, "a tree is the same under every umask"
    project.run("verify")


def test_a_place_that_belongs_to_another_user(project: Project, public_path: Path, manifest: str) -> None:
    if not is_root():
        pytest.skip("we cannot be two users")
    there = Project(public_path / "project", home=public_path / "home", cache=public_path / "cache")
    there.write(manifest)
    there.run("lock")
    check_refused(run_as_stranger(there, ["sync"]), "permission denied", str(public_path))
    assert installed_receipts(Store(there.home)) == ()
    before = there.manifest.read_bytes()
    check_refused(run_as_stranger(there, ["add", "two", "3.13"]), "pythons.toml", "ermission")
    assert there.manifest.read_bytes() == before
    check_works(there)


@pytest.mark.parametrize(
    "words",
    variants(
        [["which", "one"], ["list"], ["verify"], ["sync"], ["run", "one", "--", "python", "-VV"]],
        quick=[["sync"], ["run", "one", "--", "python", "-VV"]],
    ),
)
def test_a_store_in_opt_is_used_read_only_by_others(
    project: Project, public_path: Path, manifest: str, words: list[str]
) -> None:
    """Root provisions an image; a user works in their own project, with root's store and an unusable cache."""
    image = Project(public_path / "image", home=public_path / "opt", cache=public_path / "cache")
    image.write(manifest)
    image.run("sync")
    mine = Project(public_path / "mine", home=image.home, cache=public_path / "none")
    mine.write(manifest)
    mine.lock.write_bytes(image.lock.read_bytes())
    for path in (mine.directory, mine.manifest, mine.lock):
        os.chown(path, *((65534, 65534) if is_root() else (-1, -1)))
    before = sorted((str(path), path.lstat().st_mtime_ns) for path in image.home.rglob("*"))
    ended = run_as_stranger(mine, words)
    assert ended.code == 0, ended.err
    if words[0] == "sync":
        assert "1 interpreter" in ended.err
        assert (mine.directory / ".pythons/one/bin/python").exists()
        assert "up to date" in run_as_stranger(mine, words).err
    if is_root():
        assert sorted((str(path), path.lstat().st_mtime_ns) for path in image.home.rglob("*")) == before
