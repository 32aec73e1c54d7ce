"""Versions, builds and assets of several sources as one catalog, and queries over them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.catalog.catalog import AssetQuery, completed, merge, publication_day, publication_key, query_assets
from provision.catalog.snapshot import bundled_catalog
from provision.manifest.version_request import VersionRequest
from provision.model.asset import Asset, BuildOptions
from provision.model.target import Target
from provision.model.value import replace
from provision.model.version import Version
from tests.catalog.samples import catalog_of, digest, full, stripped, upstream

V3142 = Version.parse("3.14.2")


def test_versions_come_newest_first_and_prereleases_below_their_release() -> None:
    texts = ["3.9.20", "3.15.0a5", "3.14.2", "3.15.0", "3.15.0rc1", "3.15.0b1", "3.14.10"]
    catalog = catalog_of([upstream(stripped(text, "20260127")) for text in texts])
    found = [str(version) for version in catalog.versions("cpython")]
    assert found == ["3.15.0", "3.15.0rc1", "3.15.0b1", "3.15.0a5", "3.14.10", "3.14.2", "3.9.20"]


def test_builds_come_newest_first() -> None:
    catalog = catalog_of([upstream(stripped("3.14.2", tag)) for tag in ("20251209", "20260203", "20260127")])
    assert catalog.builds("cpython", V3142) == ("20260203", "20260127", "20251209")


def test_a_tag_published_long_after_its_day_is_ordered_by_its_publication() -> None:
    catalog = catalog_of(
        [
            upstream(stripped("3.13.2", "20250323"), published="2026-03-22T10:00:00Z"),
            upstream(stripped("3.13.2", "20250409")),
            upstream(stripped("3.13.2", "20260320")),
            upstream(stripped("3.13.2", "20260325")),
        ]
    )
    builds = catalog.builds("cpython", Version.parse("3.13.2"))
    assert builds == ("20260325", "20250323", "20260320", "20250409")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (("20260126", None), ("20260127", None)),
        (("20260127", None), ("20260127", "2026-01-27T08:00:00Z")),
        (("7.3.9", None), ("7.3.10", None)),
        (("7.3.20", None), ("8.0.0", None)),
        (("custom", None), ("custom.2", None)),
        (("99", None), ("20181218", None)),
    ],
)
def test_builds_are_ordered_by_publication(older: tuple[str, str | None], newer: tuple[str, str | None]) -> None:
    assert publication_key(*older) < publication_key(*newer)


@given(st.lists(st.tuples(st.text(max_size=9), st.none() | st.text(max_size=9))))
def test_any_builds_can_be_ordered(builds: list[tuple[str, str | None]]) -> None:
    assert len(sorted(builds, key=lambda build: publication_key(*build))) == len(builds)


def test_the_day_of_publication_is_unknown_without_a_time_or_a_day_in_the_tag() -> None:
    assert publication_day("20260127", None) == "2026-01-27"
    assert publication_day("20260127", "2026-01-30T14:46:07Z") == "2026-01-30T14:46:07Z"
    assert publication_day("7.3.20", None) == ""


def test_assets_are_those_of_one_build_sorted_by_name() -> None:
    names = [stripped("3.14.2", "20260127"), full("3.14.2", "20260127", "debug"), full("3.14.2", "20260127", "lto")]
    catalog = catalog_of([upstream(name) for name in (*names, stripped("3.14.2", "20260203"))])
    assert [asset.filename for asset in catalog.assets("cpython", V3142, "20260127")] == sorted(names)


def test_unknown_versions_and_builds_are_empty() -> None:
    catalog = catalog_of([upstream(stripped("3.14.2", "20260127"))])
    assert catalog.versions("pypy") == ()
    assert catalog.builds("cpython", Version.parse("3.14.3")) == ()
    assert catalog.assets("cpython", V3142, "20260203") == ()
    assert catalog.find("cpython-nothing.tar.gz") is None
    assert merge([]).implementations() == ()
    assert merge([]).as_of == ""


def test_the_earlier_catalog_takes_precedence_for_the_same_url() -> None:
    known = upstream(stripped("3.14.2", "20260127"), sha256="known")
    other = upstream(stripped("3.14.2", "20260127"), sha256="other", size=7)
    merged = merge([catalog_of([known]), catalog_of([other])])
    assert merged.assets("cpython", V3142, "20260127") == (known,)


def test_a_later_catalog_completes_an_earlier_one() -> None:
    bare = upstream(stripped("3.14.2", "20260127"))
    rich = upstream(stripped("3.14.2", "20260127"), published="2026-01-30T14:46:07Z", size=7)
    merged = merge([catalog_of([bare]), catalog_of([rich])])
    assert merged.assets("cpython", V3142, "20260127") == (rich,)
    assert merged.find(bare.filename) == rich


def test_a_later_catalog_does_not_replace_known_facts() -> None:
    first = upstream(stripped("3.14.2", "20260127"), published="2026-01-30T14:46:07Z", size=7)
    second = replace(first, published="2026-02-01T00:00:00Z", size=8)
    assert completed(first, second) == first


def test_a_merged_catalog_has_all_assets_of_its_catalogs() -> None:
    left = catalog_of([upstream(stripped("3.14.2", "20260127"))], as_of="2026-02-01T00:00:00Z", notes=["left"])
    right = catalog_of([upstream(stripped("3.14.1", "20251209"))], as_of="2026-01-01T00:00:00Z", notes=["right"])
    merged = merge([left, right])
    assert [str(version) for version in merged.versions("cpython")] == ["3.14.2", "3.14.1"]
    assert merged.as_of == "2026-02-01T00:00:00Z"
    assert merged.notes == ("left", "right")


def test_an_asset_at_two_urls_is_listed_twice_and_found_at_the_first() -> None:
    official = upstream(stripped("3.14.2", "20260127"))
    copied = replace(official, url=f"https://example.com/{stripped('3.14.2', '20260127')}")
    merged = merge([catalog_of([official]), catalog_of([copied])])
    assert set(merged.assets("cpython", V3142, "20260127")) == {official, copied}
    assert merged.find(official.filename) == official


@given(st.permutations([upstream(stripped("3.14.2", tag), sha256="x") for tag in ("20260127", "20260203", "20260211")]))
def test_disjoint_catalogs_merge_to_the_same_in_any_order(assets: list[Asset]) -> None:
    merged = merge([catalog_of([asset]) for asset in assets])
    assert merged.builds("cpython", V3142) == ("20260211", "20260203", "20260127")
    assert {asset.sha256 for asset in merged.assets("cpython", V3142, "20260203")} == {digest("x")}


NAMES = (
    full("3.14.2", "20260127", "pgo+lto"),
    full("3.14.2", "20260127", "freethreaded+pgo+lto", triple="x86_64_v3-unknown-linux-gnu"),
    full("3.14.2", "20251209", "debug", triple="aarch64-apple-darwin"),
    stripped("3.14.2", "20251209"),
    full("3.13.11", "20260127", "freethreaded+debug"),
    full("3.15.0a5", "20260127", "pgo", triple="x86_64-pc-windows-msvc"),
)
CATALOG = catalog_of(upstream(name) for name in NAMES)


def names(query: AssetQuery) -> list[str]:
    return [asset.filename for asset in query_assets(CATALOG, query)]


def test_everything_is_listed_newest_first() -> None:
    listed = [f"{asset.version}+{asset.build}" for asset in query_assets(CATALOG, AssetQuery())]
    assert listed == [
        "3.15.0a5+20260127",
        "3.14.2+20260127",
        "3.14.2+20260127",
        "3.14.2+20251209",
        "3.14.2+20251209",
        "3.13.11+20260127",
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (AssetQuery(version=VersionRequest.parse(">=3.13,<3.14")), [NAMES[4]]),
        (AssetQuery(build="20251209"), [NAMES[2], NAMES[3]]),
        (AssetQuery(target=Target.parse("macos-aarch64")), [NAMES[2]]),
        (AssetQuery(cpu="v3"), [NAMES[1]]),
        (AssetQuery(options=BuildOptions.parse("freethreaded")), [NAMES[1], NAMES[4]]),
        (AssetQuery(options=BuildOptions.parse("freethreaded+debug")), [NAMES[4]]),
        (AssetQuery(flavor="install_only_stripped"), [NAMES[3]]),
        (AssetQuery(implementation="pypy"), []),
        (AssetQuery(flavor="install_only_stripped", newest_build=True), [NAMES[3]]),
        (AssetQuery(implementation="cpython", build="20260127", flavor="full", cpu="v3"), [NAMES[1]]),
    ],
)
def test_each_filter_keeps_the_matching_assets(query: AssetQuery, expected: list[str]) -> None:
    assert names(query) == expected


def test_a_query_can_be_for_the_newest_build_of_each_version() -> None:
    listed = {f"{asset.version}+{asset.build}" for asset in query_assets(CATALOG, AssetQuery(newest_build=True))}
    assert listed == {"3.15.0a5+20260127", "3.14.2+20260127", "3.13.11+20260127"}


def test_every_bundled_implementation_can_be_listed() -> None:
    catalog = bundled_catalog()
    for implementation in ("cpython", "pypy", "graalpy"):
        newest = next(query_assets(catalog, AssetQuery(implementation=implementation)))
        assert newest.version == catalog.versions(implementation)[0]
