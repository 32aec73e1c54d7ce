"""The name of a file in its repository, from any working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.host.repository import display_path, repository_root


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "services" / "api" / "src").mkdir(parents=True)
    (root / "services" / "api" / "pythons.lock").touch()
    return root


@pytest.mark.parametrize(
    ("directory", "given"),
    [
        (".", "services/api/pythons.lock"),
        ("services/api", "pythons.lock"),
        ("services/api/src", "../pythons.lock"),
        ("services/api/src", "../src/../pythons.lock"),
        ("..", "repository/services/api/pythons.lock"),
        ("/", "{root}/services/api/pythons.lock"),
    ],
)
def test_a_file_has_one_name_from_every_directory(
    repository: Path, monkeypatch: pytest.MonkeyPatch, directory: str, given: str
) -> None:
    monkeypatch.chdir(repository / directory)
    assert display_path(Path(given.replace("{root}", str(repository)))) == "services/api/pythons.lock"


def test_a_linked_work_tree_and_a_submodule_have_their_own_root(repository: Path) -> None:
    (repository / "services" / ".git").write_text("gitdir: elsewhere\n")
    assert repository_root(repository / "services" / "api" / "pythons.lock") == repository / "services"
    assert display_path(repository / "services" / "api" / "pythons.lock") == "api/pythons.lock"


def test_linked_directories_are_followed_and_linked_files_are_not(repository: Path) -> None:
    (repository / "current").symlink_to("services/api")
    (repository / "tools.lock").symlink_to("services/api/pythons.lock")
    assert display_path(repository / "current" / "pythons.lock") == "services/api/pythons.lock"
    assert display_path(repository / "tools.lock") == "tools.lock"


def test_outside_of_a_repository_paths_below_the_working_directory_are_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path = tmp_path.resolve()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path)
    assert display_path(Path("below/pythons.lock")) == "below/pythons.lock"
    monkeypatch.chdir(tmp_path / "below")
    assert display_path(tmp_path / "pythons.lock") == str(tmp_path / "pythons.lock")
    (tmp_path / "below").rmdir()
    assert display_path(Path("pythons.lock")) == "pythons.lock"
    assert display_path(tmp_path / "pythons.lock") == str(tmp_path / "pythons.lock")


def test_in_the_root_directory_paths_keep_their_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    for path in ("/nonexist", "/nonexist/pythons.toml", "/pythons.lock"):
        assert display_path(Path(path)) == path
    assert display_path(Path("nonexist")) == "/nonexist"


def test_a_path_that_cannot_be_followed_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert display_path(tmp_path / "loop" / "pythons.lock") == str(tmp_path / "loop" / "pythons.lock")
    assert display_path(Path("pythons\0.lock")).endswith("pythons\0.lock")
