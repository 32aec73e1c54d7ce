"""Any receipt, list of entries and root: what is read from it is valid and inside the store, or it is ignored."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents, words
from provision.errors import StoreError
from provision.model.tree import TreeEntry, TreeOptions, store_key, tree_digest
from provision.store.layout import Store, executable, is_key
from provision.store.needs import find_needs
from provision.store.prune import unused_keys
from provision.store.receipts import (
    Receipt,
    installed_receipts,
    read_entries,
    read_receipt,
    write_entries,
    write_receipt,
)
from provision.store.roots import read_roots, record_root
from tests.catalog.samples import full, stripped, upstream

_ASSET = upstream(stripped("3.14.2", "20260127", free=True), size=7, published="2026-01-27T00:00:00Z")
_OTHER = upstream(full("3.13.5", "20250818"))
_KEY = store_key(_ASSET, TreeOptions())
_ENTRIES = {"bin/python": TreeEntry("link", 0o777, "python3"), "bin/python3": TreeEntry("file", 0o755, "0" * 64, 3)}
_MANIFEST = Path("/proc/project/pythons.toml")  # if no identity can be written


def _samples() -> tuple[bytes, bytes, bytes]:
    """A receipt, its list of entries, and a project's record, as they are written."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        write_receipt(store, Receipt.of(_ASSET, TreeOptions(), _ENTRIES, probed="ok", notes=("a",)))
        write_entries(store, _KEY, _ENTRIES)
        record_root(store, _MANIFEST, [_KEY])
        places = (store.receipt(_KEY), store.entries(_KEY), *store.roots.iterdir())
        receipt, entries, root = (place.read_bytes() for place in places)
    return receipt, entries, root


_RECEIPT, _LIST, _ROOT = _samples()
_PIECES = [
    "{", "}", "[", "]", ":", ",", '"receipt": 1', '"receipt": 2', f'"key": "{_KEY}"', '"key": "../x"', '"asset": {',
    '"size": -1', '"size": 1e999', '"notes": ["\\ud800"]', '"root": 2',
    '"manifest": "/srv/pythons.toml"', '"keys": ["../x"]', '"identity": ""', '"recipe": 2', '"environments": ["/x"]',
    '"manifest": "\\u0000"', '"manifest": "x"', '"unconfirmed-since": 1',
    "[" * 200, "null", "true", "NaN", "1" * 5000, "provision-entries 1\x00",
    "\x00", "file", "link", "777", "-1", "0x1",
]  # fmt: skip


def _changed(text: bytes, path: list[str], value: object) -> bytes:
    """The document with another value at one place."""
    document: dict[str, Any] = json.loads(text)
    table = document
    for part in path[:-1]:
        table = table[part]
    table[path[-1]] = value
    return json.dumps(document).encode()


_members = [[key] for key in json.loads(_RECEIPT)] + [["asset", key] for key in json.loads(_RECEIPT)["asset"]]
_values = st.one_of(words, st.integers(), st.none(), st.booleans(), st.floats(), st.lists(words, max_size=2))
_forged = st.one_of(
    st.builds(_changed, st.just(_RECEIPT), st.sampled_from(_members), _values | st.just(_OTHER.url)),
    st.builds(_changed, st.just(_ROOT), st.sampled_from([[key] for key in json.loads(_ROOT)]), _values),
)


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, soon():
        store = Store(Path(folder, "home"))
        for place in (store.receipt(_KEY), store.entries(_KEY), store.roots / f"{'0' * 24}.json"):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        store.tree(_KEY).mkdir(parents=True)
        try:
            _check_receipt(store)
            _check_roots(store)
        except StoreError as error:
            showable(error)
        assert sorted(path.name for path in Path(folder).iterdir()) == ["home"]


def _check_receipt(store: Store) -> None:
    receipt = read_receipt(store, _KEY)
    assert installed_receipts(store) == ((receipt,) if receipt else ())
    if receipt is None:
        return
    assert receipt.key == _KEY
    assert executable(store.tree(receipt.key), receipt.asset).is_relative_to(store.tree(_KEY))
    entries = read_entries(store, receipt)
    assert entries is None or tree_digest(entries) == receipt.digest


def _check_roots(store: Store) -> None:
    for root in read_roots(store).values():
        assert root is None or root.manifest.is_absolute()
        assert root is None or all(is_key(key) for key in root.keys)
    assert all(is_key(key) for key in find_needs(store, lambda _: None).by_key)
    assert all(is_key(key) for key in unused_keys(store, lambda _: None))


TARGET = Target(
    inputs=mutated(st.sampled_from([_RECEIPT, _LIST, _ROOT]))
    | mutated(_forged, most=1)
    | documents(_PIECES, between=""),
    check=check,
)
