"""Variables for shells, which a real shell reads as intended."""

from __future__ import annotations

import subprocess

from provision.export.env import export_env
from provision.export.rows import Row
from tests.conftest import Golden
from tests.export.samples import GOLDEN, ROWS, with_url

DEFAULT = ROWS[2]


def test_the_output_is_the_expected_one(golden: Golden) -> None:
    made = export_env(ROWS)
    golden(GOLDEN / "pythons.env", made.text)
    assert made.left_out == ()


def test_of_names_that_differ_only_in_punctuation_the_first_is_exported() -> None:
    rows = [Row("a.b", DEFAULT.asset), *(Row(name, row.asset) for name in ("a-b", "a_b") for row in ROWS[4:7])]
    made = export_env(rows)
    assert {each.reason for each in made.left_out} == {"same names as a.b"}
    assert [each.row for each in made.left_out] == rows[1:]
    assert made.text == export_env(rows[:1]).text


def test_a_shell_reads_the_url_that_is_locked() -> None:
    url = "https://example.com/it's;$(touch x)&a=`b`*.tar.gz"
    text = export_env([with_url(DEFAULT, url)]).text + 'printf %s "$PYTHON_DEFAULT_LINUX_X86_64_URL"'
    assert subprocess.run(["sh", "-euc", text], capture_output=True, text=True, check=True).stdout == url
