"""Unexpected failures of the system: one message with the path, and never a traceback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.errors import system_error
from tests.support.builds import Build, write_catalog
from tests.support.project import COMMAND, Ended, Project
from tests.support.small import small_build
from tests.support.strangers import without_privilege
from tests.support.variants import variants

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and uids are POSIX")

WORDS = (
    "lock", "lock --check", "plan", "list", "sync", "sync -q", "status", "outdated", "explain one", "which one",
    "run one", "env", "verify", "audit", "diff", "init", "add x 3.14", "remove one", "catalog list",
)  # fmt: skip
WITHOUT_A_PROJECT = {"catalog list"}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return small_build(tmp_path_factory.mktemp("served"))


@pytest.fixture
def project(tmp_path: Path, build: Build) -> Project:
    """A project that can be locked and installed without a network."""
    project = Project(tmp_path / "project")
    catalog = write_catalog(build.archive.parent, [build])
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = {build.entry}\n')
    return project


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Path]:
    """A directory that cannot be entered."""
    folder = tmp_path / "shut"
    (folder / "inside").mkdir(parents=True)
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


def run(
    command: list[str], environ: dict[str, str], cwd: Path, *, code: int | None = None, shell_prefix: str = ""
) -> Ended:
    if shell_prefix:
        command = ["sh", "-c", f'{shell_prefix} && exec "$@"', "sh", *command]
    done = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    assert code is None or done.returncode == code, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("words", variants(WORDS, quick=("plan", "sync", "diff", "env", "catalog list")))
def test_a_removed_working_directory_is_reported(words: str, project: Project, tmp_path: Path) -> None:
    ended = run(
        [*COMMAND, *words.split()],
        project.environ({"HOME": str(tmp_path)}),
        tmp_path,
        shell_prefix="mkdir gone && cd gone && rmdir ../gone",
    )
    if words not in WITHOUT_A_PROJECT:
        assert ended.err.startswith("error: the working directory was removed or cannot be read\n"), ended.err
        assert ended.code == 1


@pytest.mark.parametrize("words", variants(WORDS, quick=("plan", "sync", "diff", "env", "catalog list")))
def test_an_unreadable_working_directory_is_reported(words: str, project: Project, shut: Path, tmp_path: Path) -> None:
    shut.chmod(0o700)
    ended = run(
        without_privilege([*COMMAND, *words.split()]),
        project.environ({"HOME": str(tmp_path), "SHUT": str(shut)}),
        shut / "inside",
        shell_prefix='chmod 0 "$SHUT"',
    )
    if words not in WITHOUT_A_PROJECT:
        assert ended.code in {1, 2}
        assert f"{shut}/inside" in ended.err, ended.err


def test_the_home_of_another_user_is_not_needed_when_store_and_cache_are_elsewhere(
    project: Project, shut: Path
) -> None:
    environ = project.environ({"HOME": str(shut), "XDG_CONFIG_HOME": "", "XDG_CACHE_HOME": ""})
    for words in ("lock", "sync", "audit", "cache clean"):
        run(without_privilege([*COMMAND, *words.split()]), environ, project.directory, code=0)


def test_a_user_without_a_home_can_name_store_and_cache(project: Project) -> None:
    environ = {name: value for name, value in project.environ().items() if name not in {"HOME", "XDG_CONFIG_HOME"}}
    for words in ("lock", "sync", "audit", "cache clean"):
        run(without_privilege([*COMMAND, *words.split()], uid=54321), environ, project.directory, code=0)
    del environ["PROVISION_CACHE_DIR"]
    environ.pop("XDG_CACHE_HOME", None)
    ended = run(without_privilege([*COMMAND, "plan"], uid=54321), environ, project.directory, code=2)
    assert ended.err == (
        "error: this user has no home directory\n hint: Set PROVISION_CACHE_DIR, or HOME, to an absolute path.\n"
    )


@pytest.mark.parametrize("words", ["sync", "cache clean"])
def test_the_hint_about_the_cache_names_the_variable_of_the_cache(words: str, project: Project, shut: Path) -> None:
    environ = project.environ({"PROVISION_CACHE_DIR": str(shut / "cache")})
    project.run("lock")
    ended = run(without_privilege([*COMMAND, *words.split()]), environ, project.directory, code=1)
    assert "set PROVISION_CACHE_DIR to" in ended.err
    assert "PROVISION_HOME" not in ended.err


def test_the_hint_about_the_store_names_the_variable_of_the_store(project: Project, shut: Path) -> None:
    project.run("lock")
    environ = project.environ({"PROVISION_HOME": str(shut / "home")})
    ended = run(without_privilege([*COMMAND, "plan"]), environ, project.directory, code=1)
    assert "set PROVISION_HOME to" in ended.err


def test_named_settings_must_be_readable(project: Project, shut: Path) -> None:
    environ = project.environ({"PROVISION_CONFIG_DIR": str(shut)})
    project.run("lock")
    ended = run(without_privilege([*COMMAND, "sync"]), environ, project.directory, code=2)
    assert ended.err == (
        f"error: {shut}/config.toml: cannot be read: permission denied\n"
        " hint: Set PROVISION_CONFIG_DIR to the directory of the file, or unset it.\n"
    )


def test_the_failed_step_is_named(project: Project, tmp_path: Path) -> None:
    command = ["sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh", *COMMAND, "plan"]
    environ = project.environ({"PROVISION_DEBUG": "1"})
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, check=False)
    assert done.stderr.startswith(b"Traceback")
    assert done.returncode == 1


def test_both_paths_of_an_operation_are_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as raised:
        (tmp_path / "old").rename(tmp_path / "new")
    assert system_error(raised.value).message == f"{tmp_path}/old and {tmp_path}/new: no such file or directory"


def test_an_audit_does_not_skip_an_unreadable_manifest(project: Project, tmp_path: Path) -> None:
    project.run("lock")
    project.manifest.unlink()
    project.manifest.symlink_to(tmp_path / "nowhere")
    ended = project.run("audit", project.lock, expect=2)
    assert "pythons.toml: does not exist" in ended.err
