"""A file's name compared with its row; assets given by URL.

The names are those of python-build-standalone. A name outside of its grammar agrees with every row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from provision.catalog.names import MUSL_DYNAMIC_SINCE, ParsedName, parse_name
from provision.errors import ManifestError
from provision.lock.keys import read_url
from provision.lock.lock import LockedPython
from provision.lock.matching import RequestDisagreement, required_level
from provision.lock.no_match import with_entry_name
from provision.manifest.manifest import Request
from provision.model.asset import OPTIMISATIONS, Asset, BuildOptions, Digest
from provision.model.target import Target
from provision.model.value import frozen, replace
from provision.model.version import Version

RowProperty = Literal["implementation", "version", "build", "target", "cpu", "options", "flavor"]
_Pairs = tuple[tuple[RowProperty, object, object], ...]

# The build of a custom archive whose name and request do not give one.
LOCAL_BUILD = "local"
# Of several disagreements between a request and a name, the first in this order is reported.
_REPORT_ORDER: tuple[RowProperty, ...] = ("version", "target", "build", "flavor", "cpu", "options")


@frozen
class NameDisagreement:
    """One property of a row that differs from its file's name, or from the catalog."""

    key: RowProperty
    stated: str
    locked: str
    filename: str
    source: Literal["name", "catalog"] = "name"

    @property
    def statement(self) -> str:
        """What the name or the catalog says: ``version 3.14.2``, ``build options none``."""
        return f"{'build options' if self.key == 'options' else self.key} {self.stated or 'none'}"

    @property
    def message(self) -> str:
        """A sentence without a full stop."""
        means = "means" if self.source == "name" else "is, according to the catalog,"
        return f"{self.filename} {means} {self.statement}; the lock file says {self.locked or 'none'}"


def name_disagreements(asset: Asset) -> tuple[NameDisagreement, ...]:
    """The differences between a row and the name of its file."""
    name = parsed_name(asset)
    if name is None:
        return ()
    pairs: _Pairs = (
        ("version", name.version, asset.version),
        ("build", name.build, asset.build),
        ("target", name.target, asset.target),
        ("cpu", name.cpu, asset.cpu),
        ("options", _options_in_names(name, name.options), _options_in_names(name, asset.options)),
        ("flavor", name.flavor, asset.flavor),
    )
    return _unequal(pairs, asset, "name")


def catalog_disagreements(asset: Asset, known: Asset) -> tuple[NameDisagreement, ...]:
    """The differences between a row and the catalog's row of the same URL."""
    pairs: _Pairs = (
        ("implementation", known.implementation, asset.implementation),
        ("version", known.version, asset.version),
        ("build", known.build, asset.build),
        ("target", known.target, asset.target),
        ("cpu", known.cpu, asset.cpu),
        ("options", known.options, asset.options),
        ("flavor", known.flavor, asset.flavor),
    )
    return _unequal(pairs, asset, "catalog")


def parsed_name(asset: Asset) -> ParsedName | None:
    """The properties in the file's name, if it is one of python-build-standalone's."""
    try:
        return parse_name(asset.filename)
    except ValueError:
        pass
    try:  # the names of the early eras leave their release tag out
        return parse_name(asset.filename, asset.build)
    except ValueError:
        return None


def custom_assets(request: Request) -> tuple[Asset, ...]:
    """The assets of a request with ``url``, one for each of its targets, without any catalog.

    Properties that the request leaves open are taken from the file's name. Raises `ManifestError` if a name disagrees
    with the request, if the version is not one exact version, or if a sha256 is missing.
    """
    version = request.version.exact
    if version is None:
        raise _error(request, f"version {request.version} is a range; with `url` it must be exact, such as 3.13.5")
    digests = dict(request.sha256)
    assets = [_asset(request, version, target, url, digests.get(target)) for target, url in request.url]
    for key, found in (("build", {row.build for row in assets}), ("flavor", {row.flavor for row in assets})):
        if len(found) > 1:
            raise _error(request, f"the archives of the entry differ in {key}: {', '.join(sorted(found))}")
    return tuple(assets)


