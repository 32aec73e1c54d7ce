"""The command line of `lock`."""

from typing import Annotated

import typer

from provision.cli.parameters import Names, ShownAs, with_session
from provision.cli.session import Session
from provision.errors import UsageError
from provision.model.value import replace


@with_session(transfer=True, without=("mirror", "jobs"))
def lock(
    session: Session,
    names: Names = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing; exit 4 if the lock file is missing or out of date. Needs no network."
        ),
    ] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", "-U", help="Upgrade the named entries, or all, to their newest build.")
    ] = False,
    shown_as: ShownAs = None,
) -> int:
    """Resolve pythons.toml into pythons.lock, for all targets.

    Entries whose request did not change keep their build; only --upgrade takes newer ones. A lock file with
    git's conflict markers is accepted: the entries in conflict are locked again.

    \b
    Examples:
      provision lock                    lock what is new or changed
      provision lock --upgrade          take the newest builds
      provision lock --upgrade free     of one entry only
      provision lock --check            the gate for CI
    """
    from provision.cli.present.lock import present_checked, present_locked
    from provision.workflows.lock import check_lock, parse_upgrade
    from provision.workflows.lock import lock as write_lock

    if check and (upgrade or names):
        raise UsageError("`--check` cannot be combined with entry names or `--upgrade`")
    if check:
        options = replace(session.options, shown_as=shown_as)
        return session.show(present_checked(check_lock(options), session.console))
    if shown_as is not None:
        raise UsageError("`--as` requires `--check`")
    locked = write_lock(session.options, parse_upgrade(tuple(names or ()), upgrade=upgrade))
    return session.show(present_locked(locked, session.console))
