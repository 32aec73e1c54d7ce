"""Receipts, what was installed under a key, and the list of a tree's entries."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeVar, get_args

from provision.errors import StoreError, store_failures
from provision.host.files import make_directory, read_small_file_or_none, replace_file
from provision.model.asset import CPU_LEVELS, FLAVORS, Asset, BuildOptions, CpuLevel, Digest, Flavor
from provision.model.table import keyed, keys_of, optional, required, value_of
from provision.model.target import Target
from provision.model.tree import (
    RECIPE,
    REMOVABLE_PARTS,
    Entry,
    EntryKind,
    TreeOptions,
    store_key,
    tree_digest,
)
from provision.model.version import Version
from provision.store.layout import Store, is_key

# FOLD provision.store.receipts
#   JSON files of ours read as typed values, by tables that `keyed` declares.
#
#   They are input like any other: whatever is not as declared raises `MemberError`, a `ValueError`. A member that is null
#   counts as missing, and what a table does not know is passed over unless it is closed.


T = TypeVar("T")
W = TypeVar("W", bound=str)

Members = Mapping[str, object]


class MemberError(ValueError):
    """A member that is not as declared; says which, ``wanted.names: expected a list of texts``."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where, self.message = where, message


def parse_members(content: bytes) -> Members:
    """Read the one object of a JSON file; raise `ValueError` if it is anything else."""
    try:
        return members(json.loads(content))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_table(table: type[T], given: Members, *, closed: bool = False) -> T:
    """The value of a table, all of whose members are as declared; a closed one has no others."""
    keys = keys_of(table)
    read: dict[str, object] = {}
    for key, known in keys.items():
        member = given.get(key)
        if member is None and not known.required:
            continue
        if key not in given:
            raise MemberError(key, "is missing")
        try:
            read[key] = known.kind(member)
        except MemberError as error:
            raise MemberError(f"{key}.{error.where}", error.message) from None
        except ValueError as error:
            raise MemberError(key, str(error)) from None
    if closed:
        for key in sorted(given.keys() - keys.keys()):
            raise MemberError(key, "is not expected")
    return value_of(table, read)


def members(given: object) -> Members:
    """An object of any members."""
    if not isinstance(given, dict):
        raise ValueError("expected an object")
    return given


def text(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError("expected a text")
    # Refuses what no file name can hold, and what could not be printed either.
    given.encode("utf-8", "surrogateescape")
    return given


def texts(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise ValueError("expected a list of texts")
    return tuple(given)


def count(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise ValueError("expected a count")
    return given


def truth(given: object) -> bool:
    if not isinstance(given, bool):
        raise ValueError("expected true or false")
    return given


def parsed(parse: Callable[[str], T]) -> Callable[[object], T]:
    """A text that ``parse`` turns into a value, or refuses with a `ValueError`."""
    return lambda given: parse(text(given))


def word(allowed: tuple[W, ...]) -> Callable[[object], W]:
    """One of the allowed words."""
    return parsed(lambda given: one_of(allowed, given))


def one_of(allowed: tuple[W, ...], given: str) -> W:
    """The allowed word that equals the text; `ValueError` if there is none."""
    for each in allowed:
        if each == given:
            return each
    raise ValueError(f"{given!r} is none of {', '.join(allowed)}")


# FOLD provision.store.receipts
#   Receipts: what was installed under which key, and their JSON.


RECEIPT_VERSION = 1
# Receipts are of one or two kilobytes; whatever is far larger is none.
_LARGEST_RECEIPT = 64 * 1024


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
        without=tuple(one_of(REMOVABLE_PARTS, part) for part in table.without),
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
        content = read_small_file_or_none(path, _LARGEST_RECEIPT)
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


# FOLD provision.store.receipts
#   The list of a tree's entries, a file beside its receipt.
#
#   It is read only to verify, and vouched for by the receipt.


# NUL ends every field, as it alone can stand neither in a path nor in a link's target.
_HEAD = b"provision-entries 1\0"
_FIELDS = 5
_KINDS: tuple[EntryKind, ...] = get_args(EntryKind)
_LARGEST_ENTRIES = 64 * 1024 * 1024


def write_entries(store: Store, key: str, entries: Mapping[str, Entry]) -> None:
    """Write or replace the list; the caller holds the entry's lock."""
    fields: list[str] = []
    for path in sorted(entries):
        entry = entries[path]
        fields += (path, entry.kind, f"{entry.mode:o}", str(entry.size), entry.content)
    text = "".join(f"{field}\0" for field in fields)
    place = store.entries(key)
    with store_failures("write the list of a tree's entries", place):
        make_directory(place.parent)
        replace_file(place, _HEAD + text.encode("utf-8", "surrogateescape"))


def read_entries(store: Store, receipt: Receipt) -> dict[str, Entry] | None:
    """The entries that the receipt's digest vouches for; None where the list is missing or is not that."""
    place = store.entries(receipt.key)
    with store_failures("read the list of a tree's entries", place):
        content = read_small_file_or_none(place, _LARGEST_ENTRIES)
    if content is None or not content.startswith(_HEAD):
        return None
    try:
        entries = _parse(content[len(_HEAD) :].decode("utf-8", "surrogateescape"))
    except ValueError:
        return None
    return entries if tree_digest(entries) == receipt.digest else None


def _parse(text: str) -> dict[str, Entry]:
    fields = text.split("\0")
    if fields.pop() or len(fields) % _FIELDS:
        raise ValueError("cut off")
    kinds = {str(kind): kind for kind in _KINDS}
    rows = zip(*(fields[offset::_FIELDS] for offset in range(_FIELDS)), strict=True)
    try:
        return {path: Entry(kinds[kind], int(mode, 8), content, int(size)) for path, kind, mode, size, content in rows}
    except KeyError as error:
        raise ValueError(f"{error} is no kind of entry") from None
