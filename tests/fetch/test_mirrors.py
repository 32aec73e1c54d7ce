"""Mirrors of PBS assets come first, and the URL of the asset itself after them."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import PolicyError, UsageError
from provision.fetch.mirrors import parse_mirror, sources, web_mirrors
from provision.fetch.oci_mirror import OciBlob
from provision.url import Url
from tests.fetch.samples import NAME, SMALL, TAG, asset, digest

_GITHUB = f"https://github.com/astral-sh/python-build-standalone/releases/download/{TAG}/{NAME}".replace("+", "%2B")
_FALLBACK = f"https://releases.astral.sh/github/python-build-standalone/releases/download/{TAG}/{NAME}".replace(
    "+", "%2B"
)
_PYPY = "https://downloads.python.org/pypy/pypy3.11-v7.3.23-linux64.tar.gz"


def _sources(url: str, *mirrors: str, offline: bool = False, implementation: str = "cpython") -> list[str]:
    wanted = asset(url, implementation=implementation)
    found = sources(wanted, tuple(parse_mirror(mirror) for mirror in mirrors), offline=offline)
    return [source.full for source in found if isinstance(source, Url)]


def test_the_order_is_mirrors_then_the_locked_url_then_the_mirror_of_pbs() -> None:
    given = _sources(_GITHUB, "https://mirror.example/pbs", "https://other.example/a/b/")
    tail = f"{TAG}/{NAME}".replace("+", "%2B")
    assert given == [f"https://mirror.example/pbs/{tail}", f"https://other.example/a/b/{tail}", _GITHUB, _FALLBACK]


def test_the_former_repository_of_pbs_has_the_same_fallback() -> None:
    old = _GITHUB.replace("astral-sh", "indygreg")
    assert _sources(old) == [old, _FALLBACK]


@pytest.mark.parametrize(
    ("old", "new"), [("astral-sh", "evil"), (".com", ".com:8443"), (NAME[-3:], f"{NAME[-3:]}?x=1")]
)
def test_assets_of_other_repositories_have_no_fallback(old: str, new: str) -> None:
    url = _GITHUB.replace(old, new)
    assert _sources(url) == [url]


def test_an_asset_served_elsewhere_is_mirrored_by_its_last_two_segments() -> None:
    url = f"http://127.0.0.1:8000/any/{TAG}/{NAME}".replace("+", "%2B")
    assert _sources(url, "file:///srv/pbs") == [f"file:///srv/pbs/{TAG}/{NAME}".replace("+", "%2B"), url]


def test_assets_without_a_release_path_are_mirrored_by_digest() -> None:
    blob = f"blobs/sha256/{digest(SMALL)}"
    for url, implementation in ((_PYPY, "pypy"), ("https://example.com/mine.tar.gz", "cpython")):
        for mirror in ("https://mirror.example", "file:///srv"):
            assert _sources(url, mirror, implementation=implementation) == [f"{mirror}/{blob}", url]


def test_a_mirror_equal_to_the_locked_url_is_tried_once() -> None:
    base = "https://github.com/astral-sh/python-build-standalone/releases/download"
    assert _sources(_GITHUB, base) == [_GITHUB, _FALLBACK]


def test_a_registry_has_every_archive_by_its_digest() -> None:
    mirror = parse_mirror("OCI://me:secret@registry.example.com/team/pythons")
    for url in (_PYPY, _GITHUB, "https://example.com/mine.tar.gz"):
        first, *others = sources(asset(url), (mirror,), offline=False)
        assert isinstance(first, OciBlob)
        assert first.blob.full == f"https://registry.example.com/v2/team/pythons/blobs/sha256:{digest(SMALL)}"
        assert first.manifest.full == f"https://registry.example.com/v2/team/pythons/manifests/archive-{digest(SMALL)}"
        assert others[0] == Url.parse(url)
        assert sources(asset(url), (mirror,), offline=True) == ()


def test_catalogs_are_requested_from_mirrors_that_can_have_them() -> None:
    mirrors = ("https://a.example", "oci://registry.example.com/a", "file:///srv")
    assert web_mirrors(mirrors) == ("https://a.example", "file:///srv")


def test_only_files_are_sources_while_offline() -> None:
    assert _sources(_GITHUB, "https://mirror.example", "file:///srv", offline=True) == [
        f"file:///srv/{TAG}/{NAME}".replace("+", "%2B")
    ]


def test_the_credentials_of_a_mirror_are_sent_to_its_urls_only() -> None:
    mirror = parse_mirror("https://me:secret@mirror.example/pbs")
    first, *others = sources(asset(_GITHUB), (mirror,), offline=False)
    assert isinstance(first, Url)
    assert first.credentials == ("me", "secret")
    assert all(isinstance(other, Url) and other.credentials is None for other in others)


def test_configuring_a_mirror_allows_its_host_and_port() -> None:
    rule = parse_mirror("https://mirror.example:8443/pbs").rule
    assert rule is not None
    assert (rule.host, rule.port, rule.plain_http) == ("mirror.example", 8443, False)
    assert parse_mirror("file:///srv").rule is None


@pytest.mark.parametrize(
    "text",
    ["mirror.example", "/srv/pbs", "ftp://mirror.example", "https://m.example/?x=1", "file://host/x", "oci://host"],
)
def test_an_invalid_mirror_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="invalid mirror"):
        parse_mirror(text)


def test_the_error_for_a_directory_as_a_mirror_shows_its_file_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a b").mkdir()
    monkeypatch.chdir(tmp_path)
    here = tmp_path.resolve().as_uri()
    for text, url in (
        ("a b", f"{here}/a%20b"),
        ("./none", f"{here}/none"),
        (f"{tmp_path}/none", f"{here}/none"),
        (f"file://{tmp_path}/x/../none", f"{here}/none"),
    ):
        with pytest.raises(UsageError) as caught:
            parse_mirror(text)
        assert caught.value.hint == f"Write the directory as {url}."
        assert parse_mirror(url).rule is None
    for text in ("mirror.example", "ftp://mirror.example", "none"):
        with pytest.raises(UsageError) as caught:
            parse_mirror(text)
        assert str(caught.value.hint).startswith("Write the mirror as https://HOST/PREFIX")


def test_an_asset_without_a_usable_url_is_refused() -> None:
    with pytest.raises(PolicyError, match="cannot download") as caught:
        _sources("ftp://secret@example.com/a")
    assert "secret" not in str(caught.value)
