"""Where a URL leads, and which hosts can be taken for others."""

from __future__ import annotations

import pytest

from provision.hosts import KNOWN_HOSTS
from provision.review.places import canonical, host_of, imitates, origin_of


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://GitHub.com/x", "github.com"),
        ("https://user@github.com:8443/x", "github.com:8443"),
        ("file:///tmp/x", "(file)"),
        ("https://[::1/x", "(unreadable)"),
        ("https://host:port/x", "(unreadable)"),
        ("nonsense", "(unreadable)"),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host


def test_a_publishers_place_is_what_its_releases_share() -> None:
    releases = "https://github.com/astral-sh/python-build-standalone/releases/download"
    assert origin_of(f"{releases}/20260814/x.tar.gz") == origin_of(f"{releases}/20250702/y.tar.gz") == releases
    assert origin_of("https://example.com/x.tar.gz") == "https://example.com"


def test_one_address_in_several_spellings() -> None:
    assert canonical("https://x/a+b") == canonical("https://x/a%2Bb") == canonical("https://x/a%2bb")


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("githab.com", "github.com"),
        ("github.co", "github.com"),
        ("glthub.com", "github.com"),
        ("github.com.evil.example", "github.com"),
        ("github-com.example", "github.com"),
        ("githubb.com:443", "github.com"),
        ("down1oads.python.org", "downloads.python.org"),
        ("github.com", ""),
        ("some.github.com", ""),
        ("example.com", ""),
        ("archives.company.example", ""),
    ],
)
def test_look_alikes(host: str, other: str) -> None:
    assert imitates(host, KNOWN_HOSTS) == other
