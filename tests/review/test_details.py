"""Differences inside two trees: files by directory, and versions of libraries."""

from __future__ import annotations

from provision.model.tree import TreeEntry
from provision.review.details import compare_folders, compare_libraries, total_size


def file(content: str, size: int = 1) -> TreeEntry:
    return TreeEntry("file", 0o644, content, size)


OLD = {
    "bin/python3": file("a", 10),
    "lib": TreeEntry("dir", 0o755),
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


def test_files_are_counted_by_directory_those_with_the_most_first() -> None:
    found = compare_folders(OLD, NEW)
    assert [(each.folder, each.added, each.removed, each.changed) for each in found] == [
        ("lib/python3.14/json", 1, 0, 2),
        ("bin", 0, 0, 1),
        ("lib/python3.14", 0, 1, 0),
    ]
    assert found[2].examples == ("lib/python3.14/gone.py",)
    assert [each.shown_examples for each in found[1:]] == [("python3",), ("gone.py",)]
    (root,) = compare_folders({}, {"LICENSE": NEW["lib/python3.14/json/added.py"]})
    assert (root.folder, root.shown_examples) == (".", ("LICENSE",))
    assert compare_folders(OLD, OLD) == ()
    assert total_size(NEW) - total_size(OLD) == 5


def test_only_libraries_with_different_versions_are_listed() -> None:
    (change,) = compare_libraries({"zlib": "1.2", "OpenSSL": "3.0.1"}, {"zlib": "1.2", "OpenSSL": "3.0.2"})
    assert (change.library, change.old, change.new) == ("OpenSSL", "3.0.1", "3.0.2")
