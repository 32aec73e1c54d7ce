"""What a file's name means, compared with its row; and assets whose URLs the manifest gives.

The names are those of python-build-standalone. A name of no known grammar says nothing, and agrees with every row.
"""

from __future__ import annotations

from typing import Literal

from provision.catalog.names import MUSL_DYNAMIC_SINCE, ParsedName, parse_name
from provision.errors import ManifestError
from provision.lock.answers import required_level
from provision.lock.keys import read_url as checked_url
from provision.lock.messages import with_entry_name
from provision.manifest.manifest import Request
from provision.model.asset import OPTIMISATIONS, Asset, BuildOptions, Digest
from provision.model.target import Target
from provision.model.value import frozen, replace
from provision.model.version import Version

RowProperty = Literal["implementation", "version", "build", "target", "cpu", "options", "flavor"]
_Pairs = tuple[tuple[RowProperty, object, object], ...]

# The build of an archive that neither its name nor its request gives one.
LOCAL_BUILD = "local"
# Of several disagreements between a request and a name, the first of these is told.
_TOLD_FIRST: tuple[RowProperty, ...] = ("version", "target", "build", "flavor", "cpu", "options")


@frozen
class NameDisagreement:
    """One property of a row that its file's name, or its catalog, says otherwise."""

    key: RowProperty
    stated: str
    locked: str
    filename: str
    source: Literal["name", "catalog"] = "name"

    @property
    def statement(self) -> str:
        """``version 3.14.2``, ``build options none``."""
        return f"{'build options' if self.key == 'options' else self.key} {self.stated or 'none'}"

    @property
    def message(self) -> str:
        """A sentence without a full stop."""
        means = "means" if self.source == "name" else "is, as the catalog knows,"
        return f"{self.filename} {means} {self.statement}, and is locked as {self.locked or 'none'}"


def name_disagreements(asset: Asset) -> tuple[NameDisagreement, ...]:
    """Where a row and the name of its file say different things."""
    name = parsed_name(asset)
    if name is None:
        return ()
    pairs: _Pairs = (
        ("version", name.version, asset.version),
        ("build", name.build, asset.build),
        ("target", name.target, asset.target),
        ("cpu", name.cpu, asset.cpu),
        ("options", _told(name, name.options), _told(name, asset.options)),
        ("flavor", name.flavor, asset.flavor),
    )
    return _unequal(pairs, asset, "name")


def catalog_disagreements(asset: Asset, known: Asset) -> tuple[NameDisagreement, ...]:
    """Where a row and the catalog's row of the same URL say different things."""
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
    """What the file's name says, if it is one of python-build-standalone's."""
    try:
        return parse_name(asset.filename)
    except ValueError:
        pass
    try:  # the names of the early eras do not tell their release
        return parse_name(asset.filename, asset.build)
    except ValueError:
        return None


def custom_assets(request: Request) -> tuple[Asset, ...]:
    """The assets of a request with ``url``, one for each of its targets: no catalog is asked, the request says it all.

    What it leaves open, a file's name may tell. Raises `ManifestError` where a name disagrees with the request, where
    the version is not one exact version, or where a sha256 is missing.
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


def _unequal(pairs: _Pairs, asset: Asset, source: Literal["name", "catalog"]) -> tuple[NameDisagreement, ...]:
    return tuple(
        NameDisagreement(key=key, stated=str(stated), locked=str(locked), filename=asset.filename, source=source)
        for key, stated, locked in pairs
        if stated != locked
    )


def _told(name: ParsedName, options: BuildOptions) -> BuildOptions:
    """The options that a name of this kind tells of: those of `install_only` archives leave the optimisation out."""
    unsaid = set(OPTIMISATIONS) if name.flavor != "full" else set()
    if name.era == "A" and not name.options.names & OPTIMISATIONS:
        unsaid |= OPTIMISATIONS
    if name.target.libc == "musl" and name.build < MUSL_DYNAMIC_SINCE:
        unsaid.add("static")
    return BuildOptions(options.names - unsaid)


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
        build=request.build or LOCAL_BUILD,
        target=target,
        cpu=required_level(request) or "baseline",
        options=BuildOptions(options),
        flavor=request.flavor or "install_only",
        url=url,
        sha256=sha256,
    )
    name = parsed_name(asset) if asset.implementation == "cpython" else None
    return asset if name is None else _named(request, asset, name)


def _named(request: Request, asset: Asset, name: ParsedName) -> Asset:
    """The asset with what its name tells and the request does not; `ManifestError` for what the two say differently."""
    told = name.options.names - {"freethreaded", "debug"}
    if asset.options.names & OPTIMISATIONS:
        told -= OPTIMISATIONS
    asset = replace(
        asset,
        build=request.build or name.build,
        flavor=request.flavor or name.flavor,
        cpu=required_level(request) or name.cpu,
        options=BuildOptions(asset.options.names | told),
    )
    found = name_disagreements(asset)
    if found:
        first = min(found, key=lambda each: _TOLD_FIRST.index(each.key))
        key, meant, asked = _options_key(first) if first.key == "options" else (first.key, first.stated, first.locked)
        raise _error(
            request,
            f"the archive for {asset.target.short} is named {asset.filename}, which means {key} "
            f"{meant or 'none'}, not {asked or 'none'}",
        )
    return asset


def _options_key(found: NameDisagreement) -> tuple[str, str, str]:
    """The key of an entry that asks for other options than its archive's name tells, and what the two say of it."""
    meant, asked = (BuildOptions.parse(text).names for text in (found.stated, found.locked))
    for option in ("freethreaded", "debug"):
        if (option in meant) != (option in asked):
            return option, str(option in meant).lower(), str(option in asked).lower()
    kind = OPTIMISATIONS if (meant ^ asked) & OPTIMISATIONS else frozenset({"static", "shared"})
    return "build-options", str(BuildOptions(meant & kind)), str(BuildOptions(asked & kind))


def _error(request: Request, message: str) -> ManifestError:
    return ManifestError(
        with_entry_name(request, message),
        place=request.place,
        hint="Say what the archive is: version, build, flavor and build-options as they are in it.",
    )
