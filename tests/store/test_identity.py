"""A project's identity is made once, moves with it, and is not read from anywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.store.identity import make_identity, read_identity
from tests.support.strangers import as_stranger
from tests.support.together import run_together


def test_an_identity_is_created_once_and_moves_with_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    assert read_identity(project) == ""
    made = make_identity(project)
    assert (len(made), made.isalnum()) == (32, True)
    assert make_identity(project) == read_identity(project) == made
    assert (project / ".pythons/.gitignore").read_text() == "*\n"
    assert read_identity(project.rename(tmp_path / "moved")) == made


def test_two_projects_have_two_identities(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert make_identity(tmp_path / "one") != make_identity(tmp_path / "two")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"short", b"a" * 31 + b"/", b"a" * 64, b"\xff" * 32, b"../" * 10 + b"aa"]
)
def test_an_invalid_identity_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".pythons").mkdir()
    (tmp_path / ".pythons/.id").write_bytes(content)
    assert read_identity(tmp_path) == ""
    assert make_identity(tmp_path) == read_identity(tmp_path) != ""


def test_an_identity_behind_a_link_is_ignored(tmp_path: Path) -> None:
    other, project = tmp_path / "other", tmp_path / "project"
    for folder in (other, project):
        folder.mkdir()
    make_identity(other)
    (project / ".pythons").symlink_to(other / ".pythons")
    assert read_identity(project) == make_identity(project) == ""


def test_a_project_that_cannot_be_written_has_none(public_path: Path) -> None:
    public_path.chmod(0o555)
    code = f"""
from pathlib import Path
from provision.store.identity import make_identity
print(repr(make_identity(Path({str(public_path)!r}))))
"""
    assert as_stranger(code) == "''\n"
    public_path.chmod(0o755)


def test_with_source_date_epoch_the_identity_is_derived_from_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    made = make_identity(tmp_path)
    (tmp_path / ".pythons/.id").unlink()
    assert make_identity(tmp_path) == made


def test_runs_that_begin_together_agree_on_one_identity(tmp_path: Path) -> None:
    for attempt in range(20):
        project = tmp_path / str(attempt)
        project.mkdir()
        made = run_together(*[lambda: make_identity(project)] * 4)  # noqa: B023
        assert made == [read_identity(project)] * 4
        assert {path.name for path in (project / ".pythons").iterdir()} == {".gitignore", ".id"}
