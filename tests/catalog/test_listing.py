"""What is known of a build beside its assets: who lists it, whether that is all, and what was withdrawn."""

from __future__ import annotations

import pytest

from provision.catalog.listing import COMPLETE_SOURCES, PARTIAL_SOURCES, BuildKey, BuildListing, withdrawn_builds
from provision.catalog.snapshot import bundled_catalog, bundled_snapshot
from provision.model.version import Version


@pytest.mark.parametrize("source", sorted(COMPLETE_SOURCES))
def test_one_complete_list_is_enough(source: str) -> None:
    assert BuildListing(sources=frozenset({source})).complete
    assert BuildListing(sources=frozenset({source, "uv", "custom"})).complete


@pytest.mark.parametrize("source", sorted(PARTIAL_SOURCES))
def test_several_partial_lists_are_not_a_complete_list(source: str) -> None:
    assert not BuildListing(sources=frozenset({source})).complete
    assert not BuildListing(sources=PARTIAL_SOURCES).complete


def test_a_custom_catalog_lists_all_of_its_builds_and_some_of_others() -> None:
    assert BuildListing(sources=frozenset({"custom"})).complete
    assert not BuildListing(sources=frozenset({"custom", "uv"})).complete


def key(text: str, implementation: str = "cpython") -> BuildKey:
    version, _, build = text.partition("+")
    return (implementation, Version.parse(version), build)


def test_a_build_missing_from_later_metadata_is_withdrawn() -> None:
    listed = [key("3.14.8+20261013"), key("3.14.9+20261021")]
    gone, older, newest = key("3.14.8+20261020"), key("3.14.8+20261003"), key("3.14.9+20261021")
    assert withdrawn_builds([gone, older, newest], listed) == {gone}


@pytest.mark.parametrize(
    "known",
    ["3.14.8+20261026", "3.14.9+20261026", "3.13.1+20261020"],
    ids=["a build after the metadata", "the same of the newest version", "a version that is not listed"],
)
def test_builds_that_the_metadata_cannot_list_are_not_withdrawn(known: str) -> None:
    assert withdrawn_builds([key(known)], [key("3.14.8+20261013"), key("3.14.9+20261021")]) == frozenset()


def test_builds_of_other_implementations_are_never_withdrawn() -> None:
    assert withdrawn_builds([key("3.11.15+8.0.1", "pypy")], [key("3.11.15+8.0.0", "pypy")]) == frozenset()


def test_the_bundled_catalog_has_one_withdrawn_release() -> None:
    snapshot = bundled_snapshot()
    builds = {each for each, _ in snapshot.listings() if set(snapshot.gone(*each))}
    assert builds == {key(f"{version}+20261020") for version in ("3.13.16", "3.14.8", "3.15.0")}


@pytest.mark.parametrize(("build", "complete"), [("20260127", True), ("20261110", False), ("20261020", False)])
def test_the_bundled_catalog_records_whether_a_list_is_complete(build: str, complete: bool) -> None:
    listings = [
        catalog.listings("cpython", version)[build]
        for catalog in [bundled_catalog()]
        for version in catalog.versions("cpython")
        if build in catalog.listings("cpython", version)
    ]
    assert listings
    assert {listing.complete for listing in listings} == {complete}
