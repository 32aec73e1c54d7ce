"""Owns receipts, what was installed under which key, and their JSON; the trees themselves are `publish`'s."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import get_args

from provision.errors import StoreError, store_failures
from provision.host.files import make_directory, read_small, replace_file
from provision.model.asset import Asset
from provision.model.build import CPU_LEVELS, FLAVORS, BuildOptions
from provision.model.digest import Digest
from provision.model.target import Target
from provision.model.tree import RECIPE, Entry, Slim, TreeOptions, store_key, tree_digest
from provision.model.value import frozen
from provision.model.version import Version
from provision.store.fields import Fields, one_of
from provision.store.layout import Store, is_key

RECEIPT_VERSION = 1
# Receipts are of one or two kilobytes; whatever is far larger is none.
_LARGEST = 64 * 1024
_SLIMS: tuple[Slim, ...] = get_args(Slim)


@frozen
class Receipt:
    """What was installed, and how its tree must look.

    ``digest`` is the tree digest in hex, ``entries`` counts the tree's files and links, ``size`` is their bytes.
    ``probed`` is ``ok`` or ``skipped: why``. ``boot`` names the boot in which the tree was written, ``settled`` tells
    that it is known to be on disk whole (`settle`); both are about one machine, and part of no digest.
    """

    key: str
    asset: Asset
    tree: TreeOptions
    recipe: int
    digest: str
    entries: int
    size: int
    probed: str
    notes: tuple[str, ...] = ()
    boot: str = ""
    settled: bool = False

    @classmethod
    def of(
        cls, asset: Asset, tree: TreeOptions, entries: Mapping[str, Entry], *, probed: str, notes: tuple[str, ...] = ()
    ) -> Receipt:
        """The receipt for a tree that this version's recipe made, and that holds ``entries``."""
        content = [entry for entry in entries.values() if entry.kind != "dir"]
        return cls(
            key=store_key(asset, tree),
            asset=asset,
            tree=tree,
            recipe=RECIPE,
            digest=tree_digest(entries),
            entries=len(content),
            size=sum(entry.size for entry in content),
            probed=probed,
            notes=notes,
        )


def read_receipt(store: Store, key: str) -> Receipt | None:
    """The receipt of an installed tree; None where the tree or the receipt is missing, or the receipt is damaged.

    Needs no permission to write. Raises `StoreError` if it cannot be read, or if a newer provision wrote it.
    """
    path, tree = store.receipt(key), store.tree(key)
    with store_failures("read a receipt", path):
        if tree.is_symlink() or not tree.is_dir():
            return None
        text = read_small(path, _LARGEST)
    try:
        fields = Fields.parse(text or b"")
        if fields.count("receipt") > RECEIPT_VERSION:
            raise StoreError(f"{path} was written by a newer provision", hint="Upgrade provision.")
        receipt = _receipt(fields)
    except ValueError:
        return None
    return receipt if receipt.key == key else None


def write_receipt(store: Store, receipt: Receipt, *, flush: bool = False) -> None:
    """Write or replace a receipt; the caller holds the entry's lock. ``flush`` waits until it is on disk."""
    path = store.receipt(receipt.key)
    text = json.dumps(_document(receipt), indent=1) + "\n"
    with store_failures("write a receipt", path):
        make_directory(path.parent)
        replace_file(path, text.encode("ascii"), flush=flush)


def installed(store: Store) -> tuple[Receipt, ...]:
    """The receipts of all installed trees, sorted by key. Reads every one: only for commands about the whole store."""
    with store_failures("list the receipts", store.receipts):
        try:
            names = sorted(path.name for path in store.receipts.iterdir())
        except FileNotFoundError:
            return ()
    keys = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    found = (read_receipt(store, key) for key in keys if is_key(key))
    return tuple(receipt for receipt in found if receipt)


def _document(receipt: Receipt) -> dict[str, object]:
    asset, tree = receipt.asset, receipt.tree
    return {
        "receipt": RECEIPT_VERSION,
        "key": receipt.key,
        "asset": {
            "implementation": asset.implementation,
            "version": str(asset.version),
            "build": asset.build,
            "target": str(asset.target),
            "cpu": asset.cpu,
            "build-options": str(asset.options),
            "flavor": asset.flavor,
            "url": asset.url,
            "sha256": str(asset.sha256),
            "size": asset.size,
            "published": asset.published,
        },
        "tree": {
            "bytecode": tree.bytecode,
            "externally-managed": tree.externally_managed,
            "without": list(tree.without),
        },
        "recipe": receipt.recipe,
        "digest": receipt.digest,
        "entries": receipt.entries,
        "size": receipt.size,
        "probed": receipt.probed,
        "notes": list(receipt.notes),
        "boot": receipt.boot,
        "settled": receipt.settled,
    }


def _receipt(fields: Fields) -> Receipt:
    receipt = Receipt(
        key=fields.text("key"),
        asset=_asset(fields.table("asset")),
        tree=_tree(fields.table("tree")),
        recipe=fields.count("recipe"),
        digest=Digest.parse(fields.text("digest")).hex,
        entries=fields.count("entries"),
        size=fields.count("size"),
        probed=fields.text("probed"),
        notes=fields.texts("notes"),
        boot=fields.text("boot"),
        settled=fields.truth("settled"),
    )
    if receipt.recipe == RECIPE and receipt.key != store_key(receipt.asset, receipt.tree):
        raise ValueError("the key is not that of the asset")
    return receipt


def _asset(fields: Fields) -> Asset:
    return Asset(
        implementation=fields.text("implementation"),
        version=Version.parse(fields.text("version")),
        build=fields.text("build"),
        target=Target.parse(fields.text("target")),
        cpu=one_of(CPU_LEVELS, fields.text("cpu")),
        options=BuildOptions.parse(fields.text("build-options")),
        flavor=one_of(FLAVORS, fields.text("flavor")),
        url=fields.text("url"),
        sha256=Digest.parse(fields.text("sha256")),
        size=fields.count("size") if fields.has("size") else None,
        published=fields.text("published") if fields.has("published") else None,
    )


def _tree(fields: Fields) -> TreeOptions:
    without = fields.texts("without")
    return TreeOptions(
        bytecode=fields.truth("bytecode"),
        externally_managed=fields.truth("externally-managed"),
        without=tuple(one_of(_SLIMS, part) for part in without),
    )
