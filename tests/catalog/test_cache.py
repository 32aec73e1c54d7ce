"""The catalogs a command works with: custom ones read once, saved files judged, all merged in order."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from provision.catalog.cache import (
    CACHE_VERSION,
    CACHE_VERSION_FACT,
    NDJSON_FILE,
    REFRESHED_FILES,
    load_cached,
    load_saved,
    open_catalog,
    open_custom_catalog,
    save_catalog,
)
from provision.catalog.catalog import Catalog
from provision.catalog.snapshot import bundled_catalog, write_snapshot
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.errors import CatalogError, NetworkError, SeveralErrors, StoreError
from provision.model.asset import Asset
from provision.model.version import Version
from tests.catalog.samples import bundled_assets, custom_line, full, stripped, upstream
from tests.catalog.server import Upstream, http_get

OURS = custom_line("3.14.2+20260127", {"url": full("3.14.2", "20260127")})
CHANGED = OURS + custom_line("3.14.2+20260203", {"url": full("3.14.2", "20260203")})


def builds(catalog: Catalog) -> tuple[str, ...]:
    return catalog.builds("cpython", Version.parse("3.14.2"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a catalog in it."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "catalog.ndjson").write_bytes(OURS)
    return tmp_path / "project"


@pytest.mark.parametrize("spelling", ["catalog.ndjson", "../project/catalog.ndjson", "{base}/catalog.ndjson", "{uri}"])
def test_a_path_is_relative_to_the_manifest(project: Path, cache_dir: Path, spelling: str) -> None:
    text = spelling.format(base=project, uri=(project / "catalog.ndjson").as_uri())
    assert builds(open_custom_catalog(text, base=project, cache_dir=cache_dir, get=None)) == ("20260127",)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_directory_may_have_a_name_that_is_not_text(project: Path, cache_dir: Path) -> None:
    odd = project.rename(project.with_name(os.fsdecode(b"\xff")))
    for _ in range(2):
        assert builds(open_custom_catalog("catalog.ndjson", base=odd, cache_dir=cache_dir, get=None)) == ("20260127",)


def test_two_hashes_for_one_archive_are_refused(project: Path, cache_dir: Path) -> None:
    rows: list[dict[str, object]] = [{"url": full("3.14.2", "20260127"), "sha256": digit * 64} for digit in "ab"]
    (project / "catalog.ndjson").write_bytes(custom_line("3.14.2+20260127", *rows))
    with pytest.raises(CatalogError, match="two hashes"):
        open_custom_catalog("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)


def test_a_file_is_read_once_and_again_after_a_change(project: Path, cache_dir: Path) -> None:
    first = open_custom_catalog("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    (kept,) = cache_dir.iterdir()
    written = kept.stat().st_mtime_ns
    assert builds(open_custom_catalog("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)) == builds(first)
    assert kept.stat().st_mtime_ns == written
    (project / "catalog.ndjson").write_bytes(CHANGED)
    changed = open_custom_catalog("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    assert builds(changed) == ("20260203", "20260127")
    assert list(cache_dir.iterdir()) == [kept]


def test_the_saved_catalog_of_a_file_is_not_used_for_a_copy_elsewhere(project: Path, cache_dir: Path) -> None:
    """Its relative URLs mean other archives."""
    (project / "copy").mkdir()
    (project / "copy" / "catalog.ndjson").write_bytes(OURS)
    for folder in (project, project / "copy"):
        catalog = open_custom_catalog("catalog.ndjson", base=folder, cache_dir=cache_dir, get=None)
        asset = catalog.find(full("3.14.2", "20260127"))
        assert asset is not None
        assert asset.url.startswith(f"{folder.as_uri()}/cpython")


@pytest.mark.parametrize(("rows", "told"), [(1, "1 asset"), (2, "2 assets")])
def test_assets_of_implementations_that_cannot_be_locked_are_counted_each_time(
    project: Path, cache_dir: Path, rows: int, told: str
) -> None:
    theirs: list[dict[str, object]] = [{"url": f"xbuildenv-{number}.tar.bz2"} for number in range(rows)]
    (project / "catalog.ndjson").write_bytes(OURS + custom_line("3.13.2+0.28.3", *theirs, implementation="pyodide"))
    for _ in ("read", "kept"):
        catalog = open_custom_catalog("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
        assert catalog.implementations() == ("cpython",)
        note = f"catalog.ndjson: left out {told} of other implementations than cpython, pypy, graalpy"
        assert catalog.notes == (note,)


def test_a_damaged_copy_in_the_cache_is_replaced(project: Path, cache_dir: Path) -> None:
    open_custom_catalog("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    (kept,) = cache_dir.iterdir()
    kept.write_bytes(b"damaged")
    assert builds(open_custom_catalog("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)) == ("20260127",)
    assert kept.read_bytes() != b"damaged"


def test_catalogs_are_read_without_a_writable_cache(project: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert builds(open_custom_catalog("catalog.ndjson", base=project, cache_dir=blocked, get=None)) == ("20260127",)


def test_a_missing_file_is_an_error_with_the_place_where_it_is_named(project: Path, cache_dir: Path) -> None:
    with pytest.raises(CatalogError, match=r"nowhere.ndjson: the catalog cannot be read") as caught:
        open_custom_catalog("nowhere.ndjson", base=project, cache_dir=cache_dir, get=None)
    assert "relative to the manifest" in (caught.value.hint or "")


@pytest.mark.skipif(os.name != "posix", reason="devices and FIFOs are files")
def test_an_endless_file_is_not_read(project: Path, cache_dir: Path) -> None:
    os.mkfifo(project / "pipe.ndjson")
    for name in ("/dev/zero", "pipe.ndjson", "."):
        with pytest.raises(CatalogError, match="cannot be read"):
            open_custom_catalog(name, base=project, cache_dir=cache_dir, get=None)


def test_an_invalid_row_is_reported_with_file_and_line_and_nothing_is_saved(project: Path, cache_dir: Path) -> None:
    (project / "catalog.ndjson").write_bytes(OURS + b"{}\n")
    with pytest.raises(CatalogError, match=r"catalog.ndjson:2: "):
        open_custom_catalog("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    assert not cache_dir.exists()


def test_a_url_is_downloaded_and_the_urls_of_its_rows_are_relative_to_it(
    upstream_server: Upstream, cache_dir: Path
) -> None:
    url = upstream_server.put("/ours/catalog.ndjson", OURS)
    asset = open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=http_get).find(full("3.14.2", "20260127"))
    assert asset is not None
    assert asset.url == f"{upstream_server.address}/ours/{full('3.14.2', '20260127')}"


def test_a_catalog_that_did_not_change_is_not_downloaded_again(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/catalog.ndjson", OURS, etag='"1"')
    open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=http_get)
    upstream_server.put("/catalog.ndjson", b"never sent", etag='"1"')
    assert builds(open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=http_get)) == ("20260127",)
    upstream_server.put("/catalog.ndjson", CHANGED, etag='"2"')
    assert builds(open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=http_get)) == ("20260203", "20260127")


def test_a_downloaded_catalog_can_be_used_offline(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/catalog.ndjson", OURS)
    with pytest.raises(NetworkError, match=f"the catalog {url} is not in the cache"):
        open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=None)
    open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=http_get)
    assert builds(open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=None)) == ("20260127",)
    assert upstream_server.asked == ["/catalog.ndjson"]


def test_a_failed_download_is_an_error_even_with_an_older_copy(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/catalog.ndjson", OURS)
    open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=http_get)
    upstream_server.put("/catalog.ndjson", b"", status=500)
    with pytest.raises(NetworkError, match="answered with status 500"):
        open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=http_get)
    upstream_server.put("/catalog.ndjson", b"<html>")
    with pytest.raises(CatalogError, match=f"{url}:1: Invalid JSON"):
        open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=http_get)
    assert builds(open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=None)) == ("20260127",)


def test_a_catalog_from_the_network_must_not_name_local_files(upstream_server: Upstream, cache_dir: Path) -> None:
    row: dict[str, object] = {"url": f"file:///srv/{full('3.14.2', '20260127')}"}
    url = upstream_server.put("/catalog.ndjson", custom_line("3.14.2+20260127", row))
    with pytest.raises(CatalogError, match="a downloaded catalog cannot list files"):
        open_custom_catalog(url, base=Path(), cache_dir=cache_dir, get=http_get)


def test_each_catalog_is_saved_once(upstream_server: Upstream, project: Path, cache_dir: Path) -> None:
    for _ in range(2):
        open_custom_catalog(
            upstream_server.put("/catalog.ndjson", OURS), base=project, cache_dir=cache_dir, get=http_get
        )
        open_custom_catalog("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    assert len(tuple(cache_dir.iterdir())) == 2


def catalog(*builds: str, as_of: str = "2026-02-01T00:00:00Z", rules: str = CACHE_VERSION) -> bytes:
    assets = [upstream(stripped("3.14.2", build)) for build in builds]
    return write_snapshot(assets, as_of=as_of, facts={CACHE_VERSION_FACT: rules})


def test_a_saved_catalog_is_loaded(cache_dir: Path) -> None:
    save_catalog(cache_dir / NDJSON_FILE, catalog("20260127"))
    kept = load_saved(cache_dir / NDJSON_FILE)
    assert kept is not None
    assert list(kept.all_assets()) == [upstream(stripped("3.14.2", "20260127"))]


def test_without_a_saved_catalog_nothing_is_loaded(cache_dir: Path) -> None:
    assert load_saved(cache_dir / NDJSON_FILE) is None
    assert load_cached(cache_dir) is None


def test_a_newer_catalog_replaces_the_older_one(cache_dir: Path) -> None:
    save_catalog(cache_dir / NDJSON_FILE, catalog("20260127"))
    save_catalog(cache_dir / NDJSON_FILE, catalog("20260203"))
    assert (cache_dir / NDJSON_FILE).read_bytes() == catalog("20260203")
    assert [path.name for path in cache_dir.iterdir()] == [NDJSON_FILE]


def test_the_refreshed_catalogs_are_merged(cache_dir: Path) -> None:
    for name, build, as_of in zip(
        REFRESHED_FILES, ("20260127", "20260203"), ("2026-02-01", "2026-02-04"), strict=False
    ):
        save_catalog(cache_dir / name, catalog(build, as_of=as_of))
    cached = load_cached(cache_dir)
    assert cached is not None
    (version,) = cached.versions("cpython")
    assert cached.builds("cpython", version) == ("20260203", "20260127")
    assert cached.as_of == "2026-02-04"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a catalog of this version of provision"),
        (catalog("20260127")[:-1], "its checksum does not match"),
        (catalog("20260127", rules="0"), "another version of provision wrote it"),
    ],
)
def test_an_unusable_file_is_left_out_and_noted(cache_dir: Path, data: bytes, reason: str) -> None:
    save_catalog(cache_dir / NDJSON_FILE, data)
    with pytest.raises(DamagedSnapshotError, match=reason):
        load_saved(cache_dir / NDJSON_FILE)
    cached = load_cached(cache_dir)
    assert cached is not None
    assert cached.implementations() == ()
    (note,) = cached.notes
    assert str(cache_dir / NDJSON_FILE) in note
    assert reason in note


def test_a_directory_in_place_of_a_file_is_left_out_and_noted(cache_dir: Path) -> None:
    (cache_dir / NDJSON_FILE).mkdir(parents=True)
    with pytest.raises(DamagedSnapshotError, match="cannot be read"):
        load_saved(cache_dir / NDJSON_FILE)


def test_a_catalog_that_cannot_be_saved_is_an_error_and_the_old_one_is_kept(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot save the catalog in .*file"):
        save_catalog(blocked / NDJSON_FILE, catalog("20260127"))
    assert blocked.read_text() == "in the way"


def test_leftovers_of_a_killed_run_are_removed_by_the_next(cache_dir: Path) -> None:
    save_catalog(cache_dir / NDJSON_FILE, catalog("20260127"))
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    theirs, ours = (cache_dir / f".{NDJSON_FILE}.{pid}.0a1b2c3d.new" for pid in (dead.pid, os.getpid()))
    for part in (theirs, ours):
        part.write_bytes(b"half")
    save_catalog(cache_dir / NDJSON_FILE, catalog("20260203"))
    assert set(cache_dir.iterdir()) == {ours, cache_dir / NDJSON_FILE}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_under_any_umask_saved_catalogs_are_writable_by_their_owner_only(cache_dir: Path) -> None:
    umask = os.umask(0)
    try:
        save_catalog(cache_dir / NDJSON_FILE, catalog("20260127"))
    finally:
        os.umask(umask)
    for path in (cache_dir / NDJSON_FILE, cache_dir, cache_dir.parent):
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


V3159 = Version.parse("3.15.9")


def keep_refreshed(cache_dir: Path, *assets: Asset) -> None:
    save_catalog(
        cache_dir / NDJSON_FILE,
        write_snapshot(assets, as_of="2027-01-01T00:00:00Z", facts={CACHE_VERSION_FACT: CACHE_VERSION}),
    )


def test_rows_of_a_custom_catalog_with_names_of_a_later_grammar_are_counted(tmp_path: Path, cache_dir: Path) -> None:
    new = stripped("3.15.9", "20270102", triple="loongarch64-unknown-linux-gnu")
    line = custom_line("3.15.9+20270102", {"url": full("3.15.9", "20270102")}, {"url": new}, {"url": f"x/{new}"})
    (tmp_path / "catalog.ndjson").write_bytes(line)
    for _ in range(2):  # read, and saved
        catalog = open_catalog(["catalog.ndjson"], base=tmp_path, cache_dir=cache_dir, offline=True)
        assert catalog.notes == ("catalog.ndjson: left out 2 assets whose names this version of provision cannot read",)
        assert catalog.builds("cpython", V3159) == ("20270102",)


def test_the_default_is_the_bundled_catalog(tmp_path: Path, cache_dir: Path) -> None:
    catalog = open_catalog([], base=tmp_path, cache_dir=cache_dir, offline=True)
    assert catalog.as_of == bundled_catalog().as_of
    assert catalog.versions("cpython") == bundled_catalog().versions("cpython")
    assert catalog.notes == ()


def test_bundled_refreshed_and_custom_catalogs_are_merged(
    upstream_server: Upstream, tmp_path: Path, cache_dir: Path
) -> None:
    keep_refreshed(cache_dir, upstream(stripped("3.15.9", "20270101")))
    (tmp_path / "catalog.ndjson").write_bytes(custom_line("3.15.9+20270102", {"url": full("3.15.9", "20270102")}))
    url = upstream_server.put("/catalog.ndjson", custom_line("3.15.9+20270103", {"url": full("3.15.9", "20270103")}))
    catalog = open_catalog(["catalog.ndjson", url], base=tmp_path, cache_dir=cache_dir, offline=False, get=http_get)
    assert catalog.builds("cpython", V3159) == ("20270103", "20270102", "20270101")
    assert Version.parse("3.14.2") in catalog.versions("cpython")


def test_the_catalog_date_is_when_upstream_was_last_read(tmp_path: Path, cache_dir: Path) -> None:
    """A date in a custom catalog must not shorten the cooldown of upstream's builds."""
    keep_refreshed(cache_dir, upstream(stripped("3.15.9", "20270101")))
    own = custom_line("3.15.9+20270102", {"url": full("3.15.9", "20270102")}, date="2099-01-01T00:00:00Z")
    (tmp_path / "catalog.ndjson").write_bytes(own)
    catalog = open_catalog(["catalog.ndjson"], base=tmp_path, cache_dir=cache_dir, offline=True)
    assert catalog.as_of == "2027-01-01T00:00:00Z"


