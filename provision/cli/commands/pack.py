"""`pack` and `schema`: their command lines and their output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import provision
from provision.cli.candidates import complete_values
from provision.cli.parameters import parse_tag, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import ProvisionError, UsageError, did_you_mean
from provision.model.asset import FLAVORS
from provision.text import size

if TYPE_CHECKING:
    from provision.pack.pack import PackedPython


# Those of commands' documents are `output-NAME`, and in files of that name, but for that of `diff`.
_SCHEMAS = {
    "manifest": "pythons.schema.json",
    "lock": "pythons-lock.schema.json",
    "output-diff": "pythons-diff.schema.json",
}


def schema_names() -> list[str]:
    """The names of all schemas of this installation."""
    found = (path.name for directory in _schema_directories() for path in directory.glob("output-*.schema.json"))
    return [*_SCHEMAS, *sorted({name.partition(".")[0] for name in found})]


def _complete_schema(incomplete: str) -> Iterator[str]:
    yield from (name for name in schema_names() if name.startswith(incomplete))


def _schema_directories() -> tuple[Path, ...]:
    """``schemas/`` is in the package of a wheel, and beside the package in a checkout."""
    package = Path(provision.__file__).parent
    return (package / "schemas", package.parent / "schemas")


@with_session()
def pack(
    session: Session,
    prefix: Annotated[Path, typer.Argument(help="An install prefix, a virtual environment, or an interpreter.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Directory for the archive and catalog.ndjson.")
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

    Layout and name are those of python-build-standalone; a row for the archive is added to catalog.ndjson. The same
    prefix gives the same bytes. Warns about anything that may keep the archive from working on other machines.

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
    name: Annotated[
        str,
        typer.Argument(
            autocompletion=_complete_schema,
            help="`manifest`, `lock`, or `output-` and a command, such as `output-list` or `output-catalog-show`; "
            "`output-error` is that of failures.",
        ),
    ],
) -> int:
    """Print a JSON schema: of a file, or of what `--json` prints.

    For editors, validators and programs that read the output of commands.

    \b
    Examples:
      provision schema manifest > pythons.schema.json
      provision schema output-list
    """
    names = schema_names()
    if name not in names:
        near = did_you_mean(name, names, after="; ")
        raise UsageError(f"NAME: expected manifest, lock or output-COMMAND; got {name!r}{near}")
    return session.show(present_schema(_read_schema(_SCHEMAS.get(name, f"{name}.schema.json"))))


def _read_schema(name: str) -> str:
    """A file of ``schemas/``."""
    for directory in _schema_directories():
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
