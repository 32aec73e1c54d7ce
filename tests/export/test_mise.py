"""Rows of a mise.lock."""

from __future__ import annotations

import tomllib

from provision.export.mise import export_mise
from tests.conftest import Golden
from tests.export.samples import GOLDEN, ROWS


def test_the_output_is_the_expected_one(golden: Golden) -> None:
    made = export_mise(ROWS)
    golden(GOLDEN / "mise.lock", made.text)
    assert [each.row.entry for each in made.left_out] == ["alpine", "debug", "fast", "free", "old", "pypy"]


def test_there_is_one_tool_for_each_version() -> None:
    tools = tomllib.loads(export_mise(ROWS).text)["tools"]["python"]
    assert [tool["version"] for tool in tools] == ["3.14.7", "3.13.15", "3.15.0rc1"]
    assert tools[0]["platforms.linux-x64"] == {
        "checksum": f"sha256:{ROWS[2].asset.sha256}",
        "url": ROWS[2].asset.url,
    }
