"""A store in a lower layer of an overlayfs, where no directory can be renamed: trees are replaced and removed in place.

A kill leaves the old tree, the new one or none, never a half one, and the next run completes.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.store.hashing import Difference
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.prune import prune_trees
from provision.store.publish import check_tree, remove_tree
from provision.store.receipts import read_receipt
from tests.crash.disks import NO_LAYERS, Layers, in_layers, require_mounts
from tests.store.samples import ASSET, Choice, install, variant
from tests.store.scenarios import DEFAULT
from tests.store.test_crash import Bench, every
from tests.support.killer import ROOT, python, was_killed

__all__ = ["every"]

DAMAGE = (Difference("lib/python3.13/os.py", "missing"),)
KEPT = Choice(name="kept", asset=variant(1))


@pytest.fixture
def lower(tmp_path: Path) -> Path:
    """A store with one damaged tree and an intact one."""
    below = Store(tmp_path / "lower/home")
    install(below, ASSET, extras=True)
    (below.tree(DEFAULT.key) / "lib/python3.13/os.py").unlink()
    install(below, KEPT.asset, extras=True)
    return tmp_path / "lower"


@pytest.fixture
def layers(tmp_path: Path, lower: Path) -> Iterator[Layers]:
    require_mounts(tmp_path)
    made = Layers(lower, tmp_path / "sandbox")
    yield made
    made.close()


@pytest.fixture
def store(layers: Layers) -> Store:
    return Store(layers.place / "home")


def everything(store: Store) -> set[str]:
    return {path.name for room in (store.trees, store.receipts, store.staging) for path in room.iterdir()}


def of(key: str) -> set[str]:
    return {key, f"{key}.json", f"{key}.entries", f"{key}.extras"}


def test_the_test_file_system_cannot_rename_a_directory_of_a_lower_layer(store: Store) -> None:
    with pytest.raises(OSError, match="cross-device"):
        store.tree(DEFAULT.key).rename(store.home / "elsewhere")


def test_a_damaged_tree_is_replaced_and_can_be_replaced_again(store: Store) -> None:
    for _ in range(2):
        receipt = install(store, extras=True)
        assert check_tree(store, receipt) == ()
        assert (store.extras(DEFAULT.key) / "PYTHON.json").exists()
        assert everything(store) == of(DEFAULT.key) | of(KEPT.key)


def test_extras_that_the_new_archive_lacks_are_removed(store: Store) -> None:
    install(store, extras=False)
    assert everything(store) == {DEFAULT.key, f"{DEFAULT.key}.json", f"{DEFAULT.key}.entries"} | of(KEPT.key)


def test_extras_of_a_tree_that_is_missing_are_replaced_or_removed(store: Store) -> None:
    for choice, extras in ((DEFAULT, True), (KEPT, False)):
        shutil.rmtree(store.tree(choice.key))
        install(store, choice.asset, extras=extras)
        assert store.extras(choice.key).exists() == extras


def test_trees_are_removed_and_pruned(store: Store) -> None:
    with tree_lock(store, DEFAULT.key):
        remove_tree(store, DEFAULT.key)
    assert everything(store) == of(KEPT.key)
    assert prune_trees(store, lambda _: None).removed == (KEPT.key,)
    assert everything(store) == set()
    assert check_tree(store, install(store, KEPT.asset)) == ()


class LayeredBench(Bench):
    """A bench whose sandbox is an overlayfs, which is reset by mounting it again."""

    def __init__(self, scenario: str, layers: Layers) -> None:
        super().__init__(scenario, layers.place)
        self.layers = layers

    def reset(self) -> None:
        self.layers.reset()


@pytest.mark.parametrize("scenario", ["publish", "remove", "prune_all"])
def test_a_run_can_be_killed_at_any_step(layers: Layers, store: Store, scenario: str, every: bool) -> None:
    bench = LayeredBench(scenario, layers)
    seen = set()
    steps = bench.steps(every)
    for step in steps if every else steps[:: len(steps) // 5]:
        bench.reset()
        assert was_killed(bench.victim.kill_at(step.number)), step
        receipt = read_receipt(store, DEFAULT.key)
        # A tree without a receipt does not count, so it does not matter how much of it has been removed.
        state = check_tree(store, receipt) if receipt else None
        assert state in ((), DAMAGE, None), step
        kept = read_receipt(store, KEPT.key)
        assert check_tree(store, kept) == () if kept else scenario == "prune_all", step
        seen.add(state)
        bench.finish()
    assert DAMAGE in seen
    assert None in seen


@pytest.mark.parametrize("scenario", ["publish", "remove", "prune_all"])
def test_the_scenarios_succeed_without_root(tmp_path: Path, lower: Path, scenario: str) -> None:
    place = tmp_path / "sandbox"
    command = python("-m", "tests.store.scenarios", scenario, str(place / "home"))
    for _ in range(2):
        done = subprocess.run(in_layers(command, lower, place), cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == NO_LAYERS or "unshare failed" in done.stderr:
            pytest.skip("namespaces are not allowed here")
        assert (done.returncode, done.stderr) == (0, "")
