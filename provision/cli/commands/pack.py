"""`pack` and `schema`: their command lines and their output."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import provision
from provision.cli.candidates import complete_values
from provision.cli.parameters import parse_tag, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import ProvisionError, UsageError
from provision.model.asset import FLAVORS
from provision.text import size

if TYPE_CHECKING:
    from provision.pack.pack import PackedPython


_SCHEMAS = {"manifest": "pythons.schema.json", "lock": "pythons-lock.schema.json"}


@with_session()
def pack(
    session: Session,
    prefix: Annotated[Path, typer.Argument(help="An install prefix, a virtual environment, or an interpreter.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where archive and catalog.ndjson go.")
    ] = Path(),
    flavor: Annotated[
        str, typer.Option(autocompletion=complete_values(*FLAVORS), help="install_only_stripped, install_only or full.")
    ] = "install_only_stripped",
    build: Annotated[
        str | None,
        typer.Option(metavar="TAG", parser=parse_tag, help="The build's tag, YYYYMMDD. [default: from the sources]"),
    ] = None,
) -> int:
    """Pack a CPython into an archive in upstream's layout.

    Layout and name are python-build-standalone's, and catalog.ndjson gets a row for it.
    The same prefix gives the same bytes. Warns of what may keep the archive from working elsewhere.

    \b
    Examples:
      provision pack ~/.pyenv/versions/3.13.0 -o dist
      provision pack /usr -o dist --flavor full --build 20261101
    """
    from provision.pack.pack import pack_python

    return session.show(present_packed(pack_python(prefix, output, flavor=flavor, build=build)))


@with_session()
def schema(
    session: Session,
    which: Annotated[str, typer.Argument(metavar="manifest|lock", autocompletion=complete_values("manifest", "lock"))],
) -> int:
    """Print the JSON schema of pythons.toml or pythons.lock.

    For editors and validators.

    \b
    Example:
      provision schema manifest > pythons.schema.json
    """
    name = _SCHEMAS.get(which)
    if name is None:
        raise UsageError(f"there is no schema {which!r}; expected `manifest` or `lock`")
    return session.show(present_schema(_read_schema(name)))


def _read_schema(name: str) -> str:
    """A file of ``schemas/``, which is in the package of a wheel, and beside the package in a checkout."""
    package = Path(provision.__file__).parent
    for directory in (package / "schemas", package.parent / "schemas"):
        with suppress(OSError):
            return (directory / name).read_text(encoding="utf-8")
    raise ProvisionError(f"this installation of provision has no {name}", hint="Reinstall provision.")


def present_packed(done: PackedPython) -> CommandAnswer:
    """The archive's path, alone on its line, and warnings of what may keep it from working elsewhere."""
    packed = done.packed
    amount = packed.archive.stat().st_size
    document = {
        "version": 1,
        "archive": str(packed.archive),
        "catalog": str(done.catalog),
        "row": packed.row,
        "warnings": list(packed.warnings),
    }
    remarks = (f"packed {size(amount)}; its row is in {done.catalog}",)
    return CommandAnswer(paths=(str(packed.archive),), document=document, remarks=remarks, warnings=packed.warnings)


def present_schema(text: str) -> CommandAnswer:
    """The schema, the same with ``--json`` and without."""
    return CommandAnswer(page=(text.rstrip("\n"),), document=json.loads(text))
