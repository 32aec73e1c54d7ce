"""SBOMs next to receipts: one per tree and format, removed with the tree."""

from __future__ import annotations

from pathlib import Path

from provision.errors import store_failures
from provision.host.files import replace_file, shared_mode
from provision.store.layout import Store
from provision.store.locks import OnWait, tree_lock
from provision.store.receipts import Receipt, read_receipt


def write_sbom_beside(
    store: Store,
    receipt: Receipt,
    style: str,
    text: str,
    *,
    timeout: float | None = None,
    on_wait: OnWait | None = None,
) -> Path | None:
    """Write the SBOM of an installed tree; None if the tree was removed or replaced meanwhile."""
    path = store.sbom(receipt.key, style)
    with tree_lock(store, receipt.key, timeout=timeout, on_wait=on_wait), store_failures("write an SBOM", path):
        now = read_receipt(store, receipt.key)
        if now is None or now.digest != receipt.digest:
            return None
        replace_file(path, text.encode("ascii"), mode=shared_mode(path.parent))
    return path
