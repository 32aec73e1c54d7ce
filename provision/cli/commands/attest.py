"""`attest`: its command line and its output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.console import Console
from provision.cli.parameters import Names, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import INTEGRITY
from provision.text import plural, printable

if TYPE_CHECKING:
    from provision.attest.prove import ProvenRow
    from provision.workflows.attest import Attested


@with_session(transfer=True, without=("mirror", "jobs"))
def attest(
    session: Session,
    names: Names = None,
    vendor: Annotated[
        bool, typer.Option("--vendor", help="Write the bundles beside the lock file: pythons.attestations/.")
    ] = False,
    trusted_root: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Trust this Sigstore root instead of the public one.  [env var: PROVISION_TRUSTED_ROOT]",
        ),
    ] = None,
) -> int:
    """Verify and record who built the locked archives.

    Covers all targets; the result is written to pythons.lock.

    Each archive must have SLSA provenance of the publisher's release workflow. One attestation covers a whole
    release, and is downloaded once; with --offline, only the cache and the files of --vendor are used. No archive
    is downloaded. Requires the packages sigstore and cramjam (the extra `attest`). Exits 5 if an archive has no
    valid provenance.

    \b
    Examples:
      provision attest
      provision attest default --vendor
      provision attest --offline --trusted-root trusted_root.json --json
    """
    from provision.workflows.attest import attest as run_attest

    attested = run_attest(
        session.options, tuple(names or ()), vendor=vendor, root=trusted_root, progress=session.progress()
    )
    return session.show(present_attested(attested, session.console))


def present_attested(attested: Attested, console: Console) -> CommandAnswer:
    """The criteria, then a line for each build and result; exit 5 if an archive failed."""
    verdict = "wrote" if attested.changed else "unchanged:"
    rows = len({row.row for row in attested.rows if row.row})
    remarks = [f"{verdict} {attested.project.lock_name}: {plural(rows, 'attestation')}"]
    if attested.failed:
        remarks = [f"{attested.project.lock_name} is not changed"]
    if attested.vendored:
        remarks.append(f"wrote {plural(len(attested.vendored), 'bundle')} to {attested.vendored[0].parent}")
    remarks += [f"hint: {hint}" for hint in dict.fromkeys(row.hint for row in attested.rows if row.hint)]
    document = {
        "version": 1,
        "lock": str(attested.project.lock_path),
        "changed": attested.changed,
        "archives": [_document(row) for row in attested.rows],
    }
    return CommandAnswer(
        lines=list(_lines(attested, console)),
        document=document,
        code=INTEGRITY if attested.failed else 0,
        remarks=remarks,
        warnings=attested.warnings,
    )


def _lines(attested: Attested, console: Console) -> Iterator[str]:
    from provision.attest.prove import criteria, row_words

    for signer in dict.fromkeys(row.signer for row in attested.rows if row.signer):
        first, *others = criteria(signer)
        yield f"required  {printable(first)}"
        yield from (f"          {printable(each)}" for each in others)
    grouped: dict[tuple[str, str, str], list[ProvenRow]] = {}
    for row in attested.rows:
        build = f"{row.asset.version}+{row.asset.build}"
        if row.row is not None:
            verdict = ("verified", f"{row_words(row.row)}, {row.level}")
        elif row.problem is not None:
            verdict = (row.problem, row.message)
        else:
            verdict = ("no signer", "no known signer; only the sha256 is locked")
        grouped.setdefault((*verdict, f"{row.entry} {build}"), []).append(row)
    for (word, message, what), rows in grouped.items():
        style = "green" if rows[0].row else "red" if rows[0].problem else "yellow"
        yield f"{console.paint(word, style)}  {printable(what)}, {plural(len(rows), 'archive')}: {printable(message)}"


def _document(row: ProvenRow) -> dict[str, object]:
    proof = row.row
    return {
        "name": row.entry,
        "target": str(row.asset.target),
        "cpu": row.asset.cpu,
        "sha256": row.asset.sha256.hex,
        "verification": row.level,
        "problem": row.problem,
        "message": row.message or None,
        "identity": proof.identity if proof else None,
        "issuer": proof.issuer if proof else None,
        "repository-id": proof.repository_id if proof else None,
        "commit": proof.commit if proof else None,
        "bundle": proof.bundle.hex if proof else None,
        "log-index": proof.log_index if proof else None,
    }
