"""The versions-manifest.json of setup-python's tool cache."""

from __future__ import annotations

import json

from provision.export.setup_python import export_setup_python
from tests.conftest import Golden
from tests.export.samples import GOLDEN, ROWS


def test_the_output_is_the_expected_one(golden: Golden) -> None:
    made = export_setup_python(ROWS)
    golden(GOLDEN / "versions-manifest.json", made.text)
    assert [each.row.entry for each in made.left_out] == ["alpine", "debug", "fast", "old", "pypy"]


def test_versions_are_semantic_and_descend() -> None:
    releases = json.loads(export_setup_python(ROWS).text)
    assert [(each["version"], each["stable"]) for each in releases] == [
        ("3.15.0-rc.1", False),
        ("3.14.7", True),
        ("3.13.15", True),
    ]
    assert "x64-freethreaded" in [file["arch"] for file in releases[1]["files"]]
