"""`add` and `remove`: their command lines and their output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.candidates import (
    complete_builds,
    complete_names,
    complete_requests,
    complete_targets,
    complete_values,
)
from provision.cli.parameters import parse_tag, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import UsageError
from provision.host.repository import display_path
from provision.model.asset import CPU_REQUESTS, FLAVORS, OPTIONS
from provision.model.tree import REMOVABLE_PARTS
from provision.text import plural

if TYPE_CHECKING:
    from provision.workflows.edit import Edited


@with_session()
def add(
    session: Session,
    name: Annotated[str, typer.Argument(help="The entry's name: lower-case letters, digits, dots, dashes.")],
    request: Annotated[
        str,
        typer.Argument(
            autocompletion=complete_requests, help="A version request: 3.14, 3.14t, '>=3.12,<3.14', pypy3.11, …"
        ),
    ],
    flavor: Annotated[
        str | None,
        typer.Option(autocompletion=complete_values(*FLAVORS), help="install_only_stripped, install_only or full."),
    ] = None,
    cpu: Annotated[
        str | None, typer.Option(autocompletion=complete_values(*CPU_REQUESTS), help="baseline, v2, v3, v4 or auto.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="A debug build.")] = False,
    freethreaded: Annotated[bool, typer.Option("--freethreaded", help="A build without the GIL.")] = False,
    build: Annotated[
        str | None,
        typer.Option(
            metavar="TAG", parser=parse_tag, autocompletion=complete_builds, help="One build, such as 20260814."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPTION",
            autocompletion=complete_values(*OPTIONS),
            help="A build option: pgo, lto, noopt, static (repeatable).",
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            metavar="TARGET",
            autocompletion=complete_targets,
            help="A target to lock for (repeatable).",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART",
            autocompletion=complete_values(*REMOVABLE_PARTS),
            help="Leave out a part: tests, idle, tkinter, … (repeatable).",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Add the entry even if no known build matches.")] = False,
) -> int:
    """Add an interpreter to pythons.toml.

    Comments and the order of entries stay as they are. Fails if no known build matches the request.

    \b
    Examples:
      provision add default 3.14
      provision add free 3.14t
      provision add fast '>=3.13,<3.14' --cpu auto
      provision add embed 3.13 --flavor full --option pgo --option lto
    """
    from provision.workflows.edit import add as add_entry

    if "{" in request:
        raise UsageError(
            f"REQUEST: expected a version request such as 3.14, got the table {request!r}",
            hint=f"Pass the keys of the table as options, as in `provision add {name} 3.14 --cpu v3`.",
        )
    spec: dict[str, object] = {
        "version": request,
        "build": build,
        "flavor": flavor,
        "cpu": cpu,
        "debug": debug or None,
        "freethreaded": freethreaded or None,
        "build-options": option,
        "targets": target,
        "without": without,
    }
    given = {key: value for key, value in spec.items() if value}
    return session.show(present_edited("added", add_entry(session.options, name, given, force=force)))


@with_session()
def remove(
    session: Session,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Entries.", autocompletion=complete_names)],
) -> int:
    """Remove interpreters from pythons.toml.

    Comments and the order of entries stay as they are. The next `provision lock` updates the lock file, the next
    `provision sync` the links.

    \b
    Example:
      provision remove debug
    """
    from provision.workflows.edit import remove as remove_entries

    return session.show(present_edited("removed", remove_entries(session.options, names)))


def present_edited(verb: str, edited: Edited) -> CommandAnswer:
    """A remark on what was written, what a new entry would be locked to, and what to do next."""
    python = edited.python
    document = {
        "version": 1,
        "manifest": str(edited.path),
        "name": edited.name,
        "warnings": list(edited.warnings),
    }
    what = f"{verb} {edited.name} in {display_path(edited.path)}"
    if python is not None:
        targets = [target.short for target in python.targets()]
        document["locks"] = {"version": str(python.version), "build": python.build, "targets": targets}
        what = f"{verb} {edited.name}: {python.version}+{python.build} for {plural(len(targets), 'target')}"
    return CommandAnswer(document=document, remarks=(f"{what}; next: `provision sync`",), warnings=edited.warnings)
