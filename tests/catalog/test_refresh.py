"""`catalog update`: what is downloaded, what is refused, and what replaces the saved catalog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.catalog.cache import (
    GITHUB_FILE,
    NDJSON_FILE,
    load_cached,
    load_texts,
    open_catalog,
)
from provision.catalog.catalog import Catalog
from provision.catalog.github import PER_PAGE
from provision.catalog.refresh import (
    refresh_github,
    refresh_graalpy,
    refresh_ndjson,
    refresh_pypy,
    refresh_release,
    refresh_sums,
)
from provision.catalog.saved import NDJSON_URLS, RefreshResult
from provision.errors import CatalogError, NetworkError, SeveralErrors
from provision.model.version import Version
from tests.catalog.samples import bundled_assets, digest, full, ndjson_line, stripped, tag_of, upstream
from tests.catalog.server import Upstream, http_get

NOW, LATER = "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
# Builds that the bundled snapshot does not know.
FIRST, SECOND, THIRD = (stripped("3.15.9", tag) for tag in ("20270101", "20270201", "20270301"))


def cached(cache_dir: Path) -> Catalog:
    """What the next command has in addition to the bundled snapshot."""
    found = load_cached(cache_dir)
    assert found is not None
    return found


def cached_builds(cache_dir: Path) -> tuple[str, ...]:
    return cached(cache_dir).builds("cpython", Version.parse("3.15.9"))


def update(cache_dir: Path, *urls: str, now: str = NOW) -> RefreshResult:
    return refresh_ndjson(cache_dir, get=http_get, now=now, urls=urls)


def test_the_catalog_of_upstream_is_downloaded_and_saved(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/list", ndjson_line(FIRST) + ndjson_line(SECOND), etag='"1"')
    assert update(cache_dir, url) == RefreshResult(outcome="updated", origin=url, as_of=NOW, count=2, new=2)
    assert cached_builds(cache_dir) == ("20270201", "20270101")
    assert cached(cache_dir).as_of == NOW


def test_options_are_inferred_before_it_is_saved(upstream_server: Upstream, cache_dir: Path) -> None:
    update(cache_dir, upstream_server.put("/list", ndjson_line(FIRST, full("3.15.9", "20270101", "lto"))))
    asset = cached(cache_dir).find(FIRST)
    assert asset is not None
    assert str(asset.options) == "lto"


def test_an_unchanged_catalog_is_not_downloaded_again_but_gets_a_new_date(
    upstream_server: Upstream, cache_dir: Path
) -> None:
    url = upstream_server.put("/list", ndjson_line(FIRST), etag='"1"')
    update(cache_dir, url)
    upstream_server.put("/list", b"never sent", etag='"1"')
    assert update(cache_dir, url, now=LATER) == RefreshResult(outcome="unchanged", origin=url, as_of=LATER, count=1)
    assert cached(cache_dir).as_of == LATER
    assert cached_builds(cache_dir) == ("20270101",)
    assert update(cache_dir, url, now=LATER).outcome == "unchanged"


def test_a_changed_catalog_replaces_the_old_one(upstream_server: Upstream, cache_dir: Path) -> None:
    update(cache_dir, upstream_server.put("/list", ndjson_line(FIRST), etag='"1"'))
    url = upstream_server.put("/list", ndjson_line(FIRST) + ndjson_line(SECOND), etag='"2"')
    done = update(cache_dir, url, now=LATER)
    assert (done.outcome, done.count, done.new) == ("updated", 2, 1)
    assert cached_builds(cache_dir) == ("20270201", "20270101")


def test_bundled_assets_are_not_new(upstream_server: Upstream, cache_dir: Path) -> None:
    known = next(asset for asset in bundled_assets() if asset.build == "20260814")
    rows = json.loads(ndjson_line(known.filename))
    rows["artifacts"][0]["sha256"] = known.sha256.hex
    done = update(cache_dir, upstream_server.put("/list", json.dumps(rows).encode()))
    assert (done.new, done.notes) == (0, ())


@pytest.mark.parametrize("mirror", [b"<html>", b"", ndjson_line(FIRST)[:-9], None])
def test_the_origin_is_tried_if_the_mirror_fails(
    upstream_server: Upstream, cache_dir: Path, mirror: bytes | None
) -> None:
    broken = f"{upstream_server.address}/mirror"
    if mirror is not None:
        upstream_server.put("/mirror", mirror)
    url = upstream_server.put("/origin", ndjson_line(FIRST))
    done = update(cache_dir, broken, url)
    assert (done.outcome, done.origin) == ("updated", url)
    (note,) = done.notes
    assert "/mirror" in note
    assert note.endswith(f"; took {url} instead")


def test_the_etag_of_one_url_is_not_sent_to_another(upstream_server: Upstream, cache_dir: Path) -> None:
    update(cache_dir, upstream_server.put("/mirror", ndjson_line(FIRST), etag='"1"'))
    url = upstream_server.put("/origin", ndjson_line(FIRST) + ndjson_line(SECOND), etag='"1"')
    assert update(cache_dir, url).outcome == "updated"
    assert len(cached_builds(cache_dir)) == 2


@pytest.mark.parametrize(
    "bad",
    [b"", b"<html>", ndjson_line(SECOND)[:-9], ndjson_line(SECOND) + b"{}\n", b'{"version": "3", "artifacts": []}'],
)
def test_an_incomplete_catalog_never_replaces_the_old_one(
    upstream_server: Upstream, cache_dir: Path, bad: bytes
) -> None:
    update(cache_dir, upstream_server.put("/list", ndjson_line(FIRST)))
    before = (cache_dir / NDJSON_FILE).read_bytes()
    with pytest.raises(CatalogError):
        update(cache_dir, upstream_server.put("/list", bad), now=LATER)
    assert (cache_dir / NDJSON_FILE).read_bytes() == before


def gone(cache_dir: Path) -> set[str]:
    """The builds of these tests' version with assets that are no longer listed."""
    version = Version.parse("3.15.9")
    catalog = cached(cache_dir)
    return {build for build in catalog.builds("cpython", version) if catalog.gone("cpython", version, build)}


