"""What differs inside two trees, and which libraries they bring along."""

from __future__ import annotations

from pathlib import Path

from provision.model.tree import Entry
from provision.review.details import compare_folders, compare_libraries, total_size
from provision.review.libraries import libraries_from_files, libraries_from_interpreter


def file(content: str, size: int = 1) -> Entry:
    return Entry("file", 0o644, content, size)


OLD = {
    "bin/python3": file("a", 10),
    "lib": Entry("dir", 0o755),
    "lib/python3.14/json/encoder.py": file("a"),
    "lib/python3.14/json/deep/er/still.py": file("a"),
    "lib/python3.14/gone.py": file("a"),
    "lib/python3.14/__pycache__/x.pyc": file("a"),
}
NEW = {
    "bin/python3": file("b", 15),
    "lib/python3.14/json/encoder.py": file("b"),
    "lib/python3.14/json/deep/er/still.py": file("b"),
    "lib/python3.14/json/added.py": file("a"),
    "lib/python3.14/__pycache__/x.pyc": file("b"),
}


def test_files_by_directory_most_first() -> None:
    found = compare_folders(OLD, NEW)
    assert [(each.folder, each.added, each.removed, each.changed) for each in found] == [
        ("lib/python3.14/json", 1, 0, 2),
        ("bin", 0, 0, 1),
        ("lib/python3.14", 0, 1, 0),
    ]
    assert found[2].examples == ("lib/python3.14/gone.py",)
    assert compare_folders(OLD, OLD) == ()
    assert total_size(NEW) - total_size(OLD) == 5


def test_libraries_that_differ() -> None:
    (change,) = compare_libraries({"zlib": "1.2", "OpenSSL": "3.0.1"}, {"zlib": "1.2", "OpenSSL": "3.0.2"})
    assert (change.library, change.old, change.new) == ("OpenSSL", "3.0.1", "3.0.2")


def test_libraries_are_read_from_binaries_scripts_and_metadata(tmp_path: Path) -> None:
    contents = {
        "lib/libpython3.14.so.1.0": b"\0OpenSSL 3.5.1 1 Jul 2025\0 deflate 1.3.1 Copyright \0"
        b"expat_2.7.1\0ncurses 6.5.20240427\0SQLite format 3\0\x003.50.4\0",
        "lib/unicodedata.so": b"\0003.2.0\0",
        "lib/tcl9.0/init.tcl": b"package require -exact Tcl 9.0.2\n",
        "lib/tk9.0/tk.tcl": b"package require -exact Tk 9.0.1\n",
        "lib/python3.14/site-packages/pip-25.1.1.dist-info/METADATA": b"x",
        "lib/python3.14/readme.txt": b"OpenSSL 1.0.0 1 Jan 2010",
    }
    entries = {}
    for path, content in contents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
        entries[path] = file("x", len(content))
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


def test_an_interpreter_is_asked() -> None:
    import sys
    import zlib

    assert libraries_from_interpreter(Path(sys.executable))["zlib"] == zlib.ZLIB_RUNTIME_VERSION
    assert libraries_from_interpreter(Path("/nowhere/python")) == {}
