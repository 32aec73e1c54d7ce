"""Owns entries whose archives the manifest names by URL: no catalog is asked; the request says what they are."""

from __future__ import annotations

from provision.catalog.names import ParsedName, UnknownNameError, parse_name
from provision.errors import ManifestError
from provision.lock.phrases import sentence
from provision.lock.rows import url as checked_url
from provision.manifest.document import Request
from provision.model.asset import Asset
from provision.model.build import OPTIMISATIONS, BuildOptions
from provision.model.digest import Digest
from provision.model.target import Target
from provision.model.value import replace
from provision.model.version import Version

# The build of an archive that neither its name nor its request gives one.
LOCAL = "local"


def own_assets(request: Request) -> tuple[Asset, ...]:
    """The assets of a request with ``url``, one for each of its targets.

    A file name of PBS's grammar must agree with the request. Raises `ManifestError` where it does not, where the
    version is not one exact version, or where a sha256 is missing.
    """
    version = request.version.exact
    if version is None:
        raise _error(request, f"version {request.version} is a range; beside `url` it must be exact, such as 3.13.5")
    digests = dict(request.sha256)
    assets = [_asset(request, version, target, url, digests.get(target)) for target, url in request.url]
    for what, found in (("build", {row.build for row in assets}), ("flavor", {row.flavor for row in assets})):
        if len(found) > 1:
            raise _error(request, f"its archives differ in {what}: {', '.join(sorted(found))}")
    return tuple(assets)


def _asset(request: Request, version: Version, target: Target, url: str, sha256: Digest | None) -> Asset:
    if sha256 is None:
        raise _error(request, f"the archive for {target} has no sha256")
    try:
        checked_url(url)
    except ValueError as error:
        raise _error(request, f"the URL for {target} {error}") from None
    options = (request.options or BuildOptions()).names
    options |= {name for name in ("freethreaded", "debug") if getattr(request, name)}
    asset = Asset(
        implementation=request.implementation,
        version=version,
        build=request.build or LOCAL,
        target=target,
        cpu=request.cpu if request.cpu_strict and request.cpu != "auto" else "baseline",
        options=BuildOptions(options),
        flavor=request.flavor or "install_only",
        url=url,
        sha256=sha256,
    )
    name = _parsed(asset, tag=request.build)
    return asset if name is None else _named(request, asset, name)


def _parsed(asset: Asset, tag: str | None) -> ParsedName | None:
    """What the file name says, if it is of PBS's grammar; names of the early eras need the tag from elsewhere."""
    if asset.implementation != "cpython":
        return None
    try:
        return parse_name(asset.filename)
    except UnknownNameError:
        return None
    except ValueError:
        return parse_name(asset.filename, tag or LOCAL)


def _named(request: Request, asset: Asset, name: ParsedName) -> Asset:
    """The asset with what its name says besides; raises `ManifestError` where name and request disagree."""
    level = request.cpu if request.cpu_strict and request.cpu != "auto" else name.cpu
    asked = asset.options.names & OPTIMISATIONS
    said = name.options.names & OPTIMISATIONS
    pairs: tuple[tuple[str, object, object], ...] = (
        ("version", name.version, asset.version),
        ("target", name.target, asset.target),
        ("build", name.build, request.build or name.build),
        ("flavor", name.flavor, request.flavor or name.flavor),
        ("cpu", name.cpu, level),
        ("freethreaded", name.options.freethreaded, asset.options.freethreaded),
        ("debug", name.options.debug, asset.options.debug),
        ("build-options", BuildOptions(said), BuildOptions(asked if asked and said else said)),
    )
    for what, named, wanted in pairs:
        if named != wanted:
            raise _error(
                request,
                f"the archive for {asset.target.short} is named {asset.filename}, which means {what} "
                f"{_word(named)}, not {_word(wanted)}",
            )
    options = BuildOptions(asset.options.names | name.options.names)
    return replace(asset, build=name.build, flavor=name.flavor, cpu=name.cpu, options=options)


def _word(value: object) -> str:
    return str(value).lower() or "none"


def _error(request: Request, message: str) -> ManifestError:
    return ManifestError(
        sentence(request, message),
        place=request.place,
        hint="Say what the archive is: version, build, flavor and build-options as they are in it.",
    )
