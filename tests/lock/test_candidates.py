"""What one version, build and flavor has for a request: its levels, target by target."""

from __future__ import annotations

import pytest

from provision.lock.age import Cooldown
from provision.lock.answers import OptionFilter
from provision.lock.candidates import Candidate, Offers, Wish
from provision.model.asset import Asset
from provision.model.target import Target
from tests.lock.samples import AS_OF, asset, catalog, request

TARGETS = (Target.parse("linux-x86_64"), Target.parse("macos-aarch64"))
LEVELS = [asset(), asset(cpu="v2"), asset(cpu="v3"), asset(target="macos-aarch64")]


def weighed(entry: str, *assets: Asset, settings: str = "") -> Candidate:
    wanted = request(entry, settings=settings)
    wish = Wish(wanted, OptionFilter.of(wanted), TARGETS, Cooldown(wanted.cooldown, AS_OF))
    return next(Offers(catalog(*assets)).candidates(wish, assets[0].version, assets[0].build))


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
def test_levels(entry: str, settings: str, chosen: list[str], lacking: list[str]) -> None:
    candidate = weighed(entry, *LEVELS, settings=settings)
    assert [each.cpu for each in candidate.assets] == chosen
    assert [f"{target.short} {cpu}" for target, cpu in candidate.lacks] == lacking


def test_auto_needs_the_baseline() -> None:
    candidate = weighed('{version = "3.14", cpu = "auto"}', asset(cpu="v3"), asset(target="macos-aarch64"))
    assert [f"{target.short} {cpu}" for target, cpu in candidate.lacks] == ["linux-x86_64 baseline"]


def test_auto_tells_where_there_is_but_the_baseline() -> None:
    candidate = weighed('{version = "3.14", cpu = "auto"}', asset(), asset(target="macos-aarch64"))
    assert candidate.notes == ("3.14.7+20260814 has no level above the baseline for linux-x86_64",)


def test_what_is_too_young_is_lacking() -> None:
    young = asset(published="2026-10-24T00:00:00Z")
    candidate = weighed('{version = "3.14", cooldown = "3 days"}', young, asset(target="macos-aarch64"))
    assert candidate.young == (young,)
    assert [target.short for target, _ in candidate.lacks] == ["linux-x86_64"]
