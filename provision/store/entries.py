"""The list of a tree's entries, a file beside its receipt.

It is read only to verify, and vouched for by the receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from provision.errors import store_failures
from provision.host.files import make_directory, read_small, replace_file
from provision.model.tree import Entry, EntryKind, tree_digest
from provision.store.layout import Store
from provision.store.receipts import Receipt

# NUL ends every field, as it alone can stand neither in a path nor in a link's target.
_HEAD = b"provision-entries 1\0"
_FIELDS = 5
_KINDS: tuple[EntryKind, ...] = get_args(EntryKind)
_LARGEST = 64 * 1024 * 1024


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
        content = read_small(place, _LARGEST)
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
