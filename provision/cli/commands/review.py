"""The command lines of `diff`, `audit`, `outdated`, `explain` and `feed`."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from provision.cli.candidates import complete_values
from provision.cli.console import Console
from provision.cli.parameters import Name, Names, OutputFile, ShownAs, choice, with_session
from provision.cli.session import Session
from provision.errors import UsageError
from provision.model.asset import IMPLEMENTATIONS
from provision.model.value import replace

_DIFF_FORMATS = ("text", "markdown", "html", "json", "github")
_AUDIT_FORMATS = ("text", "html", "json", "github", "sarif")
_DATABASE_SUFFIXES = (".zip", ".json")  # of advisories
_IMPLEMENTATIONS = f"{', '.join(IMPLEMENTATIONS[:-1])} or {IMPLEMENTATIONS[-1]}"


def _database(text: str) -> Path:
    """A database's path; a file or directory named `cached` is another one than those in the cache."""
    path = Path(text)
    return path.absolute() if path == Path("cached") and text != "cached" else path


# A type alias would be taken for a string, as annotations here are evaluated one by one.
Advisories = Annotated[
    list[Path] | None,
    typer.Option(
        "--advisories",
        metavar="PATH",
        parser=_database,
        help="Match builds with this database of OSV or CVE JSON: a file, directory or zip; or `cached`, "
        "for those of `provision catalog update --advisories`. Repeatable.",
        show_default=False,
    ),
]


def _console(session: Session, output: Path | None) -> Console:
    """The console of what goes into a file: it has no colours."""
    return (
        session.console if output is None else Console(verbosity=session.console.verbosity, environ={"NO_COLOR": "1"})
    )


@with_session()
def diff(
    session: Session,
    old: Annotated[
        str | None, typer.Argument(help="A file, a git revision, or REV:path. [default: HEAD]", show_default=False)
    ] = None,
    new: Annotated[
        str | None,
        typer.Argument(help="The same, to compare with. [default: pythons.lock on disk]", show_default=False),
    ] = None,
    style: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            autocompletion=complete_values(*_DIFF_FORMATS),
            help=f"One of {', '.join(_DIFF_FORMATS)}.",
        ),
    ] = "text",
    details: Annotated[
        bool, typer.Option("--details", help="Also compare the contents of trees that are in the store or the cache.")
    ] = False,
    advisories: Advisories = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 3 if anything changed.")] = False,
    output: OutputFile = None,
    shown_as: ShownAs = None,
) -> int:
    """Compare two lock files and flag suspicious changes.

    \b
    Examples:
      provision diff                          what is not committed yet
      provision diff origin/main              what this branch changes
      provision diff HEAD~1 HEAD --exit-code
      provision diff --format html -o review.html old.lock new.lock
    """
    from provision.cli.present.diff import present_diff
    from provision.workflows.diff import diff as compare

    style = choice("--format", "json" if session.as_json else style, _DIFF_FORMATS)
    options = replace(session.options, shown_as=shown_as)
    review = compare(options, old, new, details=details, advisories=tuple(advisories or ()))
    answer = present_diff(review, _console(session, output), style, exit_code=exit_code)
    return session.save(answer, output, as_json=style == "json")


