"""The values of a lock, and the targets that an entry is locked for."""

from __future__ import annotations

from provision.lock.lock import Lock, targets_to_lock
from provision.model.target import Target
from tests.lock.samples import HOST, asset, custom_request, python, request

ARM = Target.parse("linux-aarch64")


def test_an_entry_has_the_options_shared_by_all_its_assets() -> None:
    linux, windows = asset(options="freethreaded+pgo+lto"), asset(target="windows-x86_64", options="freethreaded+pgo")
    assert str(python(linux, windows).options) == "freethreaded+pgo"
    assert str(python(linux).options) == "freethreaded+pgo+lto"


def test_assets_are_sorted_by_target_then_level() -> None:
    rows = [asset(cpu="v3"), asset(), asset(target="macos-aarch64")]
    assert python(*rows).assets == (rows[2], rows[1], rows[0])
    assert [target.short for target in python(*rows).targets()] == ["macos-aarch64", "linux-x86_64"]


def test_entries_are_found_by_name() -> None:
    lock = Lock(pythons=(python(name="a"), python(name="b")))
    assert lock.python("b") == python(name="b")
    assert lock.python("c") is None


def test_declared_targets_are_locked_and_no_others() -> None:
    wanted = request('{version = "3.14", targets = ["windows-x86_64", "macos-aarch64"]}')
    assert [target.short for target in targets_to_lock(wanted, python(), HOST)] == ["macos-aarch64", "windows-x86_64"]


def test_without_declared_targets_the_host_is_added_to_the_locked_ones() -> None:
    wanted = request('"3.14"')
    assert targets_to_lock(wanted, None, HOST) == (HOST,)
    assert targets_to_lock(wanted, python(asset(target="linux-aarch64")), HOST) == (ARM, HOST)


def test_custom_archives_are_locked_for_the_targets_of_their_urls() -> None:
    wanted = custom_request({"linux-aarch64": "https://example.com/a.tar.gz"}, settings='targets = ["linux-x86_64"]')
    assert targets_to_lock(wanted, None, HOST) == (ARM,)
