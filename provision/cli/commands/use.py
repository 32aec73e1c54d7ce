"""The command lines of `which`, `run` and `env`."""

import sys
from typing import Annotated

import typer

from provision.cli.candidates import complete_values
from provision.cli.parameters import Name, with_session
from provision.cli.session import Session


@with_session()
def which(
    session: Session,
    name: Name,
    store: Annotated[bool, typer.Option("--store", help="Print the path in the store, of this one build.")] = False,
) -> int:
    """Print the path of an installed interpreter.

    The path goes through the project's link, so it stays the same when the entry is upgraded.

    \b
    Examples:
      $(provision which free) -c 'import sys; print(sys._is_gil_enabled())'
      uv venv --python "$(provision which default)"
      provision which default --store
    """
    from provision.cli.present.use import present_which
    from provision.workflows.use import which as find

    return session.show(present_which(find(session.options, name), store=store))


@with_session()
def run(
    session: Session,
    name: Name,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="The command and its arguments.")
    ] = None,
) -> int:
    """Run a command with an interpreter first on PATH.

    The command replaces this process, so that its exit code and signals are passed through. Everything after the
    entry's name is the command; options and files that end in .py or .pyz are passed to the interpreter.

    \b
    Examples:
      provision run free                            the interpreter itself
      provision run free -c 'import sys; print(sys.version)'
      provision run free script.py --verbose
      provision run default -m venv .venv
      provision run debug ./configure --with-assertions
    """
    from provision.workflows.use import run as execute

    sys.stdout.flush()
    return execute(session.options, name, command or ())


@with_session()
def env(
    session: Session,
    shell: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete_values("sh", "fish", "powershell", "github"),
            help="sh, fish, powershell or github. [default: by $SHELL]",
        ),
    ] = None,
) -> int:
    """Print shell code that puts the interpreters on PATH.

    \b
    Examples:
      eval "$(provision env)"
      provision env --shell fish | source
      provision env --shell github >> "$GITHUB_PATH"
    """
    from provision.cli.present.use import present_env
    from provision.workflows.use import bin_directory

    return session.show(present_env(bin_directory(session.options), shell, session.options.environ))
