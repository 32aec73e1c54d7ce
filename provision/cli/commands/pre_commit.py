"""The command line of `pre-commit`, for the hooks of pre-commit and its like."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from provision.cli.candidates import complete_values
from provision.cli.parameters import choice, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import ProvisionError, UsageError, combined, raise_all
from provision.model.value import replace

_ACTIONS = ("check", "audit", "lock")


@with_session(transfer=True, without=("mirror", "jobs"))
def pre_commit(
    session: Session,
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION", autocompletion=complete_values(*_ACTIONS), help=f"One of {', '.join(_ACTIONS)}."
        ),
    ],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Manifests and lock files, such as a commit's.")
    ],
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="With `audit`: as for `provision audit`.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="With `audit`: exit 5 for warnings as well.")] = False,
) -> int:
    """Check, audit or lock the project of each given file.

    Each file stands for its project: the manifest and the lock file next to each other. In a repository with
    several projects, only those of the given files are checked. `check` is `provision lock --check`.

    \b
    Examples:
      provision pre-commit check services/api/pythons.toml pythons.lock
      provision pre-commit audit --policy pythons-policy.toml services/api/pythons.lock
    """
    from provision.workflows.project import manifests_of

    choice("ACTION", action, _ACTIONS)
    if session.options.manifest is not None:
        raise UsageError("`--manifest` cannot be combined with files", hint="Name the manifest as a file.")
    if action != "audit" and (policy or strict):
        raise UsageError("`--policy` and `--strict` require the action `audit`")
    answers: list[CommandAnswer] = []
    errors: list[ProvisionError] = []
    for manifest in manifests_of(files):
        one = replace(session, options=replace(session.options, manifest=manifest))
        try:
            answers.append(_answer(one, action, policy, strict=strict))
        except ProvisionError as error:
            errors.append(error)
            continue
        if not session.as_json:
            one.show(answers[-1])
            sys.stdout.flush()  # so that a log has each project's lines below its message
    if session.as_json:
        document = {"version": 1, "projects": [answer.document for answer in answers]}
        failed = session.show(CommandAnswer(document=document, error=combined(errors) if errors else None))
        return failed or max(answer.code for answer in answers)
    raise_all(errors)
    return max(answer.code for answer in answers)


def _answer(session: Session, action: str, policy: Path | None, *, strict: bool) -> CommandAnswer:
    if action == "audit":
        from datetime import UTC, datetime

        from provision.cli.present.audit import present_audit
        from provision.workflows.audit import audit

        style = "json" if session.as_json else "text"
        audited = audit(session.options, today=datetime.now(UTC).date(), policy=policy)
        return present_audit(audited, session.console, style, strict=strict)
    from provision.cli.present.lock import present_checked, present_locked
    from provision.workflows.lock import check_lock, lock

    if action == "check":
        return present_checked(check_lock(session.options), session.console)
    return present_locked(lock(session.options), session.console)
