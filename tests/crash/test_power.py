"""Power is lost after a sync: files that had not reached the disk are found by the next command, and repaired.

With mounts, this is real: an ext4 whose image is copied before the kernel has written the files to it, as after a power
cut, and a kernel that reports another boot id. Otherwise it is simulated by emptying the files of a tree, and writing
another boot into its receipt.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.store.layout import Store
from provision.store.publish import check_tree
from provision.store.receipts import installed_receipts
from tests.crash.disks import Disk, in_another_boot, require_mounts
from tests.support.builds import Build, write_catalog
from tests.support.project import COMMAND, Project
from tests.support.server import Server
from tests.support.small import small_build
from tests.support.tally import count

OTHER_BOOT = "00000000-0000-4000-8000-00000000b007"


@pytest.fixture
def build(tmp_path: Path, server: Server) -> Build:
    made = small_build(tmp_path / "builds")
    write_catalog(server.root, [made])
    return made


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    require_mounts(tmp_path)
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("there is no mkfs.ext4")
    made = Disk(tmp_path)
    yield made
    made.close()


def synced(project: Project, server: Server, build: Build) -> Path:
    """Sync one interpreter; its tree."""
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n[pythons]\none = {build.entry}\n')
    project.run("sync")
    return Path(project.run("which", "one", "--store").out).parent.parent


def empty(tree: Path) -> int:
    """Do to a tree what a power cut does: the names exist, the bytes do not."""
    files = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink() and path.stat().st_size]
    for path in files:
        path.write_bytes(b"")
    return len(files)


def change_boot(home: Path) -> None:
    """Make the receipts those of an earlier boot."""
    for path in Store(home).receipts.glob("*.json"):
        document = json.loads(path.read_text())
        path.write_text(json.dumps({**document, "boot": OTHER_BOOT}))


def run_in_another_boot(project: Project, boot: Path, *words: str) -> str:
    boot.write_text(OTHER_BOOT + "\n")
    done = subprocess.run(
        in_another_boot([*COMMAND, *words], boot),
        cwd=project.directory,
        env=project.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def check_mended(project: Project, *, cuts: int = 1) -> None:
    """Everything is unchanged, after so many power cuts."""
    store = Store(project.home)
    (receipt,) = installed_receipts(store)
    assert check_tree(store, receipt) == ()
    assert "Python 3.13.5" in project.run("run", "one", "--", "python", "-VV").out
    count("power cuts", cuts)


def test_a_tree_that_lost_its_files_but_not_its_receipt_is_installed_again(
    disk: Disk, tmp_path: Path, server: Server, build: Build
) -> None:
    project = Project(tmp_path / "project", home=disk.place / "home", cache=disk.place / "cache")
    tree = synced(project, server, build)
    (receipt,) = Store(project.home).receipts.glob("*.json")
    disk.flush_file(receipt)
    disk.lose_power()
    assert receipt.read_bytes(), "the receipt survived"
    assert (tree / "lib/python3.13/os.py").read_bytes() == b"", "what it vouches for did not"
    assert "installed now" in run_in_another_boot(project, tmp_path / "boot", "sync")
    check_mended(project)


def test_after_a_power_cut_before_a_flush_no_tree_counts_as_installed(
    disk: Disk, tmp_path: Path, server: Server, build: Build
) -> None:
    project = Project(tmp_path / "project", home=disk.place / "home", cache=disk.place / "cache")
    synced(project, server, build)
    (root,) = Store(project.home).roots.iterdir()
    disk.flush_file(root)
    disk.lose_power()
    assert installed_receipts(Store(project.home)) == (), "an empty receipt vouches for nothing"
    run_in_another_boot(project, tmp_path / "boot", "sync")
    check_mended(project)


def test_a_tree_verified_by_a_sync_in_a_later_boot_is_durable(
    disk: Disk, tmp_path: Path, server: Server, build: Build
) -> None:
    project = Project(tmp_path / "project", home=disk.place / "home", cache=disk.place / "cache")
    synced(project, server, build)
    run_in_another_boot(project, tmp_path / "boot", "sync")
    (path,) = Store(project.home).receipts.glob("*.json")
    disk.flush_file(path)
    disk.lose_power()
    (receipt,) = installed_receipts(Store(project.home))
    assert receipt.settled
    check_mended(project)


@pytest.mark.parametrize("archive", ["cached", "not cached"])
def test_a_tree_emptied_under_another_boot_is_found_by_the_next_sync(
    tmp_path: Path, server: Server, build: Build, archive: str
) -> None:
    project = Project(tmp_path / "project")
    tree = synced(project, server, build)
    fetched = server.count(build.archive.name)
    assert empty(tree)
    change_boot(project.home)
    if archive == "not cached":
        project.run("cache", "clean")
    assert "installed now" in project.run("sync").err
    assert server.count(build.archive.name) - fetched == (archive == "not cached")
    check_mended(project)


def test_an_unchanged_tree_of_another_boot_is_hashed_once(tmp_path: Path, server: Server, build: Build) -> None:
    project = Project(tmp_path / "project")
    synced(project, server, build)
    change_boot(project.home)
    assert "installed now" not in project.run("sync").err
    (receipt,) = installed_receipts(Store(project.home))
    assert receipt.settled
    assert receipt.boot == ""


def test_within_a_boot_only_verify_hashes_a_tree(tmp_path: Path, server: Server, build: Build) -> None:
    project = Project(tmp_path / "project")
    tree = synced(project, server, build)
    (tree / "lib/python3.13/site-packages/README.txt").write_bytes(b"")
    assert "up to date" in project.run("sync").err
    assert "changed  lib/python3.13/site-packages/README.txt" in project.run("verify", expect=5).out
    project.run("verify", "--repair")
    check_mended(project, cuts=0)


def all_files(*folders: Path) -> dict[str, bytes | str]:
    """Every file and link below the folders, by its path."""
    found = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file())
    return {str(path): str(path.readlink()) if path.is_symlink() else path.read_bytes() for path in found}


@pytest.mark.parametrize("how", ["verified", "SOURCE_DATE_EPOCH"])
def test_two_builds_of_an_image_create_the_same_files(tmp_path: Path, server: Server, build: Build, how: str) -> None:
    """The same paths in two boots, as of two machines: receipts, links and all other files are equal."""
    require_mounts(tmp_path)
    environ = {"SOURCE_DATE_EPOCH": "1"} if how == "SOURCE_DATE_EPOCH" else {}
    layers = []
    for boot in (OTHER_BOOT, OTHER_BOOT.replace("b007", "b008")):
        project = Project(tmp_path / "image/project", home=tmp_path / "image/home", cache=tmp_path / "cache")
        project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n[pythons]\none = {build.entry}\n')
        (tmp_path / "boot").write_text(boot + "\n")
        for word in ("sync", "verify"):
            command = in_another_boot([*COMMAND, word], tmp_path / "boot")
            subprocess.run(
                command, cwd=project.directory, env=project.environ(environ), capture_output=True, check=True
            )
            if how == "SOURCE_DATE_EPOCH":
                break
        folders = [tmp_path / "image"] if how == "SOURCE_DATE_EPOCH" else [project.home / "receipts"]
        layers.append(all_files(*folders))
        assert boot not in str(layers[-1])
        shutil.rmtree(tmp_path / "image")
    assert layers[0] == layers[1]
