from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from provision.catalog.snapshot import BUNDLED, Snapshot, bundled, load_snapshot
from provision.catalog.snapshot_format import Build, Row, pack
from provision.errors import CatalogError
from provision.model.asset import IMPLEMENTATIONS
from provision.model.version import Version
from tests.catalog.samples import bundled_assets, digest


def test_the_bundled_catalog_knows_all_that_was_ever_published_with_a_hash() -> None:
    by_implementation = Counter(asset.implementation for asset in bundled_assets())
    assert set(by_implementation) == set(IMPLEMENTATIONS)
    assert by_implementation["cpython"] >= 27_152
    assert by_implementation["pypy"] >= 149
    assert by_implementation["graalpy"] >= 19
    assert bundled().count == len(bundled_assets()) == by_implementation.total()


def test_the_bundled_catalog_is_small() -> None:
    assert BUNDLED.stat().st_size < 40 * len(bundled_assets())


def test_no_two_assets_answer_to_the_same_properties() -> None:
    """So each can be asked for by what it is, without its name."""
    properties = Counter(
        (asset.implementation, asset.version, asset.build, asset.target, asset.cpu, asset.options, asset.flavor)
        for asset in bundled_assets()
    )
    assert [key for key, count in properties.items() if count > 1] == []


def test_no_two_bundled_assets_share_a_url_and_each_has_a_plausible_one() -> None:
    urls = {asset.url for asset in bundled_assets()}
    assert len(urls) == len(bundled_assets())
    assert {url.partition("://")[2].partition("/")[0] for url in urls} == {"github.com", "downloads.python.org"}


def test_a_build_of_which_a_date_is_known_has_it_for_all_its_assets() -> None:
    dates: dict[str, set[str | None]] = {}
    for asset in bundled_assets():
        dates.setdefault(asset.build, set()).add(asset.published)
    assert dates["20260127"] == {"2026-01-30T14:46:07Z"}
    assert [build for build, known in dates.items() if len(known) > 1] == []


def test_the_bundled_catalog_says_when_it_was_gathered() -> None:
    assert load_snapshot().as_of >= "2026-10-25T00:00:00Z"


@pytest.mark.parametrize(
    ("filename", "title", "sha256"),
    [
        (
            "cpython-3.14.2+20260127-x86_64-unknown-linux-gnu-install_only.tar.gz",
            "cpython 3.14.2+20260127 pgo+lto install_only linux-x86_64",
            "bfb704b307ad69f30d36e936026504ab3ad29883c572362d4f32f2d1005abde3",
        ),
        (
            "cpython-3.15.0a5+20260127-aarch64-apple-darwin-freethreaded+debug-full.tar.zst",
            "cpython 3.15.0a5+20260127 freethreaded+debug full macos-aarch64",
            "9c1ad43515a041391e255908f6ca6ab5adc754061a39e0012e63152c8b09a838",
        ),
        (
            "pypy3.11-v7.3.19-linux64.tar.bz2",
            "pypy 3.11.11+7.3.19 install_only linux-x86_64",
            "9177d9e0bb91b05f921c642cb0ff71a0f3653b5d29a42d40d6a078c15b75720f",
        ),
        (
            "graalpy-22.3.1-linux-amd64.tar.gz",
            "graalpy 3.8.5+22.3.1 install_only linux-x86_64",
            "9ef3885c8a498a70de53bc71409f3e60f36e9ce5d3d745b173fedcca1f4abd12",
        ),
    ],
)
def test_an_asset_is_found_by_its_name(filename: str, title: str, sha256: str) -> None:
    asset = load_snapshot().find(filename)
    assert asset is not None
    assert (asset.filename, asset.title, asset.sha256.hex) == (filename, title, sha256)


def test_a_name_that_nobody_published_is_not_found() -> None:
    assert bundled().find("cpython-3.14.2+20260127-x86_64-unknown-linux-gnu-install_only.tar.zst") is None


def test_asking_build_by_build_gives_every_asset() -> None:
    snapshot = bundled()
    asked = [
        asset
        for implementation in snapshot.implementations()
        for version in snapshot.versions(implementation)
        for build in snapshot.builds(implementation, version)
        for asset in snapshot.assets(implementation, version, build)
    ]
    assert asked == list(bundled_assets())


def partly_unreadable() -> Snapshot:
    """A snapshot of two builds, one of which has a shape that cannot be read."""
    builds: list[Build] = [("20260127", None, range(1)), ("20260203", None, range(1, 2))]
    shapes = ["x86_64-unknown-linux-gnu\tbaseline\tpgo+lto\tfull\thttps://example.com/\x02/\x01.tar.zst", "nonsense"]
    rows = [Row(0, None, digest("a").hex), Row(1, None, digest("b").hex)]
    return Snapshot(pack(facts={}, versions={("cpython", "3.14.2"): builds}, shapes=shapes, rows=rows))


def test_only_the_rows_of_the_build_asked_for_are_decoded() -> None:
    (asset,) = partly_unreadable().assets("cpython", Version.parse("3.14.2"), "20260127")
    assert asset.url == "https://example.com/20260127/3.14.2.tar.zst"


def test_a_shape_that_cannot_be_read_is_an_error_of_the_catalog() -> None:
    with pytest.raises(CatalogError, match="shape 1 cannot be read"):
        list(partly_unreadable().assets("cpython", Version.parse("3.14.2"), "20260203"))


def test_reading_the_catalog_loads_nothing_heavy() -> None:
    code = (
        "import sys; from pathlib import Path; from provision.catalog.open import open_catalog;"
        "catalog = open_catalog([], base=Path(), cache_dir=Path('nowhere'), offline=True);"
        "version = catalog.versions('cpython')[0];"
        "catalog.assets('cpython', version, catalog.builds('cpython', version)[0]);"
        "print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pydantic", "httpx", "zstandard", "tomlkit", "json", "urllib.request", "socket", "tempfile", "logging"}
    assert heavy.isdisjoint(run.stdout.split())
