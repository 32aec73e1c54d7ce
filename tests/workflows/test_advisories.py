"""Databases of advisories for `audit`, `diff` and `outdated`, named or downloaded, run as a user runs them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from provision.advisories.download import SOURCES
from provision.catalog.snapshot import bundled_catalog
from provision.workflows.advisories import read_advisories
from provision.workflows.options import Options
from tests.advisories.corpus import COOKIES, COOKIES_OSV, ZLIB, encoded
from tests.advisories.test_download import archive
from tests.catalog.samples import ndjson_line, stripped
from tests.fetch.conftest import Internet, authority, authority_file, internet
from tests.review.test_audit_advisories import NEW_OPENSSL
from tests.support.faults import Status
from tests.support.project import Ended, Project

__all__ = ["authority", "authority_file", "internet"]  # fixtures

MANIFEST = """\
[pythons]
default = { version = "3.13.13", build = "20260602", targets = ["linux-x86_64", "macos-aarch64"] }
"""


def test_audit_and_diff_use_the_databases_of_the_command_line(tmp_path: Path) -> None:
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
    assert "ignored PV029 default, all, CVE-2026-1: no QUIC here" in project.run("audit", "--advisories", database).out


def test_all_unreadable_databases_are_named_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    (tmp_path / "text").write_text("no advisory")
    project.write(MANIFEST)
    project.run("lock")
    ended = project.run("audit", "--advisories", tmp_path / "text", "--advisories", tmp_path / "missing", expect=2)
    assert "text holds no advisory" in ended.err
    assert "missing does not exist" in ended.err
    for suffix in ("json", "zip"):  # as a pattern of the shell passes them: the second is in the place of LOCK
        ended = project.run("audit", "--advisories", f"a.{suffix}", f"b.{suffix}", expect=2)
        assert f"error: LOCK: expected a lock file, got b.{suffix}\n hint: Pass `--advisories` once" in ended.err


def test_a_release_published_before_the_record_is_not_affected(tmp_path: Path, options: Options) -> None:
    """zlib 1.3.1 was in a build of 2024, and the record was changed later."""
    later = {**ZLIB, "modified": "2026-01-10T00:00:00Z"}
    for name, document in (("zlib", later), ("cookies", COOKIES)):
        (tmp_path / f"{name}.json").write_bytes(encoded(document))
    index = read_advisories(options, (tmp_path,), bundled_catalog())
    assert index.judge("zlib", "1.2.13").unjudged == ()
    assert index.judge("zlib", "1.2.12").applied != ()


@pytest.fixture
def project(tmp_path: Path, internet: Internet) -> Project:
    """A locked project, and a network with all default databases and an empty catalog."""
    project = Project(tmp_path / "project")
    project.write(MANIFEST)
    project.run("lock")
    openssl, bitnami, psf = (urlsplit(source.url).path for source in SOURCES[:3])
    internet.server.put(openssl, archive(**{"secjson/CVE-2026-1": NEW_OPENSSL}))
    internet.server.put(bitnami, archive(**{"data/python/a": COOKIES_OSV}))
    internet.server.put(psf, archive(**{"advisories/python/a": COOKIES}))
    internet.server.put("v1/query", encoded({"vulns": [ZLIB]}))
    internet.server.put("builds.ndjson", ndjson_line(stripped("3.13.99", "20270101")))
    return project


def online(project: Project, internet: Internet, *words: str, expect: int = 0) -> Ended:
    """Run a command with our network."""
    environ = internet.environ
    return project.run(
        *words, expect=expect, SSL_CERT_FILE=environ["SSL_CERT_FILE"], HTTPS_PROXY=environ["HTTPS_PROXY"]
    )


def download(project: Project, internet: Internet, *words: str, expect: int = 0) -> Ended:
    """Update from our catalog, so that only advisories need the network."""
    catalog = (project.directory.parent / "internet" / "builds.ndjson").as_uri()
    return online(project, internet, "catalog", "update", "--url", catalog, *words, expect=expect)


@pytest.mark.slow
def test_downloaded_databases_are_used_by_audit_diff_and_outdated(project: Project, internet: Internet) -> None:
    (project.directory / "before.lock").write_bytes(project.lock.read_bytes())
    document = download(project, internet, "--advisories", "--json").document()
    assert [database["name"] for database in document["advisories"]] == [source.name for source in SOURCES]
    assert {database["count"] for database in document["advisories"]} == {1}

    internet.server.requests.clear()
    found = online(project, internet, "audit", "--advisories", "cached", expect=5).out
    assert "CVE-2026-1 (medium) in openssl 3.5.6" in found
    assert "PV030 advisories" not in found
    assert "CVE-2026-1" in online(project, internet, "outdated", "--security", "--exit-code", expect=3).out
    project.write(MANIFEST.replace("3.13.13", "3.13.14").replace("20260602", "20260610"))
    project.run("lock", "--offline")
    assert "closes 1 advisory" in project.run("diff", "before.lock", "pythons.lock", "--advisories", "cached").out
    assert internet.server.requests == []

    assert "unchanged: 1 advisory from https://codeload" in download(project, internet, "--advisories").err


def test_nothing_is_downloaded_unless_requested(project: Project, internet: Internet) -> None:
    assert download(project, internet, "--json").document()["advisories"] == []
    assert internet.server.requests == []
    for words in (("audit", "--advisories", "cached"), ("outdated", "--security")):
        ended = online(project, internet, *words, expect=2)
        assert "no advisory database is in the cache" in ended.err
        assert "`provision catalog update --advisories`" in ended.err
    assert internet.server.requests == []


def test_a_source_that_fails_is_named_and_the_others_are_kept(project: Project, internet: Internet) -> None:
    for path in (urlsplit(SOURCES[2].url).path, "v1/query"):
        internet.server.fault(path, Status(code=404), times=1)
    ended = download(project, internet, "--advisories", expect=6)
    assert "advisory database psf: https://codeload.github.com/psf/advisory-database/zip/HEAD answered" in ended.err
    assert "advisory database osv-expat: https://api.osv.dev/v1/query answered" in ended.err
    assert ended.err.count("Run `provision catalog update --advisories` again later.") == 1
    found = project.run("audit", "--advisories", "cached", expect=5).out
    assert "CVE-2026-1" in found
    assert "advisories of psf are not judged: not in the cache" in found
    assert "advisories of osv-expat are not judged: not in the cache" in found
    assert "advisories of openssl" not in found


def test_a_directory_named_cached_can_be_given_as_a_path(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write(MANIFEST)
    project.run("lock")
    (project.directory / "cached").mkdir()
    (project.directory / "cached" / "a.json").write_bytes(encoded(NEW_OPENSSL))
    assert "CVE-2026-1" in project.run("audit", "--advisories", "./cached", expect=5).out
