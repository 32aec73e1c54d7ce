"""When a sync may change the lock, and where its errors are."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import LockFileError
from provision.host.detect import detect_host
from provision.protocols import NoProgress
from provision.workflows.options import Options, Scope
from provision.workflows.sync import may_relock, sync
from tests.support.builds import write_catalog
from tests.support.project import Project as Commands
from tests.support.server import Server
from tests.support.small import small_build


@pytest.mark.parametrize(
    ("ci", "locked", "allowed"),
    [
        ("", None, True),
        ("true", None, False),
        ("false", None, True),
        ("", True, False),
        ("true", True, False),
        ("true", False, True),
    ],
)
def test_a_lock_file_is_written_unless_forbidden_or_in_ci(ci: str, locked: bool | None, allowed: bool) -> None:
    assert may_relock({"CI": ci}, locked=locked) is allowed


def test_a_project_without_entries_is_locked_and_in_sync(options: Options, tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").write_text("[pythons]\n")
    with pytest.raises(LockFileError, match=r"pythons\.lock does not exist"):
        sync(options, Scope(), NoProgress(), locked=True)
    synced = sync(options, Scope(), NoProgress())
    assert synced.relocked is not None
    assert synced.planned.plan.is_empty
    assert (tmp_path / "pythons.lock").exists()
    assert sync(options, Scope(), NoProgress(), locked=True).relocked is None


@pytest.mark.parametrize("served", [None, b"other bytes"])
def test_an_error_of_a_custom_archive_names_the_line_of_its_entry(
    tmp_path: Path, server: Server, served: bytes | None
) -> None:
    """A wrong hash (exit 5), and an archive that is not there (exit 6)."""
    project = Commands(tmp_path / "project")
    name = f"cpython-3.13.5+20250612-{detect_host().target}-install_only.tar.gz"
    if served is not None:
        server.put(name, served)
    project.write(
        f'[pythons.ours]\nversion = "3.13.5"\nbuild = "20250612"\nflavor = "install_only"\n'
        f'url = {{ {detect_host().target} = "{server.url}/{name}" }}\n'
        f'sha256 = {{ {detect_host().target} = "{"0" * 64}" }}\n'
    )
    said = project.run("sync", expect=6 if served is None else 5).err
    assert f"\n{said}".count("\nerror: pythons.toml:1:10: pythons.ours: ") == 1


def test_a_sync_that_writes_the_lock_has_the_warnings_of_lock(tmp_path: Path, server: Server) -> None:
    project = Commands(tmp_path / "project")
    build = small_build(tmp_path / "builds")
    write_catalog(server.root, [build])
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n[pythons]\none = {build.entry}\n')
    warning = "warning: pythons.lock: one: no other machine can download "
    assert warning in project.run("sync").err
    assert warning not in project.run("sync", "--frozen").err
    project.lock.unlink()
    assert warning in project.run("lock").err
