"""`init` and `import`: their command lines and their output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.candidates import complete_targets
from provision.cli.console import Console, table
from provision.cli.parameters import with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import FAILURE
from provision.host.repository import display_path

if TYPE_CHECKING:
    from provision.adopt.mention import Mention
    from provision.workflows.adopt import Adopted

DEFAULT_TARGETS = ("linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64")


@with_session()
def init(
    session: Session,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            metavar="TARGET",
            autocompletion=complete_targets,
            help="A target to lock for (repeatable). [default: " + ", ".join(DEFAULT_TARGETS) + "]",
        ),
    ] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Do not look at the files of other tools.")] = False,
) -> int:
    """Write a commented pythons.toml in this directory.

    Its entries request the Python versions that files of other tools
    name: .python-version, .tool-versions, mise.toml, pyproject.toml,
    tox.ini, noxfile.py, workflows of GitHub Actions, Dockerfiles and
    others. Nothing in these files is executed.

    \b
    Examples:
      provision init
      provision init --bare
      provision init --target linux-x86_64 --target linux-x86_64-musl
    """
    from provision.workflows.adopt import init as write_manifest
    from provision.workflows.options import parse_targets

    adopted = write_manifest(session.options, parse_targets(target or DEFAULT_TARGETS), bare=bare)
    names = ", ".join(entry.name for entry in adopted.entries)
    entries = "entry" if len(adopted.entries) == 1 else "entries"
    what = f"wrote {display_path(adopted.path)}" + (f" with {entries} {names}" if names else "")
    return session.show(present_adopted(adopted, f"{what}; next: `provision lock`", session.console))


@with_session()
def import_(
    session: Session,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE...]", help="Files of other tools; by default all that `init` looks for."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be added, and write nothing.")] = False,
) -> int:
    """Add Python versions that files of other tools name.

    Entries, comments and order of pythons.toml stay as they are. Exits with 1 if a file cannot be read or conflicts
    with an entry; everything else is added.

    \b
    Examples:
      provision import
      provision import .tool-versions tox.ini
      provision import --dry-run .github/workflows/ci.yml
    """
    from provision.workflows.adopt import import_files

    adopted = import_files(session.options, files or (), dry_run=dry_run)
    names = ", ".join(entry.name for entry in adopted.entries)
    manifest = display_path(adopted.path)
    if not names:
        remark = f"nothing to add to {manifest}"
    elif adopted.written:
        remark = f"added {names} to {manifest}; next: `provision lock`"
    else:
        remark = f"would add {names} to {manifest}"
    incomplete = adopted.conflicts or adopted.unavailable or (adopted.read and adopted.read.problems)
    return session.show(present_adopted(adopted, remark, session.console, code=FAILURE if incomplete else 0))


def present_adopted(adopted: Adopted, remark: str, console: Console, *, code: int = 0) -> CommandAnswer:
    """A row for each version that a file names, and a warning for each that did not become an entry."""
    mentions = adopted.read.mentions if adopted.read else ()
    rows: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for mention in mentions:
        entry = adopted.entry_of(mention) or ("(range)" if mention.role == "range" else "-")
        rows.setdefault((mention.file, mention.text, entry), (mention.where, mention.text, entry))
    lines = table(rows.values(), ("FOUND IN", "VERSION", "ENTRY"), console) if rows else []
    warnings = tuple(_warnings(adopted))
    document = {
        "version": 1,
        "manifest": str(adopted.path),
        "written": adopted.written,
        "entries": [{"name": entry.name, **entry.spec} for entry in adopted.entries],
        "files": list(adopted.read.files) if adopted.read else [],
        "found": [_document(mention, adopted) for mention in mentions],
        "conflicts": list(adopted.conflicts),
        "warnings": list(warnings),
    }
    return CommandAnswer(lines=lines, document=document, remarks=(remark,), warnings=warnings, code=code)


def _document(mention: Mention, adopted: Adopted) -> dict[str, object]:
    return {
        "file": mention.file,
        "line": mention.line,
        "setting": mention.key or None,
        "text": mention.text,
        "request": str(mention.given),
        "entry": adopted.entry_of(mention) or None,
    }


def _warnings(adopted: Adopted) -> Iterator[str]:
    yield from map(str, adopted.read.problems if adopted.read else ())
    yield from (f"files disagree: {sentence}" for sentence in adopted.disagreements)
    yield from (f"conflict: {sentence}" for sentence in adopted.conflicts)
    for entry in adopted.entries:
        if entry.targets:
            targets = ", ".join(target.short for target in entry.targets)
            yield f"entry {entry.name!r} is for {targets} only: the other targets have no build"
    for planned, reason in adopted.unavailable:
        where = planned.mentions[0].where
        yield f"entry {planned.name!r} ({where}) is left out, as it cannot be locked: {reason}"
