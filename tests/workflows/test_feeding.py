"""`provision feed`: what Renovate's custom datasource reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from provision.review.feed import feed_document
from tests.lock.samples import asset, catalog
from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_one_release_for_each_build_of_each_version() -> None:
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


def test_the_real_feed(project: Project) -> None:
    document = json.loads(project.run("feed").out)
    versions = [release["version"] for release in document["releases"]]
    assert len(versions) == len(set(versions)) > 400
    assert all(re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?\+\d{8}", version) for version in versions)
    assert all("releaseTimestamp" in release for release in document["releases"])


def test_it_is_written_as_a_file_always_the_same(project: Project) -> None:
    project.run("feed", "-o", "one.json")
    project.run("feed", "-o", "two.json")
    one, two = (project.directory / name for name in ("one.json", "two.json"))
    assert one.read_bytes() == two.read_bytes()
    assert json.loads(one.read_text())["sourceUrl"].startswith("https://")


def test_an_implementation_nobody_knows(project: Project) -> None:
    assert "Did you mean 'cpython'?" in project.run("feed", "--implementation", "cpythn", expect=2).err
