"""The tables of the catalog's page, expanded again as the page does: they agree with the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from provision.catalog.catalog import Catalog
from provision.catalog.components import bundled_table, components_of
from provision.catalog.page_tables import BUILD_MARK, VERSION_MARK, PageTables, contents_key, page_tables
from provision.catalog.snapshot import bundled_catalog
from provision.model.asset import Asset
from tests.catalog.pages import assets_of, hashes_in, some_catalog


def rows_of(tables: PageTables) -> Iterator[tuple[str, ...]]:
    """Implementation, version, build, target, CPU level, options, flavor and URL of every row, in order."""
    search: Any = tables.search
    details: Any = tables.details
    for implementation, version, tag, number, *_ in search["builds"]:
        for first, count in pairs(search["combinations"][number]):
            for kind in range(first, first + count):
                target, level, options, flavor = search["kinds"][kind]
                folder, file = details["files"][kind]
                url = f"{details['folders'][folder]}/{file}"
                yield (
                    *(implementation, version, tag, search["targets"][target][1], search["levels"][level]),
                    *(search["options"][options], search["flavors"][flavor]),
                    url.replace(VERSION_MARK, version).replace(BUILD_MARK, tag),
                )


def pairs(values: list[int]) -> Iterator[tuple[int, int]]:
    yield from zip(values[::2], values[1::2], strict=True)


def row_of(asset: Asset) -> tuple[str, ...]:
    return (
        *(asset.implementation, str(asset.version), asset.build, str(asset.target), asset.cpu),
        *(str(asset.options), asset.flavor, asset.url),
    )


def contents_in(details: Any, asset: Asset) -> dict[str, str] | None:
    """What the tables say that a build contains."""
    steps = details["contents"][details["contentsOf"][contents_key(asset)]]
    found: dict[str, str] = {}
    known = False
    for tag, numbers in zip(steps[::2], steps[1::2], strict=True):
        if tag > asset.build:
            break
        known = numbers != 0
        for number in numbers or ():
            name, _, version = details["components"][number].partition("=")
            found[name] = version
    return {name: version for name, version in found.items() if version} if known else None


def check(catalog: Catalog) -> None:
    tables = page_tables(catalog, bundled_table())
    assets = {row_of(asset): asset for asset in assets_of(catalog)}
    rows = list(rows_of(tables))
    assert len(rows) == len(assets) == tables.assets
    assert dict(zip(rows, hashes_in(tables), strict=True)) == {row: str(each.sha256) for row, each in assets.items()}
    gone: Any = tables.search["gone"]
    lost = {assets[rows[number]].url for number in gone}
    assert lost == {
        url for each in assets.values() for url in catalog.gone(each.implementation, each.version, each.build)
    }
    for asset in assets.values():
        if asset.implementation == "cpython":
            known = components_of(asset, bundled_table())
            wanted = {each.name: each.version or each.origin for each in known} if known is not None else None
            assert contents_in(tables.details, asset) == wanted, asset.title


def test_every_row_hash_and_component_of_some_versions_is_in_the_tables() -> None:
    catalog = some_catalog()
    check(catalog)
    search: Any = page_tables(catalog, bundled_table()).search
    order = [f"{implementation} {version}" for implementation, version, *_ in search["builds"]]
    assert list(dict.fromkeys(order)) == [
        *(
            f"cpython {version}"
            for version in ("3.14.10", "3.14.9", "3.13.16", "3.12.11", "3.12.1", "3.9.2", "3.14.0rc2")
        ),
        *("pypy 3.11.13", "graalpy 3.12.0"),
    ]


@pytest.mark.slow
def test_every_row_hash_and_component_of_the_bundled_catalog_is_in_the_tables() -> None:
    check(bundled_catalog())


def test_an_empty_catalog_has_empty_tables() -> None:
    tables = page_tables(Catalog(sources=()), bundled_table())
    assert (tables.assets, tables.builds, tables.hashes, tables.search["date"]) == (0, 0, "", "")
