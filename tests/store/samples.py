"""What the tests of the store install: a small tree of every kind of entry, and an asset that it may come from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.model.asset import Asset, BuildOptions, Digest
from provision.model.target import Target
from provision.model.tree import TreeEntry, TreeOptions
from provision.model.value import replace
from provision.model.version import Version
from provision.store.layout import Store
from provision.store.links import link_commands, link_interpreter
from provision.store.locks import tree_lock
from provision.store.publish import make_staged_tree, publish, staging_directory
from provision.store.receipts import Receipt

ASSET = Asset(
    implementation="cpython",
    version=Version.parse("3.13.5"),
    build="20260814",
    target=Target.parse("x86_64-unknown-linux-gnu"),
    flavor="install_only_stripped",
    url="https://example.com/20260814/cpython-3.13.5%2B20260814-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz",
    sha256=Digest("0" * 64),
    size=35123456,
    published="2026-08-14T12:00:00Z",
)
FREE = replace(ASSET, options=BuildOptions.of(["freethreaded", "lto", "pgo"]), sha256=Digest("1" * 64))

FILES = {
    "bin/python3.13": (0o755, b"#!/bin/sh\necho 3.13.5\n"),
    "lib/python3.13/os.py": (0o644, b"name = 'posix'\n"),
    "lib/python3.13/site-packages/README.txt": (0o644, b"empty\n"),
    "lib/libpython3.13.so.1.0": (0o755, b"\x7fELF" + bytes(300_000)),
    "share/empty": (0o644, b""),
}
# Trees of Windows have no links, and making one takes a privilege there.
LINKS = (
    {} if os.name == "nt" else {"bin/python": "python3.13", "bin/python3": "python3.13", "share/terminfo/x": "../empty"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An entry of a lock with its asset, as `link_commands` takes them."""

    name: str
    asset: Asset = ASSET
    tree: TreeOptions = TreeOptions()

    @property
    def key(self) -> str:
        return Receipt.of(self.asset, self.tree, {}, probed="ok").key


def variant(number: int) -> Asset:
    """One of many assets that differ in their bytes only."""
    return replace(ASSET, sha256=Digest(f"{number:064x}"))


def make_tree(root: Path) -> dict[str, TreeEntry]:
    """Fill an existing directory; the result is the same wherever it is made."""
    entries: dict[str, TreeEntry] = {}
    for path, (mode, content) in FILES.items():
        make_parents(root, path)
        (root / path).write_bytes(content)
        (root / path).chmod(mode)
        entries[path] = TreeEntry("file", mode, hashlib.sha256(content).hexdigest(), len(content))
    for path, target in LINKS.items():
        make_parents(root, path)
        (root / path).symlink_to(target)
        entries[path] = TreeEntry("link", 0o777, target)
    return entries


def make_parents(root: Path, path: str) -> None:
    parent = (root / path).parent
    if not parent.exists():
        make_parents(root, str(parent.relative_to(root)))
        parent.mkdir()
        parent.chmod(0o755)


def install(store: Store, asset: Asset = ASSET, *, extras: bool = False) -> Receipt:
    """Publish the tree under an asset's key, as `install.make` does."""
    key = Choice(name="any", asset=asset).key
    with tree_lock(store, key), staging_directory(store, key) as work:
        tree = make_staged_tree(work)
        entries = make_tree(tree)
        extras_directory = work / "extras" if extras else None
        if extras_directory:
            extras_directory.mkdir()
            (extras_directory / "PYTHON.json").write_text("{}\n")
        receipt = Receipt.of(asset, TreeOptions(), entries, probed="ok")
        return publish(store, tree, key, receipt, entries, extras=extras_directory)


def link_project(project: Path, store: Store, pythons: Sequence[Choice]) -> None:
    """Link all that a project uses, as a whole sync does."""
    for python in pythons:
        link_interpreter(project, python.name, python.key, store)
    link_commands(project, pythons, store)
