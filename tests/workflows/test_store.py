"""`verify`, `prune` and `cache` with a small interpreter in the store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provision.model.value import replace
from provision.protocols import NoProgress
from provision.store.layout import Store
from provision.store.receipts import installed_receipts
from provision.workflows.options import Options, Scope
from provision.workflows.store import VerifiedTree, cache_clean, cache_usage, prune, verify
from provision.workflows.sync import sync
from tests.support.builds import write_catalog
from tests.support.small import small_build


@pytest.fixture
def installed(options: Options, tmp_path: Path) -> Options:
    """A project with two entries that use the same tree, which is installed."""
    build = small_build(tmp_path / "builds")
    (tmp_path / "served").mkdir()
    catalog = write_catalog(tmp_path / "served", [build])
    text = f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = {build.entry}\ntwo = {build.entry}\n'
    (tmp_path / "pythons.toml").write_text(text)
    sync(options, Scope(), NoProgress())
    return options


def verified(options: Options, *names: str, repair: bool = False, store_wide: bool = False) -> VerifiedTree:
    (tree,) = verify(options, names, repair=repair, store_wide=store_wide, progress=NoProgress()).trees
    return tree


def tree_of(options: Options) -> Path:
    """The root of the one installed tree."""
    (receipt,) = installed_receipts(Store(options.home))
    return Store(options.home).tree(receipt.key)


def damage(options: Options) -> Path:
    """Change a file of the tree; returns it."""
    path = next(path for path in sorted(tree_of(options).rglob("*.py")) if path.is_file())
    path.parent.chmod(0o755)
    path.chmod(0o644)
    path.write_text("damaged")
    return path


def test_a_tree_of_several_entries_is_verified_once(installed: Options) -> None:
    assert (verified(installed).names, verified(installed).sound) == (("one", "two"), True)
    assert verified(installed, "two").names == ("two",)
    assert verified(installed, store_wide=True).names == ()


def test_a_damaged_tree_is_reported_and_repaired(installed: Options) -> None:
    path = damage(installed)
    tree = verified(installed)
    assert not tree.sound
    assert [difference.path for difference in tree.differences] == [path.relative_to(tree_of(installed)).as_posix()]
    assert verified(installed, repair=True).repaired
    assert path.read_text() != "damaged"
    assert verified(installed).differences == ()


def plant(options: Options, path: str) -> Path:
    planted = tree_of(options) / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_bytes(b"planted")
    return planted


@pytest.mark.parametrize("path", ["lib/python3.13/evil.py", "lib/python3.13/__pycache__/evil.so", "sitecustomize.py"])
def test_a_file_that_was_never_installed_is_removed_without_a_download(installed: Options, path: str) -> None:
    planted = plant(installed, path)
    inode = tree_of(installed).stat().st_ino
    cache_clean(installed, unused=False)
    assert [(one.path, one.kind) for one in verified(installed).differences] == [(path, "extra")]
    tree = verified(replace(installed, offline=True), repair=True)
    assert (tree.repaired, [one.path for one in tree.differences]) == (True, [path])
    assert not planted.exists()
    assert tree_of(installed).stat().st_ino == inode, "the same tree"
    assert verified(installed).differences == ()


def test_a_changed_tree_is_reinstalled_without_added_files(installed: Options) -> None:
    damage(installed)
    planted = (plant(installed, "lib/evil.py"), plant(installed, "lib/python3.13/__pycache__/os.cpython-313.pyc"))
    assert len(verified(installed).differences) == 2
    assert verified(installed, repair=True).repaired
    assert not any(path.exists() for path in planted)
    assert (verified(installed).sound, verified(installed).unchecked) == (True, ())


def test_bytecode_that_cannot_be_compared_is_removed_but_not_a_difference(installed: Options) -> None:
    """The small interpreter starts nothing but the probe."""
    path = "lib/python3.13/__pycache__/os.cpython-313.pyc"
    planted = plant(installed, path)
    tree = verified(installed)
    assert (tree.sound, tree.unchecked) == (True, (path,))
    plant(installed, "evil.py")
    tree = verified(installed)
    assert (tree.sound, tree.unchecked) == (False, ()), "a tree that differs is not started"
    tree = verified(installed, repair=True)
    assert (tree.repaired, tree.unchecked, [one.path for one in tree.differences]) == (True, (), ["evil.py"])
    assert not planted.exists()


def test_a_missing_tree_is_reported(installed: Options) -> None:
    shutil.rmtree(installed.home)
    for repair in (False, True):
        tree = verified(installed, repair=repair)
        assert (tree.receipt, tree.sound, tree.missing, tree.repaired) == (None, False, True, False)


@pytest.mark.parametrize("lost", ["the tree", "the receipt"])
def test_a_partially_removed_tree_is_repaired(installed: Options, lost: str) -> None:
    store, key = Store(installed.home), tree_of(installed).name
    if lost == "the tree":
        shutil.rmtree(store.tree(key))
    else:
        store.receipt(key).write_text("{")
    tree = verified(installed)
    assert (tree.receipt, tree.sound, tree.missing) == (None, False, False)
    assert verified(installed, repair=True).repaired
    assert verified(installed).sound


def test_pruning_keeps_locked_trees(installed: Options, tmp_path: Path) -> None:
    assert prune(installed, dry_run=False).pruned.removed == ()
    key = tree_of(installed).name
    (tmp_path / "pythons.lock").unlink()
    (tmp_path / "pythons.toml").write_text("[pythons]\n")
    sync(installed, Scope(), NoProgress())
    assert prune(installed, dry_run=True).pruned.removed == (key,)
    assert tree_of(installed).exists()
    assert prune(installed, dry_run=False).pruned.removed == (key,)
    assert installed_receipts(Store(installed.home)) == ()


def test_cleaning_the_cache_can_keep_locked_archives(installed: Options) -> None:
    size = cache_usage(installed).size
    assert size > 0
    assert cache_clean(installed, unused=True).size == 0
    assert cache_clean(installed, unused=False).size == size
    assert cache_usage(installed).size == 0
    assert verified(installed).sound
