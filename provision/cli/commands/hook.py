"""The command lines of `hook` and `trust`."""

from pathlib import Path
from typing import Annotated

import typer

from provision.cli.candidates import complete_values
from provision.cli.parameters import choice, with_session
from provision.cli.session import Session
from provision.errors import UsageError


@with_session()
def hook(
    session: Session,
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL",
            autocompletion=complete_values("bash", "zsh", "fish", "pwsh", "powershell", "direnv"),
            help="bash, zsh, fish, pwsh (or powershell) or direnv.",
        ),
    ],
) -> int:
    """Print shell code for interpreters on PATH by directory.

    While the shell is in the directory of a trusted project or below it, the interpreters of the project are first on
    PATH, as with `provision env`. `provision trust` trusts a project. For direnv, the code defines `use provision`.

    \b
    Examples:
      eval "$(provision hook bash)"                 in ~/.bashrc
      eval "$(provision hook zsh)"                  in ~/.zshrc
      provision hook fish | source                  in ~/.config/fish/config.fish
      provision hook pwsh | Out-String | Invoke-Expression    in $PROFILE
      provision hook direnv > ~/.config/direnv/lib/provision.sh
    """
    from provision.cli.present.hook import SHELL_NAMES, present_hook

    return session.show(present_hook(choice("SHELL", shell, SHELL_NAMES)))


@with_session()
def trust(
    session: Session,
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="The project's directory. [default: that of the nearest pythons.toml]"),
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="No longer trust the project.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Print the trusted projects.")] = False,
) -> int:
    """Let the shell hook use the interpreters of a project.

    Trust applies to one project at one path, whatever its files contain later; a project that was moved or replaced
    is not trusted. `provision env` and `provision run` require no trust.

    \b
    Examples:
      provision trust
      provision trust --revoke ~/src/old
      provision trust --list
    """
    from provision.cli.present.hook import present_revoked, present_trust_list, present_trusted
    from provision.workflows.hook import list_trusted, revoke_trust, trust_project

    if listed and (revoke or path is not None):
        raise UsageError("`--list` cannot be combined with `--revoke` or a path")
    if listed:
        return session.show(present_trust_list(list_trusted(session.options)))
    if revoke:
        directory, was_trusted = revoke_trust(session.options, path)
        return session.show(present_revoked(directory, was_trusted=was_trusted))
    return session.show(present_trusted(trust_project(session.options, path)))
