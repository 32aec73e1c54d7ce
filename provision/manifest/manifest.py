"""`Manifest` and `Request` as values, a request's digest, names of entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.errors import ManifestError, Place, did_you_mean
from provision.manifest.keys import AttestationKey, EntryTable, ManifestSettings, Policy
from provision.manifest.version_request import VersionRequest
from provision.model.asset import FLAVORS, BuildOptions, CpuRequest, Digest, Flavor
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.value import field, frozen
from provision.text import quoted

if TYPE_CHECKING:  # reading a manifest does not import pathlib itself, to keep start-up fast
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Json = str | int | list[str] | dict[str, str]

DEFAULT_NAME = "default"  # of the entry that `python` starts if none is marked
# For JSON schemas (ECMA 262): all that `check_name` accepts, and little else.
NAME_PATTERN = "^[a-z0-9][a-z0-9._-]*$"
MAX_NAME_LENGTH = 64
# `.pythons/<name>` links to the tree: `.pythons/bin` exists already, and on Windows some names mean devices.
RESERVED_NAMES = ("bin",)
DEVICE_NAMES = ("con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)))

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")

_SEPARATE = frozenset({"freethreaded", "debug"})  # build options that are fields of `Request`


@frozen
class Request:
    """One entry of ``[pythons]`` merged with the settings: all that resolving needs.

    A field that is None was not requested, which leaves the choice to the order of preference in `lock.candidates`.
    ``flavor`` is what the entry requires, ``preferred_flavor`` what the settings prefer. ``options`` are those in
    ``build-options`` other than ``freethreaded`` and ``debug``, which are fields; None if the key is missing.
    `lock.matching` says which builds match them. ``cpu_strict`` is set if the entry itself requests the level, so that
    every target must have it; the baseline, which all targets have, is never strict. ``targets`` are in the order of
    the file, ``sha256`` and ``url`` sorted by triple. An entry with ``url`` requests one exact version; its targets are
    those of ``url``, and each has a ``sha256``.
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
    attestation: AttestationKey | None = None
    tree: TreeOptions = TreeOptions()
    default: bool = False
    place: Place | None = field(default=None, compare=False)

    @classmethod
    def of(cls, name: str, given: EntryTable, settings: ManifestSettings, place: Place | None = None) -> Request:
        """Merge an entry, whose keys do not contradict each other, with the settings."""
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
            build=given.build or parsed.build,
            targets=tuple(target for target, _ in url) or targets or settings.targets,
            prereleases=settings.prereleases if given.prereleases is None else given.prereleases,
            cooldown=settings.cooldown if given.cooldown is None else given.cooldown,
            sha256=given.sha256 or (),
            url=url,
            attestation=given.attestation,
            tree=TreeOptions(
                bytecode=given.bytecode,
                externally_managed=given.externally_managed,
                without=tuple(sorted(given.without)),
            ),
            default=given.default,
            place=place,
        )


@frozen
class Manifest:
    """A whole `pythons.toml`; ``requests`` in the order of the file.

    ``policy`` is None if the file has none.
    """

    path: Path
    settings: ManifestSettings
    requests: tuple[Request, ...]
    policy: Policy | None = None
    _by_name: dict[str, Request] = field(default_factory=dict, compare=False, repr=False)

    def request(self, name: str) -> Request | None:
        if not self._by_name:
            self._by_name.update({request.name: request for request in self.requests})
        return self._by_name.get(name)

    def default_name(self) -> str:
        """The entry that ``python`` starts: the one that is marked, or else `default_name` of all."""
        marked = [request.name for request in self.requests if request.default]
        return marked[0] if marked else default_name([request.name for request in self.requests])


def default_name(names: Sequence[str]) -> str:
    """The entry that ``python`` starts if none is marked: ``default``, or the only one; empty if there is none."""
    return DEFAULT_NAME if DEFAULT_NAME in names else names[0] if len(names) == 1 else ""


def request_digest(request: Request) -> Digest:
    """The sha256 of `canonical_request`, by which a lock file records the request that it was made for.

    It is the same for every spelling of a request, on any machine, in any release.
    """
    return Digest.of(canonical_request(request).encode())


def canonical_request(request: Request) -> str:
    """Everything in a request that can change what is locked or installed, as JSON: sorted keys, ASCII, no blanks.

    ``implementation``, ``version`` and ``targets`` (sorted triples, or ``"host"``) are always included. Other values
    are included only if they differ from their defaults, so that a key that a later release adds does not change older
    digests. The entry's name and place are left out, and so are the settings' catalogs, which say where to look and not
    what for. ``default`` only affects the names of the project's links.
    """
    values: dict[str, Json] = {
        "implementation": request.implementation,
        "targets": "host" if request.targets is None else sorted({str(target) for target in request.targets}),
        "version": str(request.version),
    }
    has_preference = request.flavor is None and request.preferred_flavor not in {None, FLAVORS[0]}
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
        "preferred-flavor": request.preferred_flavor if has_preference else None,
        # A version that names a prerelease allows prereleases in any case.
        "prereleases": True if request.prereleases and not request.version.allows_prerelease else None,
        "sha256": {str(target): str(digest) for target, digest in request.sha256} or None,
        "url": {str(target): url for target, url in request.url} or None,
        "without": sorted(request.tree.without) or None,
    }
    values |= {key: value for key, value in optional.items() if value is not None}
    return _to_json(values)


def _to_json(value: Json | dict[str, Json]) -> str:
    """As ``json.dumps(value, sort_keys=True, separators=(",", ":"))``, without importing json."""
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
            return "[" + ",".join(_to_json(element) for element in value) + "]"
        case dict():
            return "{" + ",".join(f"{_to_json(key)}:{_to_json(value[key])}" for key in sorted(value)) + "}"


def check_name(name: str) -> None:
    """Raise `ValueError` with the reason unless an entry can have this name, in a manifest or a lock file."""
    if len(name) > MAX_NAME_LENGTH:
        raise ValueError(f"a name has at most {MAX_NAME_LENGTH} characters; got {len(name)}")
    if not (name and _NAME_CHARACTERS.issuperset(name) and name[0].isalnum()):
        raise ValueError(
            f"{quoted(name)} is not a name; expected lower-case letters, digits and . _ -, first a letter or digit"
        )
    if name in RESERVED_NAMES or name.partition(".")[0] in DEVICE_NAMES or name.endswith("."):
        raise ValueError(f"{quoted(name)} cannot be the name of a link on every system; choose another name")


def unknown_entries_error(unknown: Sequence[str], known: Iterable[str], manifest: Path) -> ManifestError:
    """The error of names that are no entries; one that looks like a file is probably meant as the manifest."""
    from provision.host.repository import display_path

    names = tuple(known)
    hint = (f"The entries are {', '.join(names)}." if names else "The manifest has no entries yet.") + did_you_mean(
        unknown[0], names
    )
    if unknown[0].endswith((".toml", ".lock")):
        hint = f"Names are those of entries. To use another manifest, pass `{manifest_option(unknown[0])}`."
    shown = " and no entry ".join(map(repr, unknown))
    return ManifestError(f"{display_path(manifest)} has no entry {shown}", hint=hint)


def manifest_option(file: str) -> str:
    """``--manifest tools.toml``: the option that selects the project of a manifest or a lock."""
    from pathlib import Path

    return f"--manifest {Path(file).with_suffix('.toml')}"
