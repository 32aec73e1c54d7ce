"""`Manifest`, `Request`, `Policy` as values: key paths, names, request digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.errors import Place
from provision.manifest.keys import EntryTable, ManifestSettings, Policy
from provision.manifest.request import VersionRequest
from provision.model.asset import FLAVORS, BuildOptions, CpuRequest, Digest, Flavor
from provision.model.sha256 import sha256_hex
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.value import field, frozen
from provision.text import quoted

if TYPE_CHECKING:  # reading a manifest needs no pathlib of its own: start-up is a feature
    from pathlib import Path


# FOLD provision.manifest.manifest
#   `Manifest` and `Request`: what `pythons.toml` says, normalised.


_SEPARATE = frozenset({"freethreaded", "debug"})  # build options that are fields of a request


@frozen
class Request:
    """One entry of ``[pythons]`` with the settings folded in: all that resolving needs.

    A field that is None was not asked for, and leaves the choice to the order of preference of `lock.resolve`.
    ``flavor`` was asked for by the entry and binds; ``preferred_flavor`` comes from the settings and only prefers.
    ``options`` are those that ``build-options`` lists beside ``freethreaded`` and ``debug``, which have fields of their
    own; None where the key is missing. How they bind, `lock.answers` says.
    ``cpu_strict`` tells that the entry itself asked for the level, so that every target must have it; the baseline,
    which all have, is never strict. ``targets`` are in the order of the file; ``sha256`` and ``url`` sorted by triple.
    An entry with ``url`` asks for one exact version, and has a ``sha256`` for each of its targets, which are those of
    its ``url``.
    """

    name: str
    implementation: str = "cpython"
    version: VersionRequest
    freethreaded: bool = False
    debug: bool = False
    options: BuildOptions | None = None
    flavor: Flavor | None = None
    preferred_flavor: Flavor | None = None
    cpu: CpuRequest = "baseline"
    cpu_strict: bool = False
    build: str | None = None
    targets: tuple[Target, ...] | None = None
    prereleases: bool = False
    cooldown: int = 0
    sha256: tuple[tuple[Target, Digest], ...] = ()
    url: tuple[tuple[Target, str], ...] = ()
    tree: TreeOptions = TreeOptions()
    place: Place | None = field(default=None, compare=False)

    @classmethod
    def of(cls, name: str, given: EntryTable, settings: ManifestSettings, place: Place | None = None) -> Request:
        """What an entry asks for where no key contradicts another: its own keys, the settings, or their defaults."""
        parsed, options, url = given.version, given.build_options, given.url or ()
        own_cpu = parsed.cpu or given.cpu
        targets = (parsed.target,) if parsed.target else given.targets
        return cls(
            name=name,
            implementation=parsed.implementation,
            version=parsed.version,
            freethreaded=parsed.freethreaded or bool(given.freethreaded) or "freethreaded" in (options or ()),
            debug=parsed.debug or bool(given.debug) or "debug" in (options or ()),
            options=None if options is None else BuildOptions(frozenset(options) - _SEPARATE),
            flavor=given.flavor,
            preferred_flavor=settings.flavor if given.flavor is None else None,
            cpu=own_cpu or settings.cpu,
            cpu_strict=own_cpu not in {None, "baseline"},
            build=given.build,
            targets=tuple(target for target, _ in url) or targets or settings.targets,
            prereleases=settings.prereleases if given.prereleases is None else given.prereleases,
            cooldown=settings.cooldown if given.cooldown is None else given.cooldown,
            sha256=given.sha256 or (),
            url=url,
            tree=TreeOptions(
                bytecode=given.bytecode,
                externally_managed=given.externally_managed,
                without=tuple(sorted(given.without)),
            ),
            place=place,
        )


@frozen
class Manifest:
    """A whole `pythons.toml`; ``requests`` in the order of the file.

    ``policy`` is None where the file says nothing of one.
    """

    path: Path
    settings: ManifestSettings
    requests: tuple[Request, ...]
    policy: Policy | None = None

    def request(self, name: str) -> Request | None:
        return next((request for request in self.requests if request.name == name), None)


# FOLD provision.manifest.manifest
#   The digest of a request, by which a lock knows what it answers.


Json = str | int | list[str] | dict[str, str]


def request_digest(request: Request) -> Digest:
    """The sha256 of `canonical_request`: the same for every spelling of a request, on any machine, in any release."""
    return Digest(sha256_hex(canonical_request(request).encode()))


def canonical_request(request: Request) -> str:
    """All of a request that can change what is locked or installed, as JSON: sorted keys, ASCII, no blanks.

    ``implementation``, ``version`` and ``targets`` (sorted triples, or ``"host"``) are always there. Everything else
    is only where it differs from its default, so that a key that a later release adds leaves older digests as they
    are. Not in it: the entry's name and place, and the settings' catalogs, which tell where to look and not for what.
    """
    values: dict[str, Json] = {
        "implementation": request.implementation,
        "targets": "host" if request.targets is None else sorted({str(target) for target in request.targets}),
        "version": str(request.version),
    }
    prefers = request.flavor is None and request.preferred_flavor not in {None, FLAVORS[0]}
    optional: dict[str, Json | None] = {
        "build": request.build,
        "build-options": None if request.options is None else list(request.options),
        "bytecode": "unchecked-hash" if request.tree.bytecode else None,
        "cooldown": request.cooldown or None,
        "cpu": None if request.cpu == "baseline" else request.cpu,
        "cpu-strict": True if request.cpu_strict and request.cpu != "baseline" else None,
        "debug": request.debug or None,
        "externally-managed": None if request.tree.externally_managed else False,
        "flavor": request.flavor,
        "freethreaded": request.freethreaded or None,
        "preferred-flavor": request.preferred_flavor if prefers else None,
        # A version that names a prerelease allows them by itself.
        "prereleases": True if request.prereleases and not request.version.allows_prerelease else None,
        "sha256": {str(target): str(digest) for target, digest in request.sha256} or None,
        "url": {str(target): url for target, url in request.url} or None,
        "without": sorted(request.tree.without) or None,
    }
    values |= {key: value for key, value in optional.items() if value is not None}
    return _written(values)


def _written(value: Json | dict[str, Json]) -> str:
    """What ``json.dumps(value, sort_keys=True, separators=(",", ":"))`` writes, without importing json for it."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str() if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
            return f'"{value}"'
        case str():
            import json

            return json.dumps(value)
        case list():
            return "[" + ",".join(_written(element) for element in value) + "]"
        case dict():
            return "{" + ",".join(f"{_written(key)}:{_written(value[key])}" for key in sorted(value)) + "}"


