"""Staging directories are private, and what killed runs left in them is removed by the next holder of the lock."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from provision.errors import StoreError
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.publish import (
    clean_all_leftovers,
    clean_leftovers,
    make_staged_tree,
    staged_keys,
    staging_directory,
)
from tests.support.killer import ROOT
from tests.support.strangers import as_stranger

KEY = "cpython-3.13.5+20260814-x86_64-unknown-linux-gnu"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_staging_is_private_and_trees_are_not(store: Store, umask: int) -> None:
    before = os.umask(umask)
    try:
        with staging_directory(store, KEY) as work:
            tree = make_staged_tree(work)
            assert stat.S_IMODE(store.staging.stat().st_mode) == 0o700
            assert stat.S_IMODE(work.stat().st_mode) == 0o700
            assert stat.S_IMODE(tree.stat().st_mode) == 0o755
    finally:
        os.umask(before)


def test_a_staging_directory_is_removed_after_success_and_failure(store: Store) -> None:
    with staging_directory(store, KEY) as work:
        (work / "file").touch()
    with suppress(RuntimeError), staging_directory(store, KEY) as work:
        (make_staged_tree(work) / "file").touch()
        raise RuntimeError
    assert list(store.staging.iterdir()) == []


def test_names_contain_entry_and_process_and_never_repeat(store: Store) -> None:
    with tree_lock(store, KEY), staging_directory(store, KEY) as one:
        first = one.name
    with tree_lock(store, KEY), staging_directory(store, KEY) as two:
        assert two.name != first
        assert two.name.split(".")[:2] == [first.split(".")[0], str(os.getpid())]
        assert staged_keys(store) == (KEY,)
    with tree_lock(store, "other"), staging_directory(store, "other") as three:
        assert three.name.split(".")[0] != first.split(".")[0]


def test_the_path_of_a_staging_directory_is_not_longer_than_that_of_the_tree(store: Store) -> None:
    """Windows allows paths of 260 characters, and pip has files of 86."""
    key = "cpython-3.9.1+20210103-i686-pc-windows-msvc-pgo-install_only-0123456789ab"
    with staging_directory(store, key) as work:
        assert len(str(make_staged_tree(work))) <= len(str(store.tree(key)))


def test_the_next_holder_removes_leftovers_of_killed_runs_of_its_entry_only(store: Store) -> None:
    code = f"""
import os, signal
from pathlib import Path
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.publish import make_staged_tree, staging_directory
for key in ({KEY!r}, {KEY + ".longer"!r}):
    store = Store(Path({str(store.home)!r}))
    with tree_lock(store, key), staging_directory(store, key) as work:
        (make_staged_tree(work) / "file").touch()
        (Path({str(store.home)!r}) / (key + ".work")).write_text(work.name)
        if key != {KEY!r}:
            os.kill(os.getpid(), signal.SIGKILL)
        os.rename(work, str(work) + "0")
"""
    dead = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    dead.wait()
    assert staged_keys(store) == (KEY, f"{KEY}.longer")
    store.receipts.mkdir()
    (store.receipts / f".{KEY}.json.{dead.pid}.0123.new").touch()
    assert clean_leftovers(store, KEY) == 1
    assert staged_keys(store) == (f"{KEY}.longer",)
    assert list(store.receipts.iterdir()) == []
    with staging_directory(store, f"{KEY}.longer"):
        assert len(list(store.staging.iterdir())) == 1


def test_leftovers_of_all_entries_are_removed_and_live_work_stays(store: Store) -> None:
    clean_all_leftovers(store)
    for key in ("dead", "alive"):
        (store.staging / f"{key}.1.abc/tree").mkdir(parents=True)
    with tree_lock(store, "alive"):
        clean_all_leftovers(store)
    assert staged_keys(store) == ("alive",)


def test_leftovers_in_a_read_only_store_stay(public_path: Path) -> None:
    store = Store(public_path / "home")
    (store.staging / "dead.1.abc").mkdir(parents=True)
    store.home.chmod(0o555)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.publish import clean_all_leftovers, staged_keys
store = Store(Path({str(store.home)!r}))
clean_all_leftovers(store)
print(staged_keys(store))
"""
    assert as_stranger(code) == "('dead',)\n"
    store.home.chmod(0o755)


def test_foreign_names_in_staging_are_left_alone(store: Store) -> None:
    store.staging.mkdir(parents=True)
    for name in ("notes", "a.b", ".hidden.1.2"):
        (store.staging / name).touch()
    with staging_directory(store, KEY):
        pass
    assert len(list(store.staging.iterdir())) == 3
    assert staged_keys(store) == ()


def test_a_key_that_leads_elsewhere_is_refused(store: Store) -> None:
    with (
        pytest.raises(StoreError, match="not a name that the store gives to a tree"),
        staging_directory(store, "../../etc"),
    ):
        pass


def test_a_file_in_place_of_staging_is_reported(store: Store) -> None:
    store.home.mkdir()
    store.staging.touch()
    with pytest.raises(StoreError, match="a file is where a directory should be"), staging_directory(store, KEY):
        pass
