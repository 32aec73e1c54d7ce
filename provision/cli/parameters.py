"""Options that all commands share, and their session."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from provision.cli.candidates import complete_names, complete_targets
from provision.cli.session import Session
from provision.errors import UsageError, did_you_mean

P = ParamSpec("P")


def parse_tag(text: str) -> str:
    """The build that `--build` names, as a release tag or as the date of one."""
    from provision.manifest.keys import parse_build, tag_of_date

    try:
        return parse_build(tag_of_date(text))
    except ValueError:
        raise UsageError(f"--build: expected a build such as 20260814, got {text!r}") from None


Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="Entries of pythons.toml. [default: all]", autocompletion=complete_names),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="An entry of pythons.toml.", autocompletion=complete_names)]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TARGET",
        help="Only archives for this target (repeatable). [default: all]",
        show_default=False,
        autocompletion=complete_targets,
    ),
]
OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file. [default: stdout]")
]
ShownAs = Annotated[
    Path | None,
    typer.Option(
        "--as",
        metavar="PATH",
        help="Report the lock file under this path, if it is a copy of a file in a repository.",
    ),
]

_SHARED: dict[str, Any] = {
    "manifest": Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            "-m",
            metavar="FILE",
            help="Manifest to use (default: pythons.toml here or in a parent directory). [env var: PROVISION_MANIFEST]",
        ),
    ],
    "home": Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory of installed trees.  [env var: PROVISION_HOME]")
    ],
    "cache_dir": Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Directory of downloaded archives and catalogs.  [env var: PROVISION_CACHE_DIR]"
        ),
    ],
    "as_json": Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")],
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="Print only results, warnings and errors.")],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Print more details.")],
}

_TRANSFER: dict[str, Any] = {
    "offline": Annotated[
        bool,
        typer.Option("--offline", help="Use only what is cached; never the network.  [env var: PROVISION_OFFLINE]"),
    ],
    "mirror": Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Download from this mirror first (repeatable): https://, file://, oci:// or s3://. "
            "[env var: PROVISION_MIRROR]",
        ),
    ],
    "allow_host": Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST", help="Also allow downloads from this host (repeatable). [env var: PROVISION_ALLOW_HOSTS]"
        ),
    ],
    "jobs": Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            max=64,
            help="Number of downloads or installations at once. [default: 4]  [env var: PROVISION_JOBS]",
        ),
    ],
    "progress": Annotated[
        bool, typer.Option("--progress/--no-progress", help="Show progress bars. [env var: PROVISION_NO_PROGRESS]")
    ],
}
_DEFAULTS = {"progress": True, "offline": False, "as_json": False, "quiet": False, "verbose": False}


def choice(option: str, given: str, choices: tuple[str, ...]) -> str:
    """The given word; raises `UsageError` if it is none of those that the option takes."""
    if given not in choices:
        raise UsageError(
            f"{option}: expected one of {', '.join(choices)}; got {given!r}{did_you_mean(given, choices, after='. ')}"
        )
    return given


def with_session(
    *, transfer: bool = False, without: tuple[str, ...] = ()
) -> Callable[[Callable[Concatenate[Session, P], int]], Callable[..., None]]:
    """Make a Typer command of a function that takes a session first: the command has the shared options instead.

    ``transfer`` adds the options of commands that may use the network, but for those in ``without``, which would have
    no effect. Annotations are evaluated here, as Typer needs the objects.
    """
    transfers = {name: option for name, option in _TRANSFER.items() if transfer and name not in without}
    shared = {**_SHARED, **transfers}

    def decorate(function: Callable[Concatenate[Session, P], int]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(*args: Any, **kwargs: Any) -> None:
            given = {name: kwargs.pop(name) for name in shared}
            if given["quiet"] and given["verbose"]:
                raise UsageError("`--quiet` cannot be combined with `--verbose`")
            with Session.start(**given).hints() as session:
                code = function(session, *args, **kwargs)
            raise typer.Exit(code)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        extra = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS.get(name), annotation=annotation)
            for name, annotation in shared.items()
        ]
        every = [*own, *extra]
        command.__signature__ = inspect.Signature(every, return_annotation=None)  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
        return command

    return decorate
