"""`register`: its command line and its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.parameters import Names, with_session
from provision.cli.session import CommandAnswer, Session

if TYPE_CHECKING:
    from provision.workflows.register import Registered


@with_session()
def register(
    session: Session,
    names: Names = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the interpreters from the registry instead.")
    ] = False,
) -> int:
    """Register installed interpreters with Windows (PEP 514).

    The `py` launcher, editors and virtualenv can then find them. Without names, all installed interpreters are
    registered, for this user only; registrations of removed interpreters are deleted. Windows only.

    \b
    Examples:
      provision register
      provision register free
      provision register --remove
    """
    from provision.host.registry import open_registry
    from provision.workflows.register import register as add
    from provision.workflows.register import unregister

    registry = open_registry()
    change = unregister if remove else add
    return session.show(present_registered(change(session.options, registry, tuple(names or ())), remove))


def present_registered(changed: Registered, removed: bool) -> CommandAnswer:
    """A line for each entry, with what `py` calls it."""
    sign = "-" if removed else "+"
    lines = [f"{sign} {name}  provision/{tag}" for name, tag in changed.tags.items()]
    lines += [f"- provision/{tag}  (its interpreter is gone)" for tag in changed.gone]
    document = {
        "version": 1,
        "removed": removed,
        "pythons": [{"name": name, "company": "provision", "tag": tag} for name, tag in changed.tags.items()],
        "gone": list(changed.gone),
    }
    return CommandAnswer(lines=lines, document=document)
