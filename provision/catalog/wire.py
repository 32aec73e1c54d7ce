"""Owns what the models of foreign catalogs share: their base, hashes, times, and how their errors read."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError

from provision.catalog.times import parse_time
from provision.errors import CatalogError, Place
from provision.model.asset import Digest


class WireModel(BaseModel):
    """What others wrote. Keys that are not known here mean nothing, so that their format may grow."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _digest(value: object) -> Digest | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("a sha256 is a text of 64 hexadecimal digits")
    return Digest.parse(value)


def _moment(value: object) -> str | None:
    if value is None:
        return None
    return parse_time(value if isinstance(value, str) else repr(value))


Sha256 = Annotated[Digest | None, PlainValidator(_digest)]
Moment = Annotated[str | None, PlainValidator(_moment)]


def malformed(error: ValidationError, origin: str, *, line: int | None = None) -> CatalogError:
    """The first thing that is wrong, with its place: ``catalog.ndjson:7: artifacts[2].sha256: …``."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    key = ""
    for part in details[0]["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    message = details[0]["msg"].removeprefix("Value error, ")
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return CatalogError(f"{message}{more}", place=Place(origin, line, key=key.lstrip(".")))
