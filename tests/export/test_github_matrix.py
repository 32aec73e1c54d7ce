"""The matrix for GitHub's workflows."""

from __future__ import annotations

import json

from provision.export.github_matrix import export_github_matrix
from tests.conftest import Golden
from tests.export.samples import GOLDEN, ROWS


def test_the_text_is_one_line(golden: Golden) -> None:
    made = export_github_matrix(ROWS)
    golden(GOLDEN / "matrix.json", made.text)
    assert made.text.count("\n") == 1
    assert [each.row.label for each in made.left_out] == ["alpine linux-x86_64-musl"]


def test_an_entry_has_one_job_for_all_levels_of_a_target() -> None:
    jobs = json.loads(export_github_matrix(ROWS).text)["include"]
    assert [job["os"] for job in jobs if job["python"] == "fast"] == ["ubuntu-latest"]
    assert len({(job["python"], job["target"]) for job in jobs}) == len(jobs)
