"""The lines of a lock's tables and keys."""

from __future__ import annotations

from provision.lock.positions import Positions

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
    positions = Positions(TEXT)
    assert positions.line() == 1
    assert positions.line(key="lock-version") == 1
    assert positions.line(0) == 3
    assert positions.line(0, key="build") == 5
    assert positions.line(0, 0, "cpu") == 8
    assert positions.line(0, 1) == 10
    assert positions.line(0, 1, "cpu") == 11
    assert positions.line(1, key="name") == 14
    assert positions.line(1, key="build") == 15


def test_a_missing_key_has_its_tables_line() -> None:
    positions = Positions(TEXT)
    assert positions.line(0, key="cpu") == 3
    assert positions.line(0, 0, "url") == 7
    assert positions.line(key="name") == 1


def test_tables_that_cannot_be_found_have_none() -> None:
    assert Positions(TEXT).line(2) is None
    assert Positions(TEXT).line(1, 0) is None
    assert Positions("").line(0) is None
    assert Positions("[[python]]\nname = 1").line(0, key="name") == 2
