"""How messages name things."""

from __future__ import annotations

import pytest

from provision.lock.phrases import listed, series_listed, subject, variant
from provision.model.version import Version
from tests.lock.samples import request


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('"3.14"', "CPython 3.14|"),
        ('"3.14td"', "CPython 3.14|free-threaded debug"),
        ('{ version = ">=3.13,<3.15", flavor = "full" }', "CPython >=3.13,<3.15|full"),
        ('{ version = "3.14", build-options = ["lto", "static"] }', "CPython 3.14|lto static"),
        ('{ version = "3.14", build = "20260814" }', "CPython 3.14 of build 20260814|"),
        ('"pypy3.11"', "PyPy 3.11|"),
    ],
)
def test_a_request_is_named_by_its_version_and_its_variant(entry: str, words: str) -> None:
    assert f"{subject(request(entry))}|{variant(request(entry))}" == words


def test_long_lists_are_cut() -> None:
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed("abcdef", most=3) == "a, b, c and 3 more"
    assert listed("abcd", most=3) == "a, b, c, d"


def test_series_are_drawn_together() -> None:
    versions = [Version.parse(text) for text in ("3.14.1", "3.12.0", "3.13.2", "3.9.1", "3.14.0", "3.10.3")]
    assert series_listed(versions) == "3.9, 3.10, 3.12 to 3.14"
