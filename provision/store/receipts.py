"""Receipts: what was installed under which key, and their JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import get_args

from provision.errors import StoreError, store_failures
from provision.host.files import make_directory, read_small, replace_file
from provision.model.asset import CPU_LEVELS, FLAVORS, Asset, BuildOptions, CpuLevel, Digest, Flavor
from provision.model.table import keyed, optional, required
from provision.model.target import Target
from provision.model.tree import RECIPE, Entry, TreeOptions, Without, store_key, tree_digest
from provision.model.version import Version
from provision.store.fields import count, members, one_of, parse_members, parsed, read_table, text, texts, truth, word
from provision.store.layout import Store, is_key

RECEIPT_VERSION = 1
# Receipts are of one or two kilobytes; whatever is far larger is none.
_LARGEST = 64 * 1024
_SLIMS: tuple[Without, ...] = get_args(Without)


@keyed
class _Format:
    """What a receipt says of itself, in every version."""

    receipt: int = required(count)


@keyed
class _AssetTable:
    """The archive of a tree."""

    implementation: str = required(text)
    version: Version = required(parsed(Version.parse))
    build: str = required(text)
    target: Target = required(parsed(Target.parse))
    cpu: CpuLevel = required(word(CPU_LEVELS))
    build_options: BuildOptions = required(parsed(BuildOptions.parse))
    flavor: Flavor = required(word(FLAVORS))
    url: str = required(text)
    sha256: Digest = required(parsed(Digest.parse))
    size: int | None = optional(count)
    published: str | None = optional(text)


@keyed
class _TreeTable:
    """The options of a tree."""

    bytecode: bool = required(truth)
    externally_managed: bool = required(truth)
    without: tuple[str, ...] = required(texts)


def _asset(given: object) -> Asset:
    table = read_table(_AssetTable, members(given))
    return Asset(
        implementation=table.implementation,
        version=table.version,
        build=table.build,
        target=table.target,
        cpu=table.cpu,
        options=table.build_options,
        flavor=table.flavor,
        url=table.url,
        sha256=table.sha256,
        size=table.size,
        published=table.published,
    )


def _tree(given: object) -> TreeOptions:
    table = read_table(_TreeTable, members(given))
    return TreeOptions(
        bytecode=table.bytecode,
        externally_managed=table.externally_managed,
        without=tuple(one_of(_SLIMS, part) for part in table.without),
    )


def _hex(given: str) -> str:
    return Digest.parse(given).hex


@keyed
class Receipt:
    """What was installed, and how its tree must look.

    ``digest`` is the tree digest in hex, ``entries`` counts the tree's files and links, ``size`` is their bytes.
    ``probed`` is ``ok`` or ``skipped: why``. ``boot`` names the boot in which the tree was written, ``settled`` tells
    that it is known to be on disk whole (`settle`); both are about one machine, and part of no digest.
    """

    key: str = required(text)
    asset: Asset = required(_asset)
    tree: TreeOptions = required(_tree)
    recipe: int = required(count)
    digest: str = required(parsed(_hex))
    entries: int = required(count)
    size: int = required(count)
    probed: str = required(text)
    notes: tuple[str, ...] = required(texts)
    boot: str = required(text)
    settled: bool = required(truth)

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
            boot="",
            settled=False,
        )


def read_receipt(store: Store, key: str) -> Receipt | None:
    """The receipt of an installed tree; None where the tree or the receipt is missing, or the receipt is damaged.

    Needs no permission to write. Raises `StoreError` if it cannot be read, or if a newer provision wrote it.
    """
    path, tree = store.receipt(key), store.tree(key)
    with store_failures("read a receipt", path):
        if tree.is_symlink() or not tree.is_dir():
            return None
        content = read_small(path, _LARGEST)
    try:
        given = parse_members(content or b"")
        if read_table(_Format, given).receipt > RECEIPT_VERSION:
            raise StoreError(f"{path} was written by a newer provision", hint="Upgrade provision.")
        receipt = read_table(Receipt, given)
    except ValueError:
        return None
    if receipt.recipe == RECIPE and receipt.key != store_key(receipt.asset, receipt.tree):
        return None
    return receipt if receipt.key == key else None


def write_receipt(store: Store, receipt: Receipt, *, flush: bool = False) -> None:
    """Write or replace a receipt; the caller holds the entry's lock. ``flush`` waits until it is on disk."""
    path = store.receipt(receipt.key)
    document = json.dumps(_document(receipt), indent=1) + "\n"
    with store_failures("write a receipt", path):
        make_directory(path.parent)
        replace_file(path, document.encode("ascii"), flush=flush)


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
