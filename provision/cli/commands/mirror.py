"""`mirror`: its command line and its output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.console import Console, table
from provision.cli.parameters import Names, Targets, with_session
from provision.cli.session import CommandAnswer, Session
from provision.text import plural, size

if TYPE_CHECKING:
    from provision.workflows.mirror import MirrorReport, MirrorRequest, MirrorRow

_HEADS = ("ENTRIES", "TARGET", "BUILD", "SIZE", "STATE")

mirror = typer.Typer(help="Fill a mirror with locked archives, or check it.", no_args_is_help=True)

Place = Annotated[
    str, typer.Argument(metavar="MIRROR", help="oci://REGISTRY/REPOSITORY, s3://BUCKET/PREFIX or file:///DIRECTORY.")
]
AnyPlace = Annotated[str, typer.Argument(metavar="MIRROR", help="A mirror, as `--mirror` of `sync` takes it.")]
Locks = Annotated[
    list[Path] | None,
    typer.Option(
        "--lock",
        metavar="FILE",
        help="Use this lock file (repeatable). [default: the project's]",
        show_default=False,
    ),
]


@mirror.command("push")
@with_session(transfer=True)
def mirror_push(
    session: Session,
    place: Place,
    names: Names = None,
    lock: Locks = None,
    target: Targets = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Push also what the mirror has, such as a damaged copy.")
    ] = False,
) -> int:
    """Push locked archives that a mirror does not have.

    The archives of all entries, or of the named ones, for all targets are pushed, from the cache or downloaded first,
    and each is verified. In a registry every archive is a blob with a manifest under the tag `archive-<sha256>`.
    Logins: docker's configuration and its helpers, or netrc, for registries; AWS_* for buckets.

    \b
    Examples:
      provision mirror push oci://registry.example.com/team/pythons
      provision mirror push s3://archives/pythons default --target linux-x86_64
      provision mirror push file:///srv/pbs --lock a/pythons.lock --lock b/pythons.lock
    """
    from provision.workflows.mirror import push_mirror

    request = _request(place, names, lock, target)
    report = push_mirror(session.options, request, session.progress(), replaces=replace)
    pushed = [row for row in report.rows if row.state == "pushed"]
    there = report.count("present")
    text = f"pushed {plural(len(pushed), 'archive')} to {report.mirror}"
    remark = f"{text}; it has {there} already" if there else text
    return session.show(_present(report, session.console, remark))


@mirror.command("check")
@with_session(transfer=True, without=("mirror",))
def mirror_check(
    session: Session, place: AnyPlace, names: Names = None, lock: Locks = None, target: Targets = None
) -> int:
    """Download every locked archive from a mirror, and verify it.

    Nothing comes from the cache or from upstream. Exits 5 if an archive of the mirror differs from the locked one, 1 if
    the mirror does not have an archive.

    \b
    Examples:
      provision mirror check oci://registry.example.com/team/pythons
      provision mirror check https://mirror.example.com/pbs --json
    """
    from provision.workflows.mirror import check_mirror

    report = check_mirror(session.options, _request(place, names, lock, target), session.progress())
    remark = f"{report.mirror}: {report.count('present')} of {plural(len(report.rows), 'archive')} verified"
    return session.show(_present(report, session.console, remark))


@mirror.command("list")
@with_session(transfer=True, without=("mirror",))
def mirror_list(
    session: Session, place: AnyPlace, names: Names = None, lock: Locks = None, target: Targets = None
) -> int:
    """List which locked archives a mirror has.

    No archive is downloaded, so that a damaged one is not found: `provision mirror check` does that.

    \b
    Examples:
      provision mirror list oci://registry.example.com/team/pythons
      provision mirror list s3://archives/pythons --json
    """
    from provision.workflows.mirror import list_mirror

    report = list_mirror(session.options, _request(place, names, lock, target), session.progress())
    remark = f"{report.mirror} has {report.count('present')} of {plural(len(report.rows), 'archive')}"
    if report.others:
        remark += f", and {plural(report.others, 'archive')} that the lock file does not name"
    return session.show(_present(report, session.console, remark))


def _request(place: str, names: list[str] | None, locks: list[Path] | None, targets: list[str] | None) -> MirrorRequest:
    from provision.workflows.mirror import MirrorRequest
    from provision.workflows.options import parse_targets

    return MirrorRequest(
        mirror=place, names=tuple(names or ()), locks=tuple(locks or ()), targets=parse_targets(targets or ())
    )


def _present(report: MirrorReport, console: Console, remark: str) -> CommandAnswer:
    rows = [_cells(row) for row in report.rows]
    document: dict[str, object] = {
        "version": 1,
        "mirror": report.mirror,
        "archives": [_archive(row) for row in report.rows],
    }
    if report.others is not None:
        document["others"] = report.others
    return CommandAnswer(
        lines=table(rows, _HEADS, console) if rows else (),
        document=document,
        remarks=(remark,),
        warnings=report.warnings,
        error=report.error,
    )


def _cells(row: MirrorRow) -> tuple[str, ...]:
    asset = row.asset
    length = size(asset.size) if asset.size is not None else ""
    return (", ".join(row.names), asset.target.label(asset.cpu), f"{asset.version}+{asset.build}", length, row.state)


def _archive(row: MirrorRow) -> dict[str, object]:
    asset = row.asset
    return {
        "names": list(row.names),
        "target": asset.target.short,
        "cpu": asset.cpu,
        "file": asset.filename,
        "sha256": asset.sha256.hex,
        "size": asset.size,
        "state": row.state,
    }
