"""`catalog list` and `catalog show` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builds import Build
from tests.support.project import Project

PBS = ("3.13.5", "--build", "latest", "--target", "linux-x86_64", "--flavor", "install_only_stripped")


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    """A directory without a manifest: the bundled catalog counts."""
    return Project(tmp_path / "bare")


def test_assets_are_listed_as_a_table_and_as_json(bare: Project) -> None:
    titles, *rows = bare.run("catalog", "list", *PBS).out.splitlines()
    assert titles.split() == ["VERSION", "BUILD", "TARGET", "CPU", "FLAVOR", "OPTIONS"]
    assets = bare.run("catalog", "list", *PBS, "--json").document()["assets"]
    assert [row.split()[:3] for row in rows] == [[asset["version"], asset["build"], "linux-x86_64"] for asset in assets]
    assert {(asset["version"], asset["target"], asset["flavor"]) for asset in assets} == {
        ("3.13.5", "x86_64-unknown-linux-gnu", "install_only_stripped")
    }


def test_a_limit_leaves_out_and_counts_the_other_assets(bare: Project) -> None:
    document = bare.run("catalog", "list", "3.13.5", "--limit", "2", "--json").document()
    assert len(document["assets"]) == 2
    assert document["left-out"] > 100


def test_a_query_without_matches_is_an_empty_list(bare: Project) -> None:
    ended = bare.run("catalog", "list", "3.99")
    assert ended.out == ""
    assert "catalog update" in ended.err


def test_an_asset_of_a_custom_catalog_is_shown_with_all_properties(project: Project, build: Build) -> None:
    asset = project.run("catalog", "show", build.archive.name, "--json").document()["asset"]
    assert asset["sha256"] == build.sha256
    assert asset["size"] == build.archive.stat().st_size
    lines = project.run("catalog", "show", build.archive.name).out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [name for name, value in asset.items() if value is not None]
