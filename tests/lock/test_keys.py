"""Single values of a lock; whole tables are tested in `test_read`."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.lock.keys import lock_version, read_url
from provision.manifest.keys import parse_build
from provision.model.asset import BUILD_PATTERN


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/astral-sh/python-build-standalone/releases/download/20260814/cpython-3.14.7%2B20260814.tar.gz",
        "https://example.com:8443/a?b=c",
        "http://127.0.0.1:8000/a.tar.gz",
        "file:///srv/archives/a.tar.zst",
    ],
)
def test_file_urls_that_a_manifest_may_contain_are_accepted(text: str) -> None:
    assert read_url(text) == text


@given(st.text("aZ09._-é²/ ", min_size=1, max_size=8))
def test_manifest_and_lock_hold_the_same_builds(text: str) -> None:
    read = None
    with suppress(ValueError):
        read = parse_build(text)
    assert (read == text) == bool(re.fullmatch(BUILD_PATTERN, text))


def test_the_format_has_two_numbers() -> None:
    assert lock_version("1.0") == (1, 0)
    assert lock_version("1.10") > lock_version("1.9")
    for text in ("1", "1.0.0", "v1.0", "1.-1", "١.٠", ""):
        with pytest.raises(ValueError, match=r"expected a version such as 1\.0"):
            lock_version(text)