def test_assets_that_are_no_longer_listed_are_kept_and_marked(upstream_server: Upstream, cache_dir: Path) -> None:
    lines = [ndjson_line(name) for name in (FIRST, SECOND, THIRD)]
    url = upstream_server.put("/list", b"".join(lines))
    update(cache_dir, url)
    upstream_server.put("/list", lines[2])
    done = update(cache_dir, url)
    assert (done.count, done.gone) == (1, 2)
    assert done.notes == (
        f"{url} no longer lists 2 assets of 20270101, 20270201; the catalog keeps them, marked as no longer listed",
    )
    assert cached_builds(cache_dir) == ("20270301", "20270201", "20270101")
    assert gone(cache_dir) == {"20270101", "20270201"}
    assert (update(cache_dir, url).gone, gone(cache_dir)) == (0, {"20270101", "20270201"})
    upstream_server.put("/list", b"".join(lines))
    assert update(cache_dir, url).gone == 0
    assert gone(cache_dir) == set()


def test_one_archive_of_a_build_can_be_withdrawn(upstream_server: Upstream, cache_dir: Path) -> None:
    other = full("3.15.9", "20270101")
    url = upstream_server.put("/list", ndjson_line(FIRST, other))
    update(cache_dir, url)
    upstream_server.put("/list", ndjson_line(FIRST))
    assert update(cache_dir, url).gone == 1
    assert cached(cache_dir).gone("cpython", Version.parse("3.15.9"), "20270101") == {upstream(other).url}


def test_an_older_copy_of_the_list_does_not_withdraw_newer_builds(upstream_server: Upstream, cache_dir: Path) -> None:
    lines = [ndjson_line(name) for name in (FIRST, SECOND, THIRD)]
    url = upstream_server.put("/list", b"".join(lines))
    update(cache_dir, url)
    upstream_server.put("/list", b"".join(lines[:2]))
    assert update(cache_dir, url).gone == 0
    assert (gone(cache_dir), len(cached_builds(cache_dir))) == (set(), 3)


def test_a_list_from_another_server_does_not_withdraw_builds(upstream_server: Upstream, cache_dir: Path) -> None:
    """A company's copy may have only the archives of its own platforms."""
    lines = [ndjson_line(name) for name in (FIRST, SECOND, THIRD)]
    update(cache_dir, upstream_server.put("/list", b"".join(lines)))
    assert update(cache_dir, upstream_server.put("/part", lines[2])).gone == 0
    assert (gone(cache_dir), len(cached_builds(cache_dir))) == (set(), 3)


def test_if_every_url_fails_all_failures_are_raised(upstream_server: Upstream, cache_dir: Path) -> None:
    gone = f"{upstream_server.address}/gone"
    with pytest.raises(SeveralErrors) as caught:
        update(cache_dir, gone, upstream_server.put("/list", b"<html>"))
    assert [type(error) for error in caught.value.errors] == [NetworkError, CatalogError]
    assert caught.value.exit_code == NetworkError.exit_code
    assert not cache_dir.exists()


