"""Owns carrying out a plan's installs: fetch, verify, unpack, relocate, probe, publish, several at once.

Links, roots and pruning are `workflows.syncing`'s, as they concern projects and not trees.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from provision.errors import ProvisionError, raise_all
from provision.host.machine import Host
from provision.install.fetch.fetcher import Fetcher
from provision.install.progress import Progress
from provision.model.tree import Entry
from provision.model.value import frozen
from provision.plan.actions import Install, Selected
from provision.store.failures import store_failures
from provision.store.layout import Store
from provision.store.locks import entry_lock
from provision.store.publish import publish
from provision.store.receipts import Receipt, read_receipt
from provision.store.staging import staged_tree, staging

# Seconds: between two looks at the others, as a longer join is not interrupted on every system; and what those get
# to stop in, where a user who pressed Ctrl-C waits.
_GLANCE, _MOMENT = 0.1, 0.4

# Fetching waits for others, building does not: more trees at once than processors take more memory, and no less time.
_BUILDING = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))


@frozen
class Tools:
    """What installing needs: the store, a fetcher, this machine, and whom to tell. ``lock_timeout`` is in seconds.

    ``host`` is None on a machine that no Python is published for, on which trees for others can be made.
    """

    store: Store
    fetcher: Fetcher
    host: Host | None
    progress: Progress
    environ: Mapping[str, str]
    lock_timeout: float | None = None


def install_all(installs: Sequence[Install], tools: Tools, *, jobs: int) -> tuple[Receipt, ...]:
    """Install several interpreters, at most ``jobs`` at once; the receipts in the order of the plan.

    One that fails does not stop the others: what is verified is published, and all failures are raised together at the
    end. An interrupt, or a mistake of ours, stops all of them at once.
    """
    todo = deque(enumerate(installs))
    done: dict[int, Receipt] = {}
    errors: list[tuple[int, ProvisionError]] = []
    broken: list[BaseException] = []

    def work() -> None:
        while todo and not broken:
            try:
                index, one = todo.popleft()
            except IndexError:  # another worker was faster
                return
            try:
                done[index] = install(one.selected, tools, again=one.damaged)
            except ProvisionError as error:
                errors.append((index, error))
            except BaseException as error:  # noqa: BLE001  (it is raised again, in the thread that waits)
                broken.append(error)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(jobs, len(installs)) - 1)]
    for worker in workers:
        worker.start()
    try:
        work()
        while not broken and any(worker.is_alive() for worker in workers):
            for worker in workers:
                worker.join(_GLANCE)
        if broken:
            raise broken[0]
    except BaseException:
        todo.clear()
        tools.fetcher.cancel()
        _wait_a_moment(workers)
        raise
    raise_all([error for _, error in sorted(errors, key=lambda pair: pair[0])])
    return tuple(done[index] for index in sorted(done))


def _wait_a_moment(workers: Sequence[threading.Thread]) -> None:
    """Let the others take away what they have begun; whom that takes longer, the next run tidies up after."""
    end = time.monotonic() + _MOMENT
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))


def install(selected: Selected, tools: Tools, *, again: bool = False) -> Receipt:
    """Put one tree into the store, unless another process was faster; ``again`` replaces a tree that is there.

    Nothing is visible under the tree's key before the last step, a rename; whatever fails leaves the old state.
    """
    key, store, progress = selected.key, tools.store, tools.progress
    with entry_lock(store, key, timeout=tools.lock_timeout, on_wait=progress.note):
        present = None if again else read_receipt(store, key)
        if present is not None:
            return present
        archive = tools.fetcher.fetch(selected.asset)
        with _BUILDING, staging(store, key) as room:
            tree, extras = staged_tree(room), room / "extras"
            receipt, entries = build(archive, tree, extras, selected, tools)
            receipt = publish(store, tree, key, receipt, entries, extras=extras if extras.exists() else None)
        progress.finish(key)
    return receipt


def build(
    archive: Path, tree: Path, extras: Path, selected: Selected, tools: Tools
) -> tuple[Receipt, dict[str, Entry]]:
    """Make a finished tree of a verified archive in an empty directory, and prove that it is the interpreter locked."""
    from provision.host.cpu import level
    from provision.install.probe import obstacle, probe, require_interpreter
    from provision.install.relocate.recipe import relocate
    from provision.install.unpack.limits import Limits
    from provision.install.unpack.unpack import unpack

    asset, options = selected.asset, selected.tree
    tools.progress.start(selected.key, asset.title, "unpack", None)
    unpacked = unpack(
        archive, tree, asset=asset, extras=extras, limits=Limits.of(tools.environ), without=options.without
    )
    entries = unpacked.entries
    with store_failures("make the tree relocatable", tree):
        notes = [*unpacked.notes, *relocate(tree, entries, asset=asset, options=options)]
    require_interpreter(entries, asset)
    hindrance = obstacle(asset, tools.host, lambda: level(environ=tools.environ))
    if not hindrance:
        tools.progress.start(selected.key, asset.title, "probe", None)
        probe(tree, asset)
        probed = "ok"
        if options.bytecode:
            from provision.install.bytecode import compile_stdlib

            with store_failures("compile the standard library", tree):
                compile_stdlib(tree, entries, asset=asset)
    else:
        probed = f"skipped: {hindrance}"
        if options.bytecode:
            notes.append(f"its standard library was not compiled: {hindrance}")
    return Receipt.of(asset, options, entries, probed=probed, notes=tuple(notes)), entries
