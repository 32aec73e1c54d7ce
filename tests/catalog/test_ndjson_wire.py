from __future__ import annotations

import pytest

from provision.catalog.ndjson_wire import parse_lines
from provision.errors import CatalogError, SeveralErrors
from tests.catalog.samples import ndjson_line, stripped

LINE = ndjson_line(stripped("3.14.2", "20260127"), date="2026-01-30T14:46:07Z")


def test_lines_are_numbered_and_blank_ones_left_out() -> None:
    lines = parse_lines(b"\n" + LINE + b"  \r\n" + LINE.rstrip(), "catalog.ndjson")
    assert [number for number, _ in lines] == [2, 4]
    assert lines[0][1] == lines[1][1]


def test_a_line_without_a_newline_at_its_end_counts() -> None:
    assert len(parse_lines(LINE.rstrip(), "catalog.ndjson")) == 1


def test_a_catalog_cut_in_the_middle_of_a_line_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"^catalog.ndjson:2: Invalid JSON"):
        parse_lines(LINE + LINE[:-20], "catalog.ndjson")


def test_all_wrong_lines_are_told_at_once() -> None:
    with pytest.raises(SeveralErrors) as caught:
        parse_lines(b"{}\n" + LINE + b"[]\n", "catalog.ndjson")
    assert [error.place.line for error in caught.value.errors if error.place] == [1, 3]


def test_what_is_no_catalog_at_all_does_not_flood() -> None:
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
