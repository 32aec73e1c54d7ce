"""`PageTables`: a catalog as the small tables that a page searches.

Thousands of assets belong to a few hundred builds, which have the same few dozen combinations of variants. So there is
a table of variants, one of combinations, and one row per build; only the hashes take space. The contents of builds are
stored as changes from one tag to the next. The same catalog gives the same tables.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from provision.catalog.catalog import Catalog, publication_day
from provision.catalog.components import ComponentTable, components_of
from provision.model.asset import CPU_LEVELS, FLAVORS, IMPLEMENTATIONS, Asset
from provision.model.value import frozen
from provision.model.version import Version

# The placeholders in the URL of a variant for the version and the tag of a build.
VERSION_MARK, BUILD_MARK = "{version}", "{build}"

_USUAL = {"x86_64": 0, "aarch64": 1}

_BuildKey = tuple[str, Version, str]
# The components of a build at a tag by name, as text; None where they are not known.
_Contents = Mapping[str, str] | None


class _Kind(NamedTuple):
    """What an asset shares with those of other builds."""

    asset: Asset
    url: str

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        asset = self.asset
        return (str(asset.target), asset.cpu, str(asset.options), asset.flavor, self.url)


@frozen
class PageTables:
    """The tables as JSON values, in the order in which the page needs them.

    ``search`` is what the search needs, ``details`` the URLs and contents of what was found, ``hashes`` the sha256 of
    all rows one after another, in base64; ``assets`` and ``builds`` are how many there are.
    """

    search: Mapping[str, object]
    details: Mapping[str, object]
    hashes: str
    assets: int
    builds: int


def page_tables(catalog: Catalog, components: ComponentTable) -> PageTables:
    """The tables of all assets, the newest final version first."""
    keys = tuple(_ordered_builds(catalog))
    rows = {key: {_kind(asset).key: asset for asset in catalog.assets(*key)} for key in keys}
    kinds = sorted({key: asset for build in rows.values() for key, asset in build.items()}.items(), key=_prominence)
    numbers = {key: number for number, (key, _) in enumerate(kinds)}
    combinations: dict[tuple[int, ...], int] = {}
    builds: list[list[object]] = []
    gone: list[int] = []
    hashes: list[str] = []
    for key in keys:
        found = sorted((numbers[kind], asset) for kind, asset in rows[key].items())
        combination = tuple(number for number, _ in found)
        number = combinations.setdefault(combination, len(combinations))
        published = catalog.listings(key[0], key[1])[key[2]].published
        day = publication_day(key[2], published)[:10]
        unlike = [] if day == publication_day(key[2], None) else [day]
        builds.append([key[0], str(key[1]), key[2], number, *unlike])
        lost = catalog.gone(*key)
        gone += [len(hashes) + position for position, (_, asset) in enumerate(found) if asset.url in lost]
        hashes += [asset.sha256.hex for _, asset in found]
    assets = [asset for build in rows.values() for asset in build.values()]
    names, contents, contents_of = _contents_tables(assets, components)
    folders = sorted({key[4].rpartition("/")[0] for key in numbers})
    targets = {str(asset.target): asset for _, asset in kinds}
    triples, options = list(targets), sorted({key[2] for key in numbers})
    search = {
        "date": catalog.as_of[:10],
        "targets": [[asset.target.short, triple] for triple, asset in targets.items()],
        "options": options,
        "flavors": FLAVORS,
        "levels": CPU_LEVELS,
        "kinds": [
            [triples.index(key[0]), CPU_LEVELS.index(asset.cpu), options.index(key[2]), FLAVORS.index(asset.flavor)]
            for key, asset in kinds
        ],
        "combinations": [_ranges(combination) for combination in combinations],
        "builds": builds,
        "gone": gone,
    }
    details = {
        "folders": folders,
        "files": [[folders.index(key[4].rpartition("/")[0]), key[4].rpartition("/")[2]] for key in numbers],
        "components": names,
        "contents": contents,
        "contentsOf": contents_of,
    }
    packed = base64.b64encode(bytes.fromhex("".join(hashes))).decode("ascii")
    return PageTables(search=search, details=details, hashes=packed, assets=len(hashes), builds=len(builds))


def contents_key(asset: Asset) -> str:
    """What determines, together with the tag, the components of an asset: target, link mode, flavor and series."""
    static = "static" if "static" in asset.options else ""
    full = "full" if asset.flavor == "full" else ""
    return f"{asset.target} {static} {full} {asset.version.major}.{asset.version.minor}"


def _ordered_builds(catalog: Catalog) -> Iterator[_BuildKey]:
    """CPython first; final versions before prereleases; the newest version, and its newest build, first."""
    known = frozenset(catalog.implementations())
    for implementation in (*(name for name in IMPLEMENTATIONS if name in known), *sorted(known - {*IMPLEMENTATIONS})):
        versions = sorted(catalog.versions(implementation), reverse=True)
        for version in sorted(versions, key=lambda version: bool(version.prerelease)):
            yield from ((implementation, version, build) for build in catalog.builds(implementation, version))


def _kind(asset: Asset) -> _Kind:
    return _Kind(asset, asset.url.replace(asset.build, BUILD_MARK).replace(str(asset.version), VERSION_MARK))


def _prominence(item: tuple[tuple[str, ...], Asset]) -> tuple[object, ...]:
    """The usual systems first; no debug, no level, and small archives before others."""
    key, asset = item
    target, options = asset.target, asset.options
    return (
        *(options.debug, options.freethreaded, "noopt" in options, target.libc not in {"gnu", ""}),
        *(_USUAL.get(target.arch, len(_USUAL)), target.os, str(target)),
        *(asset.cpu, FLAVORS.index(asset.flavor), -len(options.names), key),
    )


def _ranges(numbers: Sequence[int]) -> list[int]:
    """Ascending numbers as first, count, first, count…"""
    starts = [0, *(place + 1 for place, (one, other) in enumerate(pairwise(numbers)) if other != one + 1), len(numbers)]
    return [value for start, stop in pairwise(starts) for value in (numbers[start], stop - start)]


def _contents_tables(
    assets: Iterable[Asset], table: ComponentTable
) -> tuple[list[str], list[list[object]], dict[str, int]]:
    """Components as ``name=version``; per sequence, tags with what changed at each; the sequence of each key."""
    series: dict[str, dict[str, _Contents]] = {}
    for asset in assets:
        if asset.implementation == "cpython":
            tags = series.setdefault(contents_key(asset), {})
            if asset.build not in tags:
                tags[asset.build] = _contents(asset, table)
    names: dict[str, int] = {}
    sequences: dict[str, int] = {}
    found: list[list[object]] = []
    contents_of: dict[str, int] = {}
    for key, tags in sorted(series.items()):
        steps = list(_steps(tags, names))
        text = repr(steps)
        if text not in sequences:
            sequences[text] = len(found)
            found.append(steps)
        contents_of[key] = sequences[text]
    return list(names), found, contents_of


def _contents(asset: Asset, table: ComponentTable) -> _Contents:
    found = components_of(asset, table)
    if found is None:
        return None
    return {component.name: component.version or component.origin for component in found}


def _steps(tags: Mapping[str, _Contents], names: dict[str, int]) -> Iterator[object]:
    """``tag, [numbers of what is new]``; instead of the numbers, 0 where the contents are not known."""
    before: Mapping[str, str] = {}
    known = True
    for tag, contents in sorted(tags.items()):
        if contents is None:
            if known:
                yield from (tag, 0)
            known = False
            continue
        changed = [name for name in sorted({*before, *contents}) if before.get(name) != contents.get(name)]
        if changed or not known:
            yield from (tag, [names.setdefault(f"{name}={contents.get(name, '')}", len(names)) for name in changed])
        before, known = contents, True
