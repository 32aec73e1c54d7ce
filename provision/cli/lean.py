"""The everyday commands without options, run without importing Typer.

Importing Typer takes five times as long as `python -c pass`. Any other command line is left to `cli.app`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.cli.session import Session


def run_lean(argv: Sequence[str]) -> int | None:
    """Run a plain command and return its exit code; None if the command line is not one of those."""
    plain = _PLAIN.get(tuple(argv))
    if plain is not None:
        return plain()
    match argv:
        case ["which", name] if not name.startswith("-"):
            return _which(name)
        case ["run", name, *command] if not name.startswith("-"):
            return _run(name, command)
    return None


def _session() -> Session:
    from provision.cli.session import Session

    return Session.start()


def _sync() -> int:
    from provision.cli.present.sync import present_synced
    from provision.workflows.options import Scope
    from provision.workflows.sync import sync

    session = _session()
    return session.show(present_synced(sync(session.options, Scope(), session.progress()), session.console))


def _plan() -> int:
    from provision.cli.present.sync import present_planned
    from provision.workflows.options import Scope
    from provision.workflows.plan import plan

    session = _session()
    return session.show(present_planned(plan(session.options, Scope()), session.console))


def _lock() -> int:
    from provision.cli.present.lock import present_locked
    from provision.workflows.lock import lock

    session = _session()
    return session.show(present_locked(lock(session.options), session.console))


def _lock_check() -> int:
    from provision.cli.present.lock import present_checked
    from provision.workflows.lock import check_lock

    session = _session()
    return session.show(present_checked(check_lock(session.options), session.console))


def _list() -> int:
    from provision.cli.present.list import present_list
    from provision.workflows.list import list_pythons

    session = _session()
    return session.show(present_list(list_pythons(session.options), session.console))


def _which(name: str) -> int:
    from provision.cli.present.use import present_which
    from provision.workflows.use import which

    session = _session()
    return session.show(present_which(which(session.options, name)))


def _run(name: str, command: Sequence[str]) -> int:
    from provision.workflows.use import run

    return run(_session().options, name, command)


_PLAIN = {
    ("sync",): _sync,
    ("plan",): _plan,
    ("list",): _list,
    ("lock",): _lock,
    ("lock", "--check"): _lock_check,
}
