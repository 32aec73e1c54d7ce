"""What `status` reports as needing attention."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from provision.workflows.lock import lock
from provision.workflows.options import Options
from provision.workflows.status import status


@pytest.fixture
def project(options: Options, tmp_path: Path) -> Options:
    """A project with the newest 3.13 and an old 3.12."""
    (tmp_path / "pythons.toml").write_text('[pythons]\nnew = "3.13"\nold = "3.12.1"\n')
    lock(options)
    return options


def test_an_up_to_date_lock_needs_no_attention(project: Options) -> None:
    found = status(project, today=date(2026, 1, 1))
    assert [row.state for row in found.listing.rows] == ["not installed", "not installed"]
    assert (found.newer, found.ended, found.removable, found.cached_bytes, found.reason) == ({}, {}, (), 0, "")
    assert found.catalog_as_of


def test_the_end_of_life_depends_on_the_date(project: Options) -> None:
    assert set(status(project, today=date(2029, 1, 1)).ended) == {"old"}
    assert set(status(project, today=date(2040, 1, 1)).ended) == {"new", "old"}


def test_newer_builds_are_those_that_an_upgrade_would_lock(project: Options, tmp_path: Path) -> None:
    lock_path = tmp_path / "pythons.lock"
    (tmp_path / "pythons.toml").write_text('[pythons]\nnew = "3.13"\nold = "3.12"\n')
    found = status(project, today=date(2026, 1, 1))
    assert set(found.newer) == {"old"}
    assert found.newer["old"].startswith("3.12.")
    assert lock_path.read_text().count('"3.12.1"') == 1


def test_unknown_newer_builds_have_a_reason_in_one_line(project: Options, tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").write_text('[pythons]\nnew = "3.99"\nold = "3.98"\n')
    found = status(project, today=date(2026, 1, 1))
    assert (found.newer, found.catalog_as_of) == ({}, "")
    assert found.reason.endswith("(and 1 more)")
