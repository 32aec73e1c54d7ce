"""Changes to a store that crash tests interrupt, each of them a function and a ``python -m tests.store.scenarios``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from provision.errors import StoreError
from provision.store.layout import Store
from provision.store.links import unlink_interpreter
from provision.store.locks import tree_lock
from provision.store.prune import prune_trees
from provision.store.publish import ensure_durable, remove_tree
from provision.store.receipts import installed_receipts
from provision.store.roots import record_root
from tests.store.samples import ASSET, FREE, Choice, install, link_project

DEFAULT, FREE_CHOICE = Choice(name="default"), Choice(name="free", asset=FREE)
REFUSED = 3


def publish(home: Path) -> None:
    install(Store(home), ASSET, extras=True)


def remove(home: Path) -> None:
    store = Store(home)
    with tree_lock(store, DEFAULT.key):
        remove_tree(store, DEFAULT.key)


def prune_all(home: Path) -> None:
    prune_trees(Store(home), lambda _: None)


def record(home: Path) -> None:
    record_root(Store(home), home.parent / "pythons.toml", [FREE_CHOICE.key])


def relink(home: Path) -> None:
    """Of the links `default` and `old`, turn the first and remove the other."""
    unlink_interpreter(home.parent, "old")
    link_project(home.parent, Store(home), [Choice(name="default", asset=FREE)])


def make_all_durable(home: Path) -> None:
    store = Store(home)
    for receipt in installed_receipts(store):
        ensure_durable(store, receipt)


SCENARIOS: dict[str, Callable[[Path], None]] = {
    function.__name__: function for function in (publish, remove, prune_all, record, relink, make_all_durable)
}


def main() -> int:
    name, home = sys.argv[1:]
    try:
        SCENARIOS[name](Path(home))
    except StoreError as error:
        sys.stderr.write(f"{error}\nhint: {error.hint}\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
