"""Release notes of PBS: titles of its real changes, and what must not be read into them."""

from __future__ import annotations

import pytest

from provision.catalog.release_notes import read_notes_of_tags, read_release_notes

BY = "by @someone in https://github.com/astral-sh/python-build-standalone/pull/1"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Update to libffi 3.4.8", {"libffi": "3.4.8"}),
        ("expat 2.8.3", {"expat": "2.8.3"}),
        ("Bump pip from 26.2 -> 26.2.1", {"pip": "26.2.1"}),
        ("Bump pip to 26.0", {"pip": "26.0"}),
        ("Tcl/Tk 9.0.4 on Linux and macOS", {"tcl": "9.0.4", "tk": "9.0.4"}),
        ("Update to expat 2.8.2", {"expat": "2.8.2"}),
        ("xz 5.8.1 -> 5.8.3", {"xz": "5.8.3"}),
        ("update zlib 1.3.1 -> 1.3.2", {"zlib": "1.3.2"}),
        ("Bump OpenSSL 3.5.6 -> 3.5.7", {"openssl-3.5": "3.5.7"}),
        ("Upgrade OpenSSL from 3.0.15 to 3.0.16", {"openssl-3.0": "3.0.16"}),
        ("downloads: OpenSSL 1.1.1v -> 1.1.1w", {"openssl-1.1": "1.1.1w"}),
        ("sqlite 3.50.4 -> 3.53.1", {"sqlite": "3.53.1"}),
        ("Bump SQLite to `3.49.1.0`", {"sqlite": "3.49.1.0"}),
        ("downloads: upgrade setuptools from 62.1.0 to 62.3.2", {"setuptools": "62.3.2"}),
        # Of some targets, of a thing of the same name, or of no version.
        ("Tcl/Tk 9.0.4 on Windows", {}),
        ("unix: upgrade libffi 3.3 -> 3.4 (except Linux musl)", {}),
        ("Bump openssl from 0.10.70 to 0.10.72", {}),
        ("windows: build with OpenSSL 3.0 on CPython 3.11+", {}),
        ("Build OpenSSL with no-uplink for Python 3.12+", {}),
        ("Remove OpenSSL 3.0", {}),
        ("Remove expat 2.8.3", {}),
        ("Add zstd support for Python 3.14+ on Unix", {}),
        ("Fix zlib-ng project expectation for <3.14", {}),
        ("BUG: restore tcl/tk patch on python 3.14+", {}),
        ("only define MODULE_NAME for sqlite on python <= 3.9", {}),
        ("downloads: SQLite 3.42 -> 3.43", {}),
        ("unix: rename libffi -> libffi-3.3", {}),
    ],
)
def test_titles_of_real_changes_are_read(title: str, expected: dict[str, str]) -> None:
    for line in (f"* {title} {BY}", f"- {title} (#7)", f"  * {title}\r"):
        assert read_release_notes(f"## What's Changed\n{line}\n\n**Full Changelog**: zlib 9.9\n") == expected
    assert read_release_notes(title) == {}  # prose


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (("Bump pip from 26.1 -> 26.1.1", "Bump pip from 26.1.1 -> 26.1.2"), {"pip": "26.1.2"}),
        (("Bump pip from 26.1.1 -> 26.1.2", "Bump pip from 26.1 -> 26.1.1"), {"pip": "26.1.2"}),
        (("Bump pip to 26.1", "Bump pip to 26.2", "xz 5.8.3"), {"xz": "5.8.3"}),
        (("Bump OpenSSL 3.5.6 -> 3.5.7", 'Revert "Bump OpenSSL 3.5.6 -> 3.5.7"', "zlib 1.4"), {"zlib": "1.4"}),
        (("zlib 1.4", "revert zlib"), {}),
    ],
)
def test_several_changes_of_one_component_are_combined(titles: tuple[str, ...], expected: dict[str, str]) -> None:
    assert read_release_notes("\n".join(f"* {title} {BY}" for title in titles)) == expected


def test_only_later_tags_whose_notes_name_something_are_read() -> None:
    texts = {"20270101": "* zlib 1.4", "20270102": "Fixes.", "20260101": "* zlib 1.3", "latest": "* zlib 1.5"}
    assert read_notes_of_tags(texts, after="20260814") == {"20270101": {"zlib": "1.4"}}
