"""Small locks, assets, catalogs and requests for the lock's tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from provision.catalog.catalog import Catalog
from provision.catalog.listing import CUSTOM, BuildListing
from provision.errors import ProvisionError, SeveralErrors
from provision.lock.lock import Attestation, Lock, LockedPython
from provision.lock.resolve import resolve
from provision.manifest.manifest import Manifest, Request
from provision.manifest.read import parse_manifest
from provision.model.asset import Asset, BuildOptions, CpuLevel, Digest, Flavor, Variant
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.version import Version

LOCK = "pythons.lock"


def digest(of: str) -> Digest:
    return Digest(hashlib.sha256(of.encode()).hexdigest())


ATTESTATION = Attestation(
    build="20260814",
    identity="https://github.com/astral-sh/python-build-standalone/.github/workflows/release.yml@refs/heads/main",
    issuer="https://token.actions.githubusercontent.com",
    repository_id=162334160,
    commit="8a0c6dff5fd725bc65524ed58147e36f9c88d804",
    bundle=Digest("b" * 64),
    log_index=399072321,
)


def asset(
    name: str = "3.14.7+20260814",
    target: str = "linux-x86_64",
    options: str = "pgo+lto",
    *,
    cpu: CpuLevel = "baseline",
    flavor: Flavor = "install_only_stripped",
    implementation: str = "cpython",
    size: int | None = None,
    published: str | None = None,
    url: str | None = None,
) -> Asset:
    """One archive, named as PBS would name it; ``name`` is its version and build."""
    version, _, build = name.partition("+")
    triple = Target.parse(target).with_cpu(cpu)
    words = options if flavor == "full" else "freethreaded" * ("freethreaded" in options)
    variant = "-".join(word for word in (words, flavor) if word)
    ending = "tar.zst" if flavor == "full" else "tar.gz"
    url = url or f"https://example.com/{build}/{implementation}-{version}%2B{build}-{triple}-{variant}.{ending}"
    return Asset(
        implementation=implementation,
        version=Version.parse(version),
        build=build,
        target=Target.parse(target),
        cpu=cpu,
        options=BuildOptions.parse(options),
        flavor=flavor,
        url=url,
        sha256=digest(url),
        size=size,
        published=published,
    )


def python(*assets: Asset, name: str = "default", tree: TreeOptions | None = None, request: str = "") -> LockedPython:
    """An entry of a lock; without assets one for three platforms."""
    rows = assets or (asset(), asset(target="macos-aarch64"), asset(target="windows-x86_64", options="pgo"))
    return LockedPython.of(name, digest(request or name), rows, tree or TreeOptions())


HOST = Target.parse("linux-x86_64")
AS_OF = "2026-10-25T00:00:00Z"


class Rows:
    """A catalog's source with a few assets, in whatever order they are given."""

    def __init__(
        self, assets: Iterable[Asset], as_of: str, *, listed_by: str = CUSTOM, gone: AbstractSet[str] = frozenset()
    ) -> None:
        self._assets = tuple(assets)
        self._listed_by, self._gone = frozenset(listed_by.split()), gone
        self.as_of, self.newest = as_of, ""

    @property
    def count(self) -> int:
        return len(self._assets)

    def implementations(self) -> Iterable[str]:
        return [asset.implementation for asset in self._assets]

    def versions(self, implementation: str) -> Iterable[Version]:
        return [asset.version for asset in self._assets if asset.implementation == implementation]

    def builds(self, implementation: str, version: Version) -> Mapping[str, BuildListing]:
        return {
            asset.build: BuildListing(published=asset.published, sources=self._listed_by)
            for asset in self._assets
            if (asset.implementation, asset.version) == (implementation, version)
        }

    def assets(self, implementation: str, version: Version, build: str) -> Iterable[Asset]:
        wanted = (implementation, version, build)
        return [asset for asset in self._assets if (asset.implementation, asset.version, asset.build) == wanted]

    def variants(self, implementation: str, version: Version, build: str) -> Iterable[Variant]:
        return [asset.variant for asset in self.assets(implementation, version, build)]

    def gone(self, implementation: str, version: Version, build: str) -> Iterable[str]:
        return [asset.url for asset in self.assets(implementation, version, build) if asset.url in self._gone]

    def find(self, filename: str) -> Asset | None:
        return next((asset for asset in self._assets if asset.filename == filename), None)


def catalog(*assets: Asset, as_of: str = AS_OF) -> Catalog:
    return Catalog(sources=(Rows(assets, as_of),))


def partly_known(*assets: Asset, gone: Iterable[Asset] = ()) -> Catalog:
    """A catalog whose builds are partly listed, as in uv's metadata; some of the rows are gone."""
    return Catalog(sources=(Rows(assets, AS_OF, listed_by="uv", gone={asset.url for asset in gone}),))


def builds(name: str, *, flavors: Sequence[Flavor] = ("install_only_stripped",)) -> list[Asset]:
    """A version and build on the four common platforms, as PBS optimises it there, in some flavors."""
    optimised = {
        "linux-x86_64": "pgo+lto",
        "linux-aarch64": "pgo+lto",
        "macos-aarch64": "pgo+lto",
        "windows-x86_64": "pgo",
    }
    return [asset(name, target, options, flavor=flavor) for flavor in flavors for target, options in optimised.items()]


def manifest(entries: str, *, settings: str = "") -> Manifest:
    """A manifest with these lines in ``[pythons]``."""
    return parse_manifest(f"[settings]\n{settings}\n[pythons]\n{entries}\n", Path("pythons.toml"))


def request(value: str, *, settings: str = "") -> Request:
    """The one request of a manifest with this value after ``default =``."""
    return manifest(f"default = {value}", settings=settings).requests[0]


def custom_request(urls: Mapping[str, str], *, version: str = "3.13.5", more: str = "", settings: str = "") -> Request:
    """A request for custom archives, by target; the sha256 of each is that of its URL."""
    links = ", ".join(f'{target} = "{url}"' for target, url in urls.items())
    hashes = ", ".join(f'{target} = "{digest(url)}"' for target, url in urls.items())
    table = f'version = "{version}", url = {{ {links} }}, sha256 = {{ {hashes} }}{more and ", "}{more}'
    return request(f"{{ {table} }}", settings=settings)


def lock(entries: str, *assets: Asset, previous: Lock | None = None, settings: str = "", host: Target = HOST) -> Lock:
    """The lock that resolving some entries against some assets gives."""
    return resolve(manifest(entries, settings=settings), catalog(*assets), previous, host=host).lock


def refusals(entries: str, *assets: Asset, settings: str = "") -> list[str]:
    """The messages of the errors that resolving raises, without their places."""
    with pytest.raises(ProvisionError) as caught:
        lock(entries, *assets, settings=settings)
    error = caught.value
    return [each.message for each in (error.errors if isinstance(error, SeveralErrors) else (error,))]
