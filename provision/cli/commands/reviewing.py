"""Owns the words of `diff`, `audit`, `outdated`, `feed` and `explain`; what they do, their workflows know."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from provision.cli.parameters import Name, Names, with_session
from provision.cli.session import Session
from provision.errors import UsageError, did_you_mean

_DIFF_FORMATS = ("text", "markdown", "html", "json", "github")
_AUDIT_FORMATS = ("text", "json", "github", "sarif")


@with_session()
def diff(
    session: Session,
    old: Annotated[
        str | None, typer.Argument(help="A file, a git revision, or REV:path. [default: HEAD]", show_default=False)
    ] = None,
    new: Annotated[
        str | None, typer.Argument(help="Likewise. [default: pythons.lock as it is on disk]", show_default=False)
    ] = None,
    style: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMAT", help=f"One of {', '.join(_DIFF_FORMATS)}.")
    ] = "text",
    details: Annotated[
        bool, typer.Option("--details", help="Look inside the trees that are in the store or the cache, too.")
    ] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 3 if anything changed.")] = False,
) -> int:
    """Show what a changed lock really changes: versions, builds, hosts, and bytes that changed for no reason.

    \b
    Examples:
      provision diff                          what is not committed yet
      provision diff origin/main              what this branch changes
      provision diff HEAD~1 HEAD --exit-code
      provision diff --format html old.lock new.lock > review.html
    """
    from provision.cli.present.reviewing import present_diff
    from provision.workflows.diffing import diff as compare

    style = _choice("--format", "json" if session.as_json else style, _DIFF_FORMATS)
    review = compare(session.options, old, new, details=details)
    answer = present_diff(review, session.console, style, exit_code=exit_code)
    return replace(session, as_json=style == "json").show(answer)


def _choice(option: str, given: str, choices: tuple[str, ...]) -> str:
    if given not in choices:
        raise UsageError(f"{option} is {given!r}; expected one of {', '.join(choices)}.{did_you_mean(given, choices)}")
    return given
