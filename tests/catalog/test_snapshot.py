"""The bundled catalog, and compact catalog files written and read back."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.catalog.listing import BuildListing
from provision.catalog.snapshot import (
    BUNDLED,
    Snapshot,
    bundled_catalog,
    bundled_snapshot,
    unique_assets,
    with_new_time,
    write_snapshot,
)
from provision.catalog.snapshot_format import SnapshotBuild, SnapshotRow, encode_snapshot
from provision.errors import CatalogError, SeveralErrors
from provision.model.asset import CPU_LEVELS, FLAVORS, IMPLEMENTATIONS, OPTIONS, Asset, BuildOptions, Digest
from provision.model.target import KNOWN_TARGETS
from provision.model.value import replace
from provision.model.version import Version
from tests.catalog.samples import LINUX, MAC, bundled_assets, digest, full, stripped, upstream


def test_the_bundled_catalog_has_everything_that_was_published_with_a_hash() -> None:
    by_implementation = Counter(asset.implementation for asset in bundled_assets())
    assert set(by_implementation) == set(IMPLEMENTATIONS)
    assert by_implementation["cpython"] >= 27_152
    assert by_implementation["pypy"] >= 149
    assert by_implementation["graalpy"] >= 19
    assert bundled_snapshot().count == len(bundled_assets()) == by_implementation.total()


def test_the_bundled_catalog_is_small() -> None:
    assert BUNDLED.stat().st_size < 40 * len(bundled_assets())


def test_no_two_assets_have_the_same_properties() -> None:
    """So each can be requested by its properties, without its name."""
    properties = Counter(
        (asset.implementation, asset.version, asset.build, asset.target, asset.cpu, asset.options, asset.flavor)
        for asset in bundled_assets()
    )
    assert [key for key, count in properties.items() if count > 1] == []


def test_bundled_assets_have_distinct_and_plausible_urls() -> None:
    urls = {asset.url for asset in bundled_assets()}
    assert len(urls) == len(bundled_assets())
    assert {url.partition("://")[2].partition("/")[0] for url in urls} == {"github.com", "downloads.python.org"}


def test_all_assets_of_a_build_have_its_known_date() -> None:
    dates: dict[str, set[str | None]] = {}
    for asset in bundled_assets():
        dates.setdefault(asset.build, set()).add(asset.published)
    assert dates["20260127"] == {"2026-01-30T14:46:07Z"}
    assert [build for build, known in dates.items() if len(known) > 1] == []


def test_the_bundled_catalog_has_its_date() -> None:
    assert bundled_catalog().as_of >= "2026-10-25T00:00:00Z"


@pytest.mark.parametrize(
    ("filename", "title", "sha256"),
    [
        (
            "cpython-3.14.2+20260127-x86_64-unknown-linux-gnu-install_only.tar.gz",
            "cpython 3.14.2+20260127 pgo+lto install_only linux-x86_64",
            "bfb704b307ad69f30d36e936026504ab3ad29883c572362d4f32f2d1005abde3",
        ),
        (
            "cpython-3.15.0a5+20260127-aarch64-apple-darwin-freethreaded+debug-full.tar.zst",
            "cpython 3.15.0a5+20260127 freethreaded+debug full macos-aarch64",
            "9c1ad43515a041391e255908f6ca6ab5adc754061a39e0012e63152c8b09a838",
        ),
        (
            "pypy3.11-v7.3.19-linux64.tar.bz2",
            "pypy 3.11.11+7.3.19 install_only linux-x86_64",
            "9177d9e0bb91b05f921c642cb0ff71a0f3653b5d29a42d40d6a078c15b75720f",
        ),
        (
            "graalpy-22.3.1-linux-amd64.tar.gz",
            "graalpy 3.8.5+22.3.1 install_only linux-x86_64",
            "9ef3885c8a498a70de53bc71409f3e60f36e9ce5d3d745b173fedcca1f4abd12",
        ),
    ],
)
def test_an_asset_is_found_by_its_name(filename: str, title: str, sha256: str) -> None:
    asset = bundled_catalog().find(filename)
    assert asset is not None
    assert (asset.filename, asset.title, asset.sha256.hex) == (filename, title, sha256)


def test_an_unpublished_name_is_not_found() -> None:
    assert bundled_snapshot().find("cpython-3.14.2+20260127-x86_64-unknown-linux-gnu-install_only.tar.zst") is None


def test_every_asset_belongs_to_a_build() -> None:
    snapshot = bundled_snapshot()
    asked = [
        asset
        for implementation in snapshot.implementations()
        for version in snapshot.versions(implementation)
        for build in snapshot.builds(implementation, version)
        for asset in snapshot.assets(implementation, version, build)
    ]
    assert asked == list(bundled_assets())


def test_the_variants_of_a_build_are_those_of_its_assets() -> None:
    snapshot = bundled_snapshot()
    for build in (("cpython", "3.14.2", "20260127"), ("cpython", "3.9.1", "20210103"), ("pypy", "3.11.15", "7.3.23")):
        key = (build[0], Version.parse(build[1]), build[2])
        assert [asset.variant for asset in snapshot.assets(*key)] == list(snapshot.variants(*key))
        assert set(bundled_catalog().variants(*key)) == set(snapshot.variants(*key)) != set()


def partly_unreadable() -> Snapshot:
    """A snapshot of two builds, one of which has a shape that cannot be read."""
    builds = [
        SnapshotBuild("20260127", None, ("uv",), range(1)),
        SnapshotBuild("20260203", None, ("uv",), range(1, 2)),
    ]
    shapes = ["x86_64-unknown-linux-gnu\tbaseline\tpgo+lto\tfull\thttps://example.com/\x02/\x01.tar.zst", "nonsense"]
    rows = [SnapshotRow(0, None, digest("a").hex), SnapshotRow(1, None, digest("b").hex)]
    return Snapshot(encode_snapshot(facts={}, versions={("cpython", "3.14.2"): builds}, shapes=shapes, rows=rows))


def test_only_the_rows_of_the_requested_build_are_decoded() -> None:
    (asset,) = partly_unreadable().assets("cpython", Version.parse("3.14.2"), "20260127")
    assert asset.url == "https://example.com/20260127/3.14.2.tar.zst"


@pytest.mark.parametrize("shape", ["https://h/\x02/../\x01.zst", "https://h/a//\x02/\x01.zst", "https://h/a#/\x01.zst"])
def test_a_url_that_a_lock_file_must_not_contain_is_an_error_of_the_catalog(shape: str) -> None:
    rows = [SnapshotRow(0, None, digest("a").hex)]
    builds = [SnapshotBuild("20260127", None, ("uv",), range(1))]
    shapes = [f"x86_64-unknown-linux-gnu\tbaseline\tpgo\tfull\t{shape}"]
    data = encode_snapshot(facts={}, versions={("cpython", "3.14.2"): builds}, shapes=shapes, rows=rows)
    with pytest.raises(CatalogError, match="a catalog file is damaged: 'https://h/"):
        list(Snapshot(data).assets("cpython", Version.parse("3.14.2"), "20260127"))


def test_a_shape_that_cannot_be_read_is_an_error_of_the_catalog() -> None:
    with pytest.raises(CatalogError, match="shape 1 cannot be read"):
        list(partly_unreadable().assets("cpython", Version.parse("3.14.2"), "20260203"))


def test_reading_the_catalog_imports_no_heavy_modules() -> None:
    code = (
        "import sys; from pathlib import Path; from provision.catalog.cache import open_catalog;"
        "catalog = open_catalog([], base=Path(), cache_dir=Path('nowhere'), offline=True);"
        "version = catalog.versions('cpython')[0];"
        "catalog.assets('cpython', version, catalog.builds('cpython', version)[0]);"
        "print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pydantic", "httpx", "backports", "tomlkit", "json", "urllib.request", "socket", "tempfile", "logging"}
    assert heavy.isdisjoint(run.stdout.split())


# Versions and builds that occur in each other and in URLs, as those of real archives do.
tricky = st.sampled_from(("3.1.1", "3.11.1", "3.11.11", "1.1.1"))
assets = st.builds(
    Asset,
    implementation=st.sampled_from(("cpython", "pypy")),
    version=tricky.map(Version.parse),
    build=st.sampled_from(("1.1", "11", "20260127", "3.11.1")),
    target=st.sampled_from(list(KNOWN_TARGETS.values())),
    cpu=st.sampled_from(CPU_LEVELS),
    options=st.sets(st.sampled_from(OPTIONS)).map(BuildOptions.of),
    flavor=st.sampled_from(FLAVORS),
    url=st.builds("https://example.com/{}/{}-{}.tar.gz".format, tricky, tricky, st.integers()),
    sha256=st.binary(min_size=32, max_size=32).map(lambda raw: Digest(raw.hex())),
    size=st.none() | st.integers(1, 2**53),
    published=st.none() | st.sampled_from(("2026-01-30T14:46:07Z", "2026-02-01T00:00:00Z")),
)
catalogs = st.lists(assets, max_size=12, unique_by=lambda asset: asset.filename)


@given(catalogs)
def test_a_written_snapshot_is_read_back(given_assets: list[Asset]) -> None:
    snapshot = Snapshot(write_snapshot(given_assets, as_of="2026-02-01T00:00:00Z"))
    assert set(snapshot.all_assets()) == set(given_assets)
    assert snapshot.count == len(given_assets)


@given(catalogs.flatmap(lambda given_assets: st.tuples(st.just(given_assets), st.permutations(given_assets))))
def test_the_order_of_the_assets_does_not_matter(orders: tuple[list[Asset], list[Asset]]) -> None:
    one, other = (write_snapshot(order, as_of="", facts={"origin": "here"}) for order in orders)
    assert one == other


def test_the_bundled_snapshot_is_reproduced_from_its_rows() -> None:
    snapshot = bundled_snapshot()
    listed = {key: listing.sources for key, listing in snapshot.listings()}
    written = write_snapshot(bundled_assets(), as_of=snapshot.as_of, sources=listed, gone=snapshot.all_gone())
    assert written == BUNDLED.read_bytes()


def test_listings_and_withdrawn_builds_are_read_back() -> None:
    kept, lost = (upstream(stripped("3.14.2", "20260127", triple=triple)) for triple in (LINUX, MAC))
    key = ("cpython", kept.version, "20260127")
    snapshot = Snapshot(write_snapshot([kept, lost], as_of="", sources={key: {"uv", "ndjson"}}, gone={lost.url}))
    assert dict(snapshot.listings()) == {key: BuildListing(sources=frozenset({"uv", "ndjson"}))}
    assert list(snapshot.gone(*key)) == [lost.url]
    assert snapshot.all_gone() == {lost.url}
    assert set(snapshot.assets(*key)) == {kept, lost}


def test_facts_are_saved_and_can_be_replaced() -> None:
    data = write_snapshot([upstream(stripped("3.14.2", "20260127"))], as_of="2026-02-01T00:00:00Z", facts={"etag": "a"})
    assert Snapshot(data).facts == {"as_of": "2026-02-01T00:00:00Z", "etag": "a"}
    later = Snapshot(with_new_time(data, as_of="2026-03-01T00:00:00Z", facts={"etag": "b"}))
    assert later.facts == {"as_of": "2026-03-01T00:00:00Z", "etag": "b"}
    assert list(later.all_assets()) == list(Snapshot(data).all_assets())


def test_a_publication_time_known_for_some_assets_is_that_of_the_build() -> None:
    some = upstream(stripped("3.14.2", "20260127"), published="2026-01-30T14:46:07Z")
    other = upstream(full("3.14.2", "20260127"))
    snapshot = Snapshot(write_snapshot([some, other], as_of=""))
    assert snapshot.builds("cpython", some.version)["20260127"].published == "2026-01-30T14:46:07Z"
    assert set(snapshot.assets("cpython", some.version, "20260127")) == {some, other}


def test_a_url_listed_twice_with_one_hash_is_one_asset() -> None:
    asset = upstream(stripped("3.14.2", "20260127"))
    assert unique_assets([asset, replace(asset, size=7)]) == (replace(asset, size=7),)


def test_a_name_with_two_hashes_is_refused() -> None:
    asset = upstream(stripped("3.14.2", "20260127"))
    twin = replace(asset, url=f"https://example.com/{asset.filename}", sha256=digest("other"))
    with pytest.raises(CatalogError, match=rf"two hashes, {asset.sha256} and {twin.sha256}"):
        write_snapshot([asset, twin], as_of="")


def test_of_many_names_with_two_hashes_the_first_are_reported() -> None:
    known = [upstream(stripped(f"3.14.{patch}", "20260127")) for patch in range(50)]
    others = [replace(asset, sha256=digest("other")) for asset in known]
    with pytest.raises(SeveralErrors) as caught:
        write_snapshot([*known, *others], as_of="")
    assert len(caught.value.errors) == 20


def test_the_same_name_in_two_builds_is_allowed() -> None:
    """The names of eras A to C do not tell their tag."""
    asset = replace(upstream(stripped("3.14.2", "20260127")), url="https://example.com/a/python.tar.gz")
    other = replace(asset, build="20260203", url="https://example.com/b/python.tar.gz", sha256=digest("other"))
    assert len(unique_assets([asset, other])) == 2


NORMAL = upstream(stripped("3.14.2", "20260127"))


@pytest.mark.parametrize(
    "asset",
    [
        replace(NORMAL, implementation="c\tpython"),
        replace(NORMAL, build="2026\n0127"),
        replace(NORMAL, url="https://example.com/\x01"),
        replace(NORMAL, published="\f"),
    ],
)
def test_control_characters_are_refused(asset: Asset) -> None:
    with pytest.raises(CatalogError, match="control characters"):
        write_snapshot([asset], as_of="")


def test_control_characters_in_facts_are_refused() -> None:
    with pytest.raises(CatalogError, match="control characters"):
        write_snapshot([], as_of="", facts={"origin": "a\nb"})
