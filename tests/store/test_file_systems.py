"""A store in a SquashFS image, as clusters mount it, and one on a file system without locks."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.file_systems import without_flock
from tests.support.project import COMMAND, Ended, Project
from tests.support.small import small_build

# As docs/fleet.md has it.
OPTIONS = (
    *("-all-root", "-root-mode", "755", "-all-time", "0", "-mkfs-time", "0"),
    *("-no-xattrs", "-noappend", "-no-progress", "-quiet"),
)


@pytest.fixture
def builds(tmp_path: Path) -> list[Build]:
    builds = [small_build(tmp_path / "served", number) for number in (1, 2)]
    write_catalog(tmp_path / "served", builds)
    return builds


def synced(folder: Path, builds: list[Build]) -> Project:
    """A project with a store of its own, in which all builds are installed."""
    project = Project(folder / "project")
    catalog = builds[0].archive.with_name("catalog.ndjson")
    lines = "".join(f"e{number} = {build.entry}\n" for number, build in enumerate(builds))
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\n{lines}')
    project.run("sync", SOURCE_DATE_EPOCH="0")  # with it, receipts name no boot
    return project


def image(project: Project, path: Path) -> Path:
    """A SquashFS image of a project's store."""
    if shutil.which("mksquashfs") is None:
        pytest.skip("squashfs-tools is not installed")
    command = ["mksquashfs", *map(str, (project.home / "store", project.home / "receipts", path)), *OPTIONS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def mounted(builds: list[Build], tmp_path: Path) -> Iterator[Path]:
    """The image, mounted where that is allowed, and unpacked elsewhere."""
    path, place = (
        image(synced(tmp_path / "one", builds), tmp_path / "a.squashfs"),
        tmp_path / "at",
    )
    place.mkdir()
    done = subprocess.run(["mount", "-o", "loop,ro", path, place], capture_output=True, check=False)
    if done.returncode:
        subprocess.run(["unsquashfs", "-quiet", "-no-progress", "-force", "-dest", place, path], check=True)
        for folder in (place, place / "store", place / "receipts"):
            folder.chmod(0o555)
    yield place
    if done.returncode:
        for folder in (place, place / "store", place / "receipts"):
            folder.chmod(0o755)
    else:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.slow
def test_two_stores_from_one_lock_file_make_identical_images(builds: list[Build], tmp_path: Path) -> None:
    stores = [synced(tmp_path / name, builds) for name in ("one", "other")]
    one, other = (image(project, tmp_path / f"{number}.squashfs") for number, project in enumerate(stores))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_a_mounted_image_can_be_used_as_the_store(mounted: Path, builds: list[Build], tmp_path: Path) -> None:
    far = Project(tmp_path / "far" / "project", home=mounted)
    shutil.copy(tmp_path / "one" / "project" / "pythons.toml", far.manifest)
    shutil.copy(tmp_path / "one" / "project" / "pythons.lock", far.lock)
    assert "2 interpreters ready, 0 installed now" in far.run("sync", "--locked", "--offline").err
    assert "2 trees unchanged" in far.run("verify").err
    assert far.run("run", "e0", "--", "-V").out == "Python 3.13.5\n"
    assert sorted(path.name for path in mounted.iterdir()) == ["receipts", "store"]


@pytest.mark.slow
def test_a_mounted_image_can_be_used_in_addition_to_the_own_store(
    mounted: Path, builds: list[Build], tmp_path: Path
) -> None:
    far = Project(tmp_path / "far" / "project")
    shutil.copy(tmp_path / "one" / "project" / "pythons.toml", far.manifest)
    third = small_build(tmp_path / "served", 3)
    write_catalog(tmp_path / "served", [*builds, third])
    with far.manifest.open("a") as file:
        file.write(f"e2 = {third.entry}\n")
    assert "3 interpreters ready, 1 installed now" in far.run("sync", PROVISION_STORES=str(mounted)).err
    places = {name: (far.directory / ".pythons" / name).resolve().parents[1] for name in ("e0", "e1", "e2")}
    assert places == {"e0": mounted, "e1": mounted, "e2": far.home}


def run_without_flock(project: Project, *words: str, number: int = errno.ENOSYS) -> Ended:
    done = subprocess.run(
        without_flock([*COMMAND, *words], number),
        cwd=project.directory,
        env=project.environ(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_without_file_locks_installed_trees_are_used_and_no_tree_is_installed(
    builds: list[Build], tmp_path: Path
) -> None:
    project = synced(tmp_path / "one", builds)
    for words in ("sync", "sync e1", "plan", "list", "status", "which e0", "verify", "roots", "run e0 -- -V"):
        ended = run_without_flock(project, *words.split())
        assert ended.code == 0, (words, ended.err)
    second = Project(tmp_path / "second" / "project", home=project.home, cache=project.cache)
    shutil.copy(project.manifest, second.manifest)
    shutil.copy(project.lock, second.lock)
    assert "2 interpreters ready, 0 installed now" in run_without_flock(second, "sync").err
    (project.directory / ".pythons" / ".stamp").unlink()
    shutil.rmtree(project.home / "store")
    for number in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK):
        ended = run_without_flock(project, "sync", number=number)
        assert ended.code == 1
        assert "does not support file locks (flock)" in ended.err
        assert "Set PROVISION_HOME and PROVISION_CACHE_DIR to a local file system." in ended.err
    assert not (project.home / "store").exists()
