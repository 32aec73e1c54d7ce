"""Owns the words of `pack` and `schema`; what they do, `workflows.packing` and the schemas know."""

from pathlib import Path
from typing import Annotated

import typer

from provision.cli.parameters import with_session
from provision.cli.session import Session
from provision.errors import UsageError


@with_session()
def pack(
    session: Session,
    prefix: Annotated[Path, typer.Argument(help="An install prefix, a virtual environment, or an interpreter.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where archive and catalog.ndjson go.")
    ] = Path(),
    flavor: Annotated[str, typer.Option(help="install_only_stripped, install_only or full.")] = "install_only_stripped",
    build: Annotated[
        str | None, typer.Option(metavar="TAG", help="The build's tag, YYYYMMDD. [default: from the sources]")
    ] = None,
) -> int:
    """Turn any CPython into an archive as upstream makes them.

    Layout and name are python-build-standalone's, and catalog.ndjson gets a row for it.
    The same prefix gives the same bytes. What keeps the result from working elsewhere is said.

    \b
    Examples:
      provision pack ~/.pyenv/versions/3.13.0 -o dist
      provision pack /usr -o dist --flavor full --build 20261101
    """
    from provision.cli.present.packing import present_packed
    from provision.workflows.packing import pack as make

    return session.show(present_packed(make(prefix, output, flavor=flavor, build=build)))


@with_session()
def schema(session: Session, which: Annotated[str, typer.Argument(metavar="manifest|lock")]) -> int:
    """Print the JSON schema of pythons.toml or pythons.lock.

    For editors and validators.

    \b
    Example:
      provision schema manifest > pythons.schema.json
    """
    from provision.cli.present.packing import present_schema
    from provision.lock.schema import lock_schema
    from provision.manifest.schema import manifest_schema

    match which:
        case "manifest":
            return session.show(present_schema(manifest_schema()))
        case "lock":
            return session.show(present_schema(lock_schema()))
    raise UsageError(f"there is no schema {which!r}; expected `manifest` or `lock`")
