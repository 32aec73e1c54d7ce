"""What a file's name means, held against the row that it stands in."""

from __future__ import annotations

import pytest

from provision.catalog.snapshot import load_snapshot
from provision.model.build import BuildOptions
from provision.model.target import Target
from provision.model.value import replace
from provision.model.version import Version
from provision.review.naming import disagreements, unlike
from tests.lock.samples import asset


def test_every_published_archive_agrees_with_its_own_name() -> None:
    """Of each tenth version, in all eras."""
    catalog = load_snapshot()
    rows = [
        row
        for version in catalog.versions("cpython")[::10]
        for build in catalog.builds("cpython", version)
        for row in catalog.assets("cpython", version, build)
    ]
    assert len(rows) > 1000
    assert [row.filename for row in rows if disagreements(row)] == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"version": Version.parse("3.14.6")}, "version"),
        ({"build": "20260101"}, "build"),
        ({"target": Target.parse("linux-aarch64")}, "target"),
        ({"cpu": "v3"}, "cpu"),
        ({"options": BuildOptions.parse("freethreaded+pgo+lto")}, "options"),
        ({"flavor": "install_only"}, "flavor"),
    ],
)
def test_each_property(changes: dict[str, object], what: str) -> None:
    (found,) = disagreements(replace(asset(), **changes))
    assert found.what == what
    assert found.file in found.message


def test_names_of_no_grammar_say_nothing() -> None:
    assert disagreements(asset("3.11.13+7.3.19", implementation="pypy")) == ()


def test_a_catalog_knows_what_names_do_not_tell() -> None:
    (found,) = unlike(replace(asset(), options=BuildOptions.parse("noopt")), asset())
    assert (found.what, found.meant, found.locked) == ("options", "pgo+lto", "noopt")
