"""The headers of ranges, RFC 9110 sections 13 and 14."""

from __future__ import annotations

import pytest

from provision.install.fetch.ranges import ask_range, content_coding, content_range, serves_ranges, validator


def test_asking_for_a_range_names_its_last_byte() -> None:
    assert ask_range(10, 20, "") == {"range": "bytes=10-19"}
    assert ask_range(10, None, '"tag"') == {"range": "bytes=10-", "if-range": '"tag"'}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": '"a"', "last-modified": "Mon"}, '"a"'),
        ({"etag": 'W/"a"', "last-modified": "Mon"}, "Mon"),  # If-Range compares strongly
        ({"etag": 'W/"a"'}, ""),
        ({"last-modified": "Mon"}, "Mon"),
        ({"etag": '"a\n"'}, ""),
        ({}, ""),
    ],
)
def test_the_validator_is_a_strong_tag_or_a_date(headers: dict[str, str], expected: str) -> None:
    assert validator(headers) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 0-9/10", (0, 10, 10)),
        ("bytes 5-5/10", (5, 6, 10)),
        ("bytes 5-10/10", None),
        ("bytes 6-5/10", None),
        ("bytes */10", None),
        ("bytes 0-9/*", None),
        ("items 0-9/10", None),
        ("bytes 0-9/99999999999999999999", None),
        ("", None),
    ],
)
def test_a_content_range_says_start_end_and_total(text: str, expected: tuple[int, int, int] | None) -> None:
    assert content_range({"content-range": text}) == expected


def test_identity_is_no_encoding() -> None:
    assert content_coding({"content-encoding": "Identity"}) == ""
    assert content_coding({"content-encoding": " GZip"}) == "gzip"
    assert content_coding({}) == ""


@pytest.mark.parametrize(
    ("status", "headers", "serves"),
    [
        (200, {"accept-ranges": "bytes", "etag": '"a"'}, True),
        (206, {"etag": '"a"'}, True),
        (200, {"etag": '"a"'}, False),
        (200, {"accept-ranges": "none", "etag": '"a"'}, False),
        (200, {"accept-ranges": "bytes"}, False),
        (200, {"accept-ranges": "bytes", "etag": '"a"', "content-encoding": "gzip"}, False),
    ],
)
def test_pieces_are_asked_for_where_the_server_can_tell_files_apart(
    status: int, headers: dict[str, str], serves: bool
) -> None:
    assert serves_ranges(status, headers) is serves
