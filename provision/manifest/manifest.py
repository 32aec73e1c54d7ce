"""`Manifest` and `Request`: what `pythons.toml` says, normalised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.errors import Place
from provision.manifest.fields import EntryTable, ManifestSettings, Policy
from provision.manifest.request import VersionRequest
from provision.model.asset import BuildOptions, CpuRequest, Digest, Flavor
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.value import field, frozen

if TYPE_CHECKING:  # reading a manifest needs no pathlib of its own: start-up is a feature
    from pathlib import Path

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
