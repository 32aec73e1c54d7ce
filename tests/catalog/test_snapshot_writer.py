from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.catalog.snapshot import BUNDLED, Snapshot, bundled
from provision.catalog.snapshot_writer import catalog_of, renewed, unique, write_snapshot
from provision.errors import CatalogError, SeveralErrors
from provision.model.asset import CPU_LEVELS, FLAVORS, OPTIONS, Asset, BuildOptions, Digest
from provision.model.target import KNOWN
from provision.model.value import replace
from provision.model.version import Version
from tests.catalog.samples import bundled_assets, digest, full, stripped, upstream

# Versions and builds that occur in each other and in URLs, as those of real archives do.
tricky = st.sampled_from(("3.1.1", "3.11.1", "3.11.11", "1.1.1"))
assets = st.builds(
    Asset,
    implementation=st.sampled_from(("cpython", "pypy")),
    version=tricky.map(Version.parse),
    build=st.sampled_from(("1.1", "11", "20260127", "3.11.1")),
    target=st.sampled_from(list(KNOWN.values())),
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
def test_what_is_written_is_read_back(given_assets: list[Asset]) -> None:
    snapshot = Snapshot(write_snapshot(given_assets, as_of="2026-02-01T00:00:00Z"))
    assert set(snapshot.all_assets()) == set(given_assets)
    assert snapshot.count == len(given_assets)


@given(catalogs.flatmap(lambda given_assets: st.tuples(st.just(given_assets), st.permutations(given_assets))))
def test_the_order_of_the_assets_does_not_matter(orders: tuple[list[Asset], list[Asset]]) -> None:
    one, other = (write_snapshot(order, as_of="", facts={"origin": "here"}) for order in orders)
    assert one == other


def test_the_bundled_snapshot_is_what_its_own_rows_give() -> None:
    assert write_snapshot(bundled_assets(), as_of=bundled().as_of) == BUNDLED.read_bytes()


def test_facts_are_kept_and_can_be_renewed() -> None:
    data = write_snapshot([upstream(stripped("3.14.2", "20260127"))], as_of="2026-02-01T00:00:00Z", facts={"etag": "a"})
    assert Snapshot(data).facts == {"as_of": "2026-02-01T00:00:00Z", "etag": "a"}
    later = Snapshot(renewed(data, as_of="2026-03-01T00:00:00Z", facts={"etag": "b"}))
    assert later.facts == {"as_of": "2026-03-01T00:00:00Z", "etag": "b"}
    assert list(later.all_assets()) == list(Snapshot(data).all_assets())


def test_a_build_whose_publication_is_known_for_some_assets_only_has_that_time() -> None:
    some = upstream(stripped("3.14.2", "20260127"), published="2026-01-30T14:46:07Z")
    other = upstream(full("3.14.2", "20260127"))
    snapshot = Snapshot(write_snapshot([some, other], as_of=""))
    assert snapshot.builds("cpython", some.version) == {"20260127": "2026-01-30T14:46:07Z"}
    assert set(snapshot.assets("cpython", some.version, "20260127")) == {some, other}


def test_a_url_listed_twice_with_one_hash_is_one_asset() -> None:
    asset = upstream(stripped("3.14.2", "20260127"))
    assert unique([asset, replace(asset, size=7)]) == (replace(asset, size=7),)


def test_a_name_with_two_hashes_is_refused() -> None:
    asset = upstream(stripped("3.14.2", "20260127"))
    twin = replace(asset, url=f"https://example.com/{asset.filename}", sha256=digest("other"))
    with pytest.raises(CatalogError, match=rf"two hashes, {asset.sha256} and {twin.sha256}"):
        catalog_of([asset, twin])


def test_all_such_names_are_told_but_for_a_flood_of_them() -> None:
    known = [upstream(stripped(f"3.14.{patch}", "20260127")) for patch in range(50)]
    others = [replace(asset, sha256=digest("other")) for asset in known]
    with pytest.raises(SeveralErrors) as caught:
        catalog_of([*known, *others])
    assert len(caught.value.errors) == 20


def test_the_same_name_in_two_builds_is_no_contradiction() -> None:
    """The names of eras A to C do not tell their tag."""
    asset = replace(upstream(stripped("3.14.2", "20260127")), url="https://example.com/a/python.tar.gz")
    other = replace(asset, build="20260203", url="https://example.com/b/python.tar.gz", sha256=digest("other"))
    assert len(unique([asset, other])) == 2


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
