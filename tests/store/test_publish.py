""" """

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from provision.errors import StoreError
from provision.model.tree import TreeOptions
from provision.model.value import replace
from provision.store.hashing import Difference, compare_tree, scan_tree
from provision.store.layout import Store
from provision.store.locks import entry_lock
from provision.store.publish import (
    check_tree,
    clean_all_leftovers,
    clean_leftovers,
    ensure_durable,
    flush_tree,
    is_durable,
    make_staged_tree,
    mark_durable,
    publish,
    remove_recursively,
    remove_tree,
    staged_keys,
    staging_directory,
    swap_paths,
)
from provision.store.receipts import Receipt, read_entries, read_receipt, write_receipt
from provision.store.stamp import boot_id
from tests.store.samples import ASSET, FILES, install, make_tree, variant
from tests.support.file_systems import another_file_system
from tests.support.killer import ROOT, Victim, python
from tests.support.strangers import as_stranger

# FOLD tests.store.test_publish


def everything(store: Store) -> list[str]:
    return sorted(
        str(path.relative_to(store.home))
        for room in ("store", "receipts", "staging")
        for path in (store.home / room).iterdir()
    )


def test_a_published_tree_is_whole_and_vouched_for(store: Store) -> None:
    receipt = install(store, extras=True)
    key = receipt.key
    assert read_receipt(store, key) == receipt
    entries = read_entries(store, receipt)
    assert entries
    assert compare_tree(scan_tree(store.tree(key)), entries) == ()
    assert (store.extras(key) / "PYTHON.json").read_text() == "{}\n"
    assert everything(store) == [
        f"receipts/{key}.entries",
        f"receipts/{key}.extras",
        f"receipts/{key}.json",
        f"store/{key}",
    ]


def test_the_receipt_remembers_the_boot(store: Store) -> None:
    receipt = install(store)
    assert receipt.boot == boot_id()
    assert receipt.settled == (not boot_id())


def test_an_equal_tree_takes_the_place_of_a_damaged_one(store: Store) -> None:
    receipt = install(store, extras=True)
    tree = store.tree(receipt.key)
    (tree / "lib/python3.13/os.py").unlink()
    before = tree.stat().st_ino
    assert install(store, extras=True) == receipt
    assert tree.stat().st_ino != before
    assert check_tree(store, receipt) == ()
    assert list(store.staging.iterdir()) == []


def test_extras_that_are_no_longer_brought_go(store: Store) -> None:
    receipt = install(store, extras=True)
    install(store, extras=False)
    assert not store.extras(receipt.key).exists()
    assert list(store.staging.iterdir()) == []


@pytest.mark.parametrize("garbage", ["directory", "file", "link"])
def test_what_nobody_vouches_for_is_replaced(store: Store, garbage: str, tmp_path: Path) -> None:
    key = Receipt.of(ASSET, TreeOptions(), {}, probed="ok").key
    store.trees.mkdir(parents=True)
    match garbage:
        case "directory":
            (store.tree(key) / "half").mkdir(parents=True)
        case "file":
            store.tree(key).touch()
        case "link":
            (tmp_path / "mine").mkdir()
            store.tree(key).symlink_to(tmp_path / "mine")
    receipt = install(store)
    assert check_tree(store, receipt) == ()
    assert list(store.staging.iterdir()) == []
    assert garbage != "link" or (tmp_path / "mine").is_dir()


def test_a_receipt_of_another_tree_is_refused(store: Store, tmp_path: Path) -> None:
    receipt = Receipt.of(ASSET, TreeOptions(), {}, probed="ok")
    with pytest.raises(ValueError, match="the receipt is of"):
        publish(store, tmp_path, "another-key", receipt, {})


def test_a_removed_tree_leaves_nothing(store: Store) -> None:
    receipt, other = install(store, extras=True), install(store, variant(7))
    with entry_lock(store, receipt.key):
        remove_tree(store, receipt.key)
        remove_tree(store, receipt.key)
    assert not read_receipt(store, receipt.key)
    assert everything(store) == [f"receipts/{other.key}.entries", f"receipts/{other.key}.json", f"store/{other.key}"]


