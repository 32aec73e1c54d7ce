"""Builds that are partly known: preferences, notes, and that more assets never make a lock worse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provision.catalog.catalog import Catalog
from provision.errors import ProvisionError
from provision.lock.explain import explain_entry
from provision.lock.lock import Lock, LockedPython
from provision.lock.resolve import Resolution, resolve
from provision.model.asset import CPU_LEVELS, Asset, CpuLevel, Flavor
from tests.lock.samples import AS_OF, HOST, Rows, asset, catalog, manifest, partly_known

_TODAY = date(2026, 11, 11)
LEVELS: tuple[CpuLevel, ...] = CPU_LEVELS
OLD, NEW = "3.13.16+20261013", "3.13.17+20261021"
UPDATE = "run `provision catalog update` to complete the list"


def all_levels(name: str, target: str = "linux-x86_64") -> list[Asset]:
    return [asset(name, target, cpu=cpu) for cpu in LEVELS]


def resolution(entry: str, known: Catalog, settings: str = "", previous: Lock | None = None) -> Resolution:
    return resolve(manifest(f"default = {entry}", settings=settings), known, previous, host=HOST)


def label(done: Resolution) -> str:
    (python,) = done.lock.pythons
    return f"{python.version}+{python.build}"


AUTO = '{ version = "3.13", cpu = "auto" }'
FULL = '{ version = "3.13", flavor = "full" }'
BOTH = '{ version = "3.13", targets = ["linux-x86_64", "macos-aarch64"] }'


@pytest.mark.parametrize(
    ("entry", "settings", "whole", "part", "lacking"),
    [
        (AUTO, "", all_levels(OLD), [asset(NEW)], "complete set of CPU levels for linux-x86_64"),
        (AUTO, "", all_levels(OLD), all_levels(NEW)[:3], "complete set of CPU levels for linux-x86_64"),
        ('"3.13"', 'cpu = "v3"', all_levels(OLD), [asset(NEW)], "v3 build for linux-x86_64"),
        ('{ version = "3.13", cpu = "v3" }', "", all_levels(OLD), [asset(NEW)], "v3 build for linux-x86_64"),
        ('"3.13"', 'flavor = "full"', [asset(OLD, flavor="full")], [asset(NEW)], "full archive"),
        (FULL, "", [asset(OLD, flavor="full")], [asset(NEW)], "full build for linux-x86_64"),
        (BOTH, "", [asset(OLD), asset(OLD, "macos-aarch64")], [asset(NEW)], "build for macos-aarch64"),
    ],
    ids=["no level", "some levels", "a preferred level", "a level", "a preferred flavor", "a flavor", "a target"],
)
def test_the_newest_build_known_to_have_all_targets_is_locked(
    entry: str, settings: str, whole: list[Asset], part: list[Asset], lacking: str
) -> None:
    done = resolution(entry, partly_known(*whole, *part), settings)
    assert label(done) == OLD
    assert done.notes == (f"default: {OLD}, because {NEW} has no known {lacking}; {UPDATE}",)
    assert label(resolution(entry, partly_known(*part, *(a for a in whole)), settings)) == OLD


def test_a_completely_known_build_without_levels_gives_a_note() -> None:
    done = resolution(AUTO, catalog(asset(NEW)))
    assert done.notes == (f"default: {NEW} has no CPU level above the baseline for linux-x86_64",)


def test_a_build_without_known_levels_is_locked_if_there_is_no_other() -> None:
    done = resolution(AUTO, partly_known(asset(NEW)))
    assert label(done) == NEW
    (note,) = done.notes
    assert note == f"default: {NEW} has no known complete set of CPU levels for linux-x86_64; {UPDATE}"


@pytest.mark.parametrize(
    "entry",
    ['"pypy3.11"', '{ version = "3.13", cpu = "auto", targets = ["macos-aarch64"] }'],
    ids=["PyPy", "another platform"],
)
def test_without_existing_levels_no_level_is_missing(entry: str) -> None:
    rows = [asset("3.11.15+8.0.1", implementation="pypy", options=""), asset(NEW, "macos-aarch64")]
    assert resolution(entry, partly_known(*rows), 'cpu = "auto"').notes == ()


def test_a_complete_list_has_all_levels() -> None:
    known = catalog(*all_levels(OLD), *all_levels(NEW)[:3])
    done = resolution(AUTO, known)
    assert (label(done), done.notes) == (NEW, ())


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('{ version = "3.13", cpu = "v3" }', "no v3 build of CPython 3.13 is known here for linux-x86_64"),
        ('"3.13t"', "no free-threaded build of CPython 3.13 is known here for linux-x86_64"),
        (FULL, "no full build of CPython 3.13 is known here for linux-x86_64"),
        ('{ version = "3.13", targets = ["linux-s390x"] }', "no build of CPython 3.13 is known here for linux-s390x"),
    ],
)
def test_assets_missing_from_a_partial_list_are_reported_as_not_known(entry: str, message: str) -> None:
    with pytest.raises(ProvisionError) as caught:
        resolution(entry, partly_known(asset(NEW)))
    assert message in caught.value.message
    assert "exists" not in caught.value.message.partition(";")[0]
    with pytest.raises(ProvisionError) as complete:
        resolution(entry, catalog(asset(NEW)))
    assert message.replace("is known here", "exists") in complete.value.message


def test_a_build_that_is_no_longer_listed_is_not_preferred() -> None:
    rows = [asset(OLD), asset(NEW)]
    done = resolution('"3.13"', partly_known(*rows, gone=rows[1:]))
    assert label(done) == OLD
    assert done.notes == (f"default: {OLD}, because {NEW} is no longer listed upstream",)


@pytest.mark.parametrize("entry", ['{ version = "3.13", build = "20261021" }', '"3.13.17"'], ids=["build", "version"])
def test_a_build_that_is_no_longer_listed_is_locked_if_no_other_matches(entry: str) -> None:
    rows = [asset(OLD), asset(NEW)]
    done = resolution(entry, partly_known(*rows, gone=rows[1:]))
    assert label(done) == NEW
    assert done.notes == (f"default: upstream no longer lists {NEW}; no other build satisfies the request",)


def test_explain_shows_that_a_list_is_not_complete() -> None:
    request = manifest(f"default = {AUTO}").requests[0]
    for known, shown in ((partly_known(*all_levels(NEW)), True), (catalog(*all_levels(NEW)), False)):
        reasons = explain_entry(request, None, known, host=HOST, today=_TODAY).reasons
        assert (f"the list of its assets is incomplete (sources: uv); {UPDATE}" in reasons) == shown


# Requests with the targets that they need, and the properties that their results must have.
ENTRIES = (
    AUTO,
    '{ version = ">=3.12", cpu = "auto" }',
    '"3.13"',
    '{ version = "3.13", cpu = "v3" }',
    BOTH,
    '{ version = ">=3.12", cpu = "auto", targets = ["linux-x86_64", "linux-x86_64-musl"] }',
)
_PARTS: tuple[tuple[CpuLevel, ...], ...] = (LEVELS, LEVELS, LEVELS[:1], LEVELS[:1], LEVELS[:3], LEVELS[2:3])
_NAMES = (OLD, "3.13.16+20261020", NEW, "3.13.18+20261110")


def _part(name: str, target: str, levels: tuple[CpuLevel, ...], flavor: Flavor) -> tuple[Asset, ...]:
    """What a source may know about a build for one target."""
    return tuple(asset(name, target, cpu=cpu, flavor=flavor) for cpu in levels)


parts = st.one_of(
    st.builds(
        _part,
        st.sampled_from(_NAMES),
        st.sampled_from(("linux-x86_64", "linux-x86_64", "linux-x86_64", "linux-x86_64-musl")),
        st.sampled_from(_PARTS),
        st.sampled_from(("install_only_stripped", "full")),
    ),
    st.builds(_part, st.sampled_from(_NAMES), st.just("macos-aarch64"), st.just(LEVELS[:1]), st.just("full")),
)
knowledge = st.lists(parts, max_size=6).map(lambda found: list(dict.fromkeys(row for part in found for row in part)))
COMPLETE = {"20261013", "20261110"}


def known_of(rows: Sequence[Asset]) -> Catalog:
    complete = [row for row in rows if row.build in COMPLETE]
    partial = [row for row in rows if row.build not in COMPLETE]
    return Catalog(sources=(Rows(complete, AS_OF, listed_by="ndjson"), Rows(partial, AS_OF, listed_by="uv")))


def answer(entry: str, settings: str, rows: Sequence[Asset]) -> LockedPython | None:
    try:
        return resolution(entry, known_of(rows), settings).lock.pythons[0]
    except ProvisionError:
        return None


def levels_by_target(python: LockedPython) -> list[set[CpuLevel]]:
    targets = {asset.target for asset in python.assets if asset.target.os == "linux"}
    return [{asset.cpu for asset in python.assets if asset.target == target} for target in targets]


@example(AUTO, "", all_levels(OLD), [asset(NEW)])
@given(
    st.sampled_from(ENTRIES),
    st.sampled_from(("", "", 'cpu = "v3"', 'flavor = "full"')),
    st.one_of(knowledge, st.sampled_from(_NAMES).map(all_levels)),
    knowledge,
)
def test_more_assets_never_make_a_lock_worse(entry: str, settings: str, few: list[Asset], more: list[Asset]) -> None:
    before = answer(entry, settings, few)
    after = answer(entry, settings, [*few, *(row for row in more if row not in few)])
    if before is None:
        return
    assert after is not None
    if "auto" in entry and all(levels == set(LEVELS) for levels in levels_by_target(before)):
        assert all(len(levels) > 1 for levels in levels_by_target(after))


@given(knowledge, st.sampled_from(ENTRIES))
def test_the_order_of_the_assets_does_not_matter(rows: list[Asset], entry: str) -> None:
    assert answer(entry, "", rows) == answer(entry, "", rows[::-1])
