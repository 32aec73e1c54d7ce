"""Owns carrying out a plan's installs: fetch, verify, unpack, relocate, probe, publish, several at once.

Fetching is for this process's threads, and making trees, where there are several to make, for `builders`. Links, roots
and pruning are `workflows.syncing`'s, as they concern projects and not trees.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import ProvisionError, StoreError, raise_all
from provision.fetch.fetcher import Fetcher
from provision.model.target import Host
from provision.model.value import frozen
from provision.plan import Install, Selected
from provision.protocols import Progress
from provision.store.layout import Store
from provision.store.locks import entry_lock
from provision.store.publish import staging_directory
from provision.store.receipts import Receipt, read_receipt

if TYPE_CHECKING:
    from provision.install.builders import Builders

# Seconds: between two looks at the others, as a longer join is not interrupted on every system; and what those get
# to stop in, where a user who pressed Ctrl-C waits.
_GLANCE, _MOMENT = 0.1, 0.4

# Where there are no builders. Fetching waits for others, making trees does not: more of those at once than there are
# processors takes more memory, and no less time.
_MAKING = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))


@frozen
class InstallContext:
    """What installing needs: the store, a fetcher, this machine, and whom to tell. ``lock_timeout`` is in seconds.

    ``host`` is None on a machine that no Python is published for, on which trees for others can be made.
    """

    store: Store
    fetcher: Fetcher
    host: Host | None
    progress: Progress
    environ: Mapping[str, str]
    lock_timeout: float | None = None


def install_all(installs: Sequence[Install], tools: InstallContext, *, jobs: int) -> tuple[Receipt, ...]:
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
                done[index] = install(one.selected, tools, again=one.damaged, builders=builders)
            except ProvisionError as error:
                errors.append((index, error))
            except BaseException as error:  # noqa: BLE001  (it is raised again, in the thread that waits)
                broken.append(error)

    with ExitStack() as stack:
        builders = _builders(installs, tools, jobs, stack)
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
            if builders:
                builders.end()
            _wait_a_moment(workers)
            raise
    raise_all([error for _, error in sorted(errors, key=lambda pair: pair[0])])
    return tuple(done[index] for index in sorted(done))


def _wait_a_moment(workers: Sequence[threading.Thread]) -> None:
    """Let the others take away what they have begun; whom that takes longer, the next run tidies up after."""
    end = time.monotonic() + _MOMENT
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))


def _builders(installs: Sequence[Install], tools: InstallContext, jobs: int, stack: ExitStack) -> Builders | None:
    """Processes to make trees in, where there are several to make, and processors; they end with ``stack``."""
    if min(jobs, len(installs)) < 2:
        return None
    from provision.install.builders import Builders, processors

    count = min(jobs, len(installs), processors())
    if count < 2:
        return None
    wanted = {one.selected.key: one.selected for one in installs}

    def job(key: str, archive: Path, room: Path, progress: Progress) -> None:
        _make(archive, room, wanted[key], tools, progress)

    return stack.enter_context(Builders(count, job, _make_ready)) or None


def _make_ready() -> None:
    """Import what `_make` needs."""
    from provision.install import make  # noqa: F401


def _make(archive: Path, room: Path, selected: Selected, tools: InstallContext, progress: Progress) -> Receipt:
    from provision.install.make import make_tree

    return make_tree(
        archive, room, selected, store=tools.store, host=tools.host, progress=progress, environ=tools.environ
    )


def install(
    selected: Selected, tools: InstallContext, *, again: bool = False, builders: Builders | None = None
) -> Receipt:
    """Put one tree into the store, unless another process was faster; ``again`` replaces a tree that is there.

    Nothing is visible under the tree's key before the last step, a rename; whatever fails leaves the old state.
    """
    key, store, progress = selected.key, tools.store, tools.progress
    with entry_lock(store, key, timeout=tools.lock_timeout, on_wait=progress.note) as lock:
        present = None if again else read_receipt(store, key)
        if present is not None:
            return present
        archive = tools.fetcher.fetch(selected.asset)
        if builders and lock is not None:
            with staging_directory(store, key) as room:
                builders.build(key, archive, room, lock, progress)
            receipt = read_receipt(store, key)
            if receipt is None:
                raise StoreError(f"{key} was taken away as soon as it was there", hint="Run the command again.")
        else:
            with _MAKING, staging_directory(store, key) as room:
                receipt = _make(archive, room, selected, tools, progress)
        progress.finish(key)
    return receipt