@with_session(transfer=True, without=("mirror", "jobs"))
def audit(
    session: Session,
    lock: Annotated[
        Path | None,
        typer.Argument(
            metavar="[LOCK]", help="A lock file, with its manifest in the same directory. [default: pythons.lock]"
        ),
    ] = None,
    style: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            autocompletion=complete_values(*_AUDIT_FORMATS),
            help=f"One of {', '.join(_AUDIT_FORMATS)}.",
        ),
    ] = "text",
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Apply the [policy] of this file instead of the manifest's."),
    ] = None,
    no_project_policy: Annotated[
        bool, typer.Option("--no-project-policy", help="Apply the default policy instead of the manifest's.")
    ] = False,
    upstream: Annotated[
        bool, typer.Option("--upstream", help="Also download SHA256SUMS of every release and compare them.")
    ] = False,
    advisories: Advisories = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 5 for warnings as well.")] = False,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Compute ages as of this day. [default: today]", show_default=False),
    ] = None,
    output: OutputFile = None,
    shown_as: ShownAs = None,
) -> int:
    """Check a lock file against upstream, manifest and policy.

    Downloads nothing unless --upstream is passed. A pull request can loosen the policy of its own manifest: pass
    another policy with --policy, or use the default one with --no-project-policy.

    \b
    Examples:
      provision audit
      provision audit --policy /etc/provision/policy.toml --format github
      provision audit --upstream --format sarif -o audit.sarif
      provision audit --advisories cached --format html -o audit.html
      provision audit --advisories osv/python --advisories openssl-secjson.zip
    """
    from provision.cli.present.audit import present_audit
    from provision.workflows.audit import audit as run_audit

    style = choice("--format", "json" if session.as_json else style, _AUDIT_FORMATS)
    if policy is not None and no_project_policy:
        raise UsageError("`--policy` cannot be combined with `--no-project-policy`")
    if advisories and lock is not None and lock.suffix in _DATABASE_SUFFIXES:  # as a pattern of the shell has several
        raise UsageError(f"LOCK: expected a lock file, got {lock}", hint="Pass `--advisories` once for each database.")
    audited = run_audit(
        replace(session.options, shown_as=shown_as),
        lock,
        today=_day(as_of),
        policy=policy,
        project_policy=not no_project_policy,
        upstream=upstream,
        advisories=tuple(advisories or ()),
        progress=session.progress(),
    )
    answer = present_audit(audited, _console(session, output), style, strict=strict)
    return session.save(answer, output, as_json=style in {"json", "sarif"})


@with_session()
def outdated(
    session: Session,
    names: Names = None,
    security: Annotated[
        bool, typer.Option("--security", help="List the entries with an advisory that a newer build closes.")
    ] = False,
    advisories: Advisories = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 3 if an upgrade would change anything, or any advisory is listed.")
    ] = False,
) -> int:
    """Show available upgrades and end-of-life dates.

    \b
    Examples:
      provision outdated
      provision outdated free --json
      provision outdated --security --exit-code
      provision outdated --security --advisories openssl-secjson.zip
    """
    from provision.cli.present.outdated import present_outdated, present_security
    from provision.workflows.outdated import outdated as find_outdated

    chosen, today = tuple(names or ()), _day(None)
    if not security:
        if advisories:
            raise UsageError("`--advisories` requires `--security`")
        found = find_outdated(session.options, chosen, today=today)
        return session.show(present_outdated(found, session.console, exit_code=exit_code))
    from provision.workflows.security_updates import security_updates

    updates = security_updates(session.options, chosen, advisories=tuple(advisories or ()), today=today)
    return session.show(present_security(updates, session.console, exit_code=exit_code))


@with_session()
def explain(session: Session, name: Name) -> int:
    """Show why an entry is locked to its build.

    \b
    Examples:
      provision explain free
      provision explain free --json | jq .steps
    """
    from provision.cli.present.outdated import present_explanation
    from provision.workflows.outdated import explain as explain_entry

    return session.show(present_explanation(explain_entry(session.options, name, today=_day(None))))


@with_session()
def feed(
    session: Session,
    output: OutputFile = None,
    implementation: Annotated[
        str, typer.Option(autocompletion=complete_values("cpython", "pypy", "graalpy"), help=f"{_IMPLEMENTATIONS}.")
    ] = "cpython",
) -> int:
    """Write a JSON feed of versions and builds for Renovate.

    Lists all versions and builds with their times, for a custom datasource.

    \b
    Example:
      provision feed -o public/pythons-feed.json
    """
    from provision.cli.present.outdated import present_feed
    from provision.workflows.outdated import feed as make_feed
    from provision.workflows.outdated import write_feed

    document = make_feed(session.options, implementation)
    if output is not None:
        write_feed(document, output)
    return replace(session, as_json=output is None or session.as_json).show(present_feed(document, output))


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text) if text else datetime.now(UTC).date()
    except ValueError:
        raise UsageError(f"--as-of: expected a day such as 2026-10-25, got {text!r}") from None
