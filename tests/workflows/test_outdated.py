"""`outdated`, `explain`, the diff of `lock --upgrade`, and the feed that Renovate's custom datasource reads."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from provision.catalog.catalog import Catalog
from provision.lock.resolve import resolve
from provision.model.asset import CPU_LEVELS, IMPLEMENTATIONS
from provision.model.target import Target
from provision.workflows.outdated import OutdatedRow, feed_document, outdated_row
from tests.catalog.samples import custom_line
from tests.lock.samples import asset, catalog, manifest
from tests.support.project import Project

HOST = Target.parse("linux-x86_64")
BEFORE = catalog(asset("3.13.5+20250702"))
AFTER = catalog(asset("3.13.5+20250702"), asset("3.13.5+20250818"), asset("3.13.7+20261021"), asset("3.14.7+20261022"))


def row_of(entry: str, known: Catalog, *, today: date = date(2026, 10, 25)) -> OutdatedRow:
    """The row of an entry that was locked when only 3.13.5+20250702 was known."""
    asked = manifest(f"default = {entry}")
    (python,) = resolve(manifest('default = "3.13"'), BEFORE, None, host=HOST).lock.pythons
    return outdated_row(asked.requests[0], python, asked, known, host=HOST, today=today)


def test_builds_of_an_upgrade_and_builds_excluded_by_the_request_are_shown() -> None:
    found = row_of('"3.13"', AFTER)
    assert (found.locked, found.allowed, found.newest) == ("3.13.5+20250702", "3.13.7+20261021", "3.14.7+20261022")
    assert found.ends == date(2029, 10, 31)
    assert not found.ended


def test_builds_in_their_cooldown_are_shown() -> None:
    found = row_of('{ version = "3.13", cooldown = "1 week" }', AFTER)
    assert (found.allowed, found.cooling, found.until) == ("3.13.5+20250818", "3.13.7+20261021", "2026-10-28 00:00 UTC")


def test_without_newer_builds_the_result_is_empty() -> None:
    found = row_of('"3.13"', BEFORE)
    assert (found.allowed, found.newest, found.cooling) == ("", "", "")


def test_an_upgrade_that_would_fail_has_its_reason() -> None:
    assert "3.12" in row_of('"3.12"', BEFORE).reason


def test_a_passed_end_of_life_is_shown() -> None:
    assert row_of('"3.13"', BEFORE, today=date(2030, 1, 1)).ended


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.write('[settings]\ntargets = ["linux-x86_64"]\n[pythons]\ndefault = "3.13.1"\n')
    project.run("lock")
    return project


def test_outdated_is_printed_as_table_and_json(project: Project) -> None:
    assert "3.13.1+" in project.run("outdated").out
    project.write(project.manifest.read_text().replace("3.13.1", "3.13"))
    project.run("lock")
    ended = project.run("outdated", "--exit-code", expect=3)
    assert ended.out.splitlines()[0].split("  ")[0] == "NAME"
    (entry,) = project.run("outdated", "default", "--json").document()["pythons"]
    assert entry["outdated"] is True
    project.run("outdated", "nobody", expect=2)


def test_assets_newly_known_for_the_locked_build_are_reported(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    names = [asset("3.13.5+local", cpu=cpu).filename for cpu in CPU_LEVELS]
    listed = project.directory / "own.ndjson"
    artifacts: list[dict[str, object]] = [
        {"url": f"https://example.com/{name}", "platform": HOST.with_cpu(cpu), "variant": "install_only_stripped"}
        for name, cpu in zip(names, CPU_LEVELS, strict=True)
    ]
    project.write(
        '[settings]\ntargets = ["linux-x86_64"]\ncatalogs = ["own.ndjson"]\n'
        '[pythons]\nfast = { version = "3.13.5", build = "local", cpu = "auto" }\n'
    )
    listed.write_bytes(custom_line("3.13.5+local", *artifacts[:1]))
    project.run("lock")
    before = project.lock.read_bytes()
    listed.write_bytes(custom_line("3.13.5+local", *artifacts))
    sentence = "fast: 3.13.5+local now has v2, v3, v4: `provision lock --upgrade fast`"
    for command in ("outdated", "status"):
        assert sentence in project.run(command).out.splitlines()
    assert project.run("outdated", "--json").document()["pythons"][0]["additions"] == sentence.removeprefix("fast: ")
    assert project.run("status", "--json").document()["additions"] == {"fast": sentence.removeprefix("fast: ")}
    checked = project.run("lock", "--check")
    assert (checked.out, "now has" in checked.err) == ("", False)
    project.run("lock")
    assert project.lock.read_bytes() == before
    project.run("lock", "--upgrade", "fast")
    assert project.lock.read_bytes() != before
    assert "now has" not in project.run("outdated").out


def test_an_upgrade_prints_its_diff(project: Project) -> None:
    project.write(project.manifest.read_text().replace("3.13.1", "3.13"))
    assert "request" in project.run("lock").out
    ended = project.run("lock", "--upgrade")
    assert "version up" in ended.out
    assert "notice" not in ended.out
    assert project.run("lock", "--upgrade").out == ""


def test_explain_is_printed_as_text_and_json(project: Project) -> None:
    assert project.run("explain", "default").out.startswith("default is locked: cpython 3.13.1+")
    assert project.run("explain", "default", "--json").document()["locked"] is True
    assert "'default'" in project.run("explain", "defualt", expect=2).err


@pytest.fixture
def empty_project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_the_feed_has_one_release_for_each_build_of_each_version() -> None:
    known = catalog(
        asset("3.14.7+20260814", published="2026-08-14T12:00:00Z"),
        asset("3.14.7+20260701"),
        asset("3.15.0rc1+20260814"),
        asset("3.11.13+7.3.19", implementation="pypy"),
    )
    assert feed_document(known, "cpython")["releases"] == [
        {"version": "3.15.0rc1+20260814", "isStable": False, "releaseTimestamp": "2026-08-14T00:00:00Z"},
        {"version": "3.14.7+20260814", "isStable": True, "releaseTimestamp": "2026-08-14T12:00:00Z"},
        {"version": "3.14.7+20260701", "isStable": True, "releaseTimestamp": "2026-07-01T00:00:00Z"},
    ]
    assert feed_document(known, "pypy")["releases"] == [{"version": "3.11.13+7.3.19", "isStable": True}]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_every_implementation_has_a_home_page(implementation: str) -> None:
    assert str(feed_document(catalog(), implementation)["homepage"]).startswith("https://")


def test_the_feed_can_be_created_from_the_bundled_catalog(empty_project: Project) -> None:
    document = json.loads(empty_project.run("feed").out)
    versions = [release["version"] for release in document["releases"]]
    assert len(versions) == len(set(versions)) > 400
    assert all(re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?\+\d{8}", version) for version in versions)
    assert all("releaseTimestamp" in release for release in document["releases"])


def test_the_feed_is_written_to_a_file_and_reproducible(empty_project: Project) -> None:
    empty_project.run("feed", "-o", "one.json")
    empty_project.run("feed", "-o", "two.json")
    one, two = (empty_project.directory / name for name in ("one.json", "two.json"))
    assert one.read_bytes() == two.read_bytes()
    assert json.loads(one.read_text())["sourceUrl"].startswith("https://")


def test_an_unknown_implementation_is_refused(empty_project: Project) -> None:
    assert "Did you mean 'cpython'?" in empty_project.run("feed", "--implementation", "cpythn", expect=2).err


def test_a_custom_archive_is_shown_with_newer_builds(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    name = "cpython-3.13.5+20250612-x86_64-unknown-linux-gnu-install_only.tar.gz"
    project.write(
        f'[pythons.ours]\nversion = "3.13.5"\nbuild = "20250612"\nflavor = "install_only"\n'
        f'url = {{ linux-x86_64 = "http://127.0.0.1:9/{name}" }}\nsha256 = {{ linux-x86_64 = "{"0" * 64}" }}\n'
    )
    project.run("lock", "--offline")
    ended = project.run("outdated")
    assert "ours: custom archive, which an upgrade does not replace; 3.1" in ended.out
    (row,) = project.run("outdated", "--json").document()["pythons"]
    assert (row["outdated"], row["newest"] > "3.13.5") == (False, True)
