from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.catalog.upstream import absolute_url, read_assets, read_ndjson, read_upstream
from provision.errors import CatalogError, ProvisionError
from provision.model.asset import Asset
from tests.catalog.samples import LINUX, digest, full, ndjson_line, own_line, stripped, upstream

VERSION = "3.14.2+20260127"
ORIGIN = "https://example.com/catalogs/catalog.ndjson"


def only(data: bytes, origin: str = ORIGIN) -> Asset:
    (asset,) = read_assets(data, origin).assets
    return asset


def test_upstream_rows_are_read_by_url_and_hash_alone() -> None:
    names = (full("3.14.2", "20260127", "debug", triple="aarch64-apple-darwin"), stripped("3.14.2", "20260127"))
    reading = read_upstream(ndjson_line(*names, date="2026-01-30T14:46:07.6+00:00"), "upstream")
    assert reading.assets == tuple(upstream(name, published="2026-01-30T14:46:07Z") for name in names)
    assert reading.unknown == ()


def test_upstream_rows_without_a_hash_are_left_out() -> None:
    row = json.loads(ndjson_line(stripped("3.14.2", "20260127")))
    row["artifacts"][0]["sha256"] = None
    assert read_upstream(json.dumps(row).encode(), "upstream").assets == ()


def test_upstream_names_of_a_later_grammar_are_told_and_do_no_harm() -> None:
    names = (
        stripped("3.14.2", "20260127"),
        stripped("3.14.2", "20260127", triple="loongarch64-unknown-linux-gnu"),
    )
    reading = read_upstream(ndjson_line(*names), "upstream")
    assert len(reading.assets) == 1
    assert len(reading.unknown) == 1
    assert "loongarch64" in reading.unknown[0]


def test_ones_own_catalog_is_of_the_same_format() -> None:
    asset = upstream(full("3.14.2", "20260127"), published="2026-01-30T14:46:07Z")
    catalog = read_ndjson(ndjson_line(asset.filename, date="2026-01-30T14:46:07Z"), ORIGIN)
    assert catalog.assets("cpython", asset.version, asset.build) == (asset,)
    assert catalog.as_of == ""


def test_a_file_names_itself_as_its_origin(tmp_path: Path) -> None:
    path = tmp_path / "my catalog.ndjson"
    path.write_bytes(own_line(VERSION, {"url": full("3.14.2", "20260127")}))
    asset = read_ndjson(path).find(full("3.14.2", "20260127"))
    assert asset is not None
    assert asset.url == f"{tmp_path.as_uri()}/{full('3.14.2', '20260127')}"


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"nowhere.ndjson: the catalog cannot be read: No such file"):
        read_ndjson(tmp_path / "nowhere.ndjson")


@pytest.mark.parametrize(
    ("url", "origin", "expected"),
    [
        ("a.tar.gz", ORIGIN, "https://example.com/catalogs/a.tar.gz"),
        ("../20260127/a%2Bb.tar.gz", ORIGIN, "https://example.com/20260127/a%2Bb.tar.gz"),
        ("/a.tar.gz", "http://127.0.0.1:8000/x/catalog.ndjson", "http://127.0.0.1:8000/a.tar.gz"),
        ("https://example.org/a.tar.gz", ORIGIN, "https://example.org/a.tar.gz"),
        ("archives/a.tar.gz", "/srv/catalog.ndjson", "file:///srv/archives/a.tar.gz"),
        ("file:///opt/a.tar.gz", "/srv/catalog.ndjson", "file:///opt/a.tar.gz"),
        ("https://example.org/a.tar.gz", "/srv/catalog.ndjson", "https://example.org/a.tar.gz"),
    ],
)
def test_urls_start_where_the_catalog_is(url: str, origin: str, expected: str) -> None:
    assert absolute_url(url, origin) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/a.tar.gz",
        "http://example.com/a.tar.gz",
        "file:///etc/passwd",
        "https://me:secret@example.com/a.tar.gz",
        "https://",
        "https://example.com/archives/",
        "catalog.ndjson",
        "a b.tar.gz",
        "a\x1b[31m.tar.gz",
        "https://[bad/a.tar.gz",
    ],
)
def test_urls_that_no_lock_may_hold_are_refused_with_their_line(url: str) -> None:
    with pytest.raises(CatalogError, match=r"catalog.ndjson:1: artifacts\[0\]: "):
        read_assets(own_line(VERSION, {"url": url, "platform": LINUX, "variant": "full"}), ORIGIN)


def test_sizes_and_options_may_be_told() -> None:
    asset = only(own_line(VERSION, {"url": stripped("3.14.2", "20260127"), "size": 5, "options": "noopt"}))
    assert (asset.size, str(asset.options)) == (5, "noopt")


