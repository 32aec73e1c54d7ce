"""`bundle`: its command lines and their output; the output of `sync --bundle`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.candidates import complete_any_target
from provision.cli.console import Console
from provision.cli.parameters import Names, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import PENDING
from provision.model.value import replace
from provision.text import plural, printable, size

if TYPE_CHECKING:
    from provision.fleet.bundle import BundledArchive
    from provision.measures import Measure
    from provision.workflows.bundle import BundleDiff, BundleFacts, CreatedBundle, SyncedFromBundle

bundle = typer.Typer(help="Carry locked archives to machines without a network.", no_args_is_help=True)

BundlePath = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle: a directory or a tar file.")]


@bundle.command("create")
@with_session(transfer=True)
def bundle_create(
    session: Session,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATH", help="Directory, or file that ends in .tar, to write."),
    ],
    names: Names = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            metavar="TARGET",
            autocompletion=complete_any_target,
            help="Only archives for this target (repeatable). [default: all]",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(metavar="BUNDLE", help="Leave out the archives that this earlier bundle has."),
    ] = None,
) -> int:
    """Write a bundle of what the lock file lists.

    A bundle has the archives, the manifest, the lock file, and attestations where the lock file names some. It is a
    mirror as well (`--mirror file:///DIRECTORY`, or https:// on any web server) and an OCI image layout. The same lock
    file gives the same bytes. Archives that are not in the cache are downloaded.

    \b
    Examples:
      provision bundle create -o pythons.tar
      provision bundle create -o mirror --target linux-x86_64 --target linux-aarch64
      provision bundle create -o november.tar --since october.tar
    """
    from provision.workflows.bundle import create_bundle
    from provision.workflows.options import parse_targets

    made = create_bundle(
        session.options,
        output,
        tuple(names or ()),
        parse_targets(target or ()),
        since=since,
        progress=session.progress(),
    )
    return session.show(present_created(made))


@bundle.command("verify")
@with_session()
def bundle_verify(session: Session, path: BundlePath) -> int:
    """Hash everything in a bundle.

    Exits 5 if a file is missing, differs, or is no part of the bundle. The index has the digests of all others:
    compare its digest with the one that `bundle create` printed.

    \b
    Examples:
      provision bundle verify pythons.tar
      provision bundle verify /srv/mirror --json
    """
    from provision.workflows.bundle import verify_bundle

    return session.show(present_verified_bundle(verify_bundle(path)))


@bundle.command("diff")
@with_session()
def bundle_diff(
    session: Session,
    old: Annotated[Path, typer.Argument(metavar="OLD", help="An earlier bundle.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A later bundle.")],
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 3 if an archive must be carried.")] = False,
) -> int:
    """Compare the archives of two bundles.

    `bundle create --since OLD` writes a bundle with only the archives that OLD lacks.

    \b
    Examples:
      provision bundle diff october.tar november.tar
    """
    from provision.workflows.bundle import diff_bundles

    return session.show(present_bundle_diff(diff_bundles(old, new), session.console, exit_code=exit_code))


def present_created(made: CreatedBundle) -> CommandAnswer:
    """The path, alone on its line, and what is in the bundle."""
    facts = made.facts
    remarks = [_summary("wrote", facts), f"index sha256: {facts.digest}", *_left_out(facts)]
    return CommandAnswer(paths=(str(facts.path),), document=_document(facts), remarks=remarks, warnings=made.warnings)


def present_verified_bundle(facts: BundleFacts) -> CommandAnswer:
    """The digests, and what is in the bundle."""
    lines = [f"index sha256: {facts.digest}", f"lock sha256:  {facts.lock}", *_left_out(facts)]
    return CommandAnswer(lines=lines, document=_document(facts), remarks=[_summary("verified", facts)])


def present_bundle_diff(diff: BundleDiff, console: Console, *, exit_code: bool) -> CommandAnswer:
    """A line for each archive, and how much is to be carried."""
    amount = size(sum(each.size for each in diff.added))
    lines = [
        *(f"{console.paint('+', 'green')} {_line(each)}" for each in diff.added),
        *(f"{console.paint('-', 'red')} {_line(each)}" for each in diff.removed),
    ]
    document = {
        "version": 1,
        "old": _facts(diff.old),
        "new": _facts(diff.new),
        "added": [_archive(each) for each in diff.added],
        "removed": [_archive(each) for each in diff.removed],
        "added-bytes": sum(each.size for each in diff.added),
    }
    return CommandAnswer(
        lines=lines,
        document=document,
        code=PENDING if exit_code and diff.added else 0,
        remarks=[f"{plural(len(diff.added), 'archive')} to carry ({amount}), {len(diff.removed)} no longer needed"],
    )


def present_synced_from_bundle(
    done: SyncedFromBundle, console: Console, measures: Sequence[Measure] = ()
) -> CommandAnswer:
    """As of `sync`, and the files of the project that were written."""
    from provision.cli.present.sync import present_synced
    from provision.host.repository import display_path

    answer = present_synced(done.synced, console, measures)
    return replace(answer, remarks=[*(f"wrote {display_path(path)}" for path in done.written), *answer.remarks])


def _summary(verb: str, facts: BundleFacts) -> str:
    amount = size(sum(each.size for each in facts.carried))
    attestations = f", {plural(facts.attestations, 'attestation')}" if facts.attestations else ""
    return f"{verb} {facts.path}: {plural(len(facts.carried), 'archive')} ({amount}){attestations}"


def _left_out(facts: BundleFacts) -> Iterator[str]:
    if facts.left_out:
        yield f"left out: {plural(len(facts.left_out), 'archive')} of the bundle with index {facts.since}"


def _line(archive: BundledArchive) -> str:
    return f"{printable(archive.asset.title)}  {size(archive.size)}"


def _document(facts: BundleFacts) -> dict[str, object]:
    archives = [{**_archive(each), "left-out": each.digest in facts.left_out} for each in facts.archives]
    return {"version": 1, **_facts(facts), "archives": archives}


def _facts(facts: BundleFacts) -> dict[str, object]:
    return {
        "bundle": str(facts.path),
        "index": facts.digest.hex,
        "lock": facts.lock.hex,
        "since": facts.since.hex if facts.since else None,
        "attestations": facts.attestations,
    }


def _archive(archive: BundledArchive) -> dict[str, object]:
    asset = archive.asset
    return {
        "sha256": archive.digest.hex,
        "size": archive.size,
        "file": archive.filename,
        "target": asset.target.short,
        "cpu": asset.cpu,
        "title": asset.title,
    }
