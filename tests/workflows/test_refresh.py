"""`catalog update`: its requests for each kind of project, over a simulated network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from provision.catalog.learned_components import FILES, known_table, save_attested_commits
from provision.catalog.refresh import GITHUB_URL, GRAALPY_URL, PYPY_URLS
from provision.catalog.saved import NDJSON_URLS
from provision.protocols import NoProgress
from provision.workflows.catalog import component_table
from provision.workflows.options import Options
from provision.workflows.refresh import UpdateRequest, update
from tests.catalog.samples import digest, full, ndjson_line, stripped, upstream
from tests.catalog.test_learned_components import DOWNLOADS, TARGETS
from tests.fetch.conftest import Internet, authority, authority_file, internet
from tests.support.project import Ended, Project
from tests.support.schemas import check_document
from tests.support.server import Server

__all__ = ["authority", "authority_file", "internet"]  # fixtures

NAMES = tuple(stripped("3.13.99", tag) for tag in ("20270101", "20270201"))
CPYTHON = '[settings]\ntargets = ["linux-x86_64"]\n[pythons]\ndefault = "3.13"\n'
NDJSON = urlsplit(NDJSON_URLS[0]).path
RELEASE = urlsplit(GITHUB_URL).path + "/tags/20270101"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.write(CPYTHON)
    return project


def release(*names: str, tag: str = "20270101", body: str = "OpenSSL 3.5.5") -> bytes:
    assets = [{"name": name, "size": 5, "state": "uploaded", "digest": f"sha256:{digest(name)}"} for name in names]
    return json.dumps(
        {"tag_name": tag, "published_at": "2027-01-02T00:00:00Z", "body": body, "assets": assets}
    ).encode()


def asked(server: Server) -> list[str]:
    """The paths that were requested since the last call, but for what says what bundled and other builds contain."""
    contents = re.compile(r"/(downloads\.py|targets\.yml|tags/2026[0-9]{4})$")
    paths = [seen.path for seen in server.requests if not contents.search(seen.path)]
    server.requests.clear()
    return paths


def online(project: Project, internet: Internet, *words: str) -> Ended:
    """Run a command with our network."""
    environ = internet.environ
    return project.run(*words, SSL_CERT_FILE=environ["SSL_CERT_FILE"], HTTPS_PROXY=environ["HTTPS_PROXY"])


def sources(ended: Ended) -> dict[str, Any]:
    return {source["origin"]: source for source in ended.document()["sources"]}


def test_an_update_needs_one_request_for_the_list_and_one_for_the_sizes(project: Project, internet: Internet) -> None:
    internet.server.put(NDJSON, ndjson_line(NAMES[0]))
    internet.server.put(RELEASE, release(NAMES[0]))
    ended = online(project, internet, "catalog", "update", "--json")
    check_document("catalog-update", ended.document())
    assert list(sources(ended)) == [NDJSON_URLS[0]]
    assert asked(internet.server) == [NDJSON, RELEASE]
    project.run("lock", "--offline")
    assert 'version = "3.13.99"' in project.lock.read_text()
    assert 'size = 5\npublished = "2027-01-02T00:00:00Z"\n' in project.lock.read_text()
    assert "unknown size" not in project.run("plan").out
    assert "unchanged" in online(project, internet, "catalog", "update").err
    assert asked(internet.server) == [NDJSON]


def test_lists_of_implementations_that_the_manifest_lacks_are_not_requested(
    project: Project, internet: Internet
) -> None:
    project.write('[settings]\ntargets = ["linux-x86_64"]\n[pythons]\npypy = "pypy3.11"\ngraal = "graalpy3.13"\n')
    name = "pypy3.11-v99.0-linux64.tar.gz"
    url = f"https://downloads.python.org/pypy/{name}"
    file = {"filename": name, "arch": "x64", "platform": "linux", "download_url": url}
    version = {"pypy_version": "99.0", "python_version": "3.11.99", "date": "2027-01-01", "files": [file]}
    internet.server.put(urlsplit(PYPY_URLS[0]).path, json.dumps([version]).encode())
    internet.server.put(urlsplit(PYPY_URLS[1]).path, f"{digest(name).hex}  {name}\n".encode())
    graal = "graalpy3.13-99.0.1-linux-amd64.tar.gz"
    row = {"name": graal, "size": 5, "state": "uploaded", "digest": f"sha256:{digest(graal)}"}
    place = f"https://github.com/oracle/graalpython/releases/download/graal-99.0.1/{graal}"
    releases = [
        {"tag_name": "graal-99.0.1", "body": "Python 3.13.7", "assets": [{**row, "browser_download_url": place}]}
    ]
    internet.server.put(urlsplit(GRAALPY_URL).path, json.dumps(releases).encode())
    online(project, internet, "catalog", "update")
    assert set(asked(internet.server)) == {
        *(urlsplit(url).path for url in PYPY_URLS),
        urlsplit(GRAALPY_URL).path,
    }
    project.run("lock", "--offline")
    assert (url in project.lock.read_text(), place in project.lock.read_text()) == (True, True)
    internet.server.put(NDJSON, ndjson_line(NAMES[0]))
    ended = online(project, internet, "catalog", "update", "--all", "--json")
    assert list(sources(ended)) == [NDJSON_URLS[0], PYPY_URLS[0], GRAALPY_URL]


@pytest.mark.parametrize("way", ["--url", "PROVISION_CATALOG_URL", "catalog-urls"])
def test_an_internal_server_can_replace_github(project: Project, server: Server, tmp_path: Path, way: str) -> None:
    """Nothing else is asked: the network leads nowhere."""
    url = server.put("builds.ndjson", ndjson_line(*NAMES[:1]))
    if way == "catalog-urls":
        (tmp_path / "config.toml").write_text(f'catalog-urls = ["{url}"]\n')
    ended = project.run(
        *("catalog", "update", "--json"),
        *(("--url", url) if way == "--url" else ()),
        PROVISION_CATALOG_URL=url if way == "PROVISION_CATALOG_URL" else "",
        PROVISION_CONFIG_DIR=str(tmp_path),
        HTTPS_PROXY="http://127.0.0.1:9",
    )
    assert [(source["origin"], source["assets"]) for source in ended.document()["sources"]] == [(url, 1)]
    assert "1 archive of unknown size; `provision catalog update --sizes` asks each server" in ended.err
    project.run("lock", "--offline")
    assert 'build = "20270101"' in project.lock.read_text()


def test_a_mirror_can_have_the_list_and_the_checksums_next_to_the_archives(project: Project, server: Server) -> None:
    server.put("pbs/python-build-standalone.ndjson", ndjson_line(NAMES[0]))
    sums = "".join(f"{digest(name).hex}  {name}\n" for name in (NAMES[1], full("3.13.99", "20270201")))
    server.put("pbs/20270201/SHA256SUMS", sums.encode())
    server.put(f"pbs/20270201/{NAMES[1]}", bytes(1234))
    mirror = server.at("pbs")
    project.run("catalog", "update", "--mirror", mirror)
    project.run("catalog", "update", "--mirror", mirror, "--build", "20270201", "--sizes")
    project.run("lock", "--offline")
    assert 'build = "20270201"' in project.lock.read_text()
    assert "size = 1234" in project.lock.read_text()
    assert "/pbs/20270201/SHA256SUMS" in asked(server)


def test_a_directory_can_be_the_mirror_without_a_network(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "pbs"
    (folder / "20270201").mkdir(parents=True)
    (folder / "python-build-standalone.ndjson").write_bytes(ndjson_line(*NAMES[:1]))
    (folder / "20270201" / "SHA256SUMS").write_text(f"{digest(NAMES[1]).hex}  {NAMES[1]}\n")
    other = ("--mirror", "oci://registry.example.com/a")  # registries have no catalogs
    words = ("catalog", "update", "--offline", *other, "--mirror", folder.as_uri())
    assert "1 new asset" in project.run(*words).err
    assert "1 new asset" in project.run(*words, "--build", "20270201").err
    missing = project.run(*words, "--build", "20270301", expect=6)
    assert "20270301/SHA256SUMS answered with status 404" in missing.err


@pytest.mark.parametrize("start", ["http://user:secret@127.0.0.1", "HTTP://user:secret@LOCALHOST."])
def test_a_password_in_a_url_is_sent_and_never_shown(project: Project, server: Server, start: str) -> None:
    server.put("builds.ndjson", ndjson_line(NAMES[0]))
    url = f"{start}:{server.port}/builds.ndjson"
    ended = project.run("catalog", "update", "--url", url, "--json")
    assert "secret" not in ended.out + ended.err
    assert server.requests[-1].headers["authorization"].startswith("Basic ")
    saved = (project.cache / "catalog" / "ndjson.catalog").read_bytes()
    assert b"secret" not in saved


@pytest.mark.parametrize("start", ["file:///{}/a%20list", "FILE://localhost/{}/%61 list"])
def test_a_file_url_is_read_by_its_parts(project: Project, tmp_path: Path, start: str) -> None:
    folder = tmp_path / "a list"
    folder.mkdir()
    (folder / "builds.ndjson").write_bytes(ndjson_line(NAMES[0]))
    url = f"{start.format(tmp_path.as_posix().lstrip('/'))}/builds.ndjson"
    assert "1 new asset" in project.run("catalog", "update", "--url", url).err


@pytest.mark.parametrize("url", ["builds.ndjson", "ftp://example.com/x", "https://"])
def test_an_invalid_url_is_a_usage_error(project: Project, url: str) -> None:
    assert "cannot be the URL of a catalog" in project.run("catalog", "update", "--url", url, expect=2).err


def test_a_source_that_fails_does_not_prevent_saving_the_others(project: Project, server: Server) -> None:
    url = server.put("builds.ndjson", ndjson_line(NAMES[0]))
    ended = project.run("catalog", "update", "--url", server.at("missing"), "--url", url, expect=6)
    assert "missing answered with status 404" in ended.err
    project.run("lock", "--offline")
    assert 'build = "20270101"' in project.lock.read_text()


def test_lost_assets_are_reported_and_their_release_is_not_preferred(project: Project, server: Server) -> None:
    older = stripped("3.13.99", "20261231")
    url = server.put("builds.ndjson", ndjson_line(older) + ndjson_line(*NAMES[:1]) + ndjson_line(NAMES[1]))
    project.run("catalog", "update", "--url", url)
    project.write(CPYTHON.replace('"3.13"', '{ version = "3.13", build = "20270101" }'))
    project.run("lock", "--offline")
    server.put("builds.ndjson", ndjson_line(older) + ndjson_line(NAMES[1]))
    ended = project.run("catalog", "update", "--url", url)
    assert "no longer lists 1 asset of 20270101; the catalog keeps them, marked as no longer listed" in ended.err
    assert "PV028" in project.run("audit", "--as-of", "2027-03-01").out
    before = project.lock.read_bytes()
    project.run("lock", "--offline", "--upgrade")
    assert project.lock.read_bytes() == before


def test_the_changes_of_a_release_are_shown(project: Project, internet: Internet) -> None:
    internet.server.put(NDJSON, ndjson_line(NAMES[0]))
    internet.server.put(RELEASE, release(NAMES[0]))
    online(project, internet, "catalog", "update")
    shown = project.run("catalog", "show", "20270101", "--json").document()["release"]
    assert shown["text"] == "OpenSSL 3.5.5"
    assert (shown["build"], shown["assets"], shown["complete"]) == ("20270101", 1, True)
    assert "OpenSSL 3.5.5" in project.run("catalog", "show", "20270101").out


def uv_metadata(*names: str) -> bytes:
    """uv's metadata of some archives of PBS, and of one without a hash."""
    row = {"name": "cpython", "arch": {"family": "x86_64"}, "os": "linux", "libc": "gnu", "major": 3, "minor": 13}
    rows = {name: {**row, "patch": 99, "url": upstream(name).url, "sha256": digest(name).hex} for name in names}
    pyodide = "https://github.com/pyodide/pyodide/releases/download/314.0.7/xbuildenv-314.0.7.tar.gz"
    return json.dumps({**rows, "pyodide": {**row, "patch": 1, "url": pyodide, "sha256": None}}).encode()


