"""Trusted projects: by their path and identity, in files that only their user can write."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from provision.store.trust import is_trusted, record_path, records, revoke, trust


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PROVISION_CONFIG_DIR": str(tmp_path / "config")}


def make_project(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "pythons.toml").write_text("[pythons]\n")
    return path


def test_trust_is_valid_for_one_project_at_one_path(tmp_path: Path, environ: dict[str, str]) -> None:
    project = make_project(tmp_path / "it's\na project")
    assert not is_trusted(environ, str(project))
    trust(environ, project)
    (project / "pythons.toml").write_text("[settings]\n")
    assert is_trusted(environ, str(project))
    assert not is_trusted(environ, str(tmp_path))
    moved = project.rename(tmp_path / "moved")
    assert not is_trusted(environ, str(moved))
    shutil.copytree(moved, project)
    assert is_trusted(environ, str(project))
    shutil.rmtree(project)
    make_project(project)
    assert not is_trusted(environ, str(project))


def test_a_project_has_one_record(tmp_path: Path, environ: dict[str, str]) -> None:
    project = make_project(tmp_path / "project")
    for _ in range(2):
        trust(environ, project)
        (project / ".pythons" / ".id").unlink()
    trust(environ, project)
    assert [path for _, path in records(environ)] == [str(project)]
    assert revoke(environ, str(project))
    assert not revoke(environ, str(project))
    assert not is_trusted(environ, str(project))
    assert list(records(environ)) == []


@pytest.mark.parametrize("damage", ["mode", "content", "link", "directory"])
def test_a_record_that_others_could_have_written_is_ignored(
    tmp_path: Path, environ: dict[str, str], damage: str
) -> None:
    project = make_project(tmp_path / "project")
    trust(environ, project)
    path = Path(record_path(environ, str(project)))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    if damage == "mode":
        path.chmod(0o622)
    elif damage == "content":
        path.write_bytes(os.fsencode(tmp_path))
    elif damage == "link":
        path.symlink_to(path.rename(tmp_path / "elsewhere"))
    else:
        path.unlink()
        path.mkdir()
    assert not is_trusted(environ, str(project))
