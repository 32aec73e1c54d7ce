"""`Lock` and `LockedPython`, `Upgrade`, and the targets to lock an entry for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.manifest.manifest import Request
from provision.model.asset import Asset, BuildOptions, Digest, Flavor
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.value import field, frozen
from provision.model.version import Version

# The newest format that is read, and the oldest that can hold a lock without attestations, which is written then.
LOCK_VERSION, PLAIN_VERSION = "1.1", "1.0"


@frozen
class Attestation:
    """One ``[[attestation]]`` table: a bundle in which ``identity`` attests archives of ``build``.

    ``repository_id`` is GitHub's number of the repository, ``commit`` the one that was built, ``bundle`` the sha256 of
    the bundle's file, ``log_index`` its entry in the transparency log.
    """

    build: str
    identity: str
    issuer: str
    repository_id: int
    commit: str
    bundle: Digest
    log_index: int


@frozen
class LockedPython:
    """One ``[[python]]`` table. ``request`` is the digest of the normalised request that it was locked for.

    ``options`` are those that all its assets have in common; an asset with more (builds for Linux have ``lto`` where
    those for Windows have not) lists its own. ``assets`` are sorted by target, then cpu.
    """

    name: str
    request: Digest
    implementation: str
    version: Version
    build: str
    options: BuildOptions
    flavor: Flavor
    tree: TreeOptions = TreeOptions()
    assets: tuple[Asset, ...]

    @classmethod
    def of(cls, name: str, request: Digest, assets: Iterable[Asset], tree: TreeOptions) -> LockedPython:
        """An entry of one or more assets, all of one version, build and flavor."""
        rows = sorted_assets(assets)
        first = rows[0]
        return cls(
            name=name,
            request=request,
            implementation=first.implementation,
            version=first.version,
            build=first.build,
            options=BuildOptions(frozenset.intersection(*(row.options.names for row in rows))),
            flavor=first.flavor,
            tree=tree,
            assets=rows,
        )

    def targets(self) -> tuple[Target, ...]:
        """The distinct targets, sorted by their triple."""
        return tuple(sorted({asset.target for asset in self.assets}, key=str))


@frozen
class Lock:
    """A whole `pythons.lock`; ``pythons`` sorted by name, ``attestations`` as `sorted_attestations` has them."""

    version: str = PLAIN_VERSION
    pythons: tuple[LockedPython, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    _by_name: dict[str, LockedPython] = field(default_factory=dict, compare=False, repr=False)

    def python(self, name: str) -> LockedPython | None:
        if not self._by_name:
            self._by_name.update({python.name: python for python in self.pythons})
        return self._by_name.get(name)


def same_digests(lock: Lock) -> Iterator[tuple[LockedPython, Asset, LockedPython, Asset]]:
    """The assets that have the sha256 of an earlier one with another file name: entry and asset, of both.

    A copy of one archive on two servers has one name.
    """
    known: dict[str, tuple[LockedPython, Asset]] = {}
    for python in lock.pythons:
        for asset in python.assets:
            entry, twin = known.setdefault(asset.sha256.hex, (python, asset))
            if twin.filename != asset.filename:
                yield python, asset, entry, twin


def sorted_assets(assets: Iterable[Asset]) -> tuple[Asset, ...]:
    """Assets in the order of a lock: by target, then by cpu (whose names sort from the baseline up)."""
    return tuple(sorted(assets, key=lambda asset: (str(asset.target), asset.cpu)))


def sorted_attestations(rows: Iterable[Attestation]) -> tuple[Attestation, ...]:
    """Rows in the order of a lock: by build, identity and bundle, each bundle once per build."""
    unique = {(row.build, row.identity, row.bundle.hex): row for row in rows}
    return tuple(unique[key] for key in sorted(unique))


def locked_attestations(rows: Iterable[Attestation], pythons: Iterable[LockedPython]) -> tuple[Attestation, ...]:
    """The rows of builds that are locked."""
    builds = {asset.build for python in pythons for asset in python.assets}
    return sorted_attestations(row for row in rows if row.build in builds)


def targets_to_lock(request: Request, previous: LockedPython | None, host: Target | None) -> tuple[Target, ...]:
    """The targets to lock, sorted by their triple.

    Custom archives are for the targets of their URLs. If the manifest declares no targets, they are those locked before
    and this machine's: a lock that several machines share grows, and never shrinks by itself. ``host`` counts only
    then.
    """
    if request.url:
        targets = {target for target, _ in request.url}
    elif request.targets is not None:
        targets = set(request.targets)
    else:
        targets = {*([host] if host else ()), *(previous.targets() if previous else ())}
    return tuple(sorted(targets, key=str))


@frozen
class Upgrade:
    """Which entries are resolved as if there were no lock: none, ``everything``, or those of ``names``."""

    everything: bool = False
    names: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return self.everything or name in self.names


NO_UPGRADE = Upgrade()
