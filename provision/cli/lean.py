"""The everyday commands with their common options, run without importing Typer.

Importing Typer takes five times as long as `python -c pass`. Any other command line is left to `cli.app`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provision.cli.plain import Line, is_plan_file, read_line

if TYPE_CHECKING:
    from provision.cli.session import Session


def run_lean(argv: Sequence[str]) -> int | None:
    """Run an everyday command and return its exit code; None if the command line is not one of those."""
    match argv:
        case ["run", name, *command] if not name.startswith("-"):
            return _run(name, command)
        case ["hook", "state"]:
            return _hook_state()
    line = read_line(list(argv))
    if line is None or any(map(is_plan_file, line.names)):
        return None
    with _session(line).hints() as session:
        return _COMMANDS[line.command](line, session)


def _session(line: Line) -> Session:
    from provision.cli.session import Session

    given = line.options

    def path(name: str) -> Path | None:
        return Path(str(given[name])) if name in given else None

    return Session.start(
        manifest=path("manifest"),
        home=path("home"),
        cache_dir=path("cache_dir"),
        offline="offline" in given,
        jobs=int(given["jobs"]) if "jobs" in given else None,
        progress=bool(given.get("progress", True)),
        as_json="as_json" in given,
        quiet="quiet" in given,
        verbose="verbose" in given,
    )


def _sync(line: Line, session: Session) -> int:
    from provision.cli.present.sync import present_synced
    from provision.cli.recording import Recorder
    from provision.workflows.options import parse_scope
    from provision.workflows.sync import sync

    given = line.options
    locked = bool(given["locked"]) if "locked" in given else None
    scope = parse_scope(line.names, ())
    recorder = Recorder(session.progress())
    options = session.options.with_jitter(float(given["jitter"]) if "jitter" in given else None)
    synced = sync(options, scope, recorder, locked=locked, frozen="frozen" in given)
    return session.show(present_synced(synced, session.console, recorder.measures))


def _plan(line: Line, session: Session) -> int:
    from provision.cli.present.sync import present_planned
    from provision.workflows.options import parse_scope
    from provision.workflows.plan import plan

    planned = plan(session.options, parse_scope(line.names, ()), frozen="frozen" in line.options)
    return session.show(present_planned(planned, session.console, exit_code="exit_code" in line.options))


def _lock(line: Line, session: Session) -> int:
    if "check" in line.options:
        return _lock_check(line, session)
    from provision.cli.present.lock import present_locked
    from provision.workflows.lock import lock

    return session.show(present_locked(lock(session.options), session.console))


def _lock_check(line: Line, session: Session) -> int:
    from provision.cli.present.lock import present_checked
    from provision.workflows.lock import check_lock

    return session.show(present_checked(check_lock(session.options), session.console))


def _list(line: Line, session: Session) -> int:
    from provision.cli.present.list import present_list
    from provision.workflows.list import list_pythons

    return session.show(present_list(list_pythons(session.options), session.console))


def _which(line: Line, session: Session) -> int:
    from provision.cli.present.use import present_which
    from provision.workflows.use import which

    return session.show(present_which(which(session.options, line.names[0]), store="store" in line.options))


def _run(name: str, command: Sequence[str]) -> int:
    from provision.workflows.use import run

    return run(_session(Line("run")).options, name, command)


def _hook_state() -> int:
    import os

    from provision.cli.streams import path_bytes, write_bytes
    from provision.store.activation import answer_lines
    from provision.workflows.hook import activate

    found = activate(os.environ, str(Path.cwd()))
    write_bytes(b"".join(path_bytes(f"{line}\n") or b"" for line in answer_lines(os.environ, found)))
    return 0


_COMMANDS = {"sync": _sync, "plan": _plan, "lock": _lock, "list": _list, "which": _which}