def test_removing_a_link_in_place_of_a_tree_spares_what_it_leads_to(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    store.trees.mkdir(parents=True)
    store.tree("some-key").symlink_to(tmp_path / "mine")
    remove_tree(store, "some-key")
    assert (tmp_path / "mine").is_dir()
    assert not store.tree("some-key").is_symlink()


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_no_umask_makes_a_store_writable_for_others_or_changes_a_tree(store: Store, umask: int) -> None:
    before = os.umask(umask)
    try:
        receipt = install(store)
    finally:
        os.umask(before)
    assert check_tree(store, receipt) == ()
    assert stat.S_IMODE(store.tree(receipt.key).stat().st_mode) == 0o755
    for path in (store.home, *store.home.rglob("*")):
        if not path.is_symlink():
            assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH), path


def test_a_tree_that_its_owner_made_read_only_can_be_replaced_and_removed(public_path: Path) -> None:
    public_path.chmod(0o777)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.publish import remove_tree
store = Store(Path({str(public_path)!r}, "home"))
tree = store.tree("some-key")
(tree / "lib").mkdir(parents=True)
(tree / "lib/os.py").touch()
(tree / "lib").chmod(0o555)
tree.chmod(0o555)
remove_tree(store, "some-key")
print(tree.exists(), list(store.staging.iterdir()))
"""
    assert as_stranger(code) == "False []\n"


def test_a_store_of_somebody_else_is_refused_with_a_hint(public_path: Path) -> None:
    store = Store(public_path / "home")
    receipt = install(store)
    for path in (*store.locks.iterdir(), store.locks, store.home):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = f"""
from pathlib import Path
from provision.errors import StoreError
from provision.store.layout import Store
from provision.store.locks import entry_lock
try:
    with entry_lock(Store(Path({str(store.home)!r})), {receipt.key!r}): pass
except StoreError as error:
    print(error, "--", error.hint)
