"""Systems that cannot start interpreters: refused before anything is downloaded."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from provision.host.detect import find_libc
from tests.crash.disks import require_mounts
from tests.support.builds import write_catalog
from tests.support.project import COMMAND, Ended, Project
from tests.support.small import small_build

LOADER = Path("/lib64/ld-linux-x86-64.so.2")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    require_mounts(tmp_path)
    build = small_build(tmp_path / "served")
    project = Project(tmp_path / "project")
    catalog = write_catalog(tmp_path / "served", [build])
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = {build.entry}\n')
    project.run("lock")
    return project


def run(project: Project, script: str, command: Sequence[str], code: int) -> Ended:
    """Run a command in a separate mount namespace, after the commands of the script."""
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", f'{script}\nexec "$@"', "sh", *command],
        cwd=project.directory,
        env=project.environ(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("words", ["plan", "sync", "sync --target all"])
def test_a_store_without_exec_is_detected_before_the_download(words: str, project: Project) -> None:
    project.home.mkdir()
    mount = f"mount -t tmpfs -o noexec tmpfs '{project.home}'"
    ended = run(project, mount, [*COMMAND, *words.split()], 1)
    assert ended.err == (
        f"error: interpreters cannot run in {project.home}/store: its file system is mounted `noexec`\n"
        " hint: Set PROVISION_HOME to a directory on another file system, or mount this one with `exec`.\n"
    )
    assert not (project.cache / "archives").exists()


def test_a_store_that_lost_exec_is_named(project: Project) -> None:
    project.run("sync")
    mount = f"mount --bind '{project.home}' '{project.home}'; mount -o remount,bind,noexec '{project.home}'"
    for words in (["run", "one"], ["run", "one", "python", "-V"], ["env"]):
        ended = run(project, mount, [*COMMAND, *words], 1)
        assert f"interpreters cannot run in {project.home}/store: its file system is mounted `noexec`" in ended.err
    (project.home / "receipts").rename(project.home / "receipts-old")
    shutil.rmtree(project.cache / "archives")
    ended = run(project, mount, [*COMMAND, "verify", "--repair"], 1)
    assert f"interpreters cannot run in {project.home}/store" in ended.err
    assert not (project.cache / "archives").exists()


@pytest.mark.parametrize("stand_in", [False, True])
@pytest.mark.parametrize("words", ["plan", "sync"])
def test_a_system_without_the_usual_loader_is_detected_before_the_download(
    words: str, stand_in: bool, project: Project, tmp_path: Path
) -> None:
    """Like NixOS: its own programs use another loader, and the usual path has none, or a stub that prints a message."""
    libc = find_libc(Path("/"))
    if libc is None or libc.loader != str(LOADER) or any(LOADER.parent.glob("libc.so*")):
        pytest.skip("for x86-64 systems with the libraries elsewhere, as Debian's")
    (tmp_path / "sh").write_bytes(Path("/bin/sh").read_bytes().replace(b"/lib64/ld-", b"/mnt/x/ld-"))
    (tmp_path / "sh").chmod(0o755)
    (tmp_path / "stub").write_bytes(b"\x7fELF Could not start dynamically linked executable: %s\n")
    hide = f"mount --bind '{tmp_path}/stub' {LOADER}" if stand_in else f"mount -t tmpfs tmpfs {LOADER.parent}"
    mounts = f"""
        mount -t tmpfs tmpfs /mnt
        mkdir /mnt/x
        cp {LOADER} /mnt/x
        mount --bind '{tmp_path}/sh' {Path("/bin/sh").resolve()}
        {hide}
    """
    python, *rest = COMMAND
    ended = run(project, mounts, [f"/mnt/x/{LOADER.name}", python, *rest, *words.split()], 5)
    assert f"builds for linux-x86_64 need the dynamic loader {LOADER}, and this system has none there" in ended.err
    assert not (project.cache / "archives").exists()
