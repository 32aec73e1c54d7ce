"""From a manifest, a catalog and the previous lock to a lock: what is kept, resolved again, refused."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.catalog.catalog import Catalog
from provision.errors import IntegrityError, ManifestError, SeveralErrors
from provision.lock.lock import LOCK_VERSION, NO_UPGRADE, PLAIN_VERSION, Lock, LockedPython, Upgrade
from provision.lock.resolve import Resolution, resolve
from provision.lock.staleness import stale_entries
from provision.lock.write import format_lock
from provision.model.asset import Asset, Digest
from provision.model.target import Target
from provision.model.value import replace
from tests.lock.samples import ATTESTATION, HOST, asset, builds, catalog, lock, manifest

FOUR = 'targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]'
OLD = (*builds("3.14.2+20260127"), *builds("3.13.5+20250610"))
NEW = (*OLD, *builds("3.14.7+20260814"), *builds("3.13.9+20260814"), asset("3.14.7+20260814", cpu="v3"))
TWO = 'a = "3.14"\nb = "3.13"'


def resolved(
    entries: str,
    *assets: Asset,
    previous: Lock | None = None,
    upgrade: Upgrade = NO_UPGRADE,
    settings: str = FOUR,
    host: Target = HOST,
) -> Resolution:
    return resolve(manifest(entries, settings=settings), catalog(*assets), previous, host=host, upgrade=upgrade)


def versions(resolution: Resolution) -> list[str]:
    return [f"{python.name} {python.version}" for python in resolution.lock.pythons]


def no_catalog() -> Catalog:
    raise AssertionError("a fresh lock needs no catalog")


class TestKeeping:
    BEFORE = lock(TWO, *OLD, settings=FOUR)

    def test_an_up_to_date_lock_file_is_kept_without_a_catalog(self) -> None:
        again = resolve(manifest(TWO, settings=FOUR), no_catalog, self.BEFORE, host=HOST)
        assert again == Resolution(lock=self.BEFORE)

    def test_only_the_entry_that_changed_is_resolved_again(self) -> None:
        now = resolved('a = "3.14"\nb = "3.13"\nc = "3.14"', *NEW, previous=self.BEFORE)
        assert versions(now) == ["a 3.14.2", "b 3.13.5", "c 3.14.7"]
        assert now.resolved == ("c",)

    def test_an_entry_that_is_no_longer_requested_is_removed(self) -> None:
        assert versions(resolved('b = "3.13"', *NEW, previous=self.BEFORE)) == ["b 3.13.5"]

    def test_a_changed_request_keeps_version_and_build_while_it_allows_them(self) -> None:
        now = resolved('a = ">=3.13"\nb = "3.13"', *NEW, previous=self.BEFORE)
        assert versions(now) == ["a 3.14.2", "b 3.13.5"]
        assert now.resolved == ("a",)

    def test_a_changed_request_that_excludes_version_or_build_changes_them(self) -> None:
        now = resolved('a = { version = "3.14", build = "20260814" }\nb = "3.13"', *NEW, previous=self.BEFORE)
        assert versions(now) == ["a 3.14.7", "b 3.13.5"]
        now = resolved('a = { version = "3.14", cpu = "v3", targets = ["linux-x86_64"] }', *NEW, previous=self.BEFORE)
        assert versions(now) == ["a 3.14.7"]

    def test_a_locked_row_is_unchanged_if_the_catalog_has_its_size_later(self) -> None:
        sized = [replace(row, size=7) for row in OLD]
        before = resolved('a = "3.14"', *OLD, settings='targets = ["linux-x86_64"]').lock
        now = resolved('a = "3.14"', *sized, previous=before, settings='targets = ["linux-x86_64", "linux-aarch64"]')
        assert [row.size for row in now.lock.pythons[0].assets] == [7, None]

    def test_the_same_url_with_another_hash_is_reported(self) -> None:
        swapped = [replace(row, sha256=Digest("0" * 64)) for row in OLD]
        now = resolved('a = "3.14"', *swapped, previous=self.BEFORE, upgrade=Upgrade(everything=True))
        assert len(now.notes) == 4
        assert now.notes[0].endswith(f"catalog {'0' * 64}")


class TestUpgrading:
    BEFORE = lock(TWO, *OLD, settings=FOUR)

    def test_upgrading_everything_upgrades_all_entries(self) -> None:
        now = resolved(TWO, *NEW, previous=self.BEFORE, upgrade=Upgrade(everything=True))
        assert versions(now) == ["a 3.14.7", "b 3.13.9"]

    def test_upgrading_some_entries_keeps_the_others(self) -> None:
        now = resolved(TWO, *NEW, previous=self.BEFORE, upgrade=Upgrade(names=("b",)))
        assert versions(now) == ["a 3.14.2", "b 3.13.9"]
        assert now.resolved == ("b",)

    def test_upgrading_an_unknown_entry_is_refused(self) -> None:
        with pytest.raises(ManifestError) as caught:
            resolved('default = "3.14"', *NEW, upgrade=Upgrade(names=("defualt",)))
        assert str(caught.value) == "pythons.toml has no entry 'defualt'"
        assert caught.value.hint == "The entries are default. Did you mean 'default'?"


class TestTargets:
    MAC = Target.parse("macos-aarch64")

    def test_without_declared_targets_each_host_adds_its_own_and_keeps_the_build(self) -> None:
        here = resolved('a = "3.14"', *OLD, settings="").lock
        there = resolved('a = "3.14"', *NEW, previous=here, settings="", host=self.MAC)
        assert versions(there) == ["a 3.14.2"]
        assert [target.short for target in there.lock.pythons[0].targets()] == ["macos-aarch64", "linux-x86_64"]
        assert resolved('a = "3.14"', *NEW, previous=there.lock, settings="").lock == there.lock

    def test_an_upgrade_keeps_the_targets_of_all_hosts(self) -> None:
        before = resolved('a = "3.14"', *OLD, settings="", host=self.MAC).lock
        now = resolved('a = "3.14"', *NEW, previous=before, settings="", upgrade=Upgrade(everything=True))
        assert versions(now) == ["a 3.14.7"]
        assert len(now.lock.pythons[0].targets()) == 2

    def test_with_declared_targets_the_host_has_no_effect(self) -> None:
        assert resolved(TWO, *NEW, host=self.MAC) == resolved(TWO, *NEW, host=Target.parse("linux-s390x"))


class TestPins:
    def test_the_chosen_asset_must_have_the_requested_sha256(self) -> None:
        entry = 'a = { version = "3.14", sha256 = { linux-x86_64 = "%s" } }'
        pinned = asset("3.14.2+20260127")
        assert versions(resolved(entry % pinned.sha256, *OLD)) == ["a 3.14.2"]
        with pytest.raises(IntegrityError) as caught:
            resolved(entry % pinned.sha256, *NEW)
        assert caught.value.exit_code == 5
        chosen = asset("3.14.7+20260814")
        assert caught.value.message == (
            f"sha256 mismatch for {chosen.filename} (x86_64-unknown-linux-gnu): manifest {pinned.sha256}, "
            f"catalog {chosen.sha256}"
        )

    def test_a_sha256_mismatch_is_the_most_severe_of_several_errors(self) -> None:
        entry = f'a = {{ version = "3.14", sha256 = {{ linux-x86_64 = "{"0" * 64}" }} }}\nb = "3.99"'
        with pytest.raises(SeveralErrors) as caught:
            resolved(entry, *NEW)
        assert caught.value.exit_code == 5

    def test_a_tampered_lock_is_repaired(self) -> None:
        entry = f'a = {{ version = "3.14", sha256 = {{ linux-x86_64 = "{asset("3.14.2+20260127").sha256}" }} }}'
        good = resolved(entry, *OLD).lock
        python = good.pythons[0]
        bad = replace(python, assets=tuple(replace(row, sha256=Digest("0" * 64)) for row in python.assets))
        assert resolved(entry, *NEW, previous=Lock(pythons=(bad,))).lock == good


class TestFormats:
    """1.9 stands for a newer format."""

    BEFORE = lock('a = "3.14"', *OLD, settings=FOUR)

    def test_a_lock_of_a_newer_format_keeps_it_while_nothing_changes(self) -> None:
        newer = replace(self.BEFORE, version="1.9")
        assert resolved('a = "3.14"', *NEW, previous=newer).lock == newer

    def test_a_changed_lock_file_of_a_newer_format_is_written_in_our_format(self) -> None:
        newer = replace(self.BEFORE, version="1.9")
        assert resolved('a = "3.13"', *NEW, previous=newer).lock.version == PLAIN_VERSION
        assert resolved("", *NEW, previous=newer).lock.version == PLAIN_VERSION

    def test_a_new_lock_file_has_the_oldest_format_that_can_hold_it(self) -> None:
        assert resolved("", *NEW).lock == Lock(version=PLAIN_VERSION)

    def test_attestations_of_builds_that_are_no_longer_locked_are_removed(self) -> None:
        rows = tuple(replace(ATTESTATION, build=build) for build in ("20200101", self.BEFORE.pythons[0].build))
        before = replace(self.BEFORE, version=LOCK_VERSION, attestations=rows)
        kept = resolved('a = "3.14"', *NEW, previous=before).lock
        assert (kept.version, kept.attestations) == (LOCK_VERSION, rows[1:])


REQUESTS = st.sampled_from(
    [
        '"3.14"',
        '"3.13"',
        '">=3.13"',
        '{ version = "3.14", cpu = "auto" }',
        '{ version = "3", targets = ["linux-x86_64"] }',
    ]
)
ENTRIES = st.dictionaries(st.sampled_from("abcde"), REQUESTS).map(
    lambda entries: "\n".join(f"{name} = {entry}" for name, entry in entries.items())
)


@given(ENTRIES, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_entries_changes_nothing(entries: str, chance: random.Random) -> None:
    rows, lines = list(NEW), entries.split("\n")
    chance.shuffle(rows)
    chance.shuffle(lines)
    assert format_lock(resolved("\n".join(lines), *rows).lock) == format_lock(resolved(entries, *NEW).lock)


@given(ENTRIES)
def test_resolving_again_changes_nothing(entries: str) -> None:
    once = resolved(entries, *NEW)
    again = resolved(entries, *NEW, previous=once.lock)
    assert again.lock == once.lock
    assert again.resolved == ()
    assert stale_entries(manifest(entries, settings=FOUR), once.lock, HOST) == ()


@given(ENTRIES, ENTRIES)
def test_relocking_changes_only_entries_that_are_out_of_date(before: str, now: str) -> None:
    old = resolved(before, *OLD, asset("3.14.2+20260127", cpu="v3")).lock
    stale = {entry.name for entry in stale_entries(manifest(now, settings=FOUR), old, HOST)}
    new = resolved(now, *NEW, previous=old)
    assert set(new.resolved) == stale - {name for name in stale if new.lock.python(name) is None}
    for python in old.pythons:
        if python.name not in stale:
            assert new.lock.python(python.name) == python


@given(ENTRIES)
def test_upgrading_everything_equals_resolving_without_a_lock_file(entries: str) -> None:
    old = resolved(entries, *OLD).lock
    assert resolved(entries, *NEW, previous=old, upgrade=Upgrade(everything=True)).lock == resolved(entries, *NEW).lock


def test_entries_of_one_lock_are_independent() -> None:
    both: tuple[LockedPython, ...] = lock(TWO, *NEW, settings=FOUR).pythons
    assert both == tuple(lock(entry, *NEW, settings=FOUR).pythons[0] for entry in TWO.split("\n"))


def notes(entries: str, *assets: Asset, settings: str = "") -> tuple[str, ...]:
    return resolve(manifest(entries, settings=settings), catalog(*assets), None, host=HOST).notes


def test_all_targets_get_one_version_build_and_flavor() -> None:
    newest = [row for row in builds("3.14.9+20261021") if row.target.os != "windows"]
    rows = [*newest, *builds("3.14.7+20260814", flavors=("full", "install_only_stripped"))]
    python = lock('free = "3.14"', *rows, settings=FOUR).pythons[0]
    assert f"{python.version}+{python.build} {python.flavor}" == "3.14.7+20260814 install_only_stripped"
    assert len(python.assets) == 4


def test_skipping_a_build_without_a_target_is_noted() -> None:
    rows = [*(row for row in builds("3.14.9+20261021") if row.target.os != "windows"), *builds("3.14.7+20260814")]
    assert notes('free = "3.14"', *rows, settings=FOUR) == (
        "free: 3.14.7+20260814, because 3.14.9+20261021 has no build for windows-x86_64",
    )


def test_skipping_a_build_without_a_variant_is_noted_with_its_name() -> None:
    rows = [asset("3.14.9+20261021"), asset("3.14.7+20260814", options="freethreaded+pgo+lto")]
    assert notes('free = "3.14t"', *rows) == (
        "free: 3.14.7+20260814, because 3.14.9+20261021 has no free-threaded build for linux-x86_64",
    )


def test_skipping_a_build_in_its_cooldown_is_noted_with_its_end() -> None:
    rows = [asset("3.14.9+20261024"), asset("3.14.9+20261021"), asset("3.14.7+20260814")]
    assert notes('a = "3.14"', *rows, settings='cooldown = "1 week"') == (
        (
            "a: 3.14.7+20260814, because 3.14.9+20261024 is in its cooldown of 7 days until 2026-10-31 00:00 "
            "UTC; the cooldown is measured against the catalog date, 2026-10-25; `provision catalog update` moves "
            "that date"
        ),
    )


def test_skipping_a_flavor_is_not_noted() -> None:
    full = asset("3.14.9+20261021", "windows-x86_64", "pgo", flavor="full")
    rows = [*builds("3.14.9+20261021", flavors=("full", "install_only")), asset("3.14.9+20261021"), full]
    assert lock('a = "3.14"', *rows, settings=FOUR).pythons[0].flavor == "install_only"
    assert notes('a = "3.14"', *rows, settings=FOUR) == ()
