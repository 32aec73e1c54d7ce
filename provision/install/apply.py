"""The installs of a plan: fetching archives and making trees, several at once.

Archives are fetched by `fetch_process`, or by threads of this process. If there are several trees, `builders` make some
of them. Links and pruning, which concern projects and not trees, are in `workflows.sync`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import Place, ProvisionError, StoreError, raise_all
from provision.host.children import end_children
from provision.install.probe import require_exec
from provision.model.target import Host
from provision.model.value import frozen
from provision.plan import Install, Selected
from provision.protocols import Progress
from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.publish import staging_directory
from provision.store.receipts import Receipt, read_receipt

if TYPE_CHECKING:
    from provision.install.builders import Builder, Builders
    from provision.install.fetch_process import ArchiveSource
    from provision.unpack.writer import UnpackHelper

# Seconds between two checks of the other threads; on some systems, Ctrl-C does not interrupt a longer join.
_POLL_INTERVAL = 0.1
# Seconds that the other threads have to stop after Ctrl-C.
_GRACE = 0.4


@frozen
class InstallContext:
    """What `install` needs: the store, a fetcher, this machine, the progress. ``lock_timeout`` is in seconds.

    ``helper`` takes an archive and the descriptor of its tree's process lock, and returns the process that helps to
    unpack the archive, or None.
    ``host`` is None on a machine for which no Python is published; trees for other machines can be made there.
    """

    store: Store
    fetcher: ArchiveSource
    host: Host | None
    progress: Progress
    environ: Mapping[str, str]
    lock_timeout: float | None = None
    helper: Callable[[Path, int], UnpackHelper | None] | None = None


def install_all(
    installs: Sequence[Install],
    context: InstallContext,
    *,
    jobs: int,
    place_of: Callable[[str], Place | None] = lambda name: None,
) -> tuple[Receipt, ...]:
    """Install several interpreters, at most ``jobs`` at once; return their receipts in the order of the plan.

    ``place_of`` returns where the archive of an entry was declared, for errors that name no place.
    A failed install does not stop the others: verified trees are published, and all failures are raised together at
    the end. An interrupt or a bug stops all installs at once.
    """
    queue = deque(enumerate(installs))
    receipts: dict[int, Receipt] = {}
    errors: list[tuple[int, ProvisionError]] = []
    fatal: list[BaseException] = []

    def run() -> None:
        while queue and not fatal:
            try:
                index, action = queue.popleft()
            except IndexError:  # another worker took the last one
                return
            try:
                receipts[index] = install(action.selected, context, reinstall=action.damaged, places=places)
            except ProvisionError as error:
                error.place = error.place or next(filter(None, map(place_of, action.names)), None)
                errors.append((index, error))
            except BaseException as error:  # noqa: BLE001  (it is raised again, in the thread that waits)
                fatal.append(error)

    with ExitStack() as stack:
        places = _places(installs, context, jobs, stack)
        workers = [threading.Thread(target=run, daemon=True) for _ in range(min(jobs, len(installs)) - 1)]
        for worker in workers:
            worker.start()
        try:
            run()
            while not fatal and any(worker.is_alive() for worker in workers):
                for worker in workers:
                    worker.join(_POLL_INTERVAL)
            if fatal:
                raise fatal[0]
        except BaseException:
            queue.clear()
            context.fetcher.cancel()
            places.end()
            _join_briefly(workers)
            raise
    _raise_errors([(installs[index], error) for index, error in sorted(errors, key=lambda pair: pair[0])], installs)
    return tuple(receipts[index] for index in sorted(receipts))


def _raise_errors(failed: Sequence[tuple[Install, ProvisionError]], installs: Sequence[Install]) -> None:
    """Raise all errors; downloads for which no source responded are merged into one error."""
    if failed:
        from provision.fetch.failures import merge_unreachable

        raise_all(merge_unreachable([(action.names, error) for action, error in failed], len(installs)))


def _join_briefly(workers: Sequence[threading.Thread]) -> None:
    """Give the other threads `_GRACE` seconds to remove unfinished work; the next run removes what remains.

    The interpreters that they wait for are killed: an interpreter may hang, and would then outlive this process.
    """
    end = time.monotonic() + _GRACE
    while any(worker.is_alive() for worker in workers) and (left := end - time.monotonic()) > 0:
        # A thread whose interpreter was killed may start it again, without an environment: see `probing`.
        end_children()
        time.sleep(min(left, _POLL_INTERVAL / 10))
    end_children()


def _places(installs: Sequence[Install], context: InstallContext, jobs: int, stack: ExitStack) -> Places:
    """Where trees are made: in this process, and if there are several trees and processors, also in builders.

    The builders end when ``stack`` is closed.
    """
    count = min(jobs, len(installs))
    if count < 2:
        return Places(len(installs), 1)
    from provision.install.forks import processors

    if (processes := min(count, processors())) < 2:
        return Places(len(installs), max(2, os.cpu_count() or 1))
    from provision.install.builders import Builders

    import_make()  # once, before the builders are forked
    by_key = {action.selected.key: action.selected for action in installs}

    def job(key: str, archive: Path, staging_dir: Path, progress: Progress) -> None:
        _make(archive, staging_dir, by_key[key], context, progress)

    return Places(len(installs), 1, stack.enter_context(Builders(processes - 1, job)))


class Places:
    """The places in which ``trees`` are made: ``here`` of them in this process, and one in each builder.

    Making more trees at once than there are processors would only cost memory.
    """

    def __init__(self, trees: int, here: int, builders: Builders | None = None) -> None:
        self._left, self._here, self._builders = trees, here, builders
        self._free = list(builders) if builders is not None else []
        self._last_waits = False
        self._changed = threading.Condition()

    @contextmanager
    def take(self) -> Iterator[tuple[Builder | None, bool]]:
        """Wait for a free place; yield its builder, or None for this process, and whether its tree is the last one.

        The last tree is made in this process, because the process that helps to unpack only works with this one.
        """
        with self._changed:
            self._left -= 1
            last = self._last_waits = self._left == 0
            self._changed.wait_for(self._last_is_free if last else self._is_free)
            builder = self._free.pop() if self._free and not last else None
            self._here -= builder is None
            self._last_waits = self._last_waits and not last
        try:
            yield builder, last
        finally:
            with self._changed:
                self._here += builder is None
                # A builder that has ended is not used again; there is always a place in this process.
                if builder is not None and builder.is_alive:
                    self._free.append(builder)
                self._changed.notify_all()

    def _last_is_free(self) -> bool:
        return self._here > 0

    def _is_free(self) -> bool:
        """While the last tree waits, the place in this process is kept for it, unless all builders have ended."""
        kept = self._last_waits and any(builder.is_alive for builder in self._builders or ())
        return bool(self._free) or (self._here > 0 and not kept)

    def end(self) -> None:
        """Kill all builders; they leave behind what any killed process does."""
        if self._builders is not None:
            self._builders.end()


def import_make() -> None:
    """Import what `_make` needs in advance."""
    from provision.install import make  # noqa: F401
    from provision.install.probe import import_subprocess

    import_subprocess()


def _make(
    archive: Path,
    staging_dir: Path,
    selected: Selected,
    context: InstallContext,
    progress: Progress,
    helper: UnpackHelper | None = None,
) -> Receipt:
    from provision.install.make import make_tree

    return make_tree(
        archive,
        staging_dir,
        selected,
        store=context.store,
        host=context.host,
        progress=progress,
        environ=context.environ,
        helper=helper,
    )


def install(
    selected: Selected, context: InstallContext, *, reinstall: bool = False, places: Places | None = None
) -> Receipt:
    """Install one tree into the store, unless another process has done so; ``reinstall`` replaces an existing tree.

    Nothing is visible under the tree's key before the last step, a rename; any failure leaves the old state.
    """
    key, store, progress = selected.key, context.store, context.progress
    with tree_lock(store, key, timeout=context.lock_timeout, on_wait=progress.note) as lock:
        present = None if reinstall else read_receipt(store, key)
        if present is not None:
            return present
        require_exec(store.trees, (selected.asset,), context.host)
        archive = context.fetcher.fetch(selected.asset)
        with (places or Places(0, 1)).take() as (builder, last), staging_directory(store, key) as staging_dir:
            if builder is not None and lock is not None:
                builder.build(key, archive, staging_dir, lock, progress)
                receipt = read_receipt(store, key)
                if receipt is None:
                    raise StoreError(
                        f"another process removed {key} right after its installation", hint="Run the command again."
                    )
            else:
                helper = None
                if last and context.helper is not None and lock is not None:
                    helper = context.helper(archive, lock)
                receipt = _make(archive, staging_dir, selected, context, progress, helper)
        progress.finish(key)
    return receipt
