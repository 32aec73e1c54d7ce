"""Receipts (what was installed under a key) and the lists of trees' entries.

A receipt is JSON of one or two kilobytes; the list of entries has a line for each file, and is read only to hash a
tree. Neither is trusted: a damaged one counts as missing, and the list must have the receipt's tree digest.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from typing import get_args

from provision.errors import StoreError, store_failures
from provision.host.files import make_directory, read_small_file_or_none, replace_file, shared_mode
from provision.model.asset import CPU_LEVELS, FLAVORS, Asset, BuildOptions, CpuLevel, Digest, Flavor
from provision.model.table import keyed, optional, required
from provision.model.target import Target
from provision.model.tree import RECIPE, REMOVABLE_PARTS, TreeEntry, TreeEntryKind, TreeOptions, store_key, tree_digest
from provision.model.version import Version
from provision.store.json_tables import (
    boolean,
    choice,
    count,
    json_object,
    parse_choice,
    parse_json_object,
    parsed_string,
    read_table,
    string,
    strings,
)
from provision.store.layout import Store, is_key, is_receipt

RECEIPT_VERSION = 1
_LARGEST_RECEIPT = 64 * 1024


@keyed
class _VersionTable:
    """The member that receipts of every version have."""

    receipt: int = required(count)


@keyed
class _AssetTable:
    """The asset that a tree was made from."""

    implementation: str = required(string)
    version: Version = required(parsed_string(Version.parse))
    build: str = required(string)
    target: Target = required(parsed_string(Target.parse))
    cpu: CpuLevel = required(choice(CPU_LEVELS))
    build_options: BuildOptions = required(parsed_string(BuildOptions.parse))
    flavor: Flavor = required(choice(FLAVORS))
    url: str = required(string)
    sha256: Digest = required(parsed_string(Digest.parse))
    size: int | None = optional(count)
    published: str | None = optional(string)


@keyed
class _TreeOptionsTable:
    """The options with which a tree was made."""

    bytecode: bool = required(boolean)
    externally_managed: bool = required(boolean)
    without: tuple[str, ...] = required(strings)


def read_asset(given: object) -> Asset:
    """The asset of `asset_document`; raises `ValueError`."""
    table = read_table(_AssetTable, json_object(given))
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


def _read_tree_options(given: object) -> TreeOptions:
    table = read_table(_TreeOptionsTable, json_object(given))
    return TreeOptions(
        bytecode=table.bytecode,
        externally_managed=table.externally_managed,
        without=tuple(parse_choice(REMOVABLE_PARTS, part) for part in table.without),
    )


def _parse_hex(given: str) -> str:
    return Digest.parse(given).hex


@keyed
class Receipt:
    """What was installed under a key, and the digest that its tree must have.

    ``digest`` is the tree digest in hex, ``entries`` the number of the tree's files and links, ``size`` their bytes.
    ``probed`` is ``ok`` or ``skipped: why``. ``settled`` is true once the tree is known to be durable
    (`publish.is_durable`). Until then ``boot`` is the boot in which it was written; afterwards it is empty, and the
    receipt does not depend on the machine.
    """

    key: str = required(string)
    asset: Asset = required(read_asset)
    tree: TreeOptions = required(_read_tree_options)
    recipe: int = required(count)
    digest: str = required(parsed_string(_parse_hex))
    entries: int = required(count)
    size: int = required(count)
    probed: str = required(string)
    notes: tuple[str, ...] = required(strings)
    boot: str = required(string)
    settled: bool = required(boolean)

    @classmethod
    def of(
        cls,
        asset: Asset,
        tree: TreeOptions,
        entries: Mapping[str, TreeEntry],
        *,
        probed: str,
        notes: tuple[str, ...] = (),
    ) -> Receipt:
        """The receipt of a tree with these ``entries``, made by this version's recipe."""
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
    """The receipt of an installed tree; None if the tree or the receipt is missing, or the receipt is damaged.

    Needs no permission to write. Raises `StoreError` if the receipt cannot be read or a newer provision wrote it.
    """
    path, tree = store.receipt(key), store.tree(key)
    with store_failures("read a receipt", path):
        try:
            if not stat.S_ISDIR(tree.lstat().st_mode):
                return None
        except (FileNotFoundError, NotADirectoryError):
            return None
        content = read_small_file_or_none(path, _LARGEST_RECEIPT)
    try:
        given = parse_json_object(content or b"")
        if read_table(_VersionTable, given).receipt > RECEIPT_VERSION:
            raise StoreError(
                f"{path} was written by a newer version of provision",
                hint="Upgrade provision, or set PROVISION_HOME to another directory.",
            )
        receipt = read_table(Receipt, given)
    except ValueError:
        return None
    if receipt.recipe == RECIPE and receipt.key != store_key(receipt.asset, receipt.tree):
        return None
    return receipt if receipt.key == key else None


