"""A store that root keeps in /opt, read-only for other users: everything that does not change it works for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.store.layout import Store
from provision.store.roots import record_root
from tests.store.samples import ASSET, Choice, install
from tests.support.strangers import as_stranger


@pytest.fixture
def shared(public_path: Path) -> Iterator[Store]:
    store = Store(public_path / "opt")
    install(store, extras=True)
    record_root(store, public_path / "pythons.toml", [Choice(name="default").key])
    folders = [store.home, *(path for path in store.home.iterdir() if path.is_dir())]
    for path in (*folders, *store.locks.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield store
    for folder in folders:
        folder.chmod(0o755)


def test_other_users_can_do_everything_but_change_the_store(shared: Store, public_path: Path) -> None:
    key = Choice(name="default", asset=ASSET).key
    project = public_path / "project"
    project.mkdir()
    project.chmod(0o777)
    (project / "pythons.toml").touch()
    (project / "pythons.lock").touch()
    code = f"""
from pathlib import Path
from types import SimpleNamespace
from provision.store.layout import Store
from provision.store.links import link_commands, link_interpreter, read_links
from provision.store.prune import unused_keys
from provision.store.publish import check_tree, ensure_durable
from provision.store.receipts import installed_receipts, read_receipt
from provision.store.roots import record_root
from provision.store.stamp import read_stamp, write_stamp
store, project = Store(Path({str(shared.home)!r})), Path({str(project)!r})
receipt = read_receipt(store, {key!r})
assert installed_receipts(store) == (receipt,)
assert check_tree(store, receipt) == ()
assert ensure_durable(store, receipt)
assert unused_keys(store, lambda project: None) == ()
assert not record_root(store, project / "pythons.toml", [receipt.key])
link_interpreter(project, "default", receipt.key, store)
chosen = [SimpleNamespace(name="default", asset=receipt.asset, key=receipt.key)]
link_commands(project, chosen, store)
assert read_links(project, store) == {{"default": receipt.key}}
assert write_stamp(
    project / "pythons.toml", manifest_bytes=b"", lock_bytes=b"", environ={{}}, store=store, pythons=chosen
)
print(read_stamp({{}}, str(project)).pythons)
"""
    assert as_stranger(code) == f"{{'default': '{shared.tree(key)}/bin/python'}}\n"


@pytest.mark.parametrize(
    "change",
    [
        "with tree_lock(store, key): pass",
        "with staging_directory(store, key): pass",
        "write_receipt(store, read_receipt(store, key))",
        "remove_tree(store, key)",
        "prune_trees(store, lambda project: [])",
    ],
)
def test_a_change_by_another_user_is_refused_in_one_sentence(shared: Store, change: str) -> None:
    code = f"""
from pathlib import Path
from provision.errors import StoreError
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.prune import prune_trees
from provision.store.publish import remove_tree, staging_directory
from provision.store.receipts import read_receipt, write_receipt
store, key = Store(Path({str(shared.home)!r})), {Choice(name="default").key!r}
try:
    {change}
except StoreError as error:
    print(error)
"""
    told = as_stranger(code)
    assert told.startswith("cannot ")
    assert told.endswith("permission denied\n")
    assert told.count("\n") == 1