@pytest.mark.slow
def test_assets_missing_from_a_partial_list_are_unknown_until_a_complete_list_is_read(
    project: Project, server: Server
) -> None:
    """README's `fast`: levels of a build of which one source has the baseline only."""
    project.write(CPYTHON.replace('default = "3.13"', 'fast = { version = "3.13.99", cpu = "auto" }'))
    name = stripped("3.13.99", "20270101")
    url = server.put("uv.json", uv_metadata(name))
    updated = project.run("catalog", "update", "--url", url)
    assert "1 asset left out without a sha256: xbuildenv-314.0.7.tar.gz" in updated.err
    locked = project.run("lock", "--offline")
    known = "fast: 3.13.99+20270101 has no known complete set of CPU levels for linux-x86_64"
    assert f"{known}; run `provision catalog update` to complete the list" in locked.err
    assert "the list of its assets is incomplete (sources: uv)" in project.run("explain", "fast").out
    levels = [name.replace("x86_64-", f"x86_64_{level}-") for level in ("v2", "v3", "v4")]
    sums = "".join(f"{digest(each).hex}  {each}\n" for each in (name, *levels))
    server.put("pbs/20270101/SHA256SUMS", sums.encode())
    project.run("catalog", "update", "--mirror", server.at("pbs"), "--build", "20270101")
    assert "3.13.99+20270101 now has v2, v3, v4: `provision lock --upgrade fast`" in project.run("outdated").out
    assert project.run("lock", "--check").out == ""
    project.run("lock", "--offline", "--upgrade", "fast")
    assert project.lock.read_text().count("[[python.asset]]") == 4
    assert "not complete" not in project.run("explain", "fast").out