def write_receipt(store: Store, receipt: Receipt, *, flush: bool = False) -> None:
    """Write or replace a receipt; the caller holds the tree's lock. ``flush`` waits until it is on disk."""
    path = store.receipt(receipt.key)
    with store_failures("write a receipt", path):
        make_directory(path.parent)
        replace_file(path, receipt_bytes(receipt), flush=flush, mode=shared_mode(path.parent))


def installed_receipts(store: Store) -> tuple[Receipt, ...]:
    """The receipts of all installed trees, sorted by key. Reads each file: only for commands about the whole store."""
    with store_failures("list the receipts", store.receipts):
        try:
            names = sorted(path.name for path in store.receipts.iterdir())
        except FileNotFoundError:
            return ()
    keys = (name.removesuffix(".json") for name in names if is_receipt(name))
    receipts = (read_receipt(store, key) for key in keys if is_key(key))
    return tuple(receipt for receipt in receipts if receipt)


def asset_document(asset: Asset) -> dict[str, object]:
    """An asset in JSON."""
    return {
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
    }


def receipt_bytes(receipt: Receipt) -> bytes:
    """The content of a receipt's file."""
    asset, tree = receipt.asset, receipt.tree
    document = {
        "receipt": RECEIPT_VERSION,
        "key": receipt.key,
        "asset": asset_document(asset),
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
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


# The list of a tree's entries.

# Every field ends with NUL, the only character that neither a path nor a link's target can contain.
_ENTRIES_HEADER = b"provision-entries 1\0"
_FIELDS_PER_ENTRY = 5
_ENTRY_KINDS: tuple[TreeEntryKind, ...] = get_args(TreeEntryKind)
_LARGEST_ENTRIES = 64 * 1024 * 1024


def write_entries(store: Store, key: str, entries: Mapping[str, TreeEntry]) -> None:
    """Write or replace the list; the caller holds the tree's lock."""
    path = store.entries(key)
    with store_failures("write the list of a tree's entries", path):
        make_directory(path.parent)
        replace_file(path, entries_bytes(entries), mode=shared_mode(path.parent))


def entries_bytes(entries: Mapping[str, TreeEntry]) -> bytes:
    """The content of the file of such a list."""
    rows: list[str] = []
    for name in sorted(entries):
        entry = entries[name]
        rows.append(f"{name}\0{entry.kind}\0{entry.mode:o}\0{entry.size}\0{entry.content}\0")
    return _ENTRIES_HEADER + "".join(rows).encode("utf-8", "surrogateescape")


def read_entries(store: Store, receipt: Receipt) -> dict[str, TreeEntry] | None:
    """The list of a tree's entries; None where it is missing or damaged, or has another digest than the receipt."""
    path = store.entries(receipt.key)
    with store_failures("read the list of a tree's entries", path):
        content = read_small_file_or_none(path, _LARGEST_ENTRIES)
    if content is None or not content.startswith(_ENTRIES_HEADER):
        return None
    try:
        entries = _parse_entries(content[len(_ENTRIES_HEADER) :].decode("utf-8", "surrogateescape"))
    except ValueError:
        return None
    return entries if tree_digest(entries) == receipt.digest else None


def _parse_entries(text: str) -> dict[str, TreeEntry]:
    fields = text.split("\0")
    if fields.pop() or len(fields) % _FIELDS_PER_ENTRY:
        raise ValueError("cut off")
    kinds = {str(kind): kind for kind in _ENTRY_KINDS}
    rows = zip(*(fields[offset::_FIELDS_PER_ENTRY] for offset in range(_FIELDS_PER_ENTRY)), strict=True)
    try:
        return {
            path: TreeEntry(kinds[kind], int(mode, 8), content, int(size)) for path, kind, mode, size, content in rows
        }
    except KeyError as error:
        raise ValueError(f"{error} is no kind of entry") from None
