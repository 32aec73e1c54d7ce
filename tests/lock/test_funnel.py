"""How many assets are left after each thing asked for."""

from __future__ import annotations

from provision.lock.candidates import Offers, Wish
from provision.lock.funnel import funnel
from provision.model.asset import Asset
from tests.lock.samples import AS_OF, HOST, asset, catalog, request


def counted(entry: str, *assets: Asset, settings: str = "") -> list[str]:
    wish = Wish.of(request(entry, settings=settings), None, host=HOST, as_of=AS_OF)
    return [f"{step.assets} {step.asked}" for step in funnel(wish, Offers(catalog(*assets)))]


def test_each_thing_asked_for_leaves_fewer() -> None:
    rows = [
        asset(cpu="v3"),
        asset(),
        asset(flavor="full"),
        asset(options="noopt", flavor="full"),
        asset(options="debug", flavor="full"),
        asset(target="linux-aarch64"),
        asset("3.14.7+20261024"),
        asset("3.13.5+20250610"),
        asset("3.15.0rc1+20260814"),
        asset("3.11.13+7.3.20", implementation="pypy", options="", flavor="install_only"),
    ]
    entry = (
        '{ version = ">=3.14", build = "20260814", flavor = "full", build-options = ["noopt"], cooldown = "1 week" }'
    )
    assert counted(entry, *rows) == [
        "9 CPython",
        "7 version >=3.14, final releases",
        "6 build 20260814",
        "6 out for 7 days",
        "5 with the GIL, not debug",
        "4 for linux-x86_64",
        "3 cpu baseline",
        "2 flavor full",
        "1 optimised as noopt",
    ]


def test_levels_that_the_settings_prefer_leave_the_baseline_too() -> None:
    rows = [asset(), asset(cpu="v2"), asset(cpu="v3")]
    assert counted('"3.14"', *rows, settings='cpu = "v3"')[-1] == "2 cpu baseline, v3"
    assert counted('{ version = "3.14", cpu = "v3" }', *rows)[-1] == "1 cpu v3"
    assert counted('{ version = "3.14", cpu = "auto" }', *rows)[-1] == "3 cpu baseline, v2, v3, v4"


def test_a_prerelease_that_is_named_is_counted() -> None:
    assert counted('"3.15.0rc1"', asset("3.15.0rc1+20260814"))[1] == "1 version 3.15.0rc1"
