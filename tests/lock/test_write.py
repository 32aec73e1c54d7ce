"""The text of a lock: its one form, and every lock read back unchanged."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from provision.lock.lock import Lock
from provision.lock.read import parse_lock
from provision.lock.write import format_lock
from provision.model.tree import TreeOptions
from tests.lock.samples import LOCK, asset, digest, python
from tests.lock.strategies import locks

LINUX = asset(size=35123456, published="2026-08-14T12:00:00Z")
WINDOWS = asset(target="windows-x86_64", options="pgo")

EXAMPLE = f"""\
# Written by provision. Review it; do not edit it.
lock-version = "1.0"

[[python]]
name = "default"
request = "sha256:{digest("default")}"
implementation = "cpython"
version = "3.14.7"
build = "20260814"
build-options = ["pgo"]
flavor = "install_only_stripped"

[[python.asset]]
target = "x86_64-pc-windows-msvc"
cpu = "baseline"
url = "{WINDOWS.url}"
sha256 = "{WINDOWS.sha256}"

[[python.asset]]
target = "x86_64-unknown-linux-gnu"
cpu = "baseline"
build-options = ["lto", "pgo"]
url = "{LINUX.url}"
sha256 = "{LINUX.sha256}"
size = 35123456
published = "2026-08-14T12:00:00Z"
"""


def test_a_lock_file_has_its_documented_text() -> None:
    assert format_lock(Lock(pythons=(python(LINUX, WINDOWS),))) == EXAMPLE


def test_tree_options_are_written_only_if_not_the_default() -> None:
    tree = TreeOptions(bytecode=True, externally_managed=False, without=("idle", "tests"))
    text = format_lock(Lock(pythons=(python(LINUX, tree=tree),)))
    assert (
        'flavor = "install_only_stripped"\n'
        'bytecode = "unchecked-hash"\n'
        "externally-managed = false\n"
        'without = ["idle", "tests"]\n'
    ) in text
    assert parse_lock(text, LOCK).lock.pythons[0].tree == tree


def test_entries_are_sorted_by_name_and_assets_by_target_then_level() -> None:
    fast = python(asset(cpu="v3"), asset(cpu="v2"), asset(), asset(target="linux-aarch64"), name="fast")
    text = format_lock(Lock(pythons=(fast, python(name="default"))))
    assert [line for line in text.splitlines() if line.startswith("name")] == ['name = "default"', 'name = "fast"']
    assert text.count("\n\n[[python") == text.count("[[python")
    rows = [(str(row.target), row.cpu) for row in parse_lock(text, LOCK).lock.pythons[1].assets]
    assert rows == [
        ("aarch64-unknown-linux-gnu", "baseline"),
        ("x86_64-unknown-linux-gnu", "baseline"),
        ("x86_64-unknown-linux-gnu", "v2"),
        ("x86_64-unknown-linux-gnu", "v3"),
    ]


def test_a_written_lock_file_is_read_back() -> None:
    parsed = parse_lock(EXAMPLE, LOCK)
    assert parsed.lock == Lock(pythons=(python(LINUX, WINDOWS),))
    assert parsed.warnings == ()


@given(locks())
def test_every_lock_file_survives_the_round_trip(lock: Lock) -> None:
    assert parse_lock(format_lock(lock), LOCK).lock == lock


@given(st.text())
def test_any_text_stays_within_its_quotes(text: str) -> None:
    lock = Lock(version=text)
    assert tomllib.loads(format_lock(lock)) == {"lock-version": text}
