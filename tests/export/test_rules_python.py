"""The manifest of runtimes for rules_python."""

from __future__ import annotations

from provision.export.rules_python import export_rules_python
from tests.conftest import Golden
from tests.export.samples import GOLDEN, ROWS, with_url

DEFAULT = ROWS[2]


def test_the_output_is_the_expected_one(golden: Golden) -> None:
    made = export_rules_python(ROWS)
    golden(GOLDEN / "rules_python.txt", made.text)
    assert [each.row.label for each in made.left_out] == [
        "debug linux-x86_64",
        "fast linux-x86_64 v3",
        "old linux-x86_64",
        "pypy linux-x86_64",
    ]


def test_each_line_is_as_written_by_sha256sum_and_has_the_file_name_with_a_plus() -> None:
    comment, *lines = export_rules_python(ROWS).text.splitlines()
    assert comment.startswith("# ")
    for line in lines:
        digest, url = line.split("  ")
        assert len(digest) == 64
        assert url.rpartition("/")[2].startswith("cpython-3.1")
        assert "+20260814-" in url


def test_file_names_that_rules_python_would_ignore_are_left_out() -> None:
    urls = ["https://example.com/python.tar.gz", f"{DEFAULT.asset.url}?token=1"]
    made = export_rules_python([DEFAULT, *(with_url(ROWS[3], url) for url in urls)])
    assert [each.reason for each in made.left_out] == ["file name not in the form of python-build-standalone"] * 2
