"""Queries of `catalog list`, and looking up one asset."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from provision.errors import ResolutionError, UsageError
from provision.model.asset import BuildOptions
from provision.model.target import Target
from provision.workflows.catalog import list_assets, parse_query, show_asset
from provision.workflows.options import Options
from tests.catalog.samples import custom_line, full
from tests.support.project import Project
from tests.support.server import Server


def test_there_is_one_query_per_target(options: Options) -> None:
    queries = parse_query("3.13", targets=["linux-x86_64", "macos-aarch64"], flavor="full")
    assert [query.target for query in queries] == [Target.parse("linux-x86_64"), Target.parse("macos-aarch64")]
    assets = list(islice(list_assets(options, queries[:1]), 3))
    assert assets
    assert {(asset.target.short, asset.flavor, asset.version.minor) for asset in assets} == {
        ("linux-x86_64", "full", 13)
    }


def test_options_of_the_request_and_the_command_line_are_combined() -> None:
    (query,) = parse_query("3.14t", options=["debug", "pgo+lto"])
    assert query.options == BuildOptions.of({"freethreaded", "debug", "pgo", "lto"})


def test_latest_is_the_newest_build_of_each_version() -> None:
    (query,) = parse_query(None, build="latest")
    assert (query.build, query.newest_build) == (None, True)


@pytest.mark.parametrize(
    ("request_text", "given", "message"),
    [
        ("3.13", {"flavor": "ful"}, "Did you mean 'full'"),
        ("3.13", {"cpu": "v9"}, "--cpu: expected one of baseline, v2, v3, v4; got 'v9'"),
        ("3.13", {"targets": ["nowhere"]}, "expected a target such as linux-x86_64, got 'nowhere'"),
        ("latest-and-greatest", {}, "latest-and-greatest"),
        ("3.13", {"options": ["fast"]}, "fast"),
    ],
)
def test_invalid_queries_are_refused(request_text: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_query(request_text, **given)


def test_an_asset_is_found_by_its_file_name_or_its_url(options: Options, tmp_path: Path) -> None:
    (asset,) = islice(list_assets(options, parse_query("3.13", targets=["linux-x86_64"])), 1)
    assert show_asset(options, asset.filename) == asset
    assert show_asset(options, asset.url) == asset
    for name, command in (("missing.tar.gz", "provision catalog list"), ("3.14", "provision catalog list 3.14")):
        with pytest.raises(ResolutionError, match=f"no catalog lists an asset '{name}'") as caught:
            show_asset(options, f"https://example.org/{name}")
        assert f"Run `{command}` to find its name" in str(caught.value.hint)


@pytest.mark.parametrize("words", ["explain one", "outdated", "lock --offline"])
def test_the_command_in_the_hint_downloads_a_catalog_that_is_not_cached(
    words: str, tmp_path: Path, server: Server
) -> None:
    (server.root / "catalog.ndjson").write_bytes(custom_line("3.15.9+20270102", {"url": full("3.15.9", "20270102")}))
    project = Project(tmp_path / "project")
    manifest = '[pythons]\none = "3.13"\n'
    project.write(manifest)
    project.run("lock")
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n{manifest}'.replace("3.13", "3.12"))
    assert "and run `provision catalog list` to download the catalog" in project.run(*words.split(), expect=6).err
    project.run("catalog", "list")
    project.run(*words.split())
