"""One tree of an archive: published whole with its receipt, or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from provision.errors import IntegrityError
from provision.install.make import make_tree
from provision.model.asset import Asset
from provision.model.target import Host
from provision.model.tree import RemovablePart, TreeOptions
from provision.model.value import replace
from provision.plan import Selected
from provision.protocols import NoProgress
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.publish import staging_directory
from provision.store.receipts import Receipt, read_entries, read_receipt
from provision.unpack.writer import MTIME
from tests.install.small_builds import selected, write_build
from tests.support.interpreters import describe


def make(store: Store, asset: Asset, *, host: Host | None = None, bytecode: bool = False) -> Receipt:
    chosen = selected(asset, bytecode=bytecode)
    archive = Path(asset.url.removeprefix("file://").replace("%2B", "+"))
    with tree_lock(store, chosen.key), staging_directory(store, chosen.key) as staging_dir:
        return make_tree(archive, staging_dir, chosen, store=store, host=host, progress=NoProgress(), environ={})


def test_a_tree_is_published_with_its_receipt_and_its_entries(tmp_path: Path) -> None:
    store, asset = Store(tmp_path / "home"), write_build(tmp_path)
    receipt = make(store, asset)
    assert read_receipt(store, receipt.key) == receipt
    assert (receipt.asset, receipt.key) == (asset, selected(asset).key)
    assert (store.tree(receipt.key) / "lib/python3.13/os.py").read_text() == "# 3.13.5\n"
    entries = read_entries(store, receipt)
    assert entries is not None
    assert {"bin/python", "bin/python3", "lib/python3.13/os.py"} <= set(entries)
    assert list(store.staging.iterdir()) == []


def listing(tree: Path) -> list[tuple[str, int, int, int, str]]:
    """What `find -printf '%p %m %s %T@ %l'` prints; sizes of directories depend on the file system."""
    found = []
    for path in (tree, *sorted(tree.rglob("*"))):
        facts = path.lstat()
        size, target = (
            0 if stat.S_ISDIR(facts.st_mode) else facts.st_size,
            os.fspath(path.readlink()) if path.is_symlink() else "",
        )
        found.append((path.relative_to(tree).as_posix(), facts.st_mode, size, facts.st_mtime_ns, target))
    return found


def test_files_and_directories_do_not_depend_on_the_time_of_installation(tmp_path: Path) -> None:
    asset = write_build(tmp_path)
    receipts = [(store, make(store, asset)) for store in (Store(tmp_path / "home"), Store(tmp_path / "another home"))]
    first, second = (listing(store.tree(receipt.key)) for store, receipt in receipts)
    assert first == second
    assert {mtime for _, _, _, mtime, _ in first} == {MTIME * 10**9}


@pytest.mark.slow
@pytest.mark.parametrize("without", [(), ("tests", "headers")])
@pytest.mark.parametrize("bytecode", [False, True])
def test_trees_of_real_interpreters_do_not_depend_on_the_time_of_installation(
    archive: Path, tmp_path: Path, without: tuple[RemovablePart, ...], bytecode: bool
) -> None:
    asset = replace(describe(archive), url=archive.as_uri())
    chosen = Selected(name="default", asset=asset, tree=TreeOptions(bytecode=bytecode, without=without))
    listings = []
    for home in ("home", "another home"):
        store = Store(tmp_path / home)
        with tree_lock(store, chosen.key), staging_directory(store, chosen.key) as work:
            host = Host(target=asset.target)
            make_tree(archive, work, chosen, store=store, host=host, progress=NoProgress(), environ={})
        listings.append(listing(store.tree(chosen.key)))
    assert listings[0] == listings[1]
    assert {mtime for _, _, _, mtime, _ in listings[0]} == {MTIME * 10**9}
    assert any("__pycache__" in path for path, *_ in listings[0]) == bytecode


def test_without_a_host_the_interpreter_is_not_started_and_the_receipt_has_the_reason(tmp_path: Path) -> None:
    receipt = make(Store(tmp_path / "home"), write_build(tmp_path), bytecode=True)
    assert receipt.probed == "skipped: no Python is published for this machine"
    assert receipt.notes[-1] == "its standard library was not compiled: no Python is published for this machine"


def test_a_tree_whose_interpreter_does_not_start_is_not_published(tmp_path: Path) -> None:
    store, asset = Store(tmp_path / "home"), write_build(tmp_path)
    with pytest.raises(IntegrityError, match=r"does not start \(exit code 7\)"):
        make(store, asset, host=Host(target=asset.target))
    key = selected(asset).key
    assert read_receipt(store, key) is None
    assert not store.tree(key).exists()


def test_a_tree_without_an_interpreter_is_not_published(tmp_path: Path) -> None:
    store, asset = Store(tmp_path / "home"), write_build(tmp_path, interpreter="bin/pip3")
    with pytest.raises(IntegrityError, match="has no interpreter"):
        make(store, asset)
    assert not store.tree(selected(asset).key).exists()
