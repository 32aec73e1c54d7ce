"""The Typer application, which imports only the command that was typed."""

import importlib
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import typer
import typer.core

from provision import __version__
from provision.cli.help import WIDTH
from provision.errors import USAGE, UsageError, nearest

# The modules of `cli.commands` and their commands, in the order of `--help`. A command is the function of the same name
# in its module; that of `list` is `list_`.
_MODULES = {
    "adopt": ("init", "import"),
    "edit": ("add", "remove"),
    "lock": ("lock",),
    "sync": ("plan", "sync"),
    "prefetch": ("prefetch",),
    "list": ("list", "status"),
    "use": ("which", "run", "env"),
    "store": ("verify", "prune", "roots", "cache"),
    "catalog": ("catalog",),
    "review": ("diff", "audit", "outdated", "explain", "feed"),
    "attest": ("attest",),
    "sbom": ("sbom", "licenses"),
    "export": ("export",),
    "mirror": ("mirror",),
    "image": ("image",),
    "register": ("register",),
    "pack": ("pack", "schema"),
    "bundle": ("bundle",),
    "pre_commit": ("pre-commit",),
    "hook": ("hook", "trust"),
    "doctor": ("doctor",),
}

# All that follows the entry's name belongs to the command.
_SETTINGS = {"run": {"allow_interspersed_args": False}}
# Commands that other programs start; `--help` does not list them.
_HIDDEN = ("pre-commit",)

# What other tools call a command of ours. `cli.entry` knows more of their words, which mean the same here. What was
# typed after the word is kept: `{names}` are the entries among it, by default NAME; `{entries}` the same, by default
# none; `{words}` are all words.
_ELSEWHERE = {
    "activate": 'eval "$(provision env)"',
    "check": "provision lock --check",
    "clean": "provision prune",
    "current": "provision list",
    "delete": "provision remove {names}",
    "exec": "provision run NAME",
    "freeze": "provision list",
    "gc": "provision prune",
    "global": "provision add NAME VERSION",
    "help": "provision --help",
    "info": "provision explain {names}",
    "install": "provision sync",
    "list-remote": "provision catalog list",
    "local": "provision add NAME VERSION",
    "ls": "provision list",
    "pin": "provision add NAME VERSION",
    "pip": "provision run NAME pip{words}",
    "python": "provision run NAME{words}",
    "rm": "provision remove {names}",
    "search": "provision catalog list",
    "shell": 'eval "$(provision env)"',
    "show": "provision explain {names}",
    "tree": "provision list",
    "uninstall": "provision remove {names}",
    "update": "provision lock --upgrade{entries}",
    "upgrade": "provision lock --upgrade{entries}",
    "use": "provision run NAME",
    "venv": "provision run NAME -m venv{words}",
    "version": "provision --version",
    "versions": "provision list",
    "where": "provision which {names}",
}
# Of these words, what they mean where a version follows.
_OF_VERSIONS = ("global", "install", "local", "pin", "use")
# Below this, a word is another word and not a misspelled one: "self" and "shell", "tree" and "trust".
_MIN_SIMILARITY = 0.7
_COMPLETE_VARIABLE = "_PROVISION_COMPLETE"
_COMPLETION = ("--install-completion", "--show-completion")
_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
# All that Typer refuses of a command line: the class has no public name.
_CommandLineError: type[Exception] = typer.BadParameter.__bases__[0]

_HELP = """Declarative, locked, reviewable Python interpreters.

pythons.toml lists the interpreters of a repository, pythons.lock pins their archives for each target, and
`provision sync` installs them.

\b
Get started:
  provision init
  provision add free 3.14t
  provision sync
  provision run free -- python -VV

\b
Exit codes:
  0  done or clean            4  lock file missing, out of date or incomplete
  1  failure                  5  integrity or policy violation
  2  usage                    6  network failed, or offline and not cached
  3  changes pending
"""


def run_app(argv: Sequence[str]) -> int:
    """Parse the command line and run the command; return the exit code."""
    if os.environ.get(_COMPLETE_VARIABLE, "").startswith("complete_"):
        return _show_candidates()
    _check_command(argv)
    if len(argv) == 2 and argv[0] in _COMPLETION:
        return _complete(argv[0], argv[1])
    app = make_app(argv[0] if argv else "")
    try:
        code = app(list(argv), prog_name="provision", standalone_mode=False)
    except _CommandLineError as error:
        return _refuse(error, argv[0] if argv and not argv[0].startswith("-") else "")
    except typer.Abort:
        raise KeyboardInterrupt from None
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # click exits with 1 where the reader of stdout is gone
            raise end.__context__ from None
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return code if isinstance(code, int) else 0


