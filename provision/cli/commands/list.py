"""The command lines of `list` and `status`."""

from datetime import UTC, datetime

from provision.cli.parameters import with_session
from provision.cli.session import Session


@with_session()
def list_(session: Session) -> int:
    """Show entries, their locked builds and their state.

    \b
    Examples:
      provision list
      provision list --json
    """
    from provision.cli.present.list import present_list
    from provision.workflows.list import list_pythons

    return session.show(present_list(list_pythons(session.options), session.console))


@with_session()
def status(session: Session) -> int:
    """Show out-of-date entries, newer builds and unused trees.

    Also shows versions past their end of life, and space that can be freed.

    \b
    Example:
      provision status
    """
    from provision.cli.present.list import present_status
    from provision.workflows.status import status as find_status

    today = datetime.now(UTC).date()
    return session.show(present_status(find_status(session.options, today=today), session.console))