"""
    told = as_stranger(code)
    assert "permission denied -- Run as the owner of that path, or set PROVISION_HOME" in told


def test_a_file_where_the_trees_should_be_is_told(store: Store) -> None:
    store.home.mkdir()
    store.trees.touch()
    with pytest.raises(StoreError, match=r"cannot publish a tree: .*: a file is where a directory should be"):
        install(store)
    assert list(store.staging.iterdir()) == []


def test_staging_on_another_file_system_is_told(store: Store) -> None:
    folder = Path(tempfile.mkdtemp(dir=another_file_system(store.home.parent)))
    store.home.mkdir()
    store.staging.symlink_to(folder)
    try:
        with pytest.raises(StoreError, match="another file system") as caught:
            install(store)
        assert "share a file system" in (caught.value.hint or "")
    finally:
        folder.rmdir()


def test_a_linked_home_is_a_home(store: Store, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    store.home.symlink_to("real")
    receipt = install(store)
    assert check_tree(store, receipt) == ()


def test_a_tree_that_was_moved_with_its_store_is_the_same(store: Store, tmp_path: Path) -> None:
    receipt = install(store)
    moved = Store(store.home.rename(tmp_path / "elsewhere"))
    assert read_receipt(moved, receipt.key) == receipt
    assert check_tree(moved, receipt) == ()


def test_what_comes_from_staging_may_be_published_without_extras(store: Store) -> None:
    key = Receipt.of(ASSET, TreeOptions(), {}, probed="ok").key
    with entry_lock(store, key), staging_directory(store, key) as work:
        entries = make_tree(tree := make_staged_tree(work))
        receipt = Receipt.of(ASSET, TreeOptions(), entries, probed="skipped: foreign")
        published = publish(store, tree, key, receipt, entries)
    assert published == replace(receipt, boot=published.boot, settled=published.settled)
    assert not store.extras(key).exists()


# FOLD tests.store.test_publish


def victim(folder: Path, code: str) -> Victim:
    preamble = "from pathlib import Path; from provision.store.publish import flush_tree, swap_paths;"
    preamble += f"at = Path({str(folder)!r});"
    return Victim(command=python("-c", preamble + code), under=folder, cwd=ROOT, env={})


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"was-{name}").touch()
    return tmp_path / "one", tmp_path / "two"


def test_directories_change_places(pair: tuple[Path, Path]) -> None:
    one, two = pair
    swap_paths(one, two)
    assert [path.name for path in one.iterdir()] == ["was-two"]
    assert [path.name for path in two.iterdir()] == ["was-one"]


def test_they_change_in_one_step(pair: tuple[Path, Path]) -> None:
    steps = victim(pair[0].parent, "swap_paths(at / 'one', at / 'two')").trace()
    assert [step.event for step in steps] == ["renameat2"]


def test_they_change_in_several_where_the_system_cannot_do_it_at_once(pair: tuple[Path, Path]) -> None:
    one, two = pair
    process = victim(one.parent, "swap_paths(at / 'one', at / 'two')").fail_at(1, errno.ENOSYS)
    assert process.returncode == 0, process.stderr
    assert [path.name for path in one.iterdir()] == ["was-two"]
    assert [path.name for path in two.iterdir()] == ["was-one"]
    assert sorted(path.name for path in one.parent.iterdir()) == ["one", "two"]


def test_what_is_missing_is_told(pair: tuple[Path, Path]) -> None:
    with pytest.raises(FileNotFoundError):
        swap_paths(pair[0], pair[1] / "missing")
    assert pair[0].exists()


def test_one_call_flushes_a_whole_tree(tmp_path: Path) -> None:
    steps = victim(tmp_path, "flush_tree(at)").trace()
    assert [step.event for step in steps] == ["syncfs"]
    flush_tree(tmp_path)


def test_every_file_and_directory_is_flushed_where_there_is_no_such_call(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    make_tree(tree)
    # A C library that lacks the function, as musl or an old glibc may.
    code = "import ctypes; ctypes.CDLL = lambda name: object(); flush_tree(at)"
    steps = victim(tree, code).trace()
    flushed = {str(step.path.relative_to(tree)) for step in steps if step.event == "os.fsync"}
    assert flushed == {
        *FILES,
        ".",
        "bin",
        "lib",
        "lib/python3.13",
        "lib/python3.13/site-packages",
        "share",
        "share/terminfo",
    }


# FOLD tests.store.test_publish


def of_another_boot(store: Store, receipt: Receipt) -> Receipt:
    """The receipt as it would be after the machine had gone down."""
    older = replace(receipt, boot="00000000-an-earlier-boot", settled=False)
    write_receipt(store, older)
    return older


@pytest.fixture
def older(store: Store) -> Receipt:
    return of_another_boot(store, install(store))


@pytest.mark.skipif(not boot_id(), reason="this system does not tell its boot")
def test_within_one_boot_memory_is_believed(store: Store) -> None:
    receipt = install(store)
    assert is_durable(receipt)
    (store.tree(receipt.key) / "lib/python3.13/os.py").write_bytes(b"")
    assert ensure_durable(store, receipt), "hashing is for verify, not for every command"


def test_a_tree_of_an_earlier_boot_is_hashed_once_and_then_believed(store: Store, older: Receipt) -> None:
    assert not is_durable(older)
    assert ensure_durable(store, older)
    marked = read_receipt(store, older.key)
    assert marked == replace(older, settled=True)
    assert is_durable(marked)
    (store.tree(older.key) / "lib/python3.13/os.py").write_bytes(b"")
    assert ensure_durable(store, marked)


def test_a_tree_that_lost_its_files_contents_is_not_believed(store: Store, older: Receipt) -> None:
    (store.tree(older.key) / "lib/python3.13/os.py").write_bytes(b"")
    assert not ensure_durable(store, older)
    assert read_receipt(store, older.key) == older


def test_each_of_several_is_judged_by_itself(store: Store) -> None:
    receipts = [of_another_boot(store, install(store, variant(number))) for number in range(3)]
    lost = receipts[1]
    (store.tree(lost.key) / "bin/python3.13").unlink()
    assert [ensure_durable(store, receipt) for receipt in receipts] == [True, False, True]
    assert [read_receipt(store, receipt.key) == replace(receipt, settled=True) for receipt in receipts] == [
        True,
        False,
        True,
    ]


def test_differences_are_told(store: Store, older: Receipt) -> None:
    assert check_tree(store, older) == ()
    (store.tree(older.key) / "share/empty").write_bytes(b"not any more")
    assert check_tree(store, older) == (Difference("share/empty", "changed"),)


def test_a_lost_list_of_entries_is_made_again_from_a_sound_tree(store: Store, older: Receipt) -> None:
    entries = read_entries(store, older)
    store.entries(older.key).write_bytes(b"")
    cache = store.tree(older.key) / "lib/python3.13/__pycache__"
    cache.mkdir()
    (cache / "os.cpython-313.pyc").touch()
    assert check_tree(store, older) == ()
    assert ensure_durable(store, older)
    found = read_entries(store, older)
    assert found
    assert {path: entry for path, entry in found.items() if entry.kind != "dir"} == entries


def test_without_the_list_a_difference_is_still_noticed(store: Store, older: Receipt) -> None:
    store.entries(older.key).unlink()
    (store.tree(older.key) / "share/empty").write_bytes(b"not any more")
    assert check_tree(store, older) == (Difference("", "changed"),)
    assert not ensure_durable(store, older)


def test_nothing_is_noted_while_others_work_on_the_entry(store: Store, older: Receipt) -> None:
    with entry_lock(store, older.key):
        assert not mark_durable(store, older)
        assert ensure_durable(store, older), "the tree was hashed all the same"
    assert read_receipt(store, older.key) == older


def test_nothing_is_noted_of_a_tree_that_was_replaced_meanwhile(store: Store, older: Receipt) -> None:
    newer = install(store)
    assert not mark_durable(store, older)
    assert read_receipt(store, newer.key) == newer


def test_the_mark_is_made_only_after_a_flush(store: Store, older: Receipt) -> None:
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.receipts import read_receipt
from provision.store.publish import ensure_durable
store = Store(Path({str(store.home)!r}))
print(ensure_durable(store, read_receipt(store, {older.key!r})))
"""
    victim = Victim(command=python("-c", code), under=store.home, cwd=ROOT, env={})
    events = [step.event for step in victim.trace()]
    assert events.index("syncfs") < events.index("os.fsync") < events.index("os.rename")