def _check_command(argv: Sequence[str]) -> None:
    """Raise `UsageError` for a command that does not exist, with the one that is meant."""
    commands = [name for names in _MODULES.values() for name in names]
    if not argv or argv[0].startswith("-") or argv[0] in commands:
        return
    if argv[0] in _OF_VERSIONS and argv[1:] and argv[1][:1].isdigit():
        meant = f"provision add NAME {shlex.quote(argv[1])}"
        raise UsageError(f"no command {argv[0]!r}", hint=f"Did you mean `{meant}`?")
    near = nearest(argv[0], (*commands, *_ELSEWHERE), cutoff=_MIN_SIMILARITY)
    meant = _with_words(near[0], argv[1:]) if near else "provision --help"
    raise UsageError(f"no command {argv[0]!r}", hint=f"Did you mean `{meant}`?" if near else f"Run `{meant}`.")


def _with_words(command: str, words: Sequence[str]) -> str:
    """Our command line for a command, ours or another tool's, with what was typed after it where it fits."""
    entries = shlex.join(word for word in words if word[:1].isalpha())
    return _ELSEWHERE.get(command, f"provision {command}").format(
        names=entries or "NAME",
        entries=f" {entries}" if entries else "",
        words=f" {shlex.join(words)}" if words else "",
    )


def _refuse(error: Exception, command: str) -> int:
    """Raise `UsageError` for what Typer refuses; a group without a command prints its help."""
    message, context = error.format_message(), error.ctx  # type: ignore[attr-defined]
    if context is not None and message == context.get_help():
        error.show()  # type: ignore[attr-defined]
        return USAGE
    from provision.cli.refusals import refusal

    raise refusal(error, command) from None


def _show_candidates() -> int:
    """Answer the completion script of a shell, which passes the words typed in variables of Typer's."""
    import typer._completion_classes as shells

    # It would import rich, half a second's work, to remove its markup, of which our help has none.
    setattr(shells, "_sanitize_help_text", str)  # noqa: B010
    words = (os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")).split()
    try:
        make_app(words[1] if len(words) > 1 else "")(prog_name="provision")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _complete(option: str, shell: str) -> int:
    """Install or show the completion of a shell that is named; Typer's own options take the current one."""
    from typer._completion_shared import get_completion_script, install

    if shell not in _SHELLS:
        raise UsageError(f"{option}: expected one of {', '.join(_SHELLS)}; got {shell!r}")
    names = {"prog_name": "provision", "complete_var": _COMPLETE_VARIABLE}
    if option == "--show-completion":
        sys.stdout.write(get_completion_script(shell=shell, **names) + "\n")
    else:
        _, path = install(shell=shell, **names)
        sys.stderr.write(f"installed the completion of {shell} in {path}; start a new shell to use it\n")
    return 0


class _Command(typer.core.TyperCommand):
    """A command whose options and arguments have no empty values, as variables that are not set leave in scripts.

    An empty path would be the working directory. Help has arguments as documents have them: ``NAME``, ``[NAME...]``.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        for parameter in self.params:
            if parameter.param_type_name == "argument" and parameter.metavar is None:
                parameter.metavar = (parameter.name or "").upper()

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def invoke(self, ctx: Any) -> Any:
        for parameter in self.params:
            option = parameter.param_type_name == "option"
            value = ctx.params.get(parameter.name or "")
            if (option or ctx.allow_interspersed_args) and "" in (
                value if isinstance(value, list | tuple) else [value]
            ):
                name = (
                    max(parameter.opts, key=len) if option else str(parameter.metavar).partition("...")[0].strip("[]")
                )
                raise UsageError(
                    f"{name}: expected a value, got ''",
                    hint=f"If a variable gave that value, set it, or leave {'the option' if option else 'it'} out.",
                )
        return super().invoke(ctx)


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
                function = name.replace("-", "_")
                found = getattr(loaded, function, None) or getattr(loaded, f"{function}_")
                if isinstance(found, typer.Typer):
                    for each in found.registered_commands:
                        each.cls, each.short_help = _Command, _summary(each.callback)
                    app.add_typer(found, name=name, short_help=found.info.help)
                else:
                    app.command(
                        name,
                        cls=_Command,
                        hidden=name in _HIDDEN,
                        context_settings=_SETTINGS.get(name),
                        short_help=_summary(found),
                    )(found)
    return app


def _summary(command: Any) -> str:
    """The first line of a command's help, which the list of commands has; of a longer text Typer would cut it."""
    return str(command.__doc__).partition("\n")[0]


def _show_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"provision {__version__}\n")
        raise typer.Exit


def _global(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    pass
