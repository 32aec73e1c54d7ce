"""Versions of bundled libraries: from binaries, scripts and metadata, and from an interpreter."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

from provision.model.tree import TreeEntry
from provision.review.libraries import libraries_from_files, libraries_from_interpreter


def test_versions_are_found_in_binaries_scripts_and_metadata(tmp_path: Path) -> None:
    contents = {
        "lib/libpython3.14.so.1.0": b"\0OpenSSL 3.5.1 1 Jul 2025\0 deflate 1.3.1 Copyright \0"
        b"expat_2.7.1\0ncurses 6.5.20240427\0SQLite format 3\0\x003.50.4\0",
        "lib/tcl9.0/init.tcl": b"package require -exact Tcl 9.0.2\n",
        "lib/tk9.0/tk.tcl": b"package require -exact Tk 9.0.1\n",
        "lib/python3.14/site-packages/pip-25.1.1.dist-info/METADATA": b"x",
        "lib/python3.14/readme.txt": b"OpenSSL 1.0.0 1 Jan 2010",
    }
    entries = {}
    for path, content in contents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
        entries[path] = TreeEntry("file", 0o644, "x", len(content))
    assert libraries_from_files(tmp_path, entries) == {
        "OpenSSL": "3.5.1",
        "SQLite": "3.50.4",
        "Tcl": "9.0.2",
        "Tk": "9.0.1",
        "expat": "2.7.1",
        "ncurses": "6.5.20240427",
        "pip": "25.1.1",
        "zlib": "1.3.1",
    }


def test_a_number_between_nul_bytes_is_the_sqlite_version_only_beside_its_marker(tmp_path: Path) -> None:
    """`unicodedata` has the version of an old Unicode database there."""
    content = b"\x003.2.0\0"
    (tmp_path / "unicodedata.so").write_bytes(content)
    entries = {"unicodedata.so": TreeEntry("file", 0o644, "x", len(content))}
    assert libraries_from_files(tmp_path, entries) == {}
    (tmp_path / "unicodedata.so").write_bytes(b"SQLite format 3\0" + content)
    assert libraries_from_files(tmp_path, entries) == {"SQLite": "3.2.0"}


def test_an_interpreter_states_its_libraries() -> None:
    assert libraries_from_interpreter(Path(sys.executable))["zlib"] == zlib.ZLIB_RUNTIME_VERSION


def test_an_interpreter_that_does_not_start_states_nothing() -> None:
    assert libraries_from_interpreter(Path("/nowhere/python")) == {}
