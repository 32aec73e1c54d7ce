"""The search through versions, builds and flavors, and what people are told of the choice."""

from __future__ import annotations

from provision.lock.resolve import resolve
from provision.model.asset import Asset
from tests.lock.samples import HOST, asset, builds, catalog, lock, manifest

FOUR = 'targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]'


def notes(entries: str, *assets: Asset, settings: str = "") -> tuple[str, ...]:
    return resolve(manifest(entries, settings=settings), catalog(*assets), None, host=HOST).notes


def test_one_version_build_and_flavor_answers_all_targets() -> None:
    newest = [row for row in builds("3.14.9+20261021") if row.target.os != "windows"]
    rows = [*newest, *builds("3.14.7+20260814", flavors=("full", "install_only_stripped"))]
    python = lock('free = "3.14"', *rows, settings=FOUR).pythons[0]
    assert f"{python.version}+{python.build} {python.flavor}" == "3.14.7+20260814 install_only_stripped"
    assert len(python.assets) == 4


def test_passing_over_what_lacks_a_target_is_told() -> None:
    rows = [*(row for row in builds("3.14.9+20261021") if row.target.os != "windows"), *builds("3.14.7+20260814")]
    assert notes('free = "3.14"', *rows, settings=FOUR) == (
        "free: 3.14.7+20260814 rather than 3.14.9+20261021, which has no windows-x86_64",
    )


def test_passing_over_what_lacks_a_variant_is_told_with_its_name() -> None:
    rows = [asset("3.14.9+20261021"), asset("3.14.7+20260814", options="freethreaded+pgo+lto")]
    assert notes('free = "3.14t"', *rows) == (
        "free: 3.14.7+20260814 rather than 3.14.9+20261021, which has no free-threaded build for linux-x86_64",
    )


def test_passing_over_what_is_too_young_is_told_with_the_day_it_will_do() -> None:
    rows = [asset("3.14.9+20261024"), asset("3.14.9+20261021"), asset("3.14.7+20260814")]
    assert notes('a = "3.14"', *rows, settings='cooldown = "1 week"') == (
        "a: 3.14.7+20260814 rather than 3.14.9+20261024, which is in its cooldown of 7 days until 2026-10-31 00:00 UTC",
    )


def test_a_flavor_is_passed_over_without_a_word() -> None:
    full = asset("3.14.9+20261021", "windows-x86_64", "pgo", flavor="full")
    rows = [*builds("3.14.9+20261021", flavors=("full", "install_only")), asset("3.14.9+20261021"), full]
    assert lock('a = "3.14"', *rows, settings=FOUR).pythons[0].flavor == "install_only"
    assert notes('a = "3.14"', *rows, settings=FOUR) == ()
