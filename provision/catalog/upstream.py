"""Other people's catalogs as assets: NDJSON of PBS and of users.

A line of NDJSON is one build:
``{"version": "3.14.2+20260127", "date": "…", "artifacts": [{"url": "…", "sha256": "…"}]}``.

A custom catalog may say more, all of it optional: ``size`` (in bytes) and ``options`` (such as ``pgo+lto``) of an
artifact, ``implementation`` of a line; and a ``url`` may be relative to the catalog's own place. Target, options and
flavor come from a file name in PBS's form; for every other name from the artifact's ``platform`` (a triple) and
``variant`` (``freethreaded+pgo+install_only``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError

from provision.catalog.names import UnknownNameError, infer_options, parse_name, parse_platform
from provision.catalog.pbs import AssetsRead, PublishedFile, read_rows
from provision.errors import CatalogError, Place, ProvisionError, raise_all
from provision.model.asset import (
    BUILD_PATTERN,
    FLAVORS,
    IMPLEMENTATIONS,
    Asset,
    BuildOptions,
    CpuLevel,
    Digest,
    Flavor,
    file_name,
)
from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version
from provision.url import resolve_url

_Document = TypeVar("_Document")

# A file that is no catalog would yield an error for each of its lines.
ERRORS_SHOWN = 20


def format_time(moment: datetime) -> str:
    """``2026-01-30T14:46:07Z``, so that times sort as texts; raises `ValueError` for one without a time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} lacks a time zone")
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_time(text: str) -> str:
    """Read an RFC 3339 time, or a mere day, which means its beginning in UTC; raises `ValueError` on anything else."""
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == len("2026-01-30"):
            moment = moment.replace(tzinfo=UTC)
        return format_time(moment)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time such as 2026-01-30T14:46:07Z") from error


def _digest(value: object) -> Digest | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("expected a sha256 of 64 hexadecimal digits")
    return Digest.parse(value)


def _timestamp(value: object) -> str | None:
    if value is None:
        return None
    return parse_time(value if isinstance(value, str) else repr(value))


Sha256 = Annotated[Digest | None, PlainValidator(_digest)]
Timestamp = Annotated[str | None, PlainValidator(_timestamp)]


class ForeignModel(BaseModel):
    """A model of other people's data. Unknown keys are ignored, so that their format may grow."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class NdjsonArtifact(ForeignModel):
    """One archive. PBS writes neither ``size`` (in bytes) nor ``options``."""

    url: str
    sha256: Sha256 = None
    platform: str = ""
    variant: str = ""
    size: Annotated[int | None, Field(ge=0, lt=2**53)] = None
    options: str | None = None


class NdjsonLine(ForeignModel):
    """One version and build, ``3.14.2+20260127``, with its archives."""

    version: str
    date: Timestamp = None
    implementation: Annotated[str, Field(pattern="^[a-z][a-z0-9]*$")] = "cpython"
    artifacts: tuple[NdjsonArtifact, ...]


def read_upstream(data: bytes, origin: str) -> AssetsRead:
    """Read PBS's own catalog; raises `CatalogError` with the line if it is not whole and well-formed.

    Only URLs and hashes count: the platforms and variants beside them have been wrong.
    """
    rows = (
        PublishedFile(url=artifact.url, sha256=artifact.sha256, published=line.date, size=artifact.size)
        for _, line in parse_lines(data, origin)
        for artifact in line.artifacts
    )
    return read_rows(rows)


def read_custom_catalog(data: bytes, origin: str) -> AssetsRead:
    """The assets of a custom catalog; ``origin`` is the path or URL it came from, where relative URLs start.

    Left out are lines of implementations that cannot be locked, ``unknown``, and of a copy of PBS's catalog the rows
    whose names this version of provision cannot read, ``unreadable``. Raises `CatalogError` with the line for each row
    that is wrong.
    """
    stated: list[Asset] = []
    unstated: list[Asset] = []
    unknown: list[str] = []
    unreadable: list[str] = []
    errors: list[ProvisionError] = []
    for number, line in parse_lines(data, origin):
        if line.implementation not in IMPLEMENTATIONS:
            unknown += (artifact.url for artifact in line.artifacts)
            continue
        for index, artifact in enumerate(line.artifacts):
            try:
                asset = _asset(line, artifact, origin)
            except ValueError as error:
                if _is_new_name(artifact.url):
                    unreadable.append(artifact.url)
                else:
                    errors.append(CatalogError(str(error), place=Place(origin, number, key=f"artifacts[{index}]")))
                continue
            (unstated if artifact.options is None else stated).append(asset)
    raise_all(errors[:ERRORS_SHOWN])
    # PBS's build matrix does not apply to builds of others.
    completed = infer_options((*unstated, *stated), by_target=False)
    assets = (*completed[: len(unstated)], *stated)
    return AssetsRead(assets=assets, unknown=tuple(unknown), unreadable=tuple(unreadable))


@frozen
class _AssetTraits:
    """The properties of an asset from its file name, or from the artifact itself."""

    target: Target
    cpu: CpuLevel
    options: BuildOptions
    flavor: Flavor


def absolute_url(url: str, origin: str) -> str:
    """A row's URL, resolved against the place of its catalog; raises `ValueError` for one that no lock may hold."""
    base = origin if "://" in origin else Path(origin).absolute().as_uri()
    full = resolve_url(base, url)
    if full == base or not file_name(full):
        raise ValueError(f"{url!r} names no archive")
    if full.startswith("file:") and not base.startswith("file:"):
        raise ValueError(f"{url!r} is a file; a downloaded catalog cannot list files")
    return full


