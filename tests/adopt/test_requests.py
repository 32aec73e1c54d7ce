"""Comparing requests: their series, what satisfies two of them, and the newest version of a range."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.adopt.requests import kind_of, narrowed, newest, newest_series, request_of, satisfies, series_of
from provision.manifest.read import parse_manifest
from provision.manifest.version_request import parse_request
from provision.model.version import Version

KNOWN = {
    "cpython": [
        Version.parse(text)
        for text in ("3.15.0rc1", "3.14.2", "3.14.1", "3.13.5", "3.13.4", "3.12.11", "3.12.5", "3.12.4", "3.11.9")
    ]
}


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("3.12", "3.12"),
        ("3.12.5", "3.12"),
        ("~=3.12.4", "3.12"),
        (">=3.12,<3.13", "3.12"),
        (">=3.12.0a1,<3.13", "3.12"),
        ("!=3.12.5,==3.12.*", "3.12"),
        ("3", ""),
        ("~=3.12", ""),
        (">=3.12", ""),
        (">3.11,<3.13", ""),
    ],
)
def test_the_series_of_a_request_is_found(text: str, series: str) -> None:
    assert series_of(parse_request(text).version) == series


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("3.12", "3.12.5", "3.12.5"),
        ("3.12.5", "3.12.4", None),
        ("3.12", "3.12", "3.12"),
        (">=3.12", "3.12", "3.12"),
        (">=3.12.5", "3.12", ">=3.12.5,==3.12.*"),
        (">=3.9,<4", ">=3.12", ">=3.12"),
        (">=3.13", "<3.14", ">=3.13,<3.14"),
        (">=3.13", "<3.12", None),
        ("3.17", ">=3.16", ">=3.16,==3.17.*"),
        ("3.12.5+20240814", "3.12.5", "3.12.5+20240814"),
        ("3.12.5+20240814", "3.12.5+20240909", None),
    ],
)
def test_the_widest_request_that_satisfies_both_is_found(one: str, other: str, both: str | None) -> None:
    for first, second in ((one, other), (other, one)):
        found = narrowed(parse_request(first), parse_request(second), KNOWN)
        assert (str(found) if found else None) == both


@pytest.mark.parametrize(
    ("text", "version", "series"),
    [
        (">=3.9,<4", "3.14.2", "3.14"),
        ("<3.14", "3.13.5", "3.13"),
        ("<3.12.5", "3.12.4", "<3.12.5"),
        (">=3.9,!=3.14.2", "3.14.1", ">=3.9,!=3.14.2"),
        (">=3.15.0a1", "3.15.0rc1", ">=3.15a1"),
        (">=3.16", None, ">=3.16"),
    ],
)
def test_a_range_is_converted_to_the_series_of_its_newest_version(text: str, version: str | None, series: str) -> None:
    found = newest(parse_request(text), KNOWN)
    assert (str(found) if found else None) == version
    assert str(newest_series(parse_request(text), KNOWN)) == series


@pytest.mark.parametrize(
    ("entry", "text", "answer"),
    [
        ("3.12", "3.12", True),
        ("3.12", ">=3.11", True),
        ("3.12", "3.12.5", False),
        ("3.12", "3.12t", False),
        ("3.12", "pypy3.12", False),
        ("3.12.5", "3.12.5+20240814", False),
        ("3.17", "3.17", False),
        ("3.17.1", "3.17", True),
        ("cpython-3.12-linux-x86_64-gnu", "3.12", False),
    ],
)
def test_an_entry_satisfies_the_version_that_it_would_lock_now(entry: str, text: str, answer: bool) -> None:
    assert satisfies(parse_request(entry), parse_request(text), KNOWN) is answer


def test_an_entry_with_its_own_targets_has_a_target_in_its_request() -> None:
    text = '[settings]\ntargets = ["linux-x86_64"]\n[pythons]\na = "3.12"\n'
    text += 'b = { version = "3.12", targets = ["linux-i686"] }\n'
    manifest = parse_manifest(text, Path("pythons.toml"))
    first, second = (request_of(request, manifest.settings.targets) for request in manifest.requests)
    assert first == parse_request("3.12")
    assert second.target is not None
    assert kind_of(first) != kind_of(second)
