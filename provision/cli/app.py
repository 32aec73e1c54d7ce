"""The Typer application, which imports only the command that was typed."""

import importlib
import sys
from collections.abc import Sequence

import typer

from provision import __version__
from provision.cli.help import WIDTH

# The modules of `cli.commands` and their commands, in the order of `--help`. A command is the function of the same name
# in its module; that of `list` is `list_`.
_MODULES = {
    "edit": ("init", "add", "remove"),
    "lock": ("lock",),
    "sync": ("plan", "sync"),
    "list": ("list", "status"),
    "use": ("which", "run", "env"),
    "store": ("verify", "prune", "roots", "cache"),
    "catalog": ("catalog",),
    "review": ("diff", "audit", "outdated", "explain", "feed"),
    "pack": ("pack", "schema"),
    "hook": ("hook",),
}

# All that follows the entry's name belongs to the command.
_SETTINGS = {"run": {"allow_interspersed_args": False}}

_HELP = """Declarative, locked, reviewable Python interpreters.

pythons.toml says what a repository wants, pythons.lock which archive that is on every platform, and `provision sync`
makes this machine agree with it.

\b
Begin with:
  provision init
  provision add free 3.14t
  provision sync
  provision run free -- python -VV

\b
Exit codes:
  0  done or clean            4  lock missing, stale or incomplete
  1  failure                  5  integrity or policy violation
  2  usage                    6  network failed, or offline and not cached
  3  changes pending
"""


def run_app(argv: Sequence[str]) -> int:
    """Parse the command line and run the command; return the exit code."""
    app = make_app(argv[0] if argv else "")
    try:
        app(list(argv), prog_name="provision")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def make_app(command: str = "") -> typer.Typer:
    """The application with the commands of one module, or with all of them if ``command`` is unknown."""
    app = typer.Typer(
        help=_HELP,
        no_args_is_help=True,
        rich_markup_mode=None,  # importing rich to draw boxes around help doubles the time of `--help`
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    )
    app.callback()(_global)
    modules = {module for module, commands in _MODULES.items() if command in commands} or set(_MODULES)
    for module, commands in _MODULES.items():
        if module in modules:
            loaded = importlib.import_module(f"provision.cli.commands.{module}")
            for name in commands:
                found = getattr(loaded, name, None) or getattr(loaded, f"{name}_")
                if isinstance(found, typer.Typer):
                    app.add_typer(found, name=name)
                else:
                    app.command(name, context_settings=_SETTINGS.get(name))(found)
    return app


def _show_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"provision {__version__}\n")
        raise typer.Exit


def _global(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    pass