def test_components_of_the_newest_builds_are_downloaded_once(project: Project, internet: Internet) -> None:
    """`diff` knows then what changed inside, from the lock alone; a build without the files is named in a note."""
    internet.server.put(NDJSON, b"".join(ndjson_line(name) for name in NAMES))
    files = f"{urlsplit(FILES).path}/20270201"
    internet.server.put(f"{files}/pythonbuild/downloads.py", DOWNLOADS)
    internet.server.put(f"{files}/cpython-unix/targets.yml", TARGETS)
    ended = online(project, internet, "catalog", "update")
    assert "newer builds are not known: https://raw.githubusercontent.com/" in ended.err
    assert internet.server.count(f"{files}/cpython-unix/targets.yml") == 1
    online(project, internet, "catalog", "update")
    assert internet.server.count(f"{files}/cpython-unix/targets.yml") == 1
    project.write(CPYTHON.replace("3.13", "3.13.1"))
    project.run("lock", "--offline")
    (project.directory / "before.lock").write_bytes(project.lock.read_bytes())
    project.write(CPYTHON.replace("3.13", "3.13.99"))
    project.run("lock", "--offline")
    assert "→ 3.5.9" in project.run("diff", "before.lock", "pythons.lock").out


def test_components_are_read_at_the_verified_source_commit(project: Project, internet: Internet) -> None:
    """A tag can be moved after its archives were built."""
    internet.server.put(NDJSON, b"".join(ndjson_line(name) for name in NAMES))
    files = urlsplit(FILES).path
    save_attested_commits(project.cache / "catalog", {"20270201": "c" * 40})
    for revision, source in (("20270201", b"moved"), ("c" * 40, DOWNLOADS)):
        internet.server.put(f"{files}/{revision}/pythonbuild/downloads.py", source)
        internet.server.put(f"{files}/{revision}/cpython-unix/targets.yml", TARGETS)
    online(project, internet, "catalog", "update")
    assert internet.server.count(f"{files}/20270201/pythonbuild/downloads.py") == 0
    assert "20270201" in known_table(project.cache / "catalog").learned


