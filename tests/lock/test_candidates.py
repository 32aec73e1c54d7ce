"""The candidates of a build for a request, target by target, and the order of preference, rule by rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.lock import candidates
from provision.lock.age import Cooldown
from provision.lock.candidates import Candidate, CatalogView, ResolvedRequest, best_first, flavors
from provision.lock.matching import OptionFilter
from provision.lock.resolve import resolve
from provision.model.asset import Asset
from provision.model.target import Target
from tests.lock.samples import AS_OF, asset, catalog, lock, manifest, request

TARGETS = (Target.parse("linux-x86_64"), Target.parse("macos-aarch64"))
LEVELS = [asset(), asset(cpu="v2"), asset(cpu="v3"), asset(target="macos-aarch64")]


def candidate_of(entry: str, *assets: Asset, settings: str = "") -> Candidate:
    wanted = request(entry, settings=settings)
    resolved = ResolvedRequest(wanted, OptionFilter.of(wanted), TARGETS, Cooldown(wanted.cooldown, AS_OF))
    return next(CatalogView(catalog(*assets)).candidates(resolved, assets[0].version, assets[0].build))


@pytest.mark.parametrize(
    ("entry", "settings", "chosen", "lacking"),
    [
        ('"3.14"', "", ["baseline", "baseline"], []),
        ('{version = "3.14", cpu = "auto"}', "", ["baseline", "v2", "v3", "baseline"], []),
        ('{version = "3.14", cpu = "v3"}', "", ["v3"], ["macos-aarch64 v3"]),
        ('{version = "3.14", cpu = "v4"}', "", [], ["linux-x86_64 v4", "macos-aarch64 v4"]),
        ('"3.14"', 'cpu = "v3"', ["v3", "baseline"], []),
        ('"3.14"', 'cpu = "v4"', ["baseline", "baseline"], []),
        ('{version = "3.14", cpu = "baseline"}', 'cpu = "v3"', ["baseline", "baseline"], []),
    ],
)
def test_the_requested_levels_are_chosen_and_missing_ones_listed(
    entry: str, settings: str, chosen: list[str], lacking: list[str]
) -> None:
    candidate = candidate_of(entry, *LEVELS, settings=settings)
    assert [each.cpu for each in candidate.assets] == chosen
    assert [f"{target.short} {cpu}" for target, cpu in candidate.missing] == lacking


def test_auto_needs_the_baseline() -> None:
    candidate = candidate_of('{version = "3.14", cpu = "auto"}', asset(cpu="v3"), asset(target="macos-aarch64"))
    assert [f"{target.short} {cpu}" for target, cpu in candidate.missing] == ["linux-x86_64 baseline"]


def test_auto_reports_the_targets_that_only_have_the_baseline() -> None:
    candidate = candidate_of('{version = "3.14", cpu = "auto"}', asset(), asset(target="macos-aarch64"))
    assert candidate.without_level == TARGETS[:1]


def test_an_asset_in_its_cooldown_is_missing() -> None:
    young = asset(published="2026-10-24T00:00:00Z")
    candidate = candidate_of('{version = "3.14", cooldown = "3 days"}', young, asset(target="macos-aarch64"))
    assert candidate.too_young == (young,)
    assert [target.short for target, _ in candidate.missing] == ["linux-x86_64"]


HOST = Target.parse("linux-x86_64")


def chosen(entry: str, *assets: Asset) -> Asset:
    """The one asset that an entry gets."""
    return lock(f"default = {entry}", *assets).pythons[0].assets[0]


def test_the_newest_version_is_preferred() -> None:
    rows = [asset("3.14.10+20260814"), asset("3.14.9+20261021"), asset("3.13.12+20261021")]
    assert chosen('"3.14"', *rows) == rows[0]
    assert chosen('">=3.13"', *rows) == rows[0]
    assert chosen('"3.13"', *rows) == rows[2]


def test_of_one_version_the_build_published_last_is_preferred() -> None:
    late = asset("3.14.2+20250323", published="2026-03-27T10:00:00Z")
    rows = [asset("3.14.2+20260127"), late, asset("3.14.2+20250610")]
    assert chosen('"3.14"', *rows) == late


def test_prereleases_are_taken_only_when_requested() -> None:
    rows = [asset("3.14.9+20261021"), asset("3.15.0rc2+20261021")]
    assert chosen('"3"', *rows) == rows[0]
    assert chosen('{version = "3", prereleases = true}', *rows) == rows[1]
    assert chosen('">=3.15.0rc1"', *rows) == rows[1]
    assert chosen('"3.15.0rc2"', *rows) == rows[1]


def test_of_one_build_the_flavor_decides() -> None:
    assert flavors(request('"3.14"')) == ("install_only_stripped", "install_only", "full")
    assert flavors(request('"3.14"', settings='flavor = "full"')) == ("full", "install_only_stripped", "install_only")
    asked = request('{version = "3.14", flavor = "install_only"}', settings='flavor = "full"')
    assert flavors(asked) == ("install_only",)


def test_a_newer_build_is_preferred_to_a_better_flavor() -> None:
    newer = asset("3.14.9+20261021", flavor="full")
    assert chosen('"3.14"', newer, asset("3.14.9+20260814")) == newer


def test_of_one_flavor_the_optimisation_decides() -> None:
    rows = [asset(options=options, flavor="full") for options in ("noopt", "", "lto", "pgo", "pgo+lto")]
    option_filter = OptionFilter.of(request('"3.14"'))
    order = []
    while rows:
        order.append(best_first(rows, option_filter)[0])
        rows.remove(order[-1])
    assert [str(each.options) for each in order] == ["pgo+lto", "pgo", "lto", "", "noopt"]


def test_build_options_without_an_optimisation_mean_the_build_that_names_none() -> None:
    rows = [asset(options=options, flavor="full") for options in ("pgo+lto", "")]
    assert best_first(rows, OptionFilter.of(request('{version = "3.14", build-options = []}')))[0] == rows[1]


def test_of_one_optimisation_static_linking_is_preferred() -> None:
    rows = [asset(target="windows-x86_64", options=options, flavor="full") for options in ("pgo+shared", "pgo")]
    assert best_first(rows, OptionFilter.of(request('"3.14"')))[0] == rows[1]
    assert best_first(rows[:1], OptionFilter.of(request('"3.14"')))[0] == rows[0]


def test_of_otherwise_equal_assets_the_file_name_decides_with_a_note() -> None:
    early, late = (
        asset("3.8.2+20200418", flavor="full", url=f"https://example.com/20200418/cpython-3.8.2-linux64-{time}.tar.zst")
        for time in ("20200418T2226", "20200418T2305")
    )
    for rows in ((early, late), (late, early)):
        resolution = resolve(manifest('default = "3.8"'), catalog(*rows), None, host=HOST)
        assert resolution.lock.pythons[0].assets == (late,)
        assert resolution.notes == (f"default: {late.filename} was taken before {early.filename}, made earlier",)


def test_the_rules_in_the_code_are_those_of_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "lock.md").read_text()
    section = manual.partition("## Which build is locked\n")[2].partition("\n## ")[0]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", section, re.MULTILINE)]
    assert numbers == list(range(1, 13))
    source = Path(candidates.__file__).read_text()
    named = {
        int(number)
        for found in re.findall(r"\(rules? ([\d to and,]+)\)", source)
        for number in re.findall(r"\d+", found)
    }
    assert named <= set(numbers)
    assert named >= {1, 2, 3, 7, 10, 11}
