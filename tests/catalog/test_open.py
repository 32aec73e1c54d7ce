from __future__ import annotations

from pathlib import Path

import pytest

from provision.catalog.kept import NDJSON, RULES, RULES_FACT, keep
from provision.catalog.open import open_catalog
from provision.catalog.snapshot import load_snapshot
from provision.catalog.snapshot_writer import write_snapshot
from provision.errors import CatalogError, NetworkError, SeveralErrors
from provision.model.asset import Asset
from provision.model.version import Version
from tests.catalog.samples import bundled_assets, full, own_line, stripped, upstream
from tests.catalog.server import Upstream, http_get

V3159 = Version.parse("3.15.9")


def keep_refreshed(cache_dir: Path, *assets: Asset) -> None:
    keep(cache_dir / NDJSON, write_snapshot(assets, as_of="2027-01-01T00:00:00Z", facts={RULES_FACT: RULES}))


def test_without_anything_else_it_is_the_bundled_catalog(tmp_path: Path, cache_dir: Path) -> None:
    catalog = open_catalog([], base=tmp_path, cache_dir=cache_dir, offline=True)
    assert catalog.as_of == load_snapshot().as_of
    assert catalog.versions("cpython") == load_snapshot().versions("cpython")
    assert catalog.notes == ()


def test_bundled_refreshed_and_own_catalogs_are_one(upstream_server: Upstream, tmp_path: Path, cache_dir: Path) -> None:
    keep_refreshed(cache_dir, upstream(stripped("3.15.9", "20270101")))
    (tmp_path / "catalog.ndjson").write_bytes(own_line("3.15.9+20270102", {"url": full("3.15.9", "20270102")}))
    url = upstream_server.put("/catalog.ndjson", own_line("3.15.9+20270103", {"url": full("3.15.9", "20270103")}))
    catalog = open_catalog(["catalog.ndjson", url], base=tmp_path, cache_dir=cache_dir, offline=False, get=http_get)
    assert catalog.builds("cpython", V3159) == ("20270103", "20270102", "20270101")
    assert Version.parse("3.14.2") in catalog.versions("cpython")


def test_now_is_when_upstream_was_last_looked_at(tmp_path: Path, cache_dir: Path) -> None:
    """A date in a catalog of one's own must not let the cooldown of upstream's builds pass."""
    keep_refreshed(cache_dir, upstream(stripped("3.15.9", "20270101")))
    own = own_line("3.15.9+20270102", {"url": full("3.15.9", "20270102")}, date="2099-01-01T00:00:00Z")
    (tmp_path / "catalog.ndjson").write_bytes(own)
    catalog = open_catalog(["catalog.ndjson"], base=tmp_path, cache_dir=cache_dir, offline=True)
    assert catalog.as_of == "2027-01-01T00:00:00Z"


def test_ones_own_catalog_never_changes_what_is_known_of_upstream(tmp_path: Path, cache_dir: Path) -> None:
    known = next(asset for asset in bundled_assets() if asset.build == "20260814")
    version = f"{known.version}+{known.build}"
    (tmp_path / "catalog.ndjson").write_bytes(own_line(version, {"url": known.url}))
    catalog = open_catalog(["catalog.ndjson"], base=tmp_path, cache_dir=cache_dir, offline=True)
    assert known in catalog.assets("cpython", known.version, known.build)
    assert catalog.find(known.filename) == known


def test_a_damaged_refresh_is_noted_and_the_rest_works(tmp_path: Path, cache_dir: Path) -> None:
    keep(cache_dir / NDJSON, b"damaged")
    catalog = open_catalog([], base=tmp_path, cache_dir=cache_dir, offline=True)
    assert catalog.versions("cpython") == load_snapshot().versions("cpython")
    assert ["catalog update" in note for note in catalog.notes] == [True]


def test_all_catalogs_that_cannot_be_had_are_told_at_once(
    upstream_server: Upstream, tmp_path: Path, cache_dir: Path
) -> None:
    url = f"{upstream_server.address}/gone"
    with pytest.raises(SeveralErrors) as caught:
        open_catalog(["nowhere", url], base=tmp_path, cache_dir=cache_dir, offline=False, get=http_get)
    assert [type(error) for error in caught.value.errors] == [CatalogError, NetworkError]


def test_offline_nothing_is_asked_for(upstream_server: Upstream, tmp_path: Path, cache_dir: Path) -> None:
    url = upstream_server.put("/catalog.ndjson", own_line("3.15.9+20270102", {"url": full("3.15.9", "20270102")}))
    with pytest.raises(NetworkError, match="offline"):
        open_catalog([url], base=tmp_path, cache_dir=cache_dir, offline=True, get=http_get)
    assert upstream_server.asked == []
