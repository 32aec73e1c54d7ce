"""The default advisory databases, downloaded from a real server on loopback and kept in a directory."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from provision.advisories.download import (
    SOURCES,
    AdvisorySource,
    DownloadedDatabase,
    QuerySource,
    RepositorySource,
    database_count,
    database_path,
    download_database,
)
from provision.advisories.read import read_database
from provision.errors import CatalogError, NetworkError, ProvisionError
from provision.host_policy import ADVISORY_HOSTS, HostPolicy, HostRule
from provision.url import Url
from tests.advisories.corpus import COOKIES, COOKIES_OSV, EXPAT, encoded
from tests.fetch.samples import fetcher
from tests.support.faults import Fault, Other, Status, redirect
from tests.support.server import Server

NPM = {**COOKIES_OSV, "id": "TEST-npm", "affected": [{"package": {"ecosystem": "npm", "name": "openssl"}}]}


def archive(**records: object) -> bytes:
    """An archive of a repository: everything is in one directory."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, record in records.items():
            made.writestr(f"vulndb-0123abcd/{name}.json", encoded(record))
        made.writestr("vulndb-0123abcd/README.md", "no JSON")
    return file.getvalue()


def repository(server: Server, content: bytes) -> RepositorySource:
    return RepositorySource(name="vulndb", url=server.put("vulndb/zip/HEAD", content), folders=("data/python/",))


def query(server: Server, *pages: object) -> QuerySource:
    url = server.put("v1/query", b"{}")
    for page in pages:
        server.fault("v1/query", Other(body=encoded(page)), times=1)
    return QuerySource(name="osv-expat", ecosystem="GIT", package="https://github.com/libexpat/libexpat", url=url)


def download(tmp_path: Path, source: AdvisorySource, now: str = "2026-11-28T00:00:00Z") -> DownloadedDatabase:
    with fetcher(tmp_path) as fetch:
        return download_database(tmp_path / "advisories", source, get=fetch.get, post=fetch.post, now=now)


def saved(tmp_path: Path, source: AdvisorySource) -> list[str]:
    return sorted(record.id for record in read_database(database_path(tmp_path / "advisories", source)).records)


PYTHON = {"data/python/a": COOKIES, "data/python/b": COOKIES_OSV}


def test_only_records_of_the_folders_for_components_of_builds_are_kept(server: Server, tmp_path: Path) -> None:
    source = repository(server, archive(**PYTHON, **{"data/python/c": NPM, "data/expat/d": EXPAT}))
    done = download(tmp_path, source)
    assert (done.outcome, done.count, done.origin) == ("updated", 2, source.url)
    assert saved(tmp_path, source) == ["BIT-python-2024-7592", "CVE-2024-7592"]


def test_an_archive_that_has_not_changed_is_not_sent_again(server: Server, tmp_path: Path) -> None:
    source = repository(server, archive(**PYTHON))
    download(tmp_path, source)
    done = download(tmp_path, source, now="2026-11-29T00:00:00Z")
    assert (done.outcome, done.count) == ("unchanged", 2)
    assert "if-none-match" in server.requests[-1].headers
    server.put("vulndb/zip/HEAD", archive(**{"data/python/a": COOKIES}))
    assert (download(tmp_path, source).outcome, saved(tmp_path, source)) == ("updated", ["CVE-2024-7592"])
    # Another server may use the same ETag for something else.
    other = RepositorySource(name="vulndb", url=server.put("other", archive(**PYTHON)), folders=source.folders)
    assert download(tmp_path, other).count == 2
    assert "if-none-match" not in server.requests[-1].headers


@pytest.mark.parametrize(
    "fault",
    [
        Status(code=404),
        Other(body=b"<html>"),
        Other(body=archive(**PYTHON)[:-30]),
        Other(body=archive(**PYTHON).replace(b"vulndb-0123abcd", b"vulndb-0123abcd"[::-1], 1)),
        Other(body=archive(**{"data/other/a": COOKIES})),
    ],
    ids=["not found", "a web page", "cut", "damaged", "other folders"],
)
def test_after_a_failure_the_old_copy_is_kept(server: Server, tmp_path: Path, fault: Fault) -> None:
    source = repository(server, archive(**PYTHON))
    download(tmp_path, source)
    before = database_path(tmp_path / "advisories", source).read_bytes()
    server.fault("vulndb/zip/HEAD", fault)
    with pytest.raises(ProvisionError, match=r"vulndb/zip/HEAD"):
        download(tmp_path, source)
    assert database_path(tmp_path / "advisories", source).read_bytes() == before


def test_a_damaged_copy_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    source = repository(server, archive(**PYTHON))
    download(tmp_path, source)
    path = database_path(tmp_path / "advisories", source)
    for damaged in (b"", path.read_bytes()[:-5], archive(**PYTHON)):
        path.write_bytes(damaged)
        assert database_count(tmp_path / "advisories", source) is None
    assert (download(tmp_path, source).outcome, saved(tmp_path, source)[0]) == ("updated", "BIT-python-2024-7592")


def test_a_query_contains_the_package_but_nothing_of_the_lock_file(server: Server, tmp_path: Path) -> None:
    source = query(server, {"vulns": [COOKIES_OSV, NPM], "next_page_token": "2"}, {"vulns": [EXPAT]})
    assert download(tmp_path, source).count == 2
    package = {"ecosystem": "GIT", "name": "https://github.com/libexpat/libexpat"}
    asked = [(seen.method, json.loads(seen.content)) for seen in server.requests]
    assert asked == [("POST", {"package": package}), ("POST", {"package": package, "page_token": "2"})]
    assert len(saved(tmp_path, source)) == 2


def test_a_package_without_records_is_saved_as_such(server: Server, tmp_path: Path) -> None:
    source = query(server)
    assert database_count(tmp_path / "advisories", source) is None
    assert download(tmp_path, source).count == 0
    assert database_count(tmp_path / "advisories", source) == 0


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"vulns": {}}', b'{"vulns": [], "next_page_token": 1}', b"[" * 99999])
def test_a_response_in_another_format_than_that_of_osv_is_an_error(
    server: Server, tmp_path: Path, answer: bytes
) -> None:
    source = query(server)
    server.fault("v1/query", Other(body=answer))
    with pytest.raises(CatalogError, match=r"did not return a response of OSV on https://github.com/libexpat/libexpat"):
        download(tmp_path, source)


def test_an_endless_number_of_pages_is_an_error(server: Server, tmp_path: Path) -> None:
    source = query(server)
    server.fault("v1/query", Other(body=b'{"next_page_token": "again"}'))
    with pytest.raises(NetworkError, match="more than 50 pages"):
        download(tmp_path, source)


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_query_is_not_redirected(server: Server, tmp_path: Path, code: int) -> None:
    source = query(server)
    server.fault("v1/query", redirect(server.put("elsewhere", b"{}"), code))
    with pytest.raises(NetworkError, match=f"status {code}"):
        download(tmp_path, source)
    assert server.count("elsewhere") == 0


def test_the_hosts_of_the_default_sources_are_allowed_for_this_command_only() -> None:
    allowed = HostPolicy(HostRule.parse(text) for text in ADVISORY_HOSTS)
    for source in SOURCES:
        allowed.check(Url.parse(source.url))
        with pytest.raises(ProvisionError, match="is not allowed"):
            HostPolicy(()).check(Url.parse(source.url))


def test_names_of_sources_are_distinct() -> None:
    names: list[Any] = [source.name for source in SOURCES]
    assert len(set(names)) == len(names)
