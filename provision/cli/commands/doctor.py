"""The command line of `doctor`."""

from provision.cli.parameters import with_session
from provision.cli.session import Session


@with_session(transfer=True, without=("jobs",))
def doctor(session: Session) -> int:
    """Check the shell, the project, the store and the network.

    Each line is ok, a note, or a problem with a fix. Exits 1 if there is a problem. Requests one byte from each
    server that downloads need, unless `--offline` is passed. Passwords in URLs are left out, so that the output can
    be shared in a bug report.

    \b
    Examples:
      provision doctor
      provision doctor --offline --json
    """
    from provision.cli.present.doctor import present_doctor
    from provision.workflows.doctor import doctor as check

    return session.show(present_doctor(check(session.options), session.console))
