"""`verify`, `prune`, `roots` and `cache`: their command lines and their output."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.console import Console
from provision.cli.parameters import Names, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import FAILURE, INTEGRITY, UsageError, combined
from provision.plan import left_out_document, left_out_notes
from provision.text import plural, printable, size

if TYPE_CHECKING:
    from provision.store.needs import Need
    from provision.workflows.store import CacheUsage, NeededTree, Pruning, Roots, Verified, VerifiedTree


@with_session(transfer=True)
def verify(
    session: Session,
    names: Names = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Remove files that were not installed; reinstall trees that changed.")
    ] = False,
    store: Annotated[
        bool,
        typer.Option(
            "--store", help="Check every tree of the store, not only this project's. Skips stores that are only read."
        ),
    ] = False,
) -> int:
    """Compare installed trees with their recorded hashes.

    Exits 5 if a tree differs from what was installed, 1 if a tree is not installed. Bytecode that Python has cached
    since is compared with its sources, by the tree's interpreter.

    \b
    Examples:
      provision verify
      provision verify free --repair
      provision verify --store
    """
    from provision.workflows.store import verify as verify_trees

    if store and names:
        raise UsageError("`--store` cannot be combined with entry names")
    verified = verify_trees(
        session.options, tuple(names or ()), repair=repair, store_wide=store, progress=session.progress()
    )
    return session.show(present_verified(verified, session.console))


@with_session()
def prune(
    session: Session,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Print what would be removed; remove nothing.")
    ] = False,
    forget: Annotated[
        list[Path] | None,
        typer.Option("--forget", metavar="PATH", help="Forget a project that no longer exists. Repeatable."),
    ] = None,
) -> int:
    """Remove trees that no project uses.

    Also removes leftovers of killed runs. A tree is used if a lock file lists it, if the last sync of a project
    needed it, or if a virtual environment was made from it. The trees of a project that is not found are kept for
    30 days, as its disk may not be mounted, unless the project is passed to --forget.

    \b
    Examples:
      provision prune --dry-run
      provision prune
      provision prune --forget ~/old-project
    """
    from provision.workflows.store import prune as prune_store

    pruning = prune_store(session.options, dry_run=dry_run, forget=tuple(forget or ()))
    return session.show(present_pruned(pruning, session.console, dry_run=dry_run))


@with_session()
def roots(session: Session) -> int:
    """Show which projects and environments use each tree.

    \b
    Examples:
      provision roots
      provision roots --json
    """
    from provision.workflows.store import roots as find_roots

    return session.show(present_roots(find_roots(session.options), session.console))


cache = typer.Typer(help="Show or empty the cache of verified archives.", no_args_is_help=True)


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
    unused: Annotated[
        bool, typer.Option("--unused", help="Keep the archives that this project's lock file lists.")
    ] = False,
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
    """A line per tree, with its differences below it; exit 5 if one changed, 1 if one is not installed."""
    missing = [tree for tree in verified.trees if tree.missing]
    changed = [tree for tree in verified.trees if not tree.sound and not tree.missing]
    document = {
        "version": 1,
        "sound": not missing and not changed,
        "trees": [_document(tree) for tree in verified.trees],
        "left-out": left_out_document(verified.left_out),
    }
    notes = [f"note: {note}" for note in left_out_notes(verified.left_out)]
    for reason in dict.fromkeys(tree.reason for tree in verified.trees if tree.unchecked):
        count = sum(len(tree.unchecked) for tree in verified.trees if tree.reason == reason)
        sources = "its source" if count == 1 else "their sources"
        notes.append(
            f"note: {plural(count, 'file')} of cached bytecode not compared with {sources}: {reason}; "
            f"`provision verify --repair` removes {'it' if count == 1 else 'them'}"
        )
    if verified.skipped:
        notes.append(
            "note: the stores of PROVISION_STORES are not checked; `provision verify --store --home DIR` checks one: "
            f"{', '.join(map(str, verified.skipped))}"
        )
    return CommandAnswer(
        lines=[line for tree in verified.trees for line in _lines(tree, console)],
        document=document,
        code=INTEGRITY if changed else FAILURE if missing else 0,
        remarks=[*notes, *_summary(verified, changed, missing)],
        error=combined(verified.errors) if verified.errors else None,
    )


def _summary(verified: Verified, changed: Sequence[VerifiedTree], missing: Sequence[VerifiedTree]) -> Iterator[str]:
    trees = plural(len(verified.trees), "tree")
    if changed and verified.errors:
        yield f"{len(changed)} of {trees} not repaired"
    elif changed:
        names = [tree.names[0] for tree in changed if tree.names]
        yield f"{len(changed)} of {trees} changed; run `provision verify --repair {' '.join(names) or '--store'}`"
    if missing:
        yield f"{len(missing)} of {trees} not installed; run `provision sync`"
    if not changed and not missing:
        repaired = sum(tree.repaired for tree in verified.trees)
        yield f"{trees} unchanged" + (f", {repaired} of them repaired" if repaired else "")


def _lines(tree: VerifiedTree, console: Console) -> Iterator[str]:
    name = printable(", ".join(tree.names)) or console.key(tree.key)
    if tree.repaired:
        state = console.paint("repaired", "green")
    elif tree.missing:
        state = console.paint("not installed", "red")
    else:
        state = console.paint("ok", "green") if tree.sound else console.paint("differs", "red")
    yield f"{state}  {console.paint(name, 'bold')}" + (f"  {console.key(tree.key)}" if tree.names else "")
    if tree.receipt is None and not tree.missing:
        yield "  the tree or its receipt is missing or damaged"
    for difference in tree.differences[:_SHOWN]:
        yield f"  {difference.kind}  {printable(difference.path) or 'the list of files (missing)'}"
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
        "unchecked": list(tree.unchecked),
        "unchecked-reason": tree.reason or None,
    }


def present_pruned(pruning: Pruning, console: Console, *, dry_run: bool) -> CommandAnswer:
    """The removed trees, how much space that freed, and who keeps the others where that may surprise."""
    pruned, left = pruning.pruned, pruning.left
    freed = f", {size(pruned.freed)} freed" if pruned.freed else ""
    verb = "to remove" if dry_run else "removed"
    remarks = [f"{plural(len(pruned.removed), 'tree')} {verb}{freed}"]
    if pruned.busy:
        remarks.append(f"{plural(len(pruned.busy), 'tree')} kept, because other processes use them")
    remarks += _kept(left)
    document = {
        "version": 1,
        "dry-run": dry_run,
        "removed": list(pruned.removed),
        "busy": list(pruned.busy),
        "freed-bytes": pruned.freed,
        "kept": [_needed_document(tree) for tree in left.trees],
        "damaged-roots": [str(path) for path in left.damaged],
    }
    return CommandAnswer(lines=[console.key(key) for key in pruned.removed], document=document, remarks=remarks)


def _kept(left: Roots) -> Iterator[str]:
    """Trees that no project on this machine needs as far as is known, with who keeps them."""
    if left.damaged:
        yield from _damaged(left)
        return
    kept: dict[tuple[Need, ...], int] = {}
    unconfirmed: list[Need] = []
    for tree in left.trees:
        if not any(need.kind == "manifest" and need.state == "present" for need in tree.needs):
            kept[tree.needs] = kept.get(tree.needs, 0) + 1
    for needs, count in kept.items():
        if needs:
            unconfirmed += needs
            more = f" and {len(needs) - 1} more (see `provision roots`)" if len(needs) > 1 else ""
            yield f"{plural(count, 'tree')} kept for {_need(needs[0])}{more}"
    yield from _forgettable(unconfirmed)


def _forgettable(needs: Iterable[Need]) -> Iterator[str]:
    """How to free the trees of projects that are gone: only the user knows that no other container has them."""
    if any(need.state in ("missing", "replaced") for need in needs):
        yield "if a project that is not found or replaced is gone for good, run `provision prune --forget DIR`"


def _damaged(left: Roots) -> Iterator[str]:
    for path in left.damaged:
        yield f"no tree is removed, because this root is damaged or was written by a newer version of provision: {path}"


def present_roots(roots: Roots, console: Console) -> CommandAnswer:
    """Each tree, and below it who needs it."""
    lines = []
    for tree in roots.trees:
        lines.append(
            f"{console.paint(console.key(tree.key), 'bold')}  {'incomplete' if tree.size is None else size(tree.size)}"
        )
        lines += [f"  {_need(need)}" for need in tree.needs] or ["  not used"]
    unused = 0 if roots.damaged else sum(not tree.needs for tree in roots.trees)
    remarks = [f"{plural(len(roots.trees), 'tree')}, {unused} not used", *_damaged(roots)]
    remarks += _forgettable(need for tree in roots.trees for need in tree.needs)
    document = {
        "version": 1,
        "trees": [_needed_document(tree) for tree in roots.trees],
        "damaged-roots": [str(path) for path in roots.damaged],
    }
    return CommandAnswer(lines=lines, document=document, remarks=remarks)


_STATES = {
    "present": "",
    "unreadable": "not readable",
    "missing": "not found",
    "replaced": "replaced by another project",
    "other recipe": "synced by another version of provision",
}


def _need(need: Need) -> str:
    name = printable(str(need.path))
    if need.kind == "environment":
        return f"virtual environment {name}"
    state = _STATES[need.state]
    if need.until is not None:
        state += f"; kept until {_day(need.until)}"
    return f"{name} ({state})" if state else name


def _needed_document(tree: NeededTree) -> dict[str, object]:
    return {"key": tree.key, "size-bytes": tree.size, "needed-by": [_need_document(need) for need in tree.needs]}


def _need_document(need: Need) -> dict[str, object]:
    return {
        "kind": need.kind,
        "path": str(need.path),
        "state": need.state,
        "until": None if need.until is None else _day(need.until),
    }


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def present_cache_dir(directory: Path) -> CommandAnswer:
    """The directory, alone on its line."""
    return CommandAnswer(paths=(str(directory),), document={"version": 1, "cache": str(directory)})


def present_cache_size(usage: CacheUsage) -> CommandAnswer:
    """The size with its unit; in bytes as JSON."""
    return CommandAnswer(lines=(size(usage.size),), document={"version": 1, "archives-bytes": usage.size})


def present_cache_clean(usage: CacheUsage) -> CommandAnswer:
    """How much space was freed."""
    return CommandAnswer(document={"version": 1, "freed-bytes": usage.size}, remarks=(f"{size(usage.size)} freed",))
