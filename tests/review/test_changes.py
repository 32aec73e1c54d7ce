"""Differences between two locks: entries, assets and the aspects in which they differ."""

from __future__ import annotations

import pytest
from hypothesis import given

from provision.lock.lock import Lock, LockedPython
from provision.model.tree import TreeOptions
from provision.model.value import replace
from provision.review.changes import compare_locks
from tests.lock.samples import asset, digest, python
from tests.lock.strategies import locks
from tests.review.samples import edited, lock, moved

DEFAULT = python()


def test_a_lock_file_does_not_differ_from_itself() -> None:
    diff = compare_locks(lock(DEFAULT), lock(DEFAULT))
    assert not diff
    assert diff.entries == ()
    assert diff.unchanged == 1


@given(locks(), locks())
def test_a_diff_is_empty_if_and_only_if_the_locks_are_equal(old: Lock, new: Lock) -> None:
    assert bool(compare_locks(old, new)) == (old != new)


@given(locks(), locks())
def test_in_the_reverse_diff_everything_added_is_removed(old: Lock, new: Lock) -> None:
    there, back = compare_locks(old, new), compare_locks(new, old)
    kinds = {"added": "removed", "removed": "added", "changed": "changed"}
    assert [(entry.name, entry.kind) for entry in there.entries] == [
        (each.name, kinds[each.kind]) for each in back.entries
    ]
    assert [entry.aspects for entry in there.entries] == [entry.aspects for entry in back.entries]


def test_a_missing_lock_file_differs_from_an_empty_one() -> None:
    assert compare_locks(None, lock())
    assert not compare_locks(None, None)


def test_entries_that_were_added_or_removed_have_all_their_assets() -> None:
    diff = compare_locks(lock(python(name="old")), lock(python(name="new")))
    assert [(entry.name, entry.kind, len(entry.assets)) for entry in diff.entries] == [
        ("new", "added", 3),
        ("old", "removed", 3),
    ]


@pytest.mark.parametrize(
    ("name", "version", "build"),
    [
        ("3.14.8+20260901", "up", None),
        ("3.14.6+20260901", "down", None),
        ("3.14.7+20260901", None, "up"),
        ("3.14.7+20260701", None, "down"),
        ("3.15.0rc1+20260901", "up", None),
    ],
)
def test_changes_of_version_and_build_are_upgrades_or_downgrades(
    name: str, version: str | None, build: str | None
) -> None:
    (entry,) = compare_locks(lock(DEFAULT), lock(moved(DEFAULT, name))).entries
    assert (entry.version_direction, entry.build_direction) == (version, build)
    assert not entry.request_changed


def test_a_build_that_is_not_a_date_is_compared_by_its_numbers() -> None:
    old, new = (python(asset(f"3.11.13+7.3.{patch}", implementation="pypy")) for patch in (9, 19))
    (entry,) = compare_locks(lock(old), lock(new)).entries
    assert entry.build_direction == "up"


def test_another_implementation_is_neither_an_upgrade_nor_a_downgrade() -> None:
    (entry,) = compare_locks(lock(DEFAULT), lock(python(asset("3.11.13+7.3.9", implementation="pypy")))).entries
    assert entry.version_direction == "other"


def test_a_sha256_that_changed_alone_is_a_change() -> None:
    (entry,) = compare_locks(lock(DEFAULT), lock(edited(DEFAULT, sha256=digest("other")))).entries
    assert entry.aspects == ("sha256",)
    assert [change.target_label for change in entry.assets] == ["macos-aarch64"]


def test_another_host_is_another_origin_and_url_too() -> None:
    url = DEFAULT.assets[0].url.replace("example.com", "example.net")
    (entry,) = compare_locks(lock(DEFAULT), lock(edited(DEFAULT, url=url))).entries
    assert entry.aspects == ("host", "origin", "url")


def test_tree_options_and_the_request_are_aspects_of_the_entry() -> None:
    after = replace(DEFAULT, tree=TreeOptions(bytecode=True), request=digest("asked otherwise"))
    (entry,) = compare_locks(lock(DEFAULT), lock(after)).entries
    assert entry.aspects == ("tree", "request")
    assert entry.request_changed


def with_levels(*levels: str) -> LockedPython:
    return python(*(asset(cpu=level) for level in levels))  # type: ignore[arg-type]  # they are levels


def test_added_levels_differ_from_added_targets() -> None:
    (entry,) = compare_locks(lock(with_levels("baseline")), lock(with_levels("baseline", "v2", "v3"))).entries
    assert entry.aspects == ("levels",)
    assert [change.target_label for change in entry.assets] == ["linux-x86_64 v2", "linux-x86_64 v3"]
    (entry,) = compare_locks(lock(python(asset())), lock(python(asset(), asset(target="macos-aarch64")))).entries
    assert entry.aspects == ("targets",)


def test_sizes_are_compared_if_both_are_known() -> None:
    old, new = (
        python(asset(size=100), asset(target="macos-aarch64")),
        python(asset(size=150), asset(target="macos-aarch64")),
    )
    (entry,) = compare_locks(lock(old), lock(new)).entries
    assert entry.size_delta == 50
    (entry,) = compare_locks(lock(DEFAULT), lock(moved(DEFAULT, "3.14.8+20260901"))).entries
    assert entry.size_delta is None


def test_another_format_version_is_a_difference() -> None:
    diff = compare_locks(Lock(version="1.0"), Lock(version="1.1"))
    assert diff.format_changed
    assert diff
