"""PBS's URLs of assets, and assets made from rows that have only a URL and a hash."""

from __future__ import annotations

import pytest

from provision.catalog.pbs import (
    RELEASES,
    PublishedFile,
    ReleaseFile,
    asset_at,
    asset_url,
    read_rows,
    release_of,
    release_tag,
)
from tests.catalog.samples import LINUX, bundled_assets, digest
from tests.model import samples

NAME = f"cpython-3.14.2+20260127-{LINUX}-pgo+lto-full.tar.zst"
URL = (
    "https://github.com/astral-sh/python-build-standalone/releases/download/20260127/"
    "cpython-3.14.2%2B20260127-x86_64-unknown-linux-gnu-pgo%2Blto-full.tar.zst"
)


def test_a_url_consists_of_tag_and_name_with_plus_escaped() -> None:
    assert asset_url("20260127", NAME) == URL


def test_an_asset_is_read_from_its_url() -> None:
    asset = asset_at(URL, digest("x"), published="2026-01-30T14:46:07Z", size=5)
    assert asset.title == f"cpython 3.14.2+20260127 pgo+lto full {asset.target.short}"
    assert (asset.url, asset.filename, asset.sha256) == (URL, NAME, digest("x"))
    assert (asset.published, asset.size) == ("2026-01-30T14:46:07Z", 5)


def test_the_tag_of_a_name_with_a_timestamp_is_that_of_the_url() -> None:
    asset = asset_at(asset_url("20201020", f"cpython-3.9.0-{LINUX}-pgo-20201021T0245.tar.zst"), digest("x"))
    assert asset.build == "20201020"


def test_a_url_is_canonical_even_if_it_was_not() -> None:
    assert asset_at(f"{RELEASES}20260127/{NAME}", digest("x")).url == URL


@pytest.mark.parametrize(
    "url",
    [
        f"https://example.com/20260127/{NAME}",
        f"{RELEASES}{NAME}",
        f"{RELEASES}20260203/{NAME}",
        f"{RELEASES}20260127/other/{NAME}",
        f"{RELEASES}20260127/SHA256SUMS",
        f"{RELEASES}20260127/../20260127/{NAME}",
        f"{RELEASES}../download/20260127/{NAME}",
        f"{RELEASES}/20260127/{NAME}",
        f"{RELEASES}20260127/{NAME}?x",
        f"{RELEASES}20260127/{NAME}#x",
        f"{RELEASES}20260127?/{NAME}",
        f"{RELEASES.replace('astral-sh', 'evil')}20260127/{NAME}",
        f"{RELEASES.replace('github.com', 'github.com:8443')}20260127/{NAME}",
        f"{RELEASES.replace('https', 'http')}20260127/{NAME}",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"cpython|SHA256SUMS"):
        asset_at(url, digest("x"))


_EVIL = "../../../../../evil/repo/releases/download/x"


@pytest.mark.parametrize(
    ("url", "release"),
    [
        (URL, ReleaseFile("astral-sh/python-build-standalone", "20260127", NAME)),
        (
            URL.replace("github.com", "GitHub.com.:443"),
            ReleaseFile("astral-sh/python-build-standalone", "20260127", NAME),
        ),
        ("https://github.com/o/r/releases/download/v1/a%2Db", ReleaseFile("o/r", "v1", "a-b")),
        (f"{RELEASES}20261030/{_EVIL}/{NAME}", None),
        (f"{RELEASES}20261030/{_EVIL.replace('..', '%2e%2e')}/{NAME}", None),
        (f"{RELEASES}20261030/{_EVIL.replace('..', '.%2E')}/{NAME}", None),
        (f"{RELEASES}20261030/{_EVIL.replace('/', '%2F')}/{NAME}", None),
        (f"{RELEASES}20261030/{_EVIL.replace('/', chr(92))}/{NAME}", None),
        (f"{RELEASES}%32%30/{NAME}", None),
        *((URL.replace("astral-sh", owner), None) for owner in ("+astral-sh", "astral%2Dsh", "%2Bastral-sh", "o%2Fr")),
        (URL.replace("python-build-standalone", "python+build"), None),
        ("https://github.com/o/r/archive/v1/a.tar.gz", None),
        ("https://gitlab.com/o/r/releases/download/v1/a.tar.gz", None),
    ],
)
def test_a_release_is_recognised_by_the_parts_of_its_url(url: str, release: ReleaseFile | None) -> None:
    assert release_of(url) == release


def test_rows_without_a_hash_are_left_out_and_unknown_names_are_returned() -> None:
    reading = read_rows(
        [
            PublishedFile(url=URL, sha256=digest("x")),
            PublishedFile(
                url=asset_url("20260127", f"cpython-3.14.2+20260127-{LINUX}-install_only.tar.gz"), sha256=None
            ),
            PublishedFile(url=f"{RELEASES}20260127/cpython-new.tar.gz", sha256=digest("y")),
        ]
    )
    assert [asset.url for asset in reading.assets] == [URL]
    assert reading.unknown == (f"{RELEASES}20260127/cpython-new.tar.gz",)


def test_every_bundled_asset_of_pbs_has_the_url_of_its_name() -> None:
    for asset in bundled_assets():
        if asset.implementation == "cpython":
            assert asset_url(asset.build, asset.filename) == asset.url


@pytest.mark.parametrize(
    ("url", "tag"),
    [
        (f"{RELEASES}20250702/x.tar.gz", "20250702"),
        (f"{RELEASES}latest/x.tar.gz", ""),
        (f"{RELEASES}20250702", ""),
        ("https://example.com/20250702/x.tar.gz", ""),
    ],
)
def test_the_release_of_a_url_is_found(url: str, tag: str) -> None:
    assert release_tag(samples.asset(url=url)) == tag
