"""The line of a table, an entry, a row or a key in a lock's text."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import LockFileError
from provision.lock.lock import LOCK_VERSION, Lock
from provision.lock.positions import LockPositions
from provision.lock.read import parse_lock
from provision.lock.write import format_lock
from provision.manifest.positions import Positions
from provision.model.target import Target
from provision.model.value import replace
from tests.lock.samples import ATTESTATION, python
from tests.lock.strategies import locks

TEXT = """\
lock-version = "1.0"

[[python]]
name = "a"
build = "1"

[[python.asset]]
cpu = "v2"

[[python.asset]]
cpu = "v3"

[[ python ]]
name = "b"
"build" = "2"
"""


def test_tables_and_keys_have_lines() -> None:
    positions = LockPositions(TEXT)
    assert positions.line() == 1
    assert positions.line(key="lock-version") == 1
    assert positions.line(0) == 3
    assert positions.line(0, key="build") == 5
    assert positions.line(0, 0, "cpu") == 8
    assert positions.line(0, 1) == 10
    assert positions.line(0, 1, "cpu") == 11
    assert positions.line(1, key="name") == 14
    assert positions.line(1, key="build") == 15


def test_a_missing_key_has_the_line_of_its_table() -> None:
    positions = LockPositions(TEXT)
    assert positions.line(0, key="cpu") == 3
    assert positions.line(0, 0, "url") == 7
    assert positions.line(key="name") == 1


def test_tables_that_do_not_exist_have_no_line() -> None:
    assert LockPositions(TEXT).line(2) is None
    assert LockPositions(TEXT).line(0, 2) is None
    assert LockPositions(TEXT).line(1, 0) is None
    assert LockPositions("").line(0) is None
    assert LockPositions("[[python]]\nname = 1").line(0, key="name") == 2


WRITTEN = format_lock(Lock(pythons=(python(name="a"), python(name="b"))))
LINUX = Target.parse("linux-x86_64")


def line(number: int) -> str:
    return WRITTEN.splitlines()[number - 1]


def test_entries_and_rows_are_found_by_name_target_and_level() -> None:
    positions = LockPositions(WRITTEN)
    assert line(positions.entry("b")) == 'name = "b"'
    assert line(positions.entry("b", "version")) == 'version = "3.14.7"'
    assert line(positions.entry("b", None)) == "[[python]]"
    assert line(positions.row("b", LINUX, "baseline")) == "[[python.asset]]"
    assert line(positions.row("b", LINUX, "baseline", "target")) == f'target = "{LINUX}"'
    first, second = positions.row("a", LINUX, "baseline", "url"), positions.row("b", LINUX, "baseline", "target")
    assert first < positions.entry("b") < second


def test_a_missing_value_has_the_line_of_its_container() -> None:
    positions = LockPositions(WRITTEN)
    assert positions.row("b", LINUX, "v3") == positions.entry("b")
    assert positions.entry("nobody") == 1
    assert LockPositions("no = [lock").entry("b") == 1


def test_entries_in_another_order_are_found() -> None:
    head, first, second = WRITTEN.split("[[python]]\n")
    positions = LockPositions(f"{head}[[python]]\n{second}\n[[python]]\n{first}")
    assert positions.entry("b") < positions.entry("a")


@pytest.mark.parametrize(
    "name",
    [
        'name = "b"',
        "name='b'",
        '"name"   =   """b"""',
        "'name' = '''b''' # c",
        'name = "\\u0062"',
        'name="\\U00000062"',
    ],
)
def test_entries_are_found_however_their_name_is_spelled(name: str) -> None:
    text = TEXT.replace('name = "b"', name)
    assert tomllib.loads(text)["python"][1]["name"] == "b"
    assert LockPositions(text).entry("b") == 14
    assert LockPositions(text).entry("b", "build") == 15


def test_of_two_entries_with_one_name_the_first_counts() -> None:
    assert LockPositions('[[python]]\nname = "a"\n[[python]]\nname = "a"\n').entry("a") == 2


@given(locks())
def test_every_line_is_that_of_the_value_in_the_toml_file(lock: Lock) -> None:
    text = format_lock(lock)
    positions, toml = LockPositions(text), Positions(text)

    def expected(*path: str | int) -> int:
        place = toml.find(path)
        assert place is not None
        return place[0]

    tables: dict[str, Any] = tomllib.loads(text)
    assert positions.line(key="lock-version") == expected("lock-version")
    for number, (table, entry) in enumerate(zip(tables.get("python", []), lock.pythons, strict=True)):
        assert positions.line(number) == positions.entry(entry.name, None) == expected("python", number)
        for key in table.keys() - {"asset"}:
            assert positions.line(number, key=key) == expected("python", number, key)
            assert positions.entry(entry.name, key) == expected("python", number, key)
        for index, (row, asset) in enumerate(zip(table["asset"], entry.assets, strict=True)):
            path = ("python", number, "asset", index)
            slot = (entry.name, asset.target, asset.cpu)
            assert positions.line(number, index) == positions.row(*slot) == expected(*path)
            for key in row:
                assert positions.line(number, index, key) == positions.row(*slot, key) == expected(*path, key)


@given(st.text() | st.text("[]python.asetnm\"= \n'{}0\\u", max_size=200))
def test_positions_can_be_read_from_any_text(text: str) -> None:
    positions = LockPositions(text)
    assert 1 <= positions.row("a", LINUX, "baseline", "url") <= text.count("\n") + 1
    for number in range(3):
        assert positions.line(number, 0, "cpu") is None or positions.line(number) is not None


def test_an_attestation_has_its_own_lines() -> None:
    rows = tuple(replace(ATTESTATION, build=build) for build in ("20260101", "20260814"))
    text = format_lock(Lock(version=LOCK_VERSION, pythons=(python(),), attestations=rows))
    lines = text.splitlines()
    positions = LockPositions(text)
    assert lines[positions.attestation(1) - 1] == "[[attestation]]"
    assert lines[positions.attestation(1, "build") - 1] == 'build = "20260814"'
    assert positions.bundle(ATTESTATION.bundle.hex) == positions.attestation(0, "bundle")
    assert positions.line(0, 0, "commit") == positions.line(0, 0), "no row of an entry has an attestation's key"
    with pytest.raises(LockFileError) as wrong:
        parse_lock(text.replace('build = "20260814"\nidentity', 'build = "/"\nidentity'), "pythons.lock")
    assert str(wrong.value).startswith(f"pythons.lock:{positions.attestation(1, 'build')}: attestation[1].build: ")
