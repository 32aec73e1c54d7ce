"""SBOMs next to receipts: they belong to a tree, and are removed with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.model.value import replace
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.prune import present_keys, prune_trees
from provision.store.publish import check_tree, remove_tree
from provision.store.receipts import Receipt, installed_receipts
from provision.store.sboms import write_sbom_beside
from tests.store.samples import ASSET, FREE, Choice, install, variant

KEYS = [Choice(name="any", asset=asset).key for asset in (ASSET, FREE)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two trees; the first has both SBOMs."""
    store = Store(tmp_path)
    for asset in (ASSET, FREE):
        install(store, asset)
    for style in ("cyclonedx", "spdx"):
        assert write_sbom_beside(store, receipt(store), style, style) == store.sbom(KEYS[0], style)
    return store


def receipt(store: Store) -> Receipt:
    return next(each for each in installed_receipts(store) if each.key == KEYS[0])


def sboms(store: Store) -> list[str]:
    return sorted(path.name for path in store.receipts.iterdir() if "cdx" in path.name or "spdx" in path.name)


def test_sboms_have_names_that_scanners_know_and_are_not_taken_for_trees(store: Store) -> None:
    assert sboms(store) == [f"{KEYS[0]}.cdx.json", f"{KEYS[0]}.spdx.json"]
    assert [each.key for each in installed_receipts(store)] == sorted(KEYS)
    assert present_keys(store) == set(KEYS)
    assert check_tree(store, receipt(store)) == ()


def test_an_sbom_is_replaced_but_not_written_for_a_removed_or_changed_tree(store: Store) -> None:
    write_sbom_beside(store, receipt(store), "spdx", "again")
    assert store.sbom(KEYS[0], "spdx").read_text() == "again"
    assert write_sbom_beside(store, replace(receipt(store), digest=variant(7).sha256), "spdx", "other") is None
    gone = receipt(store)
    with tree_lock(store, KEYS[0]):
        remove_tree(store, KEYS[0])
    assert write_sbom_beside(store, gone, "spdx", "late") is None
    assert sboms(store) == []


def test_a_reinstalled_tree_has_no_sbom(store: Store) -> None:
    install(store, ASSET)
    assert sboms(store) == []


@pytest.mark.parametrize("lost", ["nothing", "tree and receipt"])
def test_prune_removes_sboms_with_and_without_a_tree(store: Store, lost: str) -> None:
    if lost == "tree and receipt":
        store.receipt(KEYS[0]).unlink()
        store.entries(KEYS[0]).unlink()
        store.tree(KEYS[0]).rename(store.home / "elsewhere")
    assert sorted(prune_trees(store, dict[Path, list[str]]().get).removed) == sorted(KEYS)
    assert list(store.receipts.iterdir()) == []