# A name of python-build-standalone since 2022, whatever the target and the options in it.
_PBS_NAME = re.compile(r"cpython-\d+\.\d+\.\d+\w*\+\d{8}-[^/]+\.tar\.(?:gz|zst)$", re.ASCII)


def _is_new_name(url: str) -> bool:
    """Whether PBS may have named the file, in a way that this version of provision cannot read."""
    name = file_name(url)
    if _PBS_NAME.fullmatch(name) is None:
        return False
    try:
        parse_name(name)
    except UnknownNameError:
        return True
    return False


def _asset(line: NdjsonLine, artifact: NdjsonArtifact, origin: str) -> Asset:
    version, build = _version(line.version)
    url = absolute_url(artifact.url, origin)
    if artifact.sha256 is None:
        raise ValueError("sha256 is missing: without it the archive cannot be locked")
    traits = _traits(artifact, file_name(url), version, build)
    return Asset(
        implementation=line.implementation,
        version=version,
        build=build,
        target=traits.target,
        cpu=traits.cpu,
        options=BuildOptions(traits.options.names | BuildOptions.parse(artifact.options or "").names),
        flavor=traits.flavor,
        url=url,
        sha256=artifact.sha256,
        size=artifact.size or None,
        published=line.date,
    )


def _version(text: str) -> tuple[Version, str]:
    version, _, build = text.partition("+")
    if re.fullmatch(BUILD_PATTERN, build) is None:
        raise ValueError(f"version {text!r} lacks a build: expected one such as 3.14.2+20260127")
    return Version.parse(version), build


def _traits(artifact: NdjsonArtifact, filename: str, version: Version, build: str) -> _AssetTraits:
    try:
        name = parse_name(filename, build)
    except UnknownNameError as error:
        return _stated_traits(artifact, str(error))
    if name.version != version:
        raise ValueError(f"{filename!r} is of version {name.version}, and its line of {version}")
    return _AssetTraits(target=name.target, cpu=name.cpu, options=name.options, flavor=name.flavor)


def _stated_traits(artifact: NdjsonArtifact, why: str) -> _AssetTraits:
    if not artifact.platform or not artifact.variant:
        raise ValueError(f"{why}, so that `platform` and `variant` must tell what it is")
    target, cpu, link = parse_platform(artifact.platform)
    words = artifact.variant.split("+")
    flavor = next((flavor for flavor in FLAVORS if flavor in words), None)
    if flavor is None:
        raise ValueError(f"variant {artifact.variant!r} names no flavor; expected one of {', '.join(FLAVORS)}")
    options = BuildOptions.of({word for word in (*words, link) if word and word != flavor})
    return _AssetTraits(target=target, cpu=cpu, options=options, flavor=flavor)


def parse_lines(data: bytes, origin: str) -> tuple[tuple[int, NdjsonLine], ...]:
    """Each line with its number, from 1; blank ones are left out. Raises `CatalogError` for each malformed one."""
    lines: list[tuple[int, NdjsonLine]] = []
    errors: list[ProvisionError] = []
    for number, text in enumerate(data.split(b"\n"), start=1):
        if not text.strip():
            continue
        try:
            lines.append((number, NdjsonLine.model_validate_json(text)))
        except ValidationError as error:
            errors.append(validation_error(error, origin, line=number))
            if len(errors) == ERRORS_SHOWN:
                break
    raise_all(errors)
    return tuple(lines)


def validated(adapter: TypeAdapter[_Document], data: bytes, origin: str) -> _Document:
    """A whole JSON document; raises `CatalogError` if it is not of the form."""
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        raise validation_error(error, origin) from error


def validation_error(error: ValidationError, origin: str, *, line: int | None = None) -> CatalogError:
    """The error for the first thing that is wrong, with its place: ``catalog.ndjson:7: artifacts[2].sha256: …``."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    key = ""
    for part in details[0]["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    message = details[0]["msg"].removeprefix("Value error, ")
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return CatalogError(f"{message}{more}", place=Place(origin, line, key=key.lstrip(".")))
