"""NDJSON of PBS and of users as assets; malformed rows with their place."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from provision.catalog.upstream import (
    ForeignModel,
    Sha256,
    Timestamp,
    absolute_url,
    format_time,
    parse_lines,
    parse_time,
    read_custom_catalog,
    read_upstream,
    validation_error,
)
from provision.errors import CatalogError, ProvisionError, SeveralErrors
from provision.model.asset import Asset
from tests.catalog.samples import LINUX, custom_line, digest, full, ndjson_line, stripped, upstream

VERSION = "3.14.2+20260127"
ORIGIN = "https://example.com/catalogs/catalog.ndjson"


def only(data: bytes, origin: str = ORIGIN) -> Asset:
    (asset,) = read_custom_catalog(data, origin).assets
    return asset


def test_upstream_rows_are_read_by_url_and_hash_only() -> None:
    names = (full("3.14.2", "20260127", "debug", triple="aarch64-apple-darwin"), stripped("3.14.2", "20260127"))
    reading = read_upstream(ndjson_line(*names, date="2026-01-30T14:46:07.6+00:00"), "upstream")
    assert reading.assets == tuple(upstream(name, published="2026-01-30T14:46:07Z") for name in names)
    assert reading.unknown == ()


def test_upstream_rows_without_a_hash_are_left_out() -> None:
    row = json.loads(ndjson_line(stripped("3.14.2", "20260127")))
    row["artifacts"][0]["sha256"] = None
    assert read_upstream(json.dumps(row).encode(), "upstream").assets == ()


def test_upstream_names_of_a_later_grammar_are_returned_as_unknown() -> None:
    names = (
        stripped("3.14.2", "20260127"),
        stripped("3.14.2", "20260127", triple="loongarch64-unknown-linux-gnu"),
    )
    reading = read_upstream(ndjson_line(*names), "upstream")
    assert len(reading.assets) == 1
    assert len(reading.unknown) == 1
    assert "loongarch64" in reading.unknown[0]


def test_a_custom_catalog_has_the_same_format() -> None:
    asset = upstream(full("3.14.2", "20260127"), published="2026-01-30T14:46:07Z")
    assert only(ndjson_line(asset.filename, date="2026-01-30T14:46:07Z")) == asset


def test_the_row_in_the_docs_has_only_url_and_hash() -> None:
    """`own-builds.md` has it for archives that exist: their names say the rest."""
    page = Path(__file__).parents[2] / "docs" / "own-builds.md"
    row = page.read_text(encoding="utf-8").partition("<!-- row -->\n```json\n")[2].partition("```")[0]
    asset = only(row.encode())
    assert (str(asset.version), asset.build, asset.target.short) == ("3.13.5", "20261101", "linux-x86_64")
    assert (asset.flavor, str(asset.options)) == ("install_only_stripped", "freethreaded")
    assert asset.url.startswith("https://example.com/catalogs/cpython-3.13.5%2B20261101-")


def test_urls_of_a_file_are_relative_to_its_directory(tmp_path: Path) -> None:
    row = custom_line(VERSION, {"url": full("3.14.2", "20260127")})
    assert only(row, str(tmp_path / "my catalog.ndjson")).url == f"{tmp_path.as_uri()}/{full('3.14.2', '20260127')}"


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
def test_urls_are_relative_to_the_catalog(url: str, origin: str, expected: str) -> None:
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
        "https://example.com/a/../b.tar.gz",
        "https://example.com/a/%2e%2E/b.tar.gz",
        "https://example.com/a//b.tar.gz",
        "https://example.com/x#/cpython-3.14.2+20260127-x86_64-unknown-linux-gnu-install_only.tar.gz",
        "x/%2e%2e/b.tar.gz",
        "\\\\evil.example\\b.tar.gz",
        "\thttps://evil.example/b.tar.gz",
    ],
)
def test_urls_that_a_lock_file_must_not_contain_are_refused_with_their_line(url: str) -> None:
    with pytest.raises(CatalogError, match=r"catalog.ndjson:1: artifacts\[0\]: "):
        read_custom_catalog(custom_line(VERSION, {"url": url, "platform": LINUX, "variant": "full"}), ORIGIN)


def test_a_row_is_named_after_the_downloaded_file_and_not_after_the_query() -> None:
    name = f"cpython-3.14.2%2B20260127-{LINUX}-install_only.tar.gz"
    row: dict[str, object] = {"url": f"x?y=/{name}", "sha256": "a" * 64}
    with pytest.raises(CatalogError, match="`platform` and `variant` must tell"):
        read_custom_catalog(custom_line(VERSION, row), ORIGIN)
    (asset,) = read_custom_catalog(custom_line(VERSION, row | {"url": f"{name}?y=/x"}), ORIGIN).assets
    assert asset.filename == name.replace("%2B", "+")


def test_sizes_and_options_may_be_stated() -> None:
    asset = only(custom_line(VERSION, {"url": stripped("3.14.2", "20260127"), "size": 5, "options": "noopt"}))
    assert (asset.size, str(asset.options)) == (5, "noopt")


def test_stated_options_are_added_to_those_in_the_name() -> None:
    name = stripped("3.14.2", "20260127", free=True)
    assert str(only(custom_line(VERSION, {"url": name, "options": "lto"})).options) == "freethreaded+lto"


def test_options_that_are_not_stated_are_those_of_the_siblings_or_none() -> None:
    name = stripped("3.14.2", "20260127")
    assert str(only(custom_line(VERSION, {"url": name})).options) == ""
    data = custom_line(VERSION, {"url": name}, {"url": full("3.14.2", "20260127", "lto")})
    assert {str(asset.options) for asset in read_custom_catalog(data, ORIGIN).assets} == {"lto"}


def test_stated_options_may_be_empty_regardless_of_the_siblings() -> None:
    line = custom_line(
        VERSION,
        {"url": stripped("3.14.2", "20260127"), "options": ""},
        {"url": full("3.14.2", "20260127", "lto")},
    )
    assets = {asset.flavor: str(asset.options) for asset in read_custom_catalog(line, ORIGIN).assets}
    assert assets == {"install_only_stripped": "", "full": "lto"}


def test_a_custom_name_requires_platform_and_variant() -> None:
    row: dict[str, object] = {
        "url": "python.zip",
        "platform": "x86_64_v3-unknown-linux-gnu",
        "variant": "freethreaded+pgo+full",
    }
    assert only(custom_line(VERSION, row)).title == "cpython 3.14.2+20260127 freethreaded+pgo full linux-x86_64 v3"


def test_another_implementation_may_be_stated() -> None:
    row: dict[str, object] = {
        "url": "pypy3.11-v7.3.20-win64.zip",
        "platform": "x86_64-pc-windows-msvc",
        "variant": "install_only",
    }
    asset = only(custom_line("3.11.13+7.3.20", row, implementation="pypy"))
    assert asset.title == "pypy 3.11.13+7.3.20 install_only windows-x86_64"


def test_lines_of_implementations_that_cannot_be_locked_are_left_out() -> None:
    ours, theirs = custom_line(VERSION, {"url": full("3.14.2", "20260127")}), "xbuildenv-0.28.3.tar.bz2"
    row: dict[str, object] = {"url": theirs, "platform": "wasm32-unknown-emscripten", "variant": "full", "sha256": None}
    reading = read_custom_catalog(ours + custom_line("3.13.2+0.28.3", row, implementation="pyodide"), ORIGIN)
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
        read_custom_catalog(custom_line(version, row), ORIGIN)
    assert str(caught.value).startswith(f"{ORIGIN}:1: artifacts[0]: ")
    assert message in str(caught.value)


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
def test_any_catalog_is_read_or_refused(data: bytes) -> None:
    try:
        assets = read_custom_catalog(data, ORIGIN).assets
    except ProvisionError:
        return
    assert all(asset.url.startswith("https://") for asset in assets)


NEW_TARGET = stripped("3.15.0", "20261021", triple="loongarch64-unknown-linux-gnu")
NEW_OPTIONS = full("3.15.0", "20261021", "jit+pgo+lto")


@pytest.mark.parametrize("name", [NEW_TARGET, NEW_OPTIONS])
@pytest.mark.parametrize("place", ["https://github.com/astral-sh/", "https://mirror.example.com/", ""])
def test_a_copy_of_the_pbs_catalog_with_names_of_a_later_grammar_is_read(name: str, place: str) -> None:
    url = f"{place}{name.replace('+', '%2B')}"
    known: dict[str, object] = {
        "url": stripped("3.15.0", "20261021"),
        "platform": LINUX,
        "variant": "install_only_stripped",
    }
    new: dict[str, object] = {
        "url": url,
        "platform": "loongarch64-unknown-linux-gnu",
        "variant": "jit+install_only_stripped",
    }
    reading = read_custom_catalog(custom_line("3.15.0+20261021", known, new), ORIGIN)
    assert [asset.filename for asset in reading.assets] == [known["url"]]
    assert (reading.unreadable, reading.unknown) == ((url,), ())


def test_a_new_name_of_pbs_is_read_if_the_row_has_all_properties() -> None:
    row: dict[str, object] = {"url": NEW_OPTIONS, "platform": LINUX, "variant": "pgo+lto+full"}
    assert only(custom_line("3.15.0+20261021", row)).filename == NEW_OPTIONS


@pytest.mark.parametrize(
    "name",
    ["aarch64-unknown-linux-musl-lto+static-full.tar.zst", "x86_64_v3-unknown-linux-musl-lto+static-full.tar.zst"],
)
def test_static_builds_for_musl_are_read(name: str) -> None:
    asset = upstream(f"cpython-3.15.0+20261021-{name}")
    assert {"lto", "static"} <= asset.options.names


LINE = ndjson_line(stripped("3.14.2", "20260127"), date="2026-01-30T14:46:07Z")


def test_lines_are_numbered_and_blank_ones_left_out() -> None:
    lines = parse_lines(b"\n" + LINE + b"  \r\n" + LINE.rstrip(), "catalog.ndjson")
    assert [number for number, _ in lines] == [2, 4]
    assert lines[0][1] == lines[1][1]


def test_a_last_line_without_a_newline_is_read() -> None:
    assert len(parse_lines(LINE.rstrip(), "catalog.ndjson")) == 1


def test_a_catalog_cut_in_the_middle_of_a_line_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"^catalog.ndjson:2: Invalid JSON"):
        parse_lines(LINE + LINE[:-20], "catalog.ndjson")


def test_all_wrong_lines_are_reported_at_once() -> None:
    with pytest.raises(SeveralErrors) as caught:
        parse_lines(b"{}\n" + LINE + b"[]\n", "catalog.ndjson")
    assert [error.place.line for error in caught.value.errors if error.place] == [1, 3]


def test_of_many_wrong_lines_the_first_are_reported() -> None:
    with pytest.raises(SeveralErrors) as caught:
        parse_lines(b"<html>\n" * 1000, "catalog.ndjson")
    assert len(caught.value.errors) == 20


@pytest.mark.parametrize(
    "line",
    [
        b'{"version": "3.14.2+20260127"}',
        b'{"version": 3, "artifacts": []}',
        b'{"version": "3.14.2+20260127", "artifacts": [{}]}',
        b'{"version": "3.14.2+20260127", "artifacts": [{"url": "x", "size": -1}]}',
        b'{"version": "3.14.2+20260127", "artifacts": [{"url": "x", "size": 1e99}]}',
        b'{"version": "3.14.2+20260127", "artifacts": [], "implementation": "../x"}',
        b'{"version": "3.14.2+20260127", "artifacts": [{"url": "\xff"}]}',
    ],
)
def test_rows_that_break_the_format_are_refused(line: bytes) -> None:
    with pytest.raises(CatalogError):
        parse_lines(line, "catalog.ndjson")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-30T14:46:07Z", "2026-01-30T14:46:07Z"),
        ("2026-01-30T14:46:07.665966+00:00", "2026-01-30T14:46:07Z"),
        ("2026-01-30T14:46:07+02:00", "2026-01-30T12:46:07Z"),
        ("2026-01-30", "2026-01-30T00:00:00Z"),
    ],
)
def test_times_are_written_in_utc_and_whole_seconds(text: str, expected: str) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-30T14:46:07", "2026-13-01", "0001-01-01T00:00:00+23:00"])
def test_other_texts_are_refused_as_times(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse_time(text)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_time(datetime.fromisoformat("2026-01-30T14:46:07"))


zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=zones)


@given(moments, moments)
def test_times_are_ordered_like_their_texts(one: datetime, other: datetime) -> None:
    if abs((one - other).total_seconds()) >= 1:
        assert (format_time(one) < format_time(other)) == (one < other)


class Inner(ForeignModel):
    sha256: Sha256 = None


class Outer(ForeignModel):
    items: tuple[Inner, ...] = ()
    date: Timestamp = None


def wrong(text: str) -> CatalogError:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate_json(text)
    return validation_error(caught.value, "catalog.ndjson", line=7)


def test_hashes_and_times_are_converted_to_values() -> None:
    outer = Outer.model_validate_json(
        f'{{"items": [{{"sha256": "{digest("x").hex.upper()}"}}, {{"sha256": null}}, {{}}],'
        ' "date": "2026-01-30T14:46:07.6+00:00", "unheard": "of"}'
    )
    assert [item.sha256 for item in outer.items] == [digest("x"), None, None]
    assert outer.date == "2026-01-30T14:46:07Z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"items": [{}, {"sha256": "abc"}]}', "catalog.ndjson:7: items[1].sha256: 'abc' is not a sha256"),
        ('{"items": [{"sha256": 5}]}', "catalog.ndjson:7: items[0].sha256: expected a sha256 of 64"),
        ('{"date": "soon"}', "catalog.ndjson:7: date: 'soon' is not a time"),
        ('{"date": 20260127}', "catalog.ndjson:7: date: '20260127' is not a time"),
        ('{"items": 5, "date": 5}', "catalog.ndjson:7: items: Input should be"),
        ('{"items": 5, "date": 5}', "(and 1 more)"),
        ('{"items": [', "catalog.ndjson:7: Invalid JSON: EOF"),
    ],
)
def test_an_error_names_the_line_and_the_key(text: str, message: str) -> None:
    assert message in str(wrong(text))
