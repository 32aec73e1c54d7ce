"""`init`, `add` and `remove`: their command lines and their output."""

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
from provision.model.asset import CPU_REQUESTS, FLAVORS, OPTIONS
from provision.model.tree import REMOVABLE_PARTS

if TYPE_CHECKING:
    from provision.workflows.edit import Edited


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
            help="A platform to lock for (repeatable). [default: " + ", ".join(DEFAULT_TARGETS) + "]",
        ),
    ] = None,
) -> int:
    """Write a commented pythons.toml in this directory.

    \b
    Examples:
      provision init
      provision init --target linux-x86_64 --target linux-x86_64-musl
    """
    from provision.workflows.edit import init as write_manifest
    from provision.workflows.options import parse_targets

    return session.show(
        present_edited("wrote", write_manifest(session.options, parse_targets(target or DEFAULT_TARGETS)))
    )


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
            "--target", "-t", metavar="TARGET", autocompletion=complete_targets, help="A platform (repeatable)."
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
) -> int:
    """Add an interpreter to pythons.toml.

    Comments and the order of entries stay as they are.

    \b
    Examples:
      provision add default 3.14
      provision add free 3.14t
      provision add fast '>=3.13,<3.14' --cpu auto
      provision add embed 3.13 --flavor full --option pgo --option lto
    """
    from provision.workflows.edit import add as add_entry

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
    return session.show(present_edited("added", add_entry(session.options, name, given)))


@with_session()
def remove(
    session: Session,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Entries.", autocompletion=complete_names)],
) -> int:
    """Remove interpreters from pythons.toml.

    Comments and the order of entries stay as they are. The lock
    follows with the next `provision lock`, the links with the next `provision sync`.

    \b
    Example:
      provision remove debug
    """
    from provision.workflows.edit import remove as remove_entries

    return session.show(present_edited("removed", remove_entries(session.options, names)))


def present_edited(verb: str, edited: Edited) -> CommandAnswer:
    """A remark on what was written where, and what to do next."""
    what = f"{verb} {edited.name} in {edited.path.name}" if edited.name else f"{verb} {edited.path}"
    step = "`provision add NAME REQUEST`" if not edited.name else "`provision sync`"
    document = {
        "version": 1,
        "manifest": str(edited.path),
        "name": edited.name or None,
        "warnings": list(edited.warnings),
    }
    return CommandAnswer(lines=(), document=document, remarks=(f"{what}; next: {step}",), warnings=edited.warnings)
