"""Owns the words of `verify`; what it does, `workflows.verifying` knows."""

from typing import Annotated

import typer

from provision.cli.parameters import Names, with_session
from provision.cli.session import Session


@with_session(transfer=True)
def verify(
    session: Session,
    names: Names = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put back the trees that differ, from verified archives.")
    ] = False,
    store: Annotated[
        bool, typer.Option("--store", help="Look at every tree of the store, not only this project's.")
    ] = False,
) -> int:
    """Hash installed trees again, and say what differs.

    Exits 5 if a tree is not what was installed.

    \b
    Examples:
      provision verify
      provision verify free --repair
      provision verify --store
    """
    from provision.cli.present.verifying import present_verified
    from provision.errors import UsageError
    from provision.workflows.store import verify as look

    if store and names:
        raise UsageError("--store looks at every tree: it goes with no name")
    verified = look(session.options, tuple(names or ()), repair=repair, store_wide=store, progress=session.progress())
    return session.show(present_verified(verified, session.console))