def test_a_damaged_file_is_replaced(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/list", ndjson_line(FIRST), etag='"1"')
    update(cache_dir, url)
    (cache_dir / NDJSON_FILE).write_bytes(b"damaged")
    assert update(cache_dir, url).outcome == "updated"
    assert cached_builds(cache_dir) == ("20270101",)


def test_names_of_a_later_grammar_are_noted(upstream_server: Upstream, cache_dir: Path) -> None:
    strange = stripped("3.15.9", "20270101", triple="loongarch64-unknown-linux-gnu")
    done = update(cache_dir, upstream_server.put("/list", ndjson_line(FIRST, strange)))
    assert done.count == 1
    (note,) = done.notes
    assert "1 asset left out" in note
    assert "loongarch64" in note


def test_a_sha256_changed_upstream_is_noted_and_the_bundled_one_is_kept(
    upstream_server: Upstream, cache_dir: Path
) -> None:
    known = next(asset for asset in bundled_assets() if asset.build == "20260814")
    done = update(cache_dir, upstream_server.put("/list", ndjson_line(known.filename, salt="other")))
    (note,) = done.notes
    assert note == (
        f"upstream now lists sha256 {digest('other' + known.filename)} for {known.filename}; {known.sha256} was known"
    )
    merged = open_catalog([], base=cache_dir, cache_dir=cache_dir, offline=True)
    assert merged.find(known.filename) == known


def test_without_any_url_there_is_nothing_to_do(cache_dir: Path) -> None:
    with pytest.raises(ValueError, match="no URL"):
        update(cache_dir)


def test_the_mirror_is_tried_before_the_origin() -> None:
    assert [url.split("/")[2] for url in NDJSON_URLS] == ["releases.astral.sh", "raw.githubusercontent.com"]


def page(*names: str) -> bytes:
    """A page of GitHub's API with a release for each asset."""
    return json.dumps(
        [
            {
                "tag_name": tag_of(name),
                "published_at": "2027-03-02T00:00:00Z",
                "assets": [{"name": name, "size": 5, "state": "uploaded", "digest": f"sha256:{digest(name)}"}],
            }
            for name in names
        ]
    ).encode()


def put_pages(server: Upstream, *pages: bytes, etag: str = "") -> str:
    """Offer pages of releases; returns their URL."""
    for number, body in enumerate(pages, start=1):
        server.put(f"/releases?per_page={PER_PAGE}&page={number}", body, etag=etag)
    return f"{server.address}/releases"


def test_the_releases_of_github_are_downloaded_and_saved(upstream_server: Upstream, cache_dir: Path) -> None:
    url = put_pages(upstream_server, page(SECOND), page(FIRST), page())
    done = refresh_github(cache_dir, get=http_get, now=NOW, url=url)
    assert (done.outcome, done.count, done.new) == ("updated", 2, 2)
    asset = cached(cache_dir).find(SECOND)
    assert asset is not None
    assert (asset.size, asset.published) == (5, "2027-03-02T00:00:00Z")


def test_saved_releases_are_kept_and_not_requested_again(upstream_server: Upstream, cache_dir: Path) -> None:
    url = put_pages(upstream_server, page(SECOND), page(FIRST), page())
    refresh_github(cache_dir, get=http_get, now=NOW, url=url)
    upstream_server.asked.clear()
    put_pages(upstream_server, page(THIRD), page(SECOND), b"never asked for")
    done = refresh_github(cache_dir, get=http_get, now=LATER, url=url)
    assert (done.count, done.new) == (3, 1)
    assert cached_builds(cache_dir) == ("20270301", "20270201", "20270101")
    assert len(upstream_server.asked) == 2


def test_unchanged_releases_get_a_new_date(upstream_server: Upstream, cache_dir: Path) -> None:
    url = put_pages(upstream_server, page(FIRST), page(), etag='"1"')
    refresh_github(cache_dir, get=http_get, now=NOW, url=url)
    done = refresh_github(cache_dir, get=http_get, now=LATER, url=url)
    assert (done.outcome, done.as_of, done.count) == ("unchanged", LATER, 1)
    assert cached(cache_dir).as_of == LATER


def test_after_a_failed_page_the_saved_catalog_is_kept(upstream_server: Upstream, cache_dir: Path) -> None:
    url = put_pages(upstream_server, page(FIRST), page())
    refresh_github(cache_dir, get=http_get, now=NOW, url=url)
    before = (cache_dir / GITHUB_FILE).read_bytes()
    put_pages(upstream_server, page(SECOND), b"<html>")
    with pytest.raises(CatalogError, match="page=2"):
        refresh_github(cache_dir, get=http_get, now=LATER, url=url)
    assert (cache_dir / GITHUB_FILE).read_bytes() == before


def test_both_sources_are_merged_and_complete_each_other(upstream_server: Upstream, cache_dir: Path) -> None:
    update(cache_dir, upstream_server.put("/list", ndjson_line(FIRST, date="2027-01-02T00:00:00Z")))
    refresh_github(cache_dir, get=http_get, now=NOW, url=put_pages(upstream_server, page(SECOND, FIRST), page()))
    assert cached_builds(cache_dir) == ("20270201", "20270101")
    (asset,) = cached(cache_dir).assets("cpython", Version.parse("3.15.9"), "20270101")
    assert (asset.size, asset.published) == (5, "2027-01-02T00:00:00Z")


def sums(*names: str) -> bytes:
    return "".join(f"{digest(name).hex}  {name}\n" for name in names).encode()


def test_the_checksums_of_a_release_are_a_complete_list(upstream_server: Upstream, cache_dir: Path) -> None:
    upstream_server.put("/mirror/20270101/SHA256SUMS", sums(FIRST, full("3.15.9", "20270101"), "x.sig"), etag='"1"')
    base = f"{upstream_server.address}/mirror/"
    done = refresh_sums(cache_dir, "20270101", get=http_get, now=NOW, bases=[base])
    assert (done.outcome, done.origin, done.count, done.new) == ("updated", f"{base}20270101/SHA256SUMS", 2, 2)
    assert cached(cache_dir).listings("cpython", Version.parse("3.15.9"))["20270101"].complete
    upstream_server.put("/mirror/20270101/SHA256SUMS", b"never sent", etag='"1"')
    assert refresh_sums(cache_dir, "20270101", get=http_get, now=LATER, bases=[base]).outcome == "unchanged"
    upstream_server.put("/mirror/20270201/SHA256SUMS", sums(SECOND))
    assert refresh_sums(cache_dir, "20270201", get=http_get, now=NOW, bases=[base]).gone == 0
    assert (gone(cache_dir), len(cached_builds(cache_dir))) == (set(), 2)


def test_if_a_mirror_has_no_checksums_the_next_source_is_tried(upstream_server: Upstream, cache_dir: Path) -> None:
    upstream_server.put("/zero/20270101/SHA256SUMS", b"<html>the page of a proxy")
    upstream_server.put("/two/20270101/SHA256SUMS", sums(FIRST))
    bases = [f"{upstream_server.address}/{name}/" for name in ("one", "zero", "two")]
    done = refresh_sums(cache_dir, "20270101", get=http_get, now=NOW, bases=bases)
    assert done.origin.startswith(bases[2])
    assert ["/one/" in done.notes[0], "/zero/" in done.notes[1]] == [True, True]


PYPY_NAME = "pypy3.11-v9.9.9-linux64.tar.gz"


def pypy_version(name: str = PYPY_NAME, build: str = "9.9.9") -> dict[str, object]:
    url = f"https://downloads.python.org/pypy/{name}"
    file = {"filename": name, "arch": "x64", "platform": "linux", "download_url": url}
    return {"pypy_version": build, "python_version": "3.11.20", "stable": True, "date": "2027-01-01", "files": [file]}


def put_pypy(server: Upstream, *versions: dict[str, object], number: int = 1) -> tuple[str, str]:
    """Offer PyPy's two documents; returns their URLs."""
    names = [file["filename"] for version in versions for file in version["files"]]  # type: ignore[attr-defined]
    page = "".join(f"    {digest(name).hex}  {name}\n" for name in names)
    return (
        server.put("/versions.json", json.dumps(versions).encode(), etag=f'"v{number}"'),
        server.put("/checksums.rst", f"Checksums\n::\n\n{page}".encode(), etag=f'"c{number}"'),
    )


def test_the_list_of_pypy_is_complete_and_requested_with_both_etags(upstream_server: Upstream, cache_dir: Path) -> None:
    urls = put_pypy(upstream_server, pypy_version())
    done = refresh_pypy(cache_dir, get=http_get, now=NOW, urls=urls)
    assert (done.outcome, done.count, done.new) == ("updated", 1, 1)
    version = Version.parse("3.11.20")
    assert cached(cache_dir).listings("pypy", version)["9.9.9"].complete
    assert refresh_pypy(cache_dir, get=http_get, now=LATER, urls=urls).outcome == "unchanged"
    newer = pypy_version("pypy3.11-v9.9.10-linux64.tar.gz", "9.9.10")
    upstream_server.put("/versions.json", json.dumps([pypy_version(), newer]).encode(), etag='"v2"')
    assert refresh_pypy(cache_dir, get=http_get, now=LATER, urls=urls).count == 1  # its checksum is not there yet
    put_pypy(upstream_server, pypy_version(), newer, number=2)
    assert refresh_pypy(cache_dir, get=http_get, now=LATER, urls=urls).count == 2
    assert cached(cache_dir).builds("pypy", version) == ("9.9.10", "9.9.9")


def graalpy_page(*builds: str) -> bytes:
    releases = []
    for build in builds:
        name = f"graalpy3.13-{build}-linux-amd64.tar.gz"
        url = f"https://github.com/oracle/graalpython/releases/download/graal-{build}/{name}"
        row = {"name": name, "size": 5, "state": "uploaded", "digest": f"sha256:{digest(name)}"}
        releases.append(
            {
                "tag_name": f"graal-{build}",
                "published_at": "2027-01-01T00:00:00Z",
                "body": "GraalPy is compliant with Python 3.13.2",
                "assets": [{**row, "browser_download_url": url}],
            }
        )
    return json.dumps(releases).encode()


def test_the_releases_of_graalpy_are_refreshed(upstream_server: Upstream, cache_dir: Path) -> None:
    url = upstream_server.put("/graalpy", graalpy_page("99.0.1"), etag='"1"')
    assert refresh_graalpy(cache_dir, get=http_get, now=NOW, url=url).new == 1
    assert refresh_graalpy(cache_dir, get=http_get, now=LATER, url=url).outcome == "unchanged"
    upstream_server.put("/graalpy", graalpy_page("99.0.2"), etag='"2"')
    done = refresh_graalpy(cache_dir, get=http_get, now=LATER, url=url)
    assert (done.count, done.gone) == (2, 0)  # the page has the newest releases only
    assert cached(cache_dir).builds("graalpy", Version.parse("3.13.2")) == ("99.0.2", "99.0.1")


def uv_metadata(*names: str) -> bytes:
    """uv's metadata of some archives of PBS."""
    rows = {}
    for name in names:
        row = {"name": "cpython", "arch": {"family": "x86_64"}, "os": "linux", "libc": "gnu", "major": 3, "minor": 15}
        rows[name] = {**row, "patch": 9, "url": upstream(name).url, "sha256": digest(name).hex}
    return json.dumps(rows).encode()


def test_the_metadata_of_uv_is_a_partial_list_and_shows_withdrawn_builds(
    upstream_server: Upstream, cache_dir: Path
) -> None:
    newer = stripped("3.15.10", "20270301")
    url = upstream_server.put("/uv.json", uv_metadata(FIRST, SECOND), etag='"1"')
    assert update(cache_dir, url).new == 2
    assert not cached(cache_dir).listings("cpython", Version.parse("3.15.9"))["20270201"].complete
    upstream_server.put("/uv.json", uv_metadata(FIRST, newer), etag='"2"')
    assert update(cache_dir, url).gone == 0
    assert gone(cache_dir) == {"20270201"}
    assert update(cache_dir, url).outcome == "unchanged"
    update(cache_dir, upstream_server.put("/list", ndjson_line(SECOND)))
    assert gone(cache_dir) == set()  # a complete list has it


def test_the_notes_of_a_release_are_saved(upstream_server: Upstream, cache_dir: Path) -> None:
    release = json.loads(page(FIRST))[0] | {"body": "OpenSSL 3.5.4 -> 3.5.5"}
    upstream_server.put("/releases/tags/20270101", json.dumps(release).encode())
    done = refresh_release(cache_dir, "20270101", get=http_get, now=NOW, url=f"{upstream_server.address}/releases")
    assert (done.new, done.origin.rpartition("/")[2]) == (1, "20270101")
    assert load_texts(cache_dir) == {"20270101": "OpenSSL 3.5.4 -> 3.5.5"}
    asset = cached(cache_dir).find(FIRST)
    assert asset is not None
    assert asset.size == 5


def test_checksums_of_several_releases_do_not_withdraw_missing_builds(
    upstream_server: Upstream, cache_dir: Path
) -> None:
    lines = [f"{digest(name).hex}  {tag_of(name)}/{name}\n".encode() for name in (FIRST, SECOND, THIRD)]
    url = upstream_server.put("/runtimes.txt", b"# made by a tool\n\n" + b"".join(lines))
    assert update(cache_dir, url).new == 3
    upstream_server.put("/runtimes.txt", lines[2])
    done = update(cache_dir, url)
    assert (done.gone, gone(cache_dir), len(cached_builds(cache_dir))) == (0, set(), 3)
    assert not cached(cache_dir).listings("cpython", Version.parse("3.15.9"))["20270301"].complete
