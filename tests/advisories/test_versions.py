"""The order of versions, component by component."""

from __future__ import annotations

import itertools

import pytest

from provision.advisories.versions import series_of, version_key


@pytest.mark.parametrize(
    ("component", "ascending"),
    [
        ("cpython", "0 2.7 3.8.20 3.12.0a1 3.12.0 3.13.0-alpha0 3.13.0a7 3.13.0b4 3.13.0rc2 3.13.0 3.13.1 3.14"),
        ("openssl", "0.9.8 0.9.8a 0.9.8zh 1.0.2 1.0.2-beta1x 1.1.1 1.1.1w 1.1.1za 1.1.1zd 3.0.0-alpha1 3.0.0 3.5.10"),
        ("sqlite", "3 3.7.11 3.32.2 3.50.4 3.53.1"),
        ("xz", "5.2.5 5.3.3alpha 5.3.3 5.8.1"),
        ("expat", "2.4.9 2.5.0 2.10.0"),
    ],
)
def test_versions_are_ordered(component: str, ascending: str) -> None:
    keys = [version_key(component, text) for text in ascending.split() if not text.endswith("x")]
    assert None not in keys
    assert all(one < another for one, another in itertools.pairwise(keys))  # type: ignore[operator]


@pytest.mark.parametrize(("one", "another"), [("3.13", "3.13.0"), ("v3.13.0", "3.13.0"), ("3.13.0-rc.1", "3.13.0rc1")])
def test_several_spellings_of_one_version_are_equal(one: str, another: str) -> None:
    assert version_key("cpython", one) == version_key("cpython", another)


@pytest.mark.parametrize(
    ("component", "text"),
    [
        ("cpython", "main"),
        ("cpython", "3.13.5+local"),
        ("cpython", "3.13.x"),
        ("cpython", ""),
        ("cpython", "1" * 100),
        ("cpython", "٣.1"),
        ("openssl", "1.1.1abc"),
        ("expat", "1.1.1w"),
        ("libedit", "20240808-3.1"),
    ],
)
def test_other_spellings_cannot_be_ordered(component: str, text: str) -> None:
    assert version_key(component, text) is None


def test_the_series_is_the_first_two_numbers() -> None:
    found = [version_key("cpython", text) for text in ("3.13.5", "3.13", "3.12.9")]
    assert [series_of(key) for key in found if key] == [(3, 13), (3, 13), (3, 12)]
