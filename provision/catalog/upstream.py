"""Owns what NDJSON catalogs mean: the one PBS publishes, and one's own in the same format; fetching is `refresh`'s.

A line is one build: ``{"version": "3.14.2+20260127", "date": "…", "artifacts": [{"url": "…", "sha256": "…"}]}``.

One's own catalog may say more, all of it optional: ``size`` (in bytes) and ``options`` (such as ``pgo+lto``) of an
artifact, ``implementation`` of a line; and a ``url`` may be relative to the catalog's own place. A file name in PBS's
form tells target, options and flavor; for every other name the artifact's ``platform`` (a triple) and ``variant``
(``freethreaded+pgo+install_only``) must.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from provision.catalog.catalog import Catalog
from provision.catalog.inference import infer_options
from provision.catalog.names import UnknownNameError, parse_name, parse_platform
from provision.catalog.ndjson_wire import ERRORS_SHOWN, Artifact, Line, parse_lines
from provision.catalog.pbs import Published, Reading, read_rows
from provision.catalog.snapshot_writer import catalog_of
from provision.errors import CatalogError, Place, ProvisionError, raise_all
from provision.model.asset import FLAVORS, IMPLEMENTATIONS, Asset, BuildOptions, CpuLevel, Flavor
from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version
from provision.url import parse_url

_BUILD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@frozen
class _Traits:
    target: Target
    cpu: CpuLevel
    options: BuildOptions
    flavor: Flavor


def read_upstream(data: bytes, origin: str) -> Reading:
    """Read PBS's own catalog; raises `CatalogError` with the line if it is not whole and well-formed.

    Only URLs and hashes count: the platforms and variants beside them have been wrong (PBS.md).
    """
    rows = (
        Published(url=artifact.url, sha256=artifact.sha256, published=line.date, size=artifact.size)
        for _, line in parse_lines(data, origin)
        for artifact in line.artifacts
    )
    return read_rows(rows)


def read_ndjson(catalog: Path | bytes, origin: str = "") -> Catalog:
    """Read a catalog of one's own. ``origin`` is the path or URL it came from; relative URLs start there.

    Its `Catalog.as_of` stays empty, as it says nothing of when upstream was looked at. Raises `CatalogError` with the
    line for each row that is wrong.
    """
    if isinstance(catalog, Path):
        origin = origin or str(catalog)
        try:
            catalog = catalog.read_bytes()
        except OSError as error:
            raise CatalogError(f"the catalog cannot be read: {error.strerror}", place=Place(origin)) from error
    return catalog_of(read_assets(catalog, origin).assets)


def read_assets(data: bytes, origin: str) -> Reading:
    """The assets of a catalog of one's own, as `read_ndjson` reads them.

    Lines of implementations that cannot be locked are not looked at: their assets are ``unknown``.
    """
    stated: list[Asset] = []
    unstated: list[Asset] = []
    unknown: list[str] = []
    errors: list[ProvisionError] = []
    for number, line in parse_lines(data, origin):
        if line.implementation not in IMPLEMENTATIONS:
            unknown += (artifact.url for artifact in line.artifacts)
            continue
        for index, artifact in enumerate(line.artifacts):
            try:
                asset = _asset(line, artifact, origin)
            except ValueError as error:
                errors.append(CatalogError(str(error), place=Place(origin, number, key=f"artifacts[{index}]")))
                continue
            (unstated if artifact.options is None else stated).append(asset)
    raise_all(errors[:ERRORS_SHOWN])
    # How a build of one's own was optimised, PBS's build matrix cannot know.
    completed = infer_options((*unstated, *stated), by_target=False)
    return Reading(assets=(*completed[: len(unstated)], *stated), unknown=tuple(unknown))


def absolute_url(url: str, origin: str) -> str:
    """A row's URL, resolved against the place of its catalog; raises `ValueError` for one that no lock may hold."""
    base = origin if "://" in origin else Path(origin).absolute().as_uri()
    full = parse_url(urljoin(base, url))
    if full == base or full.endswith("/"):
        raise ValueError(f"{url!r} names no archive")
    if full.startswith("file:") and not base.startswith("file:"):
        raise ValueError(f"{url!r} is a file, and a catalog from the network may not name files")
    return full


def _asset(line: Line, artifact: Artifact, origin: str) -> Asset:
    version, build = _version(line.version)
    url = absolute_url(artifact.url, origin)
    if artifact.sha256 is None:
        raise ValueError("sha256 is missing: without it the archive cannot be locked")
    traits = _traits(artifact, unquote(urlsplit(url).path).rpartition("/")[2], version, build)
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
    if _BUILD.fullmatch(build) is None:
        raise ValueError(f"version {text!r} lacks a build: expected the like of 3.14.2+20260127")
    return Version.parse(version), build


def _traits(artifact: Artifact, filename: str, version: Version, build: str) -> _Traits:
    try:
        name = parse_name(filename, build)
    except UnknownNameError as error:
        return _stated_traits(artifact, str(error))
    if name.version != version:
        raise ValueError(f"{filename!r} is of version {name.version}, and its line of {version}")
    return _Traits(target=name.target, cpu=name.cpu, options=name.options, flavor=name.flavor)


def _stated_traits(artifact: Artifact, why: str) -> _Traits:
    if not artifact.platform or not artifact.variant:
        raise ValueError(f"{why}, so that `platform` and `variant` must tell what it is")
    target, cpu, link = parse_platform(artifact.platform)
    words = artifact.variant.split("+")
    flavor = next((flavor for flavor in FLAVORS if flavor in words), None)
    if flavor is None:
        raise ValueError(f"variant {artifact.variant!r} names no flavor; those are {', '.join(FLAVORS)}")
    options = BuildOptions.of({word for word in (*words, link) if word and word != flavor})
    return _Traits(target=target, cpu=cpu, options=options, flavor=flavor)
