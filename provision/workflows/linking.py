"""Owns a project's side of a sync: its links and commands, and the stamp by which the next sync is short."""

from __future__ import annotations

from collections.abc import Sequence

from provision.host.paths import data_home
from provision.plan import Link, Plan, Selected, Unlink
from provision.store.layout import Store
from provision.store.links import link, link_commands, read_links, unlink
from provision.store.receipts import read_receipt
from provision.store.stamp import write_stamp
from provision.workflows.options import Options
from provision.workflows.project import Project


def link_project(project: Project, store: Store, plan: Plan, order: Sequence[str]) -> tuple[Selected, ...]:
    """Carry out the plan's links, and let `.pythons/bin` follow; return all that is linked, in ``order``."""
    for action in plan.actions:
        match action:
            case Link(selected=selected):
                link(project.directory, selected.name, selected.key, store)
            case Unlink(name=name):
                unlink(project.directory, name)
    linked = _linked(project, store, order)
    if linked or plan.actions:
        link_commands(project.directory, linked)
    return linked


def stamp(
    options: Options, project: Project, store: Store, linked: Sequence[Selected], *, manifest: bytes, lock: bytes
) -> None:
    """Let the next plain `sync` find out in no time that nothing is to be done.

    Not where the store was named on the command line: the next command line may not name it.
    """
    if options.home == data_home(options.environ):
        write_stamp(
            project.manifest_path,
            manifest_bytes=manifest,
            lock_bytes=lock,
            environ=options.environ,
            store=store,
            pythons=linked,
        )


def _linked(project: Project, store: Store, order: Sequence[str]) -> tuple[Selected, ...]:
    """What the links lead to, by the receipts: a partial sync leaves the other entries' links as they are."""
    links = read_links(project.directory, store)
    found = []
    for name in sorted(links, key=lambda name: (order.index(name) if name in order else len(order), name)):
        receipt = read_receipt(store, links[name]) if links[name] else None
        if receipt is not None:
            found.append(Selected(name=name, asset=receipt.asset, tree=receipt.tree))
    return tuple(found)
