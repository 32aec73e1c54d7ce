"""Owns the manifest's values: what `pythons.toml` says, normalised; `reading` makes them from text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from provision.errors import Place
from provision.manifest.request import VersionRequest
from provision.model.build import BuildOptions, CpuRequest, Flavor
from provision.model.digest import Digest
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.value import field, frozen

if TYPE_CHECKING:  # reading a manifest needs no pathlib of its own: start-up is a feature
    from pathlib import Path


@frozen
class Settings:
    """The ``[settings]`` table. ``cooldown`` is in seconds; ``targets`` is None where the host's is meant."""

    targets: tuple[Target, ...] | None = None
    flavor: Flavor | None = None
    cpu: CpuRequest = "baseline"
    prereleases: bool = False
    cooldown: int = 0
    catalogs: tuple[str, ...] = ()


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


@frozen
class Manifest:
    """A whole `pythons.toml`; ``requests`` in the order of the file.

    ``policy`` is the ``[policy]`` table, checked and normalised (durations in seconds, lists as tuples): `review` knows
    what its keys mean.
    """

    path: Path
    settings: Settings
    requests: tuple[Request, ...]
    policy: Mapping[str, object] = MappingProxyType({})

    def request(self, name: str) -> Request | None:
        return next((request for request in self.requests if request.name == name), None)
