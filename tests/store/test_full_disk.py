"""Real file systems that are too small, if this user may mount them; `test_crash` lets each single step fail."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provision.errors import StoreError
from provision.store.layout import Store
from provision.store.publish import check_tree
from provision.store.receipts import installed_receipts, read_receipt
from tests.store.samples import install, variant

Mount = Callable[[str], Store]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    place = tmp_path / "small"
    place.mkdir()

    def make(options: str) -> Store:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        try:
            mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            mounted = False
        if not mounted:
            pytest.skip("this user may not mount file systems")
        return Store(place / "home")

    yield make
    subprocess.run(["umount", str(place)], capture_output=True, check=False)


def fill(store: Store) -> OSError | StoreError:
    """Install until there is no more room, and return the error."""
    try:
        for number in range(100):
            install(store, variant(number))
    except (OSError, StoreError) as error:
        return error
    raise AssertionError("the disk was never full")


@pytest.mark.parametrize("options", ["size=1m", "size=10m,nr_inodes=100"])
def test_a_full_disk_leaves_existing_trees_and_no_partial_ones(mount: Mount, options: str) -> None:
    store = mount(options)
    fill(store)
    whole = installed_receipts(store)
    assert whole
    assert all(check_tree(store, receipt) == () for receipt in whole)
    assert {path.name for path in store.trees.iterdir()} == {receipt.key for receipt in whole}
    assert list(store.staging.iterdir()) == []


def test_a_disk_without_inodes_is_distinguished_from_a_full_one(mount: Mount) -> None:
    store = mount("size=10m,nr_inodes=12")
    store.home.mkdir()
    for number in range(8):
        (store.home / f"file{number}").touch()
    with pytest.raises(StoreError) as caught:
        install(store)
    assert "the file system has no free inodes" in str(caught.value)
    assert "provision prune" in (caught.value.hint or "")


def test_a_read_only_file_system_is_detected_and_read(mount: Mount) -> None:
    store = mount("size=2m")
    receipt = install(store)
    subprocess.run(["mount", "-o", "remount,ro", str(store.home.parent)], check=True)
    assert read_receipt(store, receipt.key) == receipt
    assert check_tree(store, receipt) == ()
    with pytest.raises(StoreError, match="the file system is read-only"):
        install(store, variant(2))
