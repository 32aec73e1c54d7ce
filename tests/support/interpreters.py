"""Real interpreters as finished trees: from PROVISION_TEST_INTERPRETERS, or the running Python, packed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from provision.catalog.names import parse_name
from provision.model.asset import Asset, BuildOptions, Digest
from provision.model.tree import TreeEntry, TreeOptions
from provision.relocate.recipe import relocate
from provision.unpack.limits import Limits
from provision.unpack.unpack import unpack
from tests.support.builds import pack_ours, ready_made

PACKED = "packed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A tree as `sync` leaves it, which tests must not write into."""

    asset: Asset
    tree: Path
    entries: dict[str, TreeEntry]

    @property
    def python(self) -> Path:
        return self.tree / "bin" / "python"

    @property
    def name(self) -> str:
        """``3.13t``: what the interpreter's own files are called after."""
        return f"{self.asset.version.series}{self.asset.options.abi_suffix}"


def labels() -> list[str]:
    """The archives' names, for parametrising; the running Python is packed only when it is used."""
    return [build.archive.name for build in ready_made()] or [PACKED]


def archive_of(label: str, directory: Path) -> Path:
    """The archive of a label; ``directory`` may be shared by several processes, the first of which packs."""
    found = {build.archive.name: build.archive for build in ready_made()}
    return found[label] if found else pack_ours(directory / "packed").archive


def describe(archive: Path) -> Asset:
    """The asset that an archive's name describes."""
    name = parse_name(archive.name)
    return Asset(
        implementation="cpython",
        version=name.version,
        build=name.build,
        target=name.target,
        options=BuildOptions(name.options.names),
        flavor=name.flavor,
        url=archive.name.replace("+", "%2B"),
        sha256=Digest("0" * 64),
    )


def install(archive: Path, tree: Path, options: TreeOptions = TreeOptions()) -> Installed:
    """Unpack and relocate, as `sync` does."""
    asset = describe(archive)
    tree.mkdir(parents=True)
    entries = unpack(archive, tree, asset=asset, extras=None, limits=Limits.of({}), without=()).entries
    relocate(tree, entries, asset=asset, options=options)
    return Installed(asset=asset, tree=tree, entries=entries)