def test_a_store_that_may_only_be_read_is_hashed_and_believed(public_path: Path) -> None:
    store = Store(public_path / "home")
    older = of_another_boot(store, install(store))
    for path in (store.home, *store.home.iterdir()):
        path.chmod(0o555)
    for path in store.locks.iterdir():
        path.chmod(0o444)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.receipts import read_receipt
from provision.store.publish import ensure_durable, mark_durable
store = Store(Path({str(store.home)!r}))
receipt = read_receipt(store, {older.key!r})
print(ensure_durable(store, receipt), mark_durable(store, receipt), receipt == read_receipt(store, receipt.key))
"""
    assert as_stranger(code) == "True False True\n"
    for path in (store.home, *store.home.iterdir()):
        path.chmod(0o755)


def test_options_with_bytecode_keep_it_in_the_list_made_again(store: Store, older: Receipt) -> None:
    assert older.tree == TreeOptions()
    cache = store.tree(older.key) / "share/__pycache__"
    cache.mkdir()
    (cache / "asked-for.pyc").touch()
    compiled = replace(older, key="cpython-of-old", recipe=0, tree=TreeOptions(bytecode=True))
    store.tree(older.key).rename(store.tree(compiled.key))
    write_receipt(store, compiled)
    assert ensure_durable(store, compiled)
    assert "share/__pycache__/asked-for.pyc" in (read_entries(store, compiled) or {})


# FOLD tests.store.test_publish


KEY = "cpython-3.13.5+20260814-x86_64-unknown-linux-gnu"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_staging_is_private_and_trees_are_not(store: Store, umask: int) -> None:
    before = os.umask(umask)
    try:
        with staging_directory(store, KEY) as work:
            tree = make_staged_tree(work)
            assert stat.S_IMODE(store.staging.stat().st_mode) == 0o700
            assert stat.S_IMODE(work.stat().st_mode) == 0o700
            assert stat.S_IMODE(tree.stat().st_mode) == 0o755
    finally:
        os.umask(before)


def test_nothing_stays_however_it_ends(store: Store) -> None:
    with staging_directory(store, KEY) as work:
        (work / "file").touch()
    with suppress(RuntimeError), staging_directory(store, KEY) as work:
        (make_staged_tree(work) / "file").touch()
        raise RuntimeError
    assert list(store.staging.iterdir()) == []


def test_names_tell_entry_and_process_and_never_repeat(store: Store) -> None:
    with staging_directory(store, KEY) as one:
        first = one.name
    with staging_directory(store, KEY) as two:
        assert two.name != first
        assert two.name.startswith(f"{KEY}.{os.getpid()}.")
        assert staged_keys(store) == (KEY,)


def test_the_next_holder_removes_what_a_killed_run_left_of_this_entry_only(store: Store) -> None:
    code = f"""
