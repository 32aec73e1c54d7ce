"""The download process is started early if a sync will most likely download, and never after a sync."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.cli import early
from provision.cli.stopping import run_callbacks
from provision.install import fetch_process
from provision.store.layout import Store

LOCK = 'url = "https://example.com/cpython-3.13.5%2B20261101-x86_64-unknown-linux-gnu-install_only.tar.gz"\n'
TREE = "cpython-3.13.5+20261101-x86_64-unknown-linux-gnu-install_only-0123456789ab"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Whether a command line starts it, in a directory with only a lock."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    Path("pythons.lock").write_text(LOCK)
    asked: list[object] = []
    monkeypatch.setattr(fetch_process, "start_early", lambda environ, lock: asked.append(lock))

    def tell(*words: str, **environ: str) -> bool:
        asked.clear()
        early.start_fetching(list(words), {"PROVISION_HOME": str(tmp_path / "home"), **environ})
        run_callbacks()
        return bool(asked)

    return tell


def test_the_first_sync_of_a_locked_directory_starts_the_process_early(started: Callable[..., bool]) -> None:
    assert started("sync")
    assert started("sync", "--locked", "-q")


@pytest.mark.parametrize("words", ["plan", "sync --offline", "sync --home elsewhere", "sync -m a.toml", "sync default"])
def test_other_command_lines_start_no_process_early(started: Callable[..., bool], words: str) -> None:
    assert not started(*words.split())


def test_variables_for_another_project_or_offline_use_prevent_the_start(started: Callable[..., bool]) -> None:
    assert not started("sync", PROVISION_OFFLINE="1")
    assert not started("sync", PROVISION_MANIFEST="a.toml")


def test_without_a_lock_file_or_after_a_sync_nothing_is_started(started: Callable[..., bool]) -> None:
    Path(".pythons").mkdir()
    assert not started("sync")
    Path(".pythons").rmdir()
    lock = Path("pythons.lock")
    lock.write_text(LOCK * 20_000)
    assert not started("sync")
    lock.unlink()
    assert not started("sync")
    lock.mkdir()
    assert not started("sync")


def test_with_a_locked_tree_in_the_store_nothing_is_started(started: Callable[..., bool], tmp_path: Path) -> None:
    trees = Store(tmp_path / "home").trees
    trees.mkdir(parents=True)
    (trees / TREE.replace("20261101", "20260101")).mkdir()
    (trees / "odd").mkdir()
    (trees / os.fsdecode(b"not-\xff-text")).mkdir()
    assert started("sync")
    (trees / TREE).mkdir()
    assert not started("sync")
