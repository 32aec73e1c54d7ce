"""A repository with twenty real changes of a lock, made from the bundled catalog as it was on each of the days."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from provision.catalog.catalog import Catalog, CatalogSource, publication_day
from provision.catalog.listing import BuildListing
from provision.catalog.snapshot import bundled_catalog
from provision.lock.lock import NO_UPGRADE, Lock, Upgrade
from provision.lock.resolve import resolve
from provision.lock.write import format_lock
from provision.manifest.read import parse_manifest
from provision.model.asset import Asset, Variant
from provision.model.target import Target
from provision.model.version import Version

HOST = Target.parse("linux-x86_64")
FOUR = 'targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]'
TWO = 'targets = ["linux-x86_64", "macos-aarch64"]'
_OWN = "https://archives.example.com/20250702/cpython-3.12.11%2B20250702-x86_64-unknown-linux-gnu-install_only.tar.gz"


class Step(NamedTuple):
    """One change: its name, the day of the catalog, the manifest, and what is upgraded."""

    title: str
    day: str
    settings: str
    entries: str
    upgrade: Upgrade = NO_UPGRADE


_ALL = Upgrade(everything=True)
_FREE = 'default = "3.13"\nfree = "3.13t"'
_FULL = 'default = { version = "3.13", flavor = "full" }\nfree = "3.13t"'
_TUNED = 'default = { version = "3.13d", targets = ["linux-x86_64"] }\nfree = "3.13t"'
_NEXT = 'default = "3.14"\nfast = { version = "3.14", cpu = "auto" }\nfree = "3.14t"'
_SLIM = _NEXT.replace('default = "3.14"', 'default = { version = "3.14", without = ["tests", "idle"] }')
_OTHER = f'{_SLIM}\nother = "pypy3.11"'
_GRAAL = f'{_SLIM}\nother = "graalpy3.12"'
_PINNED = _GRAAL.replace('free = "3.14t"', 'free = { version = "3.14.2t" }')
_OLDER = _GRAAL.replace('free = "3.14t"', 'free = { version = "3.14.2t", build = "20251209" }')
_ALPHA = f'{_OLDER}\nnext = {{ version = "3.15", prereleases = true }}'

STEPS = (
    Step("the first lock", "2025-06-20", 'targets = ["linux-x86_64"]', 'default = "3.13"'),
    Step("three more platforms", "2025-06-20", FOUR, 'default = "3.13"'),
    Step("a newer build", "2025-07-10", FOUR, 'default = "3.13"', _ALL),
    Step("a newer version", "2025-08-20", FOUR, 'default = "3.13"', _ALL),
    Step("a free-threaded one beside", "2025-08-20", FOUR, _FREE),
    Step("another flavor", "2025-08-20", FOUR, _FULL),
    Step("other options", "2025-08-20", FOUR, _TUNED),
    Step("all levels, and the next series", "2025-12-06", FOUR, _NEXT),
    Step("two platforms fewer", "2025-12-06", TWO, _NEXT),
    Step("parts left out", "2025-12-06", TWO, _SLIM),
    Step("another implementation beside", "2025-12-06", TWO, _OTHER),
    Step("yet another in its place", "2026-10-25", TWO, _GRAAL),
    Step("everything upgraded", "2026-10-25", TWO, _GRAAL, _ALL),
    Step("one held back", "2026-10-25", TWO, _PINNED),
    Step("and its build", "2026-10-25", TWO, _OLDER),
    Step("a prerelease", "2026-09-20", TWO, _ALPHA),
    Step("and its final release", "2026-10-25", TWO, _ALPHA, Upgrade(names=("next",))),
    Step("one no longer needed", "2026-10-25", TWO, _ALPHA.replace('other = "graalpy3.12"\n', "")),
    Step("one under another name", "2026-10-25", TWO, 'default = "3.14"\nspeedy = { version = "3.14", cpu = "auto" }'),
    Step(
        "an archive of one's own",
        "2026-10-25",
        TWO,
        f'[pythons.default]\nversion = "3.12.11"\nurl = {{ linux-x86_64 = "{_OWN}" }}\n'
        f'sha256 = {{ linux-x86_64 = "{"ab" * 32}" }}\n[pythons.speedy]\nversion = "3.14"\ncpu = "auto"',
    ),
)


@dataclass(frozen=True, slots=True)
class SourceUntil:
    """A source as it was on a day: without later builds."""

    source: CatalogSource
    day: str

    @property
    def newest(self) -> str:
        return ""

    @property
    def as_of(self) -> str:
        return f"{self.day}T00:00:00Z"

    @property
    def count(self) -> int:
        return self.source.count

    def implementations(self) -> Iterable[str]:
        return self.source.implementations()

    def versions(self, implementation: str) -> Iterable[Version]:
        return [version for version in self.source.versions(implementation) if self.builds(implementation, version)]

    def builds(self, implementation: str, version: Version) -> Mapping[str, BuildListing]:
        found = self.source.builds(implementation, version)
        return {tag: each for tag, each in found.items() if publication_day(tag, each.published)[:10] <= self.day}

    def gone(self, implementation: str, version: Version, build: str) -> Iterable[str]:
        return self.source.gone(implementation, version, build)

    def assets(self, implementation: str, version: Version, build: str) -> Iterable[Asset]:
        return (
            self.source.assets(implementation, version, build) if build in self.builds(implementation, version) else ()
        )

    def variants(self, implementation: str, version: Version, build: str) -> Iterable[Variant]:
        return [asset.variant for asset in self.assets(implementation, version, build)]

    def find(self, filename: str) -> Asset | None:
        return self.source.find(filename)


def catalog_of(day: str) -> Catalog:
    return Catalog(sources=tuple(SourceUntil(source, day) for source in bundled_catalog().sources))


def locks() -> list[Lock]:
    """The lock after each step."""
    made: list[Lock] = []
    for step in STEPS:
        manifest = parse_manifest(f"[settings]\n{step.settings}\n[pythons]\n{step.entries}\n", Path("pythons.toml"))
        previous = made[-1] if made else None
        made.append(resolve(manifest, catalog_of(step.day), previous, host=HOST, upgrade=step.upgrade).lock)
    return made


def make_repository(directory: Path) -> None:
    """A repository with one commit per step, each tagged ``step-1`` and so on."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--initial-branch=main")
    for number, (step, lock) in enumerate(zip(STEPS, locks(), strict=True), 1):
        (directory / "pythons.toml").write_text(f"[settings]\n{step.settings}\n\n[pythons]\n{step.entries}\n")
        (directory / "pythons.lock").write_text(format_lock(lock))
        git(directory, "add", ".")
        git(directory, "commit", "--quiet", "--message", step.title)
        git(directory, "tag", f"step-{number}")


def git(directory: Path, *arguments: str) -> str:
    """Run git without anything of the user's configuration."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, env=environ, check=True, capture_output=True, text=True
    )
    return done.stdout