# FOLD provision.manifest.manifest:DEVICES,LONGEST_NAME,NAME_PATTERN,OUR_NAMES,_NAME,check_name
#   ?


# FOLD provision.manifest.manifest
#   Paths of keys through a manifest, and the names that its entries may have.


# The one rule for names of entries, in manifests and in locks.
NAME_PATTERN = "^[a-z0-9][a-z0-9._-]*$"
MAX_NAME_LENGTH = 64
# `.pythons/<name>` links to the tree: beside `.pythons/bin`, and on Windows among names that mean devices.
RESERVED_NAMES = ("bin",)
DEVICE_NAMES = ("con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)))

_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


def check_name(name: str) -> None:
    """Raise `ValueError`, saying why, unless an entry can have this name."""
    if len(name) > MAX_NAME_LENGTH:
        raise ValueError(f"a name has at most {MAX_NAME_LENGTH} characters, not {len(name)}")
    if not (name and _NAME.issuperset(name) and name[0].isalnum()):
        raise ValueError(f"{quoted(name)} is not a name: lower-case letters, digits and . _ -, a letter or digit first")
    if name in RESERVED_NAMES or name.partition(".")[0] in DEVICE_NAMES or name.endswith("."):
        raise ValueError(f"{quoted(name)} cannot be the name of a link on every system: choose another")
