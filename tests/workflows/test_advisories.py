"""`audit` and `diff` with databases of advisories, run as a user runs them."""

from __future__ import annotations

from pathlib import Path

from provision.catalog.snapshot import bundled_catalog
from provision.workflows.advisories import read_advisories
from tests.advisories.corpus import COOKIES, ZLIB, encoded
from tests.review.test_audit_advisories import NEW_OPENSSL
from tests.support.project import Project

MANIFEST = """\
[pythons]
default = { version = "3.13.13", build = "20260602", targets = ["linux-x86_64", "macos-aarch64"] }
"""


def test_audit_and_diff_judge_by_the_databases_that_are_named(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    database = tmp_path / "openssl.json"
    database.write_bytes(encoded(NEW_OPENSSL))
    project.write(MANIFEST)
    project.run("lock")
    before = (project.directory / "pythons.lock").read_text()

    ended = project.run("audit", "--advisories", database, expect=5)
    assert "error PV029 default, all: CVE-2026-1 (medium) in openssl 3.5.6" in ended.out

    (tmp_path / "before.lock").write_text(before)
    project.write(MANIFEST.replace("3.13.13", "3.13.14").replace("20260602", "20260610"))
    project.run("lock")
    assert (
        "default closes 1 advisory:"
        in project.run("diff", tmp_path / "before.lock", "pythons.lock", "--advisories", database).out
    )
    project.run("audit", "--advisories", database)

    rule = '{ code = "CVE-2026-1", reason = "no QUIC here", until = 2099-01-01 }'
    project.write(f"{MANIFEST}\n[policy]\nignore = [{rule}]\n")
    project.run("lock")
    assert "ignored PV029 default, all: no QUIC here" in project.run("audit", "--advisories", database).out


def test_all_databases_that_cannot_be_read_are_named_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    (tmp_path / "text").write_text("no advisory")
    project.write(MANIFEST)
    project.run("lock")
    ended = project.run("audit", "--advisories", tmp_path / "text", "--advisories", tmp_path / "missing", expect=2)
    assert "text holds no advisory" in ended.err
    assert "missing does not exist" in ended.err


def test_a_release_that_the_catalog_dates_before_the_record_is_clean(tmp_path: Path) -> None:
    """zlib 1.3.1 was in a build of 2024, and the record was changed later."""
    later = {**ZLIB, "modified": "2026-01-10T00:00:00Z"}
    for name, document in (("zlib", later), ("cookies", COOKIES)):
        (tmp_path / f"{name}.json").write_bytes(encoded(document))
    index = read_advisories((tmp_path,), bundled_catalog())
    assert index.judge("zlib", "1.2.13").unjudged == ()
    assert index.judge("zlib", "1.2.12").applied != ()