def test_told_options_come_on_top_of_those_in_the_name() -> None:
    name = stripped("3.14.2", "20260127", free=True)
    assert str(only(own_line(VERSION, {"url": name, "options": "lto"})).options) == "freethreaded+lto"


def test_untold_options_are_those_of_the_siblings_and_otherwise_none() -> None:
    name = stripped("3.14.2", "20260127")
    assert str(only(own_line(VERSION, {"url": name})).options) == ""
    data = own_line(VERSION, {"url": name}, {"url": full("3.14.2", "20260127", "lto")})
    assert {str(asset.options) for asset in read_assets(data, ORIGIN).assets} == {"lto"}


def test_told_options_may_be_none_whatever_the_siblings_are() -> None:
    line = own_line(
        VERSION,
        {"url": stripped("3.14.2", "20260127"), "options": ""},
        {"url": full("3.14.2", "20260127", "lto")},
    )
    assets = {asset.flavor: str(asset.options) for asset in read_assets(line, ORIGIN).assets}
    assert assets == {"install_only_stripped": "", "full": "lto"}


def test_a_name_of_ones_own_needs_platform_and_variant() -> None:
    row: dict[str, object] = {
        "url": "python.zip",
        "platform": "x86_64_v3-unknown-linux-gnu",
        "variant": "freethreaded+pgo+full",
    }
    assert only(own_line(VERSION, row)).title == "cpython 3.14.2+20260127 freethreaded+pgo full linux-x86_64 v3"


def test_another_implementation_may_be_told() -> None:
    row: dict[str, object] = {
        "url": "pypy3.11-v7.3.20-win64.zip",
        "platform": "x86_64-pc-windows-msvc",
        "variant": "install_only",
    }
    asset = only(own_line("3.11.13+7.3.20", row, implementation="pypy"))
    assert asset.title == "pypy 3.11.13+7.3.20 install_only windows-x86_64"


def test_lines_of_implementations_that_cannot_be_locked_are_left_out_whatever_they_hold() -> None:
    ours, theirs = own_line(VERSION, {"url": full("3.14.2", "20260127")}), "xbuildenv-0.28.3.tar.bz2"
    row: dict[str, object] = {"url": theirs, "platform": "wasm32-unknown-emscripten", "variant": "full", "sha256": None}
    reading = read_assets(ours + own_line("3.13.2+0.28.3", row, implementation="pyodide"), ORIGIN)
    assert [asset.filename for asset in reading.assets] == [full("3.14.2", "20260127")]
    assert reading.unknown == (theirs,)


@pytest.mark.parametrize(
    ("version", "row", "message"),
    [
        ("3.14.2", {"url": "x"}, "version '3.14.2' lacks a build"),
        ("3.14.2+../x", {"url": "x"}, "lacks a build"),
        ("3.14+20260127", {"url": "x"}, "'3.14' is not a Python version"),
        (VERSION, {"url": full("3.14.2", "20260203")}, "is of build 20260203, not of 20260127"),
        (VERSION, {"url": full("3.14.1", "20260127")}, "is of version 3.14.1, and its line of 3.14.2"),
        (VERSION, {"url": full("3.14.2", "20260127"), "sha256": None}, "sha256 is missing"),
        (VERSION, {"url": full("3.14.2", "20260127"), "options": "fast"}, "'fast' is not a build option"),
        (VERSION, {"url": "x.tar.gz"}, "`platform` and `variant` must tell what it is"),
        (VERSION, {"url": "x.tar.gz", "platform": "vax", "variant": "full"}, "'vax' is not a known target"),
        (VERSION, {"url": "x.tar.gz", "platform": LINUX, "variant": "debug"}, "'debug' names no flavor"),
        (VERSION, {"url": "x.tar.gz", "platform": LINUX, "variant": "full+fast"}, "'fast' is not a build option"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(version: str, row: dict[str, object], message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read_assets(own_line(version, row), ORIGIN)
    assert str(caught.value).startswith(f"{ORIGIN}:1: artifacts[0]: ")
    assert message in str(caught.value)


def test_two_hashes_for_one_archive_are_refused() -> None:
    lines = [own_line(VERSION, {"url": full("3.14.2", "20260127"), "sha256": digest(salt).hex}) for salt in "ab"]
    with pytest.raises(CatalogError, match="two hashes"):
        read_ndjson(b"".join(lines), ORIGIN)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
hostile_rows = st.fixed_dictionaries(
    {"version": st.just(VERSION) | st.text(max_size=20), "artifacts": json_values},
    optional={"date": json_values, "implementation": json_values},
)


@given(st.binary(max_size=200) | hostile_rows.map(lambda row: json.dumps(row).encode()))
def test_whatever_stands_in_a_catalog_it_is_read_or_refused(data: bytes) -> None:
    try:
        assets = read_assets(data, ORIGIN).assets
    except ProvisionError:
        return
    assert all(asset.url.startswith("https://") for asset in assets)
