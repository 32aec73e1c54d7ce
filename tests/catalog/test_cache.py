from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.catalog.cache import open_own
from provision.catalog.catalog import Catalog
from provision.errors import CatalogError, NetworkError
from provision.model.version import Version
from tests.catalog.samples import full, own_line
from tests.catalog.server import Upstream, http_get

OURS = own_line("3.14.2+20260127", {"url": full("3.14.2", "20260127")})
CHANGED = OURS + own_line("3.14.2+20260203", {"url": full("3.14.2", "20260203")})


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
    assert builds(open_own(text, base=project, cache_dir=cache_dir, get=None)) == ("20260127",)


def test_a_file_is_read_once_and_again_when_it_changed(project: Path, cache_dir: Path) -> None:
    first = open_own("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    (kept,) = cache_dir.iterdir()
    written = kept.stat().st_mtime_ns
    assert builds(open_own("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)) == builds(first)
    assert kept.stat().st_mtime_ns == written
    (project / "catalog.ndjson").write_bytes(CHANGED)
    changed = open_own("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    assert builds(changed) == ("20260203", "20260127")
    assert list(cache_dir.iterdir()) == [kept]


def test_what_is_kept_of_one_file_is_not_used_for_its_copy_elsewhere(project: Path, cache_dir: Path) -> None:
    """Its relative URLs mean other archives."""
    (project / "copy").mkdir()
    (project / "copy" / "catalog.ndjson").write_bytes(OURS)
    for folder in (project, project / "copy"):
        catalog = open_own("catalog.ndjson", base=folder, cache_dir=cache_dir, get=None)
        asset = catalog.find(full("3.14.2", "20260127"))
        assert asset is not None
        assert asset.url.startswith(f"{folder.as_uri()}/cpython")


@pytest.mark.parametrize(("rows", "told"), [(1, "1 asset"), (2, "2 assets")])
def test_assets_of_implementations_that_cannot_be_locked_are_counted_each_time(
    project: Path, cache_dir: Path, rows: int, told: str
) -> None:
    theirs: list[dict[str, object]] = [{"url": f"xbuildenv-{number}.tar.bz2"} for number in range(rows)]
    (project / "catalog.ndjson").write_bytes(OURS + own_line("3.13.2+0.28.3", *theirs, implementation="pyodide"))
    for _ in ("read", "kept"):
        catalog = open_own("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
        assert catalog.implementations() == ("cpython",)
        note = f"catalog.ndjson: left out {told} of other implementations than cpython, pypy, graalpy"
        assert catalog.notes == (note,)


def test_a_damaged_copy_in_the_cache_is_made_anew(project: Path, cache_dir: Path) -> None:
    open_own("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    (kept,) = cache_dir.iterdir()
    kept.write_bytes(b"damaged")
    assert builds(open_own("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)) == ("20260127",)
    assert kept.read_bytes() != b"damaged"


def test_a_cache_that_cannot_be_written_does_no_harm(project: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert builds(open_own("catalog.ndjson", base=project, cache_dir=blocked, get=None)) == ("20260127",)


def test_a_file_that_is_not_there_is_an_error_that_says_where_it_was_named(project: Path, cache_dir: Path) -> None:
    with pytest.raises(CatalogError, match=r"nowhere.ndjson: the catalog cannot be read") as caught:
        open_own("nowhere.ndjson", base=project, cache_dir=cache_dir, get=None)
    assert "relative to the manifest" in (caught.value.hint or "")


@pytest.mark.skipif(os.name != "posix", reason="devices and FIFOs are files")
def test_what_never_ends_is_not_read(project: Path, cache_dir: Path) -> None:
    os.mkfifo(project / "pipe.ndjson")
    for name in ("/dev/zero", "pipe.ndjson", "."):
        with pytest.raises(CatalogError, match="cannot be read"):
            open_own(name, base=project, cache_dir=cache_dir, get=None)


def test_a_wrong_row_is_told_with_file_and_line_and_nothing_is_kept(project: Path, cache_dir: Path) -> None:
    (project / "catalog.ndjson").write_bytes(OURS + b"{}\n")
    with pytest.raises(CatalogError, match=r"catalog.ndjson:2: "):
        open_own("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    assert not cache_dir.exists()


def test_a_url_is_fetched_and_its_rows_start_there(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/ours/catalog.ndjson", OURS)
    asset = open_own(url, base=Path(), cache_dir=cache_dir, get=http_get).find(full("3.14.2", "20260127"))
    assert asset is not None
    assert asset.url == f"{upstream_server.address}/ours/{full('3.14.2', '20260127')}"


def test_a_url_that_did_not_change_is_not_fetched_again(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/catalog.ndjson", OURS, etag='"1"')
    open_own(url, base=Path(), cache_dir=cache_dir, get=http_get)
    upstream_server.put("/catalog.ndjson", b"never sent", etag='"1"')
    assert builds(open_own(url, base=Path(), cache_dir=cache_dir, get=http_get)) == ("20260127",)
    upstream_server.put("/catalog.ndjson", CHANGED, etag='"2"')
    assert builds(open_own(url, base=Path(), cache_dir=cache_dir, get=http_get)) == ("20260203", "20260127")


def test_a_url_serves_those_offline_once_it_was_fetched(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/catalog.ndjson", OURS)
    with pytest.raises(NetworkError, match=f"the catalog {url} is not in the cache"):
        open_own(url, base=Path(), cache_dir=cache_dir, get=None)
    open_own(url, base=Path(), cache_dir=cache_dir, get=http_get)
    assert builds(open_own(url, base=Path(), cache_dir=cache_dir, get=None)) == ("20260127",)
    assert upstream_server.asked == ["/catalog.ndjson"]


def test_a_url_that_fails_is_an_error_though_an_older_copy_is_kept(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/catalog.ndjson", OURS)
    open_own(url, base=Path(), cache_dir=cache_dir, get=http_get)
    upstream_server.put("/catalog.ndjson", b"", status=500)
    with pytest.raises(NetworkError, match="answered with status 500"):
        open_own(url, base=Path(), cache_dir=cache_dir, get=http_get)
    upstream_server.put("/catalog.ndjson", b"<html>")
    with pytest.raises(CatalogError, match=f"{url}:1: Invalid JSON"):
        open_own(url, base=Path(), cache_dir=cache_dir, get=http_get)
    assert builds(open_own(url, base=Path(), cache_dir=cache_dir, get=None)) == ("20260127",)


def test_a_catalog_from_the_network_may_not_name_files(upstream_server: Upstream, cache_dir: Path) -> None:
    row: dict[str, object] = {"url": f"file:///srv/{full('3.14.2', '20260127')}"}
    url = upstream_server.put("/catalog.ndjson", own_line("3.14.2+20260127", row))
    with pytest.raises(CatalogError, match="may not name files"):
        open_own(url, base=Path(), cache_dir=cache_dir, get=http_get)


def test_each_catalog_is_kept_once(upstream_server: Upstream, project: Path, cache_dir: Path) -> None:
    for _ in range(2):
        open_own(upstream_server.put("/catalog.ndjson", OURS), base=project, cache_dir=cache_dir, get=http_get)
        open_own("catalog.ndjson", base=project, cache_dir=cache_dir, get=None)
    assert len(tuple(cache_dir.iterdir())) == 2
