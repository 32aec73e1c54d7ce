"""The list of downloads of uv, which our own reader of that list understands."""

from __future__ import annotations

import json

from provision.catalog.uv import read_uv
from provision.export.rows import Row
from provision.export.uv import export_uv
from provision.model.target import Target
from provision.model.value import replace
from tests.conftest import Golden
from tests.export.samples import GOLDEN, ROWS, labels, with_url


def test_the_output_is_the_expected_one(golden: Golden) -> None:
    made = export_uv(ROWS)
    golden(GOLDEN / "uv.json", made.text)
    assert [each.row.entry for each in made.left_out] == ["old"]
    assert labels(made.rows) == [label for label in labels(ROWS) if not label.startswith("old")]


def test_platforms_have_uvs_names() -> None:
    targets = [Target.parse(f"linux-{name}") for name in ("armv7-gnueabihf", "i686", "ppc64le", "riscv64")]
    listed = json.loads(export_uv([Row("x", replace(ROWS[2].asset, target=target)) for target in targets]).text)
    assert [key.partition("-linux-")[2] for key in listed] == [
        "armv7-gnueabihf",
        "i686-gnu",
        "powerpc64le-gnu",
        "riscv64-gnu",
    ]


def test_our_reader_of_the_format_finds_the_same_archives() -> None:
    pbs = "https://github.com/astral-sh/python-build-standalone/releases/download"
    own = [row for row in ROWS if row.asset.implementation == "cpython"]
    made = export_uv(
        [with_url(row, row.asset.url.replace("https://example.com", pbs).replace("+", "%2B")) for row in own]
    )
    found = read_uv(made.text.encode(), "downloads.json").assets
    assert {(each.url, each.sha256, each.target, each.cpu) for each in found} == {
        (row.asset.url, row.asset.sha256, row.asset.target, row.asset.cpu) for row in made.rows
    }
