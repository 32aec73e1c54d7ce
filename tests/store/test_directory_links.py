"""A link to a directory, made and removed by several runs at once."""

from __future__ import annotations

from pathlib import Path

from provision.store.directory_links import link_directory, read_link, remove_link
from tests.support.together import run_together


def test_several_runs_can_make_and_remove_one_link(tmp_path: Path) -> None:
    tree, path = tmp_path / "tree", tmp_path / "link"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin/python").touch()

    def link() -> None:
        for _ in range(300):
            link_directory(path, tree)

    def unlink() -> None:
        for _ in range(300):
            remove_link(path)

    run_together(link, unlink, link, unlink)
    assert (tree / "bin/python").exists()


def test_a_link_leads_elsewhere_after_it_is_made_again(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        link_directory(tmp_path / "link", tmp_path / name)
        assert read_link(tmp_path / "link") == str(tmp_path / name)
    remove_link(tmp_path / "link")
    assert read_link(tmp_path / "link") is None
    assert (tmp_path / "two").is_dir()
