"""`Inventory`: the interpreters of a lock and their components, once each.

Components are flat, because scanners ignore nested ones. Everything comes from the lock and the table of components:
nothing depends on this machine or the clock.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from provision.catalog.catalog import publication_day
from provision.catalog.components import NOT_KNOWN, Component, ComponentTable, components_of, is_removed, origin_words
from provision.model.asset import Asset
from provision.model.tree import RemovablePart
from provision.model.value import frozen
from provision.sbom.identities import cpe, licence, purl

_NAMESPACE = uuid.UUID("5f0a4d0e-9d5c-5d43-8f0a-0a4b5a0f6c1e")  # chosen once, at random


@frozen
class BomComponent:
    """An interpreter (``application``) or a library; ``ref`` is unique in an inventory.

    ``version`` is empty if it is not known. ``contains`` has the refs of an interpreter's components, and is None if
    they are not known. ``sha256`` and ``urls`` are those of its archive. ``licence`` is an SPDX expression, or empty.
    """

    ref: str
    kind: Literal["application", "library"]
    name: str
    version: str
    purl: str
    cpe: str
    licence: str
    properties: tuple[tuple[str, str], ...] = ()
    sha256: str = ""
    urls: tuple[str, ...] = ()
    contains: tuple[str, ...] | None = ()


@frozen
class Inventory:
    """The components of locked assets: interpreters, then libraries, each sorted by name, version and ref.

    ``name`` is the name of the lock file, ``created`` a time in UTC without fractions.
    """

    name: str
    created: str
    components: tuple[BomComponent, ...]

    @property
    def serial(self) -> uuid.UUID:
        """A UUID of the content: the same for the same lock, and different for another selection of it."""
        content = [[each.ref, *map(list, each.properties)] for each in self.components]
        return uuid.uuid5(_NAMESPACE, json.dumps([self.name, content]))


def take_inventory(
    name: str,
    assets: Iterable[tuple[str, Asset]],
    table: ComponentTable,
    *,
    epoch: int | None,
    stated: Mapping[str, Mapping[str, str]] = {},
    without: Mapping[str, tuple[RemovablePart, ...]] = {},
) -> Inventory:
    """The inventory of locked assets, each with the name of its entry.

    ``without`` has, by the name of an entry, the parts that are left out of its trees: a component that is gone with
    them in all trees of an archive is not listed.

    ``stated`` has, by the sha256 of an archive, the versions of libraries that the installed interpreter states.

    ``epoch`` is the time of the document in seconds since 1970; without it, it is the day of the newest build.
    """
    locked = sorted(assets, key=lambda pair: (pair[1].sha256, pair[1].url, pair[0], str(pair[1].target)))
    by_digest: dict[str, list[tuple[str, Asset]]] = {}
    for pair in locked:
        by_digest.setdefault(pair[1].sha256.hex, []).append(pair)
    libraries: dict[str, BomComponent] = {}
    interpreters = [_interpreter(rows, libraries, table, stated, without) for rows in by_digest.values()]
    return Inventory(
        name=name,
        created=_created([asset for _, asset in locked], epoch),
        components=(*sorted(interpreters, key=_order), *sorted(libraries.values(), key=_order)),
    )


def component_name(asset: Asset) -> tuple[str, str]:
    """The name and version of an interpreter: CPython is ``python``, as scanners name it; others have their own
    versions.
    """
    if asset.implementation == "cpython":
        return "python", str(asset.version)
    return asset.implementation, asset.build


def _order(component: BomComponent) -> tuple[str, str, str]:
    return (component.name.lower(), component.version, component.ref)


def _interpreter(
    rows: list[tuple[str, Asset]],
    libraries: dict[str, BomComponent],
    table: ComponentTable,
    stated: Mapping[str, Mapping[str, str]],
    without: Mapping[str, tuple[RemovablePart, ...]],
) -> BomComponent:
    """The interpreter in an archive, which a lock may have several times; its libraries are added to ``libraries``."""
    asset = next((row for _, row in rows if components_of(row, table) is not None), rows[0][1])
    name, version = component_name(asset)
    known = components_of(asset, table)
    own = stated.get(asset.sha256.hex, {})
    contents = _stated_contents(known, own) if own else known
    contains: list[str] | None = None
    if contents is not None:
        removed = set[RemovablePart].intersection(*({*without.get(entry, ())} for entry, _ in rows))
        kept = (each for each in contents if each.origin != "system" and not is_removed(each, asset, removed))
        found = [_library(component, asset) for component in kept]
        libraries.update((library.ref, library) for library in found)
        contains = sorted(library.ref for library in found)
    facts = {fact for entry, row in rows for fact in _facts(entry, row, without.get(entry, ())) if fact[1]}
    if known is None:
        facts.add(("provision:components", "those that the interpreter states" if own else NOT_KNOWN))
    return BomComponent(
        ref=f"{name}@{version}#{asset.sha256}",
        kind="application",
        name=name,
        version=version,
        purl=purl(name, version, sha256=asset.sha256.hex, url=asset.url),
        cpe=cpe(name, version),
        licence=licence(name, version).licence,
        properties=tuple(sorted(facts)),
        sha256=asset.sha256.hex,
        urls=tuple(dict.fromkeys(row.url for _, row in rows)),
        contains=tuple(contains) if contains is not None else None,
    )


def _stated_contents(known: tuple[Component, ...] | None, own: Mapping[str, str]) -> tuple[Component, ...]:
    """What the table knows, with the versions that the interpreter states; without a table, what it states."""
    if known is None:
        return tuple(Component(name=name, version=version) for name, version in sorted(own.items()))
    return tuple(
        Component(name=each.name, version=own[each.name]) if each.name in own and each.origin != "system" else each
        for each in known
    )


def _facts(entry: str, asset: Asset, without: tuple[RemovablePart, ...]) -> tuple[tuple[str, str], ...]:
    """Facts of a lock about an archive for which SBOMs have no field; empty values are left out."""
    return (
        ("provision:entry", entry),
        ("provision:target", asset.target.short),
        ("provision:build", asset.build),
        ("provision:flavor", asset.flavor),
        ("provision:cpu", asset.cpu),
        ("provision:build-options", str(asset.options)),
        ("provision:without", ", ".join(without)),
        ("provision:python-version", str(asset.version)),
    )


def _library(component: Component, asset: Asset) -> BomComponent:
    """A library; those without a version are one component for each CPython or build that they are in."""
    words = origin_words(component, asset)
    where = f" in {asset.version}+{asset.build}" if component.origin == "unknown" else ""
    version = component.version
    return BomComponent(
        ref=f"{component.name}@{words}{where}",
        kind="library",
        name=component.name,
        version=version,
        purl=purl(component.name, version),
        cpe=cpe(component.name, version),
        licence=licence(component.name, version).licence,
        properties=() if version else (("provision:version", f"{words}{where}"),),
    )


def _created(assets: Iterable[Asset], epoch: int | None) -> str:
    if epoch is not None:
        # Not by `fromtimestamp`, for which Windows knows no time before 1970.
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=epoch)).strftime("%Y-%m-%dT%H:%M:%SZ")
    days = {date(1970, 1, 1)}
    for asset in assets:
        with suppress(ValueError):  # a tag of eight digits need not be a day
            days.add(date.fromisoformat(publication_day(asset.build, asset.published)[:10]))
    return f"{max(days).isoformat()}T00:00:00Z"
