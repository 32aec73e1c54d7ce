"""Making one tree from a verified archive: unpack, relocate, probe, publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from provision.errors import store_failures
from provision.host.cpu import cpu_level
from provision.host.files import exists
from provision.install.probe import has_interpreter, probe, probing, require_interpreter, why_not_runnable
from provision.measures import Laps
from provision.model.target import Host
from provision.model.tree import TreeEntry
from provision.plan import Selected
from provision.protocols import Progress
from provision.relocate.recipe import relocate
from provision.store.layout import Store
from provision.store.publish import make_staged_tree, publish
from provision.store.receipts import Receipt
from provision.unpack.limits import Limits
from provision.unpack.unpack import unpack
from provision.unpack.writer import UnpackHelper, set_directory_times


def make_tree(
    archive: Path,
    staging_dir: Path,
    selected: Selected,
    *,
    store: Store,
    host: Host | None,
    progress: Progress,
    environ: Mapping[str, str],
    helper: UnpackHelper | None = None,
) -> Receipt:
    """Make a tree in a staging directory, verify that it is the locked interpreter, and publish it.

    The caller holds the tree's process lock. ``helper`` is passed to `unpack`. The interpreter is not started if
    ``host`` is None, or if this machine cannot run it.
    Raises the `ProvisionError` of the step that failed; nothing is published then.
    """
    tree, extras = make_staged_tree(staging_dir), staging_dir / "extras"
    asset, options = selected.asset, selected.tree
    laps = Laps(progress.record, selected.key)
    progress.start(selected.key, asset.title, "unpack", None)
    limits = Limits.of(environ)
    unpacked = unpack(archive, tree, asset=asset, extras=extras, limits=limits, without=options.without, helper=helper)
    entries = unpacked.entries
    laps.end("unpack")
    receipt: Receipt | None = None
    obstacle = why_not_runnable(asset, host, lambda: cpu_level(environ=environ))
    with ExitStack() as stack:
        # CPython starts in parallel with the recipe: without `site`, it reads none of the files that the recipe edits.
        if is_probed := not obstacle and asset.implementation == "cpython" and has_interpreter(entries, asset):
            stack.enter_context(probing(tree, asset))
        with store_failures("make the tree relocatable", tree):
            notes = [*unpacked.notes, *relocate(tree, entries, asset=asset, options=options)]
        require_interpreter(entries, asset)
        laps.end("relocate")
        if not obstacle:
            progress.start(selected.key, asset.title, "probe", None)
        if is_probed and not options.bytecode:  # all files have been written
            receipt = _seal(tree, entries, selected, "ok", notes)
    if not obstacle:
        if not is_probed:
            probe(tree, asset)
        probed = "ok"
        laps.end("probe")
        if options.bytecode:
            from provision.install.bytecode import compile_stdlib

            with store_failures("compile the standard library", tree):
                compile_stdlib(tree, entries, asset=asset)
            laps.end("bytecode")
    else:
        probed = f"skipped: {obstacle}"
        if options.bytecode:
            notes.append(f"its standard library was not compiled: {obstacle}")
    receipt = receipt or _seal(tree, entries, selected, probed, notes)
    published = publish(store, tree, selected.key, receipt, entries, extras=extras if exists(extras) else None)
    laps.end("publish")
    return published


def _seal(
    tree: Path, entries: Mapping[str, TreeEntry], selected: Selected, probed: str, notes: Sequence[str]
) -> Receipt:
    """Set the times of the directories, which is the last change to a tree; return its receipt."""
    set_directory_times(tree, entries)
    return Receipt.of(selected.asset, selected.tree, entries, probed=probed, notes=tuple(notes))
