"""Owns the lines of an NDJSON catalog as they are written; what they mean, `ndjson` knows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationError

from provision.catalog.wire import Moment, Sha256, WireModel, malformed
from provision.errors import ProvisionError, raise_all

# A file that is no catalog at all would yield an error for each of its lines.
ERRORS_SHOWN = 20


class Artifact(WireModel):
    """One archive. PBS writes neither ``size`` (in bytes) nor ``options``."""

    url: str
    sha256: Sha256 = None
    platform: str = ""
    variant: str = ""
    size: Annotated[int | None, Field(ge=0, lt=2**53)] = None
    options: str | None = None


class Line(WireModel):
    """One version and build, ``3.14.2+20260127``, with its archives."""

    version: str
    date: Moment = None
    implementation: Annotated[str, Field(pattern="^[a-z][a-z0-9]*$")] = "cpython"
    artifacts: tuple[Artifact, ...]


def parse_lines(data: bytes, origin: str) -> tuple[tuple[int, Line], ...]:
    """Each line with its number, from 1; blank ones are left out. Raises `CatalogError` for each malformed one."""
    lines: list[tuple[int, Line]] = []
    errors: list[ProvisionError] = []
    for number, text in enumerate(data.split(b"\n"), start=1):
        if not text.strip():
            continue
        try:
            lines.append((number, Line.model_validate_json(text)))
        except ValidationError as error:
            errors.append(malformed(error, origin, line=number))
            if len(errors) == ERRORS_SHOWN:
                break
    raise_all(errors)
    return tuple(lines)
