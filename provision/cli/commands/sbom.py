"""`sbom` and `licenses`: their command lines and their output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.candidates import complete_values
from provision.cli.console import Console, table
from provision.cli.parameters import Names, OutputFile, Targets, choice, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import UsageError
from provision.text import plural

if TYPE_CHECKING:
    from provision.workflows.sbom import LicenceRow, Licences, Sbom

_HEADS = ("COMPONENT", "VERSION", "LICENCE", "SOURCE", "ENTRIES")


@with_session()
def sbom(
    session: Session,
    names: Names = None,
    style: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            autocompletion=complete_values("cyclonedx", "spdx"),
            help="cyclonedx or spdx.",
        ),
    ] = "cyclonedx",
    target: Targets = None,
    installed: Annotated[
        bool, typer.Option("--installed", help="Only what is installed here; the interpreters state the versions.")
    ] = False,
    beside_receipts: Annotated[
        bool,
        typer.Option("--beside-receipts", help="Write one for each installed tree into the store, beside its receipt."),
    ] = False,
    output: OutputFile = None,
) -> int:
    """Write an SBOM of what is locked: interpreters and libraries.

    CycloneDX 1.6 or SPDX 2.3, in JSON. Reads pythons.lock only: nothing is downloaded or installed, and the same
    lock file gives the same bytes. With --installed, installed interpreters are started to state the versions of
    their libraries. With --beside-receipts, the store gets an SBOM for each installed tree, for images; it is
    removed with the tree. CycloneDX requires the package cyclonedx-python-lib (the extra `sbom`).

    \b
    Examples:
      provision sbom -o sbom.cdx.json
      provision sbom default --target linux-x86_64 --format spdx -o default.spdx.json
      provision sync --locked && provision sbom --beside-receipts
    """
    from provision.workflows.options import parse_targets
    from provision.workflows.sbom import SBOM_FORMATS, sboms_beside_receipts, write_sbom
    from provision.workflows.sbom import sbom as make_sbom

    style = choice("--format", style, SBOM_FORMATS)
    chosen, targets = tuple(names or ()), parse_targets(target or ())
    if beside_receipts:
        if output is not None:
            raise UsageError("`--beside-receipts` cannot be combined with `--output`")
        paths = sboms_beside_receipts(session.options, chosen, targets, style=style, installed=installed)
        return session.show(_present_written(paths))
    made = make_sbom(session.options, chosen, targets, style=style, installed=installed)
    if output is not None:
        write_sbom(made, output)
    return session.show(present_sbom(made, output))


@with_session()
def licenses(session: Session, names: Names = None) -> int:
    """Show the licences of what is locked.

    Prints SPDX expressions, each with its source. For installed full archives, the licences of CPython and of its
    extension modules are those in PYTHON.json.

    \b
    Examples:
      provision licenses
      provision licenses default --json
    """
    from provision.workflows.sbom import licences

    return session.show(present_licences(licences(session.options, tuple(names or ())), session.console))


def present_sbom(made: Sbom, output: Path | None) -> CommandAnswer:
    """The document itself, or where it was written."""
    if output is None:
        return CommandAnswer(page=(made.text,), document=made.document, warnings=made.warnings)
    remark = f"wrote {output}: {plural(made.archives, 'archive')}"
    return CommandAnswer(document=made.document, remarks=(remark,), warnings=made.warnings)


def _present_written(paths: tuple[Path, ...]) -> CommandAnswer:
    remark = f"wrote {plural(len(paths), 'SBOM')} beside receipts"
    files = [str(path) for path in paths]
    return CommandAnswer(paths=files, document={"version": 1, "files": files}, remarks=(remark,))


def present_licences(found: Licences, console: Console) -> CommandAnswer:
    """A table with a row per component, version and licence; the document has them by entry, with their targets."""
    entries: dict[tuple[str, ...], dict[str, None]] = {}
    for row in found.rows:
        key = (row.component, row.version, row.licence or "not known", row.source)
        entries.setdefault(key, {})[row.entry] = None
    ordered = sorted(entries.items(), key=lambda item: (item[0][0].lower(), *item[0]))
    rows = [(*key, ", ".join(names)) for key, names in ordered]
    by_entry: dict[str, list[LicenceRow]] = {}
    for row in found.rows:
        by_entry.setdefault(row.entry, []).append(row)
    document = {
        "version": 1,
        "pythons": [
            {"name": name, "components": [_document(row) for row in of_entry]} for name, of_entry in by_entry.items()
        ],
    }
    lines = table(rows, _HEADS, console) if rows else []
    return CommandAnswer(lines=lines, document=document, warnings=found.warnings)


def _document(row: LicenceRow) -> dict[str, object]:
    return {
        "name": row.component,
        "version": row.version,
        "license": row.licence or None,
        "source": row.source or None,
        "targets": list(row.targets),
    }
