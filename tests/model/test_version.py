"""Versions: `parse` and `str` are inverses, and the order is PEP 440's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.model.version import Version

NUMBERS = st.integers(0, 9999)
VERSIONS = st.builds(
    "{}.{}.{}{}".format,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.just("") | st.builds("{}{}".format, st.sampled_from(("a", "b", "rc")), NUMBERS),
)


@given(VERSIONS)
def test_a_version_is_formatted_as_it_was_parsed(text: str) -> None:
    assert str(Version.parse(text)) == text


def test_prereleases_come_before_their_release() -> None:
    texts = ["3.14.9", "3.15.0a1", "3.15.0a2", "3.15.0b1", "3.15.0rc1", "3.15.0rc2", "3.15.0", "3.15.1rc1", "3.15.1"]
    assert sorted(map(Version.parse, reversed(texts))) == [Version.parse(text) for text in texts]


@pytest.mark.parametrize(
    "text", ["", "3", "3.14", "3.14.x", "3.14.1.1", "3.14.1-rc1", "03.1.1 ", "3.14.1rc", "³.1.1", "３.１４.２"]
)
def test_invalid_versions_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Python version"):
        Version.parse(text)


def test_a_version_has_a_series_and_a_prerelease() -> None:
    version = Version.parse("3.15.0rc1")
    assert (version.series, version.prerelease) == ("3.15", "rc1")
    assert Version.parse("3.15.0").prerelease == ""
