"""For which machines an entry is locked."""

from __future__ import annotations

from provision.lock.targets import targets_of
from provision.model.target import Target
from tests.lock.samples import HOST, asset, own, python, request

ARM = Target.parse("linux-aarch64")


def test_declared_targets_are_locked_and_no_others() -> None:
    wish = request('{version = "3.14", targets = ["windows-x86_64", "macos-aarch64"]}')
    assert [target.short for target in targets_of(wish, python(), HOST)] == ["macos-aarch64", "windows-x86_64"]


def test_without_any_declared_the_host_joins_those_locked_before() -> None:
    wish = request('"3.14"')
    assert targets_of(wish, None, HOST) == (HOST,)
    assert targets_of(wish, python(asset(target="linux-aarch64")), HOST) == (ARM, HOST)


def test_archives_of_ones_own_are_for_the_targets_they_are_given_for() -> None:
    wish = own({"linux-aarch64": "https://example.com/a.tar.gz"}, settings='targets = ["linux-x86_64"]')
    assert targets_of(wish, None, HOST) == (ARM,)