def test_a_custom_catalog_never_changes_rows_of_upstream(tmp_path: Path, cache_dir: Path) -> None:
    known = next(asset for asset in bundled_assets() if asset.build == "20260814")
    version = f"{known.version}+{known.build}"
    (tmp_path / "catalog.ndjson").write_bytes(custom_line(version, {"url": known.url}))
    catalog = open_catalog(["catalog.ndjson"], base=tmp_path, cache_dir=cache_dir, offline=True)
    assert known in catalog.assets("cpython", known.version, known.build)
    assert catalog.find(known.filename) == known


def test_a_damaged_refreshed_catalog_is_noted_and_the_others_are_used(tmp_path: Path, cache_dir: Path) -> None:
    save_catalog(cache_dir / NDJSON_FILE, b"damaged")
    catalog = open_catalog([], base=tmp_path, cache_dir=cache_dir, offline=True)
    assert catalog.versions("cpython") == bundled_catalog().versions("cpython")
    assert ["catalog update" in note for note in catalog.notes] == [True]


def test_all_catalogs_that_cannot_be_opened_are_reported_at_once(
    upstream_server: Upstream, tmp_path: Path, cache_dir: Path
) -> None:
    url = f"{upstream_server.address}/gone"
    with pytest.raises(SeveralErrors) as caught:
        open_catalog(["nowhere", url], base=tmp_path, cache_dir=cache_dir, offline=False, get=http_get)
    assert [type(error) for error in caught.value.errors] == [CatalogError, NetworkError]


def test_offline_nothing_is_requested(upstream_server: Upstream, tmp_path: Path, cache_dir: Path) -> None:
    url = upstream_server.put("/catalog.ndjson", custom_line("3.15.9+20270102", {"url": full("3.15.9", "20270102")}))
    with pytest.raises(NetworkError, match="downloads are disabled"):
        open_catalog([url], base=tmp_path, cache_dir=cache_dir, offline=True, get=http_get)
    assert upstream_server.asked == []
