"""`export`: its command line and its output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.parameters import Names, OutputFile, Targets, choice, with_session
from provision.cli.session import CommandAnswer, Session
from provision.text import plural

if TYPE_CHECKING:
    from provision.workflows.export import Exported


def complete_formats(incomplete: str) -> Iterator[str]:
    """The formats that begin with the typed text."""
    from provision.workflows.export import EXPORT_FORMATS

    yield from (name for name in EXPORT_FORMATS if name.startswith(incomplete))


@with_session()
def export(
    session: Session,
    style: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="uv, rules_python, setup-python, github-matrix, dockerfile, nix, env, devcontainer or mise.",
            autocompletion=complete_formats,
        ),
    ],
    names: Names = None,
    target: Targets = None,
    output: OutputFile = None,
) -> int:
    """Write what is locked in the format of another tool.

    Reads pythons.lock only: nothing is downloaded or installed, and the same lock file gives the same bytes. A
    warning names the archives that the format cannot hold.

    \b
    Examples:
      provision export uv -o downloads.json
      provision export nix default free -o pythons.nix
      provision export mise --target linux-x86_64 --target macos-aarch64 -o mise.lock
      echo "matrix=$(provision export github-matrix)" >> "$GITHUB_OUTPUT"
    """
    from provision.workflows.export import EXPORT_FORMATS, write_export
    from provision.workflows.export import export as make_export
    from provision.workflows.options import parse_targets

    style = choice("FORMAT", style, EXPORT_FORMATS)
    made = make_export(session.options, style, tuple(names or ()), parse_targets(target or ()))
    if output is not None:
        write_export(made, output)
    return session.show(present_export(made, output))


def present_export(made: Exported, output: Path | None) -> CommandAnswer:
    """The text itself, or where it was written."""
    document = {
        "version": 1,
        "format": made.style,
        "archives": len(made.rows),
        "left-out": [
            {
                "name": each.row.entry,
                "target": each.row.asset.target.short,
                "cpu": each.row.asset.cpu,
                "reason": each.reason,
            }
            for each in made.left_out
        ],
        "file" if output else "text": str(output) if output else made.text,
    }
    if output is None:
        return CommandAnswer(page=tuple(made.text.splitlines()), document=document, warnings=made.warnings)
    remark = f"wrote {output}: {plural(len(made.rows), 'archive')}"
    return CommandAnswer(document=document, remarks=(remark,), warnings=made.warnings)
