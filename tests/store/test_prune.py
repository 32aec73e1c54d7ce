"""Only trees that no project needs are removed, even while other processes sync."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.prune import Pruned, not_needed, prune_trees, unused_keys
from provision.store.publish import staged_keys
from provision.store.receipts import installed_receipts, read_receipt
from provision.store.roots import ReadLockedKeys, record_root
from tests.store.samples import Choice, install, variant
from tests.support.killer import ROOT


def unknown(project: Path) -> Collection[str] | None:
    """No lock can be read, so that every record holds."""
    del project
    return None


def locks(keys: Mapping[Path, Collection[str]]) -> ReadLockedKeys:
    return keys.get


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/pythons.toml").touch()
    return tmp_path / "project"


KEYS = st.sets(st.sampled_from("abcdef"))


@given(present=KEYS, live=KEYS)
def test_present_trees_that_are_not_needed_may_be_removed(present: set[str], live: set[str]) -> None:
    gone = not_needed(present, live)
    assert set(gone) | (present & live) == present
    assert not set(gone) & live
    assert list(gone) == sorted(gone)


def test_only_trees_that_no_project_uses_are_removed(store: Store, project: Path) -> None:
    kept, gone = install(store, variant(1)), install(store, variant(2), extras=True)
    record_root(store, project / "pythons.toml", [kept.key])
    assert unused_keys(store, unknown) == (gone.key,)
    assert prune_trees(store, unknown) == Pruned(removed=(gone.key,), freed=gone.size)
    assert installed_receipts(store) == (kept,)
    assert prune_trees(store, unknown) == Pruned()
    assert sorted(path.name for path in store.receipts.iterdir()) == [f"{kept.key}.entries", f"{kept.key}.json"]


def test_of_the_given_keys_only_those_not_needed_are_removed(store: Store, project: Path) -> None:
    one, two, three = (install(store, variant(number)) for number in range(3))
    record_root(store, project / "pythons.toml", [one.key])
    assert prune_trees(store, unknown, keys=[one.key, two.key, "not-there"]).removed == (two.key,)
    assert {receipt.key for receipt in installed_receipts(store)} == {one.key, three.key}


def test_trees_that_a_changed_lock_file_drops_stay_until_the_next_sync(store: Store, project: Path) -> None:
    old, new, gone = (install(store, variant(number)) for number in range(3))
    manifest = project / "pythons.toml"
    record_root(store, manifest, [old.key])
    assert prune_trees(store, locks({manifest: [new.key]})).removed == (gone.key,)
    assert unused_keys(store, locks({manifest: [new.key]}), own=manifest) == (old.key,)
    record_root(store, manifest, [new.key])
    assert prune_trees(store, locks({manifest: [new.key]})).removed == (old.key,)


def test_nothing_is_removed_while_a_root_is_damaged(store: Store, project: Path) -> None:
    install(store)
    record_root(store, project / "pythons.toml", [])
    (path,) = store.roots.iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    assert unused_keys(store, unknown) == ()
    assert prune_trees(store, unknown) == Pruned()
    assert len(prune_trees(store, unknown, forget=[path]).removed) == 1
    assert list(store.roots.iterdir()) == []


def test_a_tree_stays_while_a_virtual_environment_is_made_from_it(store: Store, project: Path) -> None:
    old, gone = install(store, variant(1)), install(store, variant(2))
    record_root(store, project / "pythons.toml", [])
    (project / ".venv").mkdir()
    (project / ".venv/pyvenv.cfg").write_text(f"home = {store.tree(old.key) / 'bin'}\n")
    assert prune_trees(store, unknown).removed == (gone.key,)
    (project / ".venv/pyvenv.cfg").unlink()
    assert prune_trees(store, unknown).removed == (old.key,)


def test_a_tree_that_another_process_works_on_is_skipped(store: Store) -> None:
    busy, gone = install(store, variant(1)), install(store, variant(2))
    with tree_lock(store, busy.key):
        assert prune_trees(store, unknown) == Pruned(removed=(gone.key,), busy=(busy.key,), freed=gone.size)
        assert read_receipt(store, busy.key)


def test_trees_without_receipts_and_receipts_without_trees_are_removed(store: Store) -> None:
    lost, orphan = install(store, variant(1)), install(store, variant(2), extras=True)
    store.receipt(lost.key).unlink()
    store.tree(orphan.key).rename(store.home / "elsewhere")
    (store.trees / ".hidden").touch()
    assert set(prune_trees(store, unknown).removed) == {lost.key, orphan.key}
    assert [path.name for path in store.trees.iterdir()] == [".hidden"]
    assert list(store.receipts.iterdir()) == []


def test_leftovers_of_dead_runs_in_staging_are_removed_and_live_work_stays(store: Store) -> None:
    for key in ("dead", "alive"):
        (store.staging / f"{key}.1.abc/tree").mkdir(parents=True)
    with tree_lock(store, "alive"):
        prune_trees(store, unknown)
    assert staged_keys(store) == ("alive",)


def test_more_trees_can_be_removed_than_locks_can_be_held(store: Store) -> None:
    for number in range(250):
        (store.trees / f"garbage-{number}").mkdir(parents=True)
    assert len(prune_trees(store, unknown).removed) == 250


def test_pruning_does_not_create_a_store(store: Store) -> None:
    assert unused_keys(store, unknown) == ()
    assert not store.home.exists()


def test_syncs_that_record_first_never_lose_a_tree(store: Store, tmp_path: Path) -> None:
    """Syncs record and check, prunes decide and remove, all at once: trees found after recording must stay."""
    projects = [tmp_path / f"project{number}" for number in range(4)]
    for project in projects:
        project.mkdir()
    keys = [Choice(name="x", asset=variant(number)).key for number in range(4)]
    for number in range(4):
        install(store, variant(number))
    code = f"""
import time
from pathlib import Path
from provision.store.layout import Store
from provision.store.prune import prune_trees
end = time.monotonic() + 1.5
while time.monotonic() < end:
    prune_trees(Store(Path({str(store.home)!r})), lambda manifest: manifest.with_name("lock").read_text().split())
"""
    for project in projects:
        (project / "lock").write_text("")
    failures: list[str] = []

    def sync(number: int) -> None:
        project, end = projects[number], time.monotonic() + 1.5
        while time.monotonic() < end:
            key = keys[number]
            (project / "lock").write_text(key)
            record_root(store, project / "pythons.toml", [key])
            if not read_receipt(store, key):
                install(store, variant(number))
            failures.extend(key for _ in range(3) if not read_receipt(store, key))
            (project / "lock").write_text("")

    prunes = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(2)]
    threads = [threading.Thread(target=sync, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(30) for process in prunes] == [0, 0]
    assert failures == []
