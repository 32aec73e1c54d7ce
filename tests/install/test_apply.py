"""A plan's installs: each complete or not at all, and one failure does not stop the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.errors import INTEGRITY, NETWORK, IntegrityError, SeveralErrors
from provision.fetch.fetcher import Fetcher
from provision.install.apply import InstallContext, install, install_all
from provision.model.asset import Asset, Digest
from provision.model.value import replace
from provision.plan import Install
from provision.protocols import NoProgress
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.receipts import read_receipt
from tests.install.processes import run_code
from tests.install.small_builds import selected, write_build

VERSIONS = ("3.13.5", "3.13.4", "3.13.3")


@pytest.fixture
def context(tmp_path: Path) -> Iterator[InstallContext]:
    """A store and an empty cache, on a machine that starts nothing."""
    environ = {"HOME": str(tmp_path)}
    with Fetcher(ArchiveCache(tmp_path / "cache"), environ=environ) as fetcher:
        yield InstallContext(
            store=Store(tmp_path / "home"), fetcher=fetcher, host=None, progress=NoProgress(), environ=environ
        )


def action(asset: Asset, *, damaged: bool = False) -> Install:
    return Install(selected=selected(asset), names=("default",), cached=False, damaged=damaged)


def wrong(asset: Asset) -> Asset:
    """The asset with a digest that differs from its archive's."""
    return replace(asset, sha256=Digest("0" * 64))


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_all_trees_are_installed_with_receipts_in_the_order_of_the_plan(
    context: InstallContext, tmp_path: Path, jobs: int
) -> None:
    assets = [write_build(tmp_path, version) for version in VERSIONS]
    receipts = install_all([action(asset) for asset in assets], context, jobs=jobs)
    assert [receipt.asset for receipt in receipts] == assets
    assert [read_receipt(context.store, receipt.key) for receipt in receipts] == list(receipts)


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")
def test_the_last_tree_is_installed_in_this_process_with_help(tmp_path: Path) -> None:
    code = """
    import os, sys
    from pathlib import Path
    from provision.fetch.fetcher import Fetcher
    from provision.install import apply
    from provision.protocols import NoProgress
    from provision.store.archives import ArchiveCache
    from provision.store.layout import Store
    from tests.install.test_apply import VERSIONS, action, write_build

    here = Path(sys.argv[1])
    os.sched_getaffinity = lambda pid: {0, 1}  # a machine of two processors
    helped = []
    inner = apply._make
    def make(archive, staging_dir, selected, context, progress, helper=None):
        (here / str(selected.asset.version)).write_text(f"{os.getpid() == main} {helper}")
        return inner(archive, staging_dir, selected, context, progress)
    apply._make, main = make, os.getpid()
    fetcher = Fetcher(ArchiveCache(here / "cache"), environ={})
    context = apply.InstallContext(
        store=Store(here / "home"), fetcher=fetcher, host=None, progress=NoProgress(), environ={},
        helper=lambda archive, lock: (archive.is_file() and lock > 0 and "help"),
    )
    assets = [write_build(here, version) for version in VERSIONS]
    receipts = apply.install_all([action(asset) for asset in assets], context, jobs=3)
    print([receipt.asset for receipt in receipts] == assets)
    print(sorted((here / version).read_text() for version in VERSIONS))
    """
    done = run_code(code, tmp_path)
    assert done in (
        "True\n['False None', 'False None', 'True help']\n",
        "True\n['False None', 'True None', 'True help']\n",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")
@pytest.mark.parametrize("end", ["", "builder.end()"])
def test_the_place_in_this_process_is_reserved_for_the_last_tree_without_a_deadlock(end: str) -> None:
    code = f"""
    import threading, time
    from provision.install.apply import Places
    from provision.install.builders import Builders

    begun, may_end = [], {{name: threading.Event() for name in "abcd"}}

    def make(name):
        with places.take() as (place, last):
            begun.append((name, place is builder, last))
            may_end[name].wait()

    with Builders(1, lambda *words: None) as builders:
        (builder,) = builders
        places = Places(4, 1, builders)
        threads = [threading.Thread(target=make, args=(name,)) for name in "abcd"]
        for number, thread in enumerate(threads):
            thread.start()
            while len(begun) + len(places._changed._waiters) <= number:
                time.sleep(0.001)
        {end or "pass"}
        for name, expected in ("b", 3), ("a", {3 if end else 4}):
            may_end[name].set()
            while len(begun) < expected:
                time.sleep(0.001)
        for event in may_end.values():
            event.set()
        [thread.join(10) for thread in threads]
        print(sorted(begun))
    """
    places = [("a", True, False), ("b", False, False), ("c", not end, False), ("d", False, True)]
    assert run_code(code) == f"{places}\n"


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_failure_does_not_stop_other_installs(context: InstallContext, tmp_path: Path, jobs: int) -> None:
    bad, *good = [write_build(tmp_path, version) for version in VERSIONS]
    with pytest.raises(IntegrityError, match="sha256 mismatch"):
        install_all([action(wrong(bad)), *map(action, good)], context, jobs=jobs)
    assert all(read_receipt(context.store, selected(asset).key) for asset in good)


def test_all_failures_are_raised_together_in_the_order_of_the_plan(context: InstallContext, tmp_path: Path) -> None:
    one, two, three = (write_build(tmp_path, version) for version in VERSIONS)
    missing = replace(three, url=(tmp_path / "none.tar.gz").as_uri())
    with pytest.raises(SeveralErrors) as caught:
        install_all([action(wrong(one)), action(two), action(missing)], context, jobs=2)
    assert [error.exit_code for error in caught.value.errors] == [INTEGRITY, NETWORK]


def test_an_installed_tree_is_not_installed_again(context: InstallContext, tmp_path: Path) -> None:
    asset = write_build(tmp_path)
    receipt = install(selected(asset), context)
    unavailable = replace(asset, url=(tmp_path / "none.tar.gz").as_uri())
    ArchiveCache(tmp_path / "cache").evict(asset.sha256)
    assert install(selected(unavailable), context) == receipt


def test_a_damaged_tree_is_replaced(context: InstallContext, tmp_path: Path) -> None:
    asset = write_build(tmp_path)
    (receipt,) = install_all([action(asset)], context, jobs=1)
    module = context.store.tree(receipt.key) / "lib/python3.13/os.py"
    module.write_text("damaged")
    install_all([action(asset, damaged=True)], context, jobs=1)
    assert module.read_text() == "# 3.13.5\n"
