from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.catalog.upstream import read_assets
from provision.errors import CatalogError
from provision.install.pack.row import add_row, row_of
from provision.model.asset import Digest, Flavor
from provision.model.value import replace
from tests.relocate.samples import asset

NAME = "cpython-3.13.5%2B20261101-x86_64-unknown-linux-gnu-{}"


def named(options: str, flavor: Flavor) -> dict[str, object]:
    variant = options.replace("+", "%2B") + "-full.tar.zst" if flavor == "full" else f"{flavor}.tar.gz"
    if flavor != "full" and "freethreaded" in options:
        variant = f"freethreaded-{variant}"
    made = replace(asset(options=options, flavor=flavor), url=NAME.format(variant), sha256=Digest("a" * 64), size=12)
    return row_of(made)


def test_a_row_is_as_in_pbs_ndjson_and_depends_on_nothing_but_the_archive() -> None:
    assert named("pgo+lto", "install_only") == {
        "version": "3.13.5+20261101",
        "date": "2026-11-01T00:00:00+00:00",
        "artifacts": [
            {
                "platform": "x86_64-unknown-linux-gnu",
                "variant": "install_only",
                "url": NAME.format("install_only.tar.gz"),
                "archive_format": "tar.gz",
                "sha256": "a" * 64,
                "size": 12,
                "options": "pgo+lto",
            }
        ],
    }


@pytest.mark.parametrize(
    ("options", "flavor", "variant"),
    [
        ("debug", "full", "debug+full"),
        ("freethreaded+noopt", "full", "freethreaded+noopt+full"),
        ("freethreaded+noopt", "install_only_stripped", "freethreaded+install_only_stripped"),
    ],
)
def test_the_variant_is_pbs_word_for_it(options: str, flavor: Flavor, variant: str) -> None:
    artifacts = named(options, flavor)["artifacts"]
    assert isinstance(artifacts, list)
    assert artifacts[0]["variant"] == variant


def test_a_catalog_of_rows_is_one_that_can_be_read(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.ndjson"
    for options, flavor in (("debug", "full"), ("noopt", "install_only"), ("freethreaded+noopt", "install_only")):
        add_row(catalog, named(options, flavor))  # type: ignore[arg-type]  # mypy takes the words for any text
    found = list(read_assets(catalog.read_bytes(), str(catalog)).assets)
    assert sorted((str(one.options), one.flavor) for one in found) == [
        ("debug", "full"),
        ("freethreaded+noopt", "install_only"),
        ("noopt", "install_only"),
    ]


def test_adding_again_replaces_and_the_order_of_adding_does_not_show(tmp_path: Path) -> None:
    rows = [named("debug", "full"), named("noopt", "install_only")]
    one, another = tmp_path / "one.ndjson", tmp_path / "another.ndjson"
    for row in (*rows, *rows):
        add_row(one, row)
    for row in reversed(rows):
        add_row(another, row)
    assert one.read_bytes() == another.read_bytes()
    assert len(json.loads(one.read_text())["artifacts"]) == 2


@pytest.mark.parametrize("line", ["no json", "[]", '{"version": "3.13.5+1"}', '{"version": 1, "artifacts": [1]}'])
def test_a_file_that_is_no_catalog_is_not_overwritten(tmp_path: Path, line: str) -> None:
    catalog = tmp_path / "catalog.ndjson"
    catalog.write_text(f"\n{line}\n")
    with pytest.raises(CatalogError) as caught:
        add_row(catalog, named("debug", "full"))
    assert str(caught.value.place) == f"{catalog}:2"
    assert catalog.read_text() == f"\n{line}\n"
