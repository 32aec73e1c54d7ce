"""Mirrors of PBS assets go first, and the URL of the asset itself after them."""

from __future__ import annotations

import pytest

from provision.errors import PolicyError, UsageError
from provision.fetch.mirrors import Mirror, sources
from tests.fetch.samples import NAME, TAG, asset

_GITHUB = f"https://github.com/astral-sh/python-build-standalone/releases/download/{TAG}/{NAME}".replace("+", "%2B")
_FALLBACK = f"https://releases.astral.sh/github/python-build-standalone/releases/download/{TAG}/{NAME}".replace(
    "+", "%2B"
)
_PYPY = "https://downloads.python.org/pypy/pypy3.11-v7.3.23-linux64.tar.gz"


def _sources(url: str, *mirrors: str, offline: bool = False, implementation: str = "cpython") -> list[str]:
    wanted = asset(url, implementation=implementation)
    found = sources(wanted, tuple(Mirror.parse(mirror) for mirror in mirrors), offline=offline)
    return [source.full for source in found]


def test_mirrors_go_first_then_the_own_url_then_the_mirror_of_pbs() -> None:
    given = _sources(_GITHUB, "https://mirror.example/pbs", "https://other.example/a/b/")
    tail = f"{TAG}/{NAME}".replace("+", "%2B")
    assert given == [f"https://mirror.example/pbs/{tail}", f"https://other.example/a/b/{tail}", _GITHUB, _FALLBACK]


def test_the_former_repository_of_pbs_has_the_same_fallback() -> None:
    old = _GITHUB.replace("astral-sh", "indygreg")
    assert _sources(old) == [old, _FALLBACK]


@pytest.mark.parametrize(
    ("old", "new"), [("astral-sh", "evil"), (".com", ".com:8443"), (NAME[-3:], f"{NAME[-3:]}?x=1")]
)
def test_what_is_not_of_the_repository_of_pbs_has_no_fallback(old: str, new: str) -> None:
    url = _GITHUB.replace(old, new)
    assert _sources(url) == [url]


def test_an_asset_served_elsewhere_is_mirrored_by_its_last_two_segments() -> None:
    url = f"http://127.0.0.1:8000/any/{TAG}/{NAME}".replace("+", "%2B")
    assert _sources(url, "file:///srv/pbs") == [f"file:///srv/pbs/{TAG}/{NAME}".replace("+", "%2B"), url]


def test_what_is_not_pbs_is_not_mirrored() -> None:
    assert _sources(_PYPY, "https://mirror.example", implementation="pypy") == [_PYPY]
    assert _sources("https://example.com/mine.tar.gz", "https://mirror.example") == ["https://example.com/mine.tar.gz"]


def test_a_mirror_equal_to_the_own_url_is_asked_once() -> None:
    base = "https://github.com/astral-sh/python-build-standalone/releases/download"
    assert _sources(_GITHUB, base) == [_GITHUB, _FALLBACK]


def test_only_files_are_left_while_offline() -> None:
    assert _sources(_GITHUB, "https://mirror.example", "file:///srv", offline=True) == [
        f"file:///srv/{TAG}/{NAME}".replace("+", "%2B")
    ]


def test_the_credentials_of_a_mirror_go_with_its_urls_alone() -> None:
    mirror = Mirror.parse("https://me:secret@mirror.example/pbs")
    first, *others = sources(asset(_GITHUB), (mirror,), offline=False)
    assert first.credentials == ("me", "secret")
    assert all(other.credentials is None for other in others)


def test_naming_a_mirror_allows_its_host_and_port() -> None:
    rule = Mirror.parse("https://mirror.example:8443/pbs").rule
    assert rule is not None
    assert (rule.host, rule.port, rule.plain_http) == ("mirror.example", 8443, False)
    assert Mirror.parse("file:///srv").rule is None


@pytest.mark.parametrize(
    "text", ["mirror.example", "/srv/pbs", "ftp://mirror.example", "https://m.example/?x=1", "file://host/x"]
)
def test_what_cannot_be_a_mirror_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="invalid mirror"):
        Mirror.parse(text)


def test_an_asset_without_a_usable_url_is_refused() -> None:
    with pytest.raises(PolicyError, match="cannot download") as caught:
        _sources("ftp://secret@example.com/a")
    assert "secret" not in str(caught.value)
