"""`verify`, `prune` and `cache`: their command lines and their output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.console import Console
from provision.cli.parameters import Names, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import INTEGRITY, UsageError
from provision.plan import left_out_document, left_out_notes
from provision.text import plural, printable, size

if TYPE_CHECKING:
    from provision.store.prune import Pruned
    from provision.workflows.store import CacheUsage, Verified, VerifiedTree


@with_session(transfer=True)
def verify(
    session: Session,
    names: Names = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put back the trees that differ, from verified archives.")
    ] = False,
    store: Annotated[
        bool, typer.Option("--store", help="Look at every tree of the store, not only this project's.")
    ] = False,
) -> int:
    """Hash installed trees again, and say what differs.

    Exits 5 if a tree is not what was installed.

    \b
    Examples:
      provision verify
      provision verify free --repair
      provision verify --store
    """
    from provision.workflows.store import verify as verify_trees

    if store and names:
        raise UsageError("--store looks at every tree: it goes with no name")
    verified = verify_trees(
        session.options, tuple(names or ()), repair=repair, store_wide=store, progress=session.progress()
    )
    return session.show(present_verified(verified, session.console))


@with_session()
def prune(
    session: Session,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would go.")] = False,
) -> int:
    """Remove the trees that no project needs any more.

    What killed runs left behind goes, too. A tree stays as long as one project's lock names it;
    projects whose folder is gone no longer count.

    \b
    Examples:
      provision prune --dry-run
      provision prune
    """
    from provision.workflows.store import prune as prune_store

    return session.show(present_pruned(prune_store(session.options, dry_run=dry_run), dry_run=dry_run))


cache = typer.Typer(help="Look at the cache of verified archives, or empty it.", no_args_is_help=True)


@cache.command("dir")
@with_session()
def cache_dir_(session: Session) -> int:
    """Print where archives and refreshed catalogs are kept."""
    return session.show(present_cache_dir(session.options.cache))


@cache.command("size")
@with_session()
def cache_size(session: Session) -> int:
    """Print how much the archives take."""
    from provision.workflows.store import cache_usage

    return session.show(present_cache_size(cache_usage(session.options)))


@cache.command("clean")
@with_session()
def cache_clean(
    session: Session,
    unused: Annotated[bool, typer.Option("--unused", help="Keep what this project's lock names.")] = False,
) -> int:
    """Remove the cached archives; installed trees do not need them.

    \b
    Examples:
      provision cache clean
      provision cache clean --unused
    """
    from provision.workflows.store import cache_clean as clean_cache

    return session.show(present_cache_clean(clean_cache(session.options, unused=unused)))


_SHOWN = 10  # differences per tree; --json has all


def present_verified(verified: Verified, console: Console) -> CommandAnswer:
    """A line per tree, with its differences below it; exit 5 if one is not as installed."""
    lines = [line for tree in verified.trees for line in _lines(tree, console)]
    unsound = [tree for tree in verified.trees if not tree.sound]
    repaired = sum(tree.repaired for tree in verified.trees)
    trees = plural(len(verified.trees), "tree")
    if unsound:
        summary = f"{len(unsound)} of {trees} not as installed; `provision verify --repair` puts them back"
    else:
        summary = f"{trees} as installed" + (f", {repaired} of them put back" if repaired else "")
    document = {
        "version": 1,
        "sound": not unsound,
        "trees": [_document(tree) for tree in verified.trees],
        "left-out": left_out_document(verified.left_out),
    }
    remarks = [*(f"note: {note}" for note in left_out_notes(verified.left_out)), summary]
    return CommandAnswer(lines=lines, document=document, code=INTEGRITY if unsound else 0, remarks=remarks)


def _lines(tree: VerifiedTree, console: Console) -> Iterator[str]:
    name = printable(", ".join(tree.names)) or tree.key
    if tree.repaired:
        state = console.paint("repaired", "green")
    elif tree.receipt is None:
        state = console.paint("not installed", "red")
    else:
        state = console.paint("ok", "green") if tree.sound else console.paint("differs", "red")
    yield f"{state}  {console.paint(name, 'bold')}" + (f"  {tree.key}" if tree.names else "")
    for difference in tree.differences[:_SHOWN]:
        yield f"  {difference.kind}  {printable(difference.path) or 'the tree, which has lost its list of entries'}"
    if len(tree.differences) > _SHOWN:
        yield f"  … and {len(tree.differences) - _SHOWN} more"


def _document(tree: VerifiedTree) -> dict[str, object]:
    return {
        "names": list(tree.names),
        "key": tree.key,
        "installed": tree.receipt is not None,
        "sound": tree.sound,
        "repaired": tree.repaired,
        "tree-digest": f"sha256:{tree.receipt.digest}" if tree.receipt else None,
        "differences": [{"path": one.path, "kind": one.kind} for one in tree.differences],
    }


def present_pruned(pruned: Pruned, *, dry_run: bool) -> CommandAnswer:
    """The removed trees, and how much space that freed."""
    freed = f", {size(pruned.freed)} freed" if pruned.freed else ""
    verb = "to remove" if dry_run else "removed"
    remarks = [f"{plural(len(pruned.removed), 'tree')} {verb}{freed}"]
    if pruned.busy:
        remarks.append(f"{plural(len(pruned.busy), 'tree')} left alone, as other processes work on them")
    document = {
        "version": 1,
        "dry-run": dry_run,
        "removed": list(pruned.removed),
        "busy": list(pruned.busy),
        "freed-bytes": pruned.freed,
    }
    return CommandAnswer(lines=pruned.removed, document=document, remarks=remarks)


def present_cache_dir(directory: Path) -> CommandAnswer:
    """The directory, alone on its line."""
    return CommandAnswer(lines=(str(directory),), document={"version": 1, "cache": str(directory)})


def present_cache_size(usage: CacheUsage) -> CommandAnswer:
    """The size with its unit; in bytes as JSON."""
    return CommandAnswer(lines=(size(usage.size),), document={"version": 1, "archives-bytes": usage.size})


def present_cache_clean(usage: CacheUsage) -> CommandAnswer:
    """How much space was freed."""
    return CommandAnswer(document={"version": 1, "freed-bytes": usage.size}, remarks=(f"{size(usage.size)} freed",))
