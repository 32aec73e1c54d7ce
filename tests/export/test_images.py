"""The Dockerfile and the devcontainer.json."""

from __future__ import annotations

import json

import pytest

from provision.errors import ProvisionError
from provision.export.images import export_devcontainer, export_dockerfile
from provision.export.rows import Row
from tests.conftest import Golden
from tests.export.samples import GOLDEN, ROWS, with_url

DEFAULT = ROWS[2]
TWO = [row for row in ROWS if row.entry in {"default", "free"}]


def test_the_outputs_are_the_expected_ones(golden: Golden) -> None:
    golden(GOLDEN / "Dockerfile", export_dockerfile(TWO).text)
    golden(GOLDEN / "devcontainer.json", export_devcontainer(TWO).text)


def test_platforms_are_those_of_all_entries() -> None:
    for made in (export_dockerfile(ROWS), export_devcontainer(ROWS)):
        assert {row.asset.target.short for row in made.rows} == {"linux-x86_64"}
        reasons = {each.row.label: each.reason for each in made.left_out}
        assert reasons["default linux-aarch64"] == "not locked for all entries"
        assert reasons["debug linux-x86_64"] == "debug build"
    both = export_dockerfile([row for row in ROWS if row.entry == "default"])
    assert [row.asset.target.short for row in both.rows] == ["linux-x86_64", "linux-aarch64"]


def test_entries_without_a_common_platform_are_an_error() -> None:
    with pytest.raises(ProvisionError, match=r"default, other \(not locked for all entries\)"):
        export_dockerfile([DEFAULT, Row("other", ROWS[3].asset)])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://e.com/$x.tar.gz", "special characters in the URL"),
        ("https://e.com/'x.tar.gz", "special characters in the URL"),
        ("file:///x.tar.gz", "file:// instead of https://"),
        ("https://e.com/x.zip", "not a .tar.gz file"),
    ],
)
def test_urls_that_a_dockerfile_would_change_or_cannot_unpack_are_left_out(url: str, reason: str) -> None:
    assert [each.reason for each in export_dockerfile([DEFAULT, with_url(ROWS[3], url)]).left_out] == [reason]


def test_the_editor_starts_the_first_entry() -> None:
    document = json.loads(export_devcontainer(list(reversed(TWO))).text)
    assert document["customizations"]["vscode"]["settings"] == {
        "python.defaultInterpreterPath": "/opt/pythons/free/bin/python3"
    }
