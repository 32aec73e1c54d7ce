"""The lock's values."""

from __future__ import annotations

from provision.lock.lock import Lock
from tests.lock.samples import asset, python


def test_an_entry_names_the_options_that_all_its_assets_share() -> None:
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