def test_release_notes_name_some_components_of_a_tag_whose_files_cannot_be_read(
    tmp_path: Path, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One tag has no files, one has them in another form. Notes are downloaded once, and while they cannot be had."""
    monkeypatch.chdir(tmp_path)
    options = Options.of({**internet.environ, "HOME": str(tmp_path)})
    internet.server.put(NDJSON, b"".join(ndjson_line(name) for name in NAMES))
    internet.server.put(f"{urlsplit(FILES).path}/20270201/pythonbuild/downloads.py", b"DOWNLOADS = load()\n")
    text = "## What's Changed\n* Upgrade expat to 2.9.1 by @someone in #1\n* Update pip to 27.0 by @someone in #2\n"
    paths = {tag: f"{urlsplit(GITHUB_URL).path}/tags/{tag}" for tag in ("20270101", "20270201")}

    def partly_known() -> dict[str, object]:
        notes = update(options, UpdateRequest(), NoProgress()).notes
        partial = component_table(options).partial
        assert any("the components of " in note and "newer builds are not known: https://" in note for note in notes)
        assert any("named in release notes are known of " in note for note in notes)
        return {tag: partial[tag] for tag in paths if tag in partial}

    internet.server.put(paths["20270101"], release(NAMES[0], body=text))
    named = {"expat": "2.9.1", "pip": "27.0"}
    assert partly_known() == {"20270101": named}
    internet.server.put(paths["20270201"], release(NAMES[1], tag="20270201", body=text))
    assert partly_known() == {"20270101": named, "20270201": named}
    assert partly_known() == {"20270101": named, "20270201": named}
    assert [internet.server.count(path) for path in paths.values()] == [1, 2]


def test_with_internal_servers_components_are_unknown_and_github_is_not_contacted(
    project: Project, internet: Internet, server: Server
) -> None:
    url = server.put("builds.ndjson", ndjson_line(*NAMES[:1]))
    online(project, internet, "catalog", "update", "--url", url)
    assert internet.server.requests == []