import os, signal
from pathlib import Path
from provision.store.layout import Store
from provision.store.locks import entry_lock
from provision.store.publish import make_staged_tree, staging_directory
for key in ({KEY!r}, {KEY + ".longer"!r}):
    with staging_directory(Store(Path({str(store.home)!r})), key) as work:
        (make_staged_tree(work) / "file").touch()
        (Path({str(store.home)!r}) / (key + ".work")).write_text(work.name)
        if key != {KEY!r}:
            os.kill(os.getpid(), signal.SIGKILL)
        os.rename(work, str(work) + "0")
"""
    dead = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    dead.wait()
    assert staged_keys(store) == (KEY, f"{KEY}.longer")
    store.receipts.mkdir()
    (store.receipts / f".{KEY}.json.{dead.pid}.0123.new").touch()
    assert clean_leftovers(store, KEY) == 1
    assert staged_keys(store) == (f"{KEY}.longer",)
    assert list(store.receipts.iterdir()) == []
    with staging_directory(store, f"{KEY}.longer"):
        assert len(list(store.staging.iterdir())) == 1


def test_sweeping_removes_what_is_dead_and_leaves_others_their_work(store: Store) -> None:
    clean_all_leftovers(store)
    for key in ("dead", "alive"):
        (store.staging / f"{key}.1.abc/tree").mkdir(parents=True)
    with entry_lock(store, "alive"):
        clean_all_leftovers(store)
    assert staged_keys(store) == ("alive",)


def test_a_store_that_may_only_be_read_is_not_swept(public_path: Path) -> None:
    store = Store(public_path / "home")
    (store.staging / "dead.1.abc").mkdir(parents=True)
    store.home.chmod(0o555)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.locks import entry_lock
from provision.store.publish import clean_all_leftovers, staged_keys
store = Store(Path({str(store.home)!r}))
clean_all_leftovers(store)
print(staged_keys(store))
"""
    assert as_stranger(code) == "('dead',)\n"
    store.home.chmod(0o755)


def test_strange_names_in_staging_are_left_alone(store: Store) -> None:
    store.staging.mkdir(parents=True)
    for name in ("notes", "a.b", ".hidden.1.2"):
        (store.staging / name).touch()
    with staging_directory(store, KEY):
        pass
    assert len(list(store.staging.iterdir())) == 3
    assert staged_keys(store) == ()


def test_a_key_that_leads_elsewhere_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="not the name of an entry"), staging_directory(store, "../../etc"):
        pass


def test_a_file_in_place_of_staging_is_told(store: Store) -> None:
    store.home.mkdir()
    store.staging.touch()
    with pytest.raises(StoreError, match="a file is where a directory should be"), staging_directory(store, KEY):
        pass


def test_discarding_follows_no_links(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/mine").touch()
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    (doomed / "link").symlink_to("../outside")
    remove_recursively(doomed)
    (tmp_path / "doomed").symlink_to("outside")
    remove_recursively(doomed)
    remove_recursively(tmp_path / "missing")
    assert (tmp_path / "outside/mine").exists()
    assert not os.path.lexists(doomed)


def test_a_tree_that_its_owner_made_read_only_is_discarded_too(public_path: Path) -> None:
    public_path.chmod(0o777)
    code = f"""
import os
from pathlib import Path
from provision.store.publish import remove_recursively
doomed = Path({str(public_path)!r}, "doomed")
(doomed / "a/b").mkdir(parents=True)
(doomed / "a/b/file").touch()
(doomed / "link").symlink_to("/")
for path in (doomed / "a/b", doomed / "a", doomed):
    path.chmod(0o555)
remove_recursively(doomed)
print(doomed.exists())
"""
    assert as_stranger(code) == "False\n"