def custom_disagreements(request: Request, python: LockedPython) -> Iterator[RequestDisagreement]:
    """Where the locked rows of a request with ``url`` differ in properties that the request leaves open.

    They must be what `custom_assets` makes of the request, which needs no catalog. If the request contradicts its own
    file names, there is nothing to compare with.
    """
    try:
        made = {asset.target: asset for asset in custom_assets(request)}
    except ManifestError:
        return
    rows = [(made[asset.target], asset) for asset in python.assets if asset.target in made]
    for expected, asset in rows:
        if expected.options != asset.options:
            yield RequestDisagreement(
                key="options", requested=expected.options, locked=asset.options, target=asset.target, asset=asset
            )
    for expected, asset in rows[:1]:  # all rows of an entry have one build and one flavor
        if request.build is None and expected.build != asset.build:
            yield RequestDisagreement(key="build", requested=expected.build, locked=asset.build)
        if request.flavor is None and expected.flavor != asset.flavor:
            yield RequestDisagreement(key="flavor", requested=expected.flavor, locked=asset.flavor)


def _unequal(pairs: _Pairs, asset: Asset, source: Literal["name", "catalog"]) -> tuple[NameDisagreement, ...]:
    return tuple(
        NameDisagreement(key=key, stated=str(stated), locked=str(locked), filename=asset.filename, source=source)
        for key, stated, locked in pairs
        if stated != locked
    )


def _options_in_names(name: ParsedName, options: BuildOptions) -> BuildOptions:
    """The options that a name of this era states: those of `install_only` archives leave the optimisation out."""
    unstated = set(OPTIMISATIONS) if name.flavor != "full" else set()
    if name.era == "A" and not name.options.names & OPTIMISATIONS:
        unstated |= OPTIMISATIONS
    if name.target.libc == "musl" and name.build < MUSL_DYNAMIC_SINCE:
        unstated.add("static")
    return BuildOptions(options.names - unstated)


def _asset(request: Request, version: Version, target: Target, url: str, sha256: Digest | None) -> Asset:
    if sha256 is None:
        raise _error(request, f"the archive for {target} has no sha256")
    try:
        read_url(url)
    except ValueError as error:
        raise _error(request, f"the URL for {target} {error}") from None
    options = (request.options or BuildOptions()).names
    options |= {name for name in ("freethreaded", "debug") if getattr(request, name)}
    asset = Asset(
        implementation=request.implementation,
        version=version,
        build=request.build or LOCAL_BUILD,
        target=target,
        cpu=required_level(request) or "baseline",
        options=BuildOptions(options),
        flavor=request.flavor or "install_only",
        url=url,
        sha256=sha256,
    )
    name = parsed_name(asset) if asset.implementation == "cpython" else None
    return asset if name is None else _completed_by_name(request, asset, name)


def _completed_by_name(request: Request, asset: Asset, name: ParsedName) -> Asset:
    """The asset, completed from its name; raises `ManifestError` if name and request disagree."""
    stated = name.options.names - {"freethreaded", "debug"}
    if asset.options.names & OPTIMISATIONS:
        stated -= OPTIMISATIONS
    asset = replace(
        asset,
        build=request.build or name.build,
        flavor=request.flavor or name.flavor,
        cpu=required_level(request) or name.cpu,
        options=BuildOptions(asset.options.names | stated),
    )
    found = name_disagreements(asset)
    if found:
        first = min(found, key=lambda each: _REPORT_ORDER.index(each.key))
        key, named, requested = (
            _options_key(first) if first.key == "options" else (first.key, first.stated, first.locked)
        )
        raise _error(
            request,
            f"{asset.filename} ({asset.target.short}): the file name means {key} "
            f"{named or 'none'}, the entry says {requested or 'none'}",
        )
    return asset


def _options_key(found: NameDisagreement) -> tuple[str, str, str]:
    """The manifest's key for options that disagree, with its value by the name and by the request."""
    named, requested = (BuildOptions.parse(text).names for text in (found.stated, found.locked))
    for option in ("freethreaded", "debug"):
        if (option in named) != (option in requested):
            return option, str(option in named).lower(), str(option in requested).lower()
    kind = OPTIMISATIONS if (named ^ requested) & OPTIMISATIONS else frozenset({"static", "shared"})
    return "build-options", str(BuildOptions(named & kind)), str(BuildOptions(requested & kind))


def _error(request: Request, message: str) -> ManifestError:
    return ManifestError(
        with_entry_name(request, message),
        place=request.place,
        hint="Set `version`, `build`, `flavor` and `build-options` of the entry to those of the archive.",
    )
