"""Which locked entries are out of date, and how that is worded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import ProvisionError
from provision.lock.lock import Lock, Upgrade
from provision.lock.resolve import resolve
from provision.lock.staleness import stale_entries
from provision.model.asset import Digest
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.value import replace
from tests.lock.edits import (
    CUSTOM_REQUESTS,
    REQUESTS,
    edited,
    resolved,
)
from tests.lock.samples import HOST, asset, builds, catalog, lock, manifest

FOUR = 'targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]'
ROWS = (*builds("3.14.7+20260814"), *builds("3.13.5+20250610"), asset(cpu="v2"), asset(cpu="v3"))


def stale(entries: str, locked: Lock, *, settings: str = FOUR, host: Target = HOST) -> list[str]:
    found = stale_entries(manifest(entries, settings=settings), locked, host)
    return [f"{entry.kind}: {entry}" for entry in found]


def test_a_lock_that_satisfies_the_manifest_is_up_to_date() -> None:
    entries = 'a = "3.14"\nb = ">=3.13"'
    locked = lock(entries, *ROWS, settings=FOUR)
    assert stale(entries, locked) == []
    assert stale('b = ">=3.13" # moved\na = { version = "3.14" }', locked) == []


def test_new_and_removed_entries_are_out_of_date() -> None:
    locked = lock('a = "3.14"', *ROWS, settings=FOUR)
    assert stale('b = "3.14"', locked) == [
        "removed: a: locked, but not in the manifest",
        "new: b: not locked yet",
    ]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('"3.13"', "the manifest requests version 3.13, the lock file has 3.14.7"),
        ('"pypy3.11"', "the manifest requests pypy, the lock file has cpython"),
        ('{version = "3.14", build = "20260101"}', "the manifest requests build 20260101, the lock file has 20260814"),
        (
            '{version = "3.14", flavor = "full"}',
            "the manifest requests flavor full, the lock file has install_only_stripped",
        ),
        (
            '{version = "3.14", targets = ["linux-x86_64"]}',
            "locked for linux-aarch64, macos-aarch64, windows-x86_64, which",
        ),
        (
            '{version = "3.14", without = ["idle"]}',
            "the manifest requests a tree with -idle, the lock file has one with none",
        ),
        ('{version = "3.14", cpu = "v3"}', "the manifest requests cpu v3, the lock file has baseline"),
        (
            '"3.14t"',
            "the manifest requests other build options than the lock file has for linux-aarch64, linux-x86_64",
        ),
    ],
)
def test_a_changed_request_is_reported_with_its_differences(entry: str, reason: str) -> None:
    locked = lock('a = "3.14"', *ROWS, settings=FOUR)
    told = stale(f"a = {entry}", locked)
    assert len(told) == 1
    assert told[0].startswith(f"changed: a: request changed after it was locked: {reason}")


def test_a_changed_request_is_out_of_date_even_if_the_locked_entry_satisfies_it() -> None:
    locked = lock('a = "3.14"', *ROWS, settings=FOUR)
    assert stale('a = ">=3.14"', locked) == ["changed: a: request changed after it was locked"]


def test_without_declared_targets_a_lock_file_must_have_that_of_the_host() -> None:
    locked = lock('a = "3.14"', *ROWS)
    assert stale('a = "3.14"', locked, settings="") == []
    mac = Target.parse("macos-aarch64")
    assert stale('a = "3.14"', locked, settings="", host=mac) == [
        "incomplete: a: not locked for this machine (macos-aarch64)"
    ]


class TestContradictions:
    """A lock edited by hand, or by an attacker, has the digest of a request but does not match it."""

    ENTRY = 'a = "3.14"'

    def told(self, **changes: Any) -> str:
        python = replace(lock(self.ENTRY, *ROWS, settings=FOUR).pythons[0], **changes)
        told = stale(self.ENTRY, Lock(pythons=(python,)))
        assert len(told) == 1
        return told[0].removeprefix("contradictory: a: differs from its request: ")

    def test_another_version_is_reported(self) -> None:
        assert (
            self.told(version=asset("3.13.5+1").version)
            == "the manifest requests version 3.14, the lock file has 3.13.5"
        )

    def test_a_prerelease_that_is_not_requested_is_reported(self) -> None:
        told = self.told(version=asset("3.14.0rc1+1").version)
        assert told == "the manifest requests no prereleases, the lock file has 3.14.0rc1"

    def test_other_tree_options_are_reported(self) -> None:
        assert (
            self.told(tree=TreeOptions(bytecode=True))
            == "the manifest requests a tree with no options, the lock file has one with bytecode"
        )

    def test_a_free_threaded_build_under_a_default_name_is_reported(self) -> None:
        rows = [asset(target=each.target.short, options="freethreaded+pgo") for each in builds("3.14.7+20260814")]
        assert self.told(assets=tuple(rows)).startswith(
            "the manifest requests other build options than the lock file has for"
        )

    def test_a_missing_target_is_reported(self) -> None:
        assert self.told(assets=(asset(),)) == "not locked for linux-aarch64, macos-aarch64, windows-x86_64"

    def test_another_level_is_reported(self) -> None:
        rows = (*builds("3.14.7+20260814"), asset(cpu="v4"))
        assert self.told(assets=rows) == "the manifest requests cpu baseline, the lock file has v4"


def test_a_pinned_hash_must_be_the_locked_one() -> None:
    entry = f'a = {{version = "3.14", targets = ["linux-x86_64"], sha256 = {{ linux-x86_64 = "{asset().sha256}" }} }}'
    locked = lock(entry, *ROWS)
    assert stale(entry, locked) == []
    swapped = replace(asset(), sha256=Digest("0" * 64))
    tampered = Lock(pythons=(replace(locked.pythons[0], assets=(swapped,)),))
    contradictory = "contradictory: a: differs from its request:"
    assert stale(entry, tampered) == [
        f"{contradictory} the manifest has another sha256 than the lock file for linux-x86_64"
    ]


def test_auto_needs_the_baseline() -> None:
    entry = 'a = {version = "3.14", cpu = "auto", targets = ["linux-x86_64"]}'
    locked = lock(entry, *ROWS)
    assert stale(entry, locked) == []
    python = replace(locked.pythons[0], assets=locked.pythons[0].assets[1:])
    assert stale(entry, Lock(pythons=(python,))) == [
        "contradictory: a: differs from its request: the lock file has no baseline for linux-x86_64"
    ]


def test_custom_archives_are_locked_by_their_urls() -> None:
    url = 'linux-x86_64 = "https://example.com/a.tar.gz"'
    entry = f'a = {{ version = "3.13.5", url = {{ {url} }}, sha256 = {{ linux-x86_64 = "{"a" * 64}" }} }}'
    locked = lock(entry)
    assert stale(entry, locked) == []
    python = locked.pythons[0]
    moved = replace(python, assets=(replace(python.assets[0], url="https://example.org/a.tar.gz"),))
    assert stale(entry, Lock(pythons=(moved,))) == [
        "contradictory: a: differs from its request: the manifest has other URLs than the lock file"
    ]


@given(st.data())
def test_an_entry_satisfies_its_request_if_resolving_its_rows_gives_it_again(data: st.DataObject) -> None:
    asked, python = resolved(*data.draw(st.sampled_from(REQUESTS)))
    locked = Lock(pythons=(data.draw(edited(python)),))
    try:
        again = resolve(
            asked, catalog(*locked.pythons[0].assets), locked, host=HOST, upgrade=Upgrade(everything=True)
        ).lock
    except ProvisionError:
        again = None
    assert (stale_entries(asked, locked, HOST) == ()) == (again == locked)


@pytest.mark.parametrize(("entry", "settings"), [*REQUESTS, *CUSTOM_REQUESTS])
def test_a_resolved_entry_satisfies_the_request(entry: str, settings: str) -> None:
    asked, python = resolved(entry, settings)
    assert stale_entries(asked, Lock(pythons=(python,)), HOST) == ()
