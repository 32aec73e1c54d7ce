"""`prefetch`: archives in the cache, verified; nothing else is written."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from provision.errors import NetworkError
from provision.protocols import NoProgress
from provision.workflows.bundle import create_bundle
from provision.workflows.mirror import MirrorRequest, push_mirror
from provision.workflows.options import Options, Scope
from provision.workflows.prefetch import prefetch
from tests.support.builds import Build, write_catalog
from tests.support.faults import Other, Status
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import small_build
from tools.output_schemas import output_schemas


@pytest.fixture
def builds(tmp_path: Path, server: Server) -> list[Build]:
    """Served under the names that a lock has."""
    found = [small_build(tmp_path / "builds", number) for number in (1, 2)]
    write_catalog(server.root, found)
    return found


@pytest.fixture
def project(tmp_path: Path, server: Server, builds: list[Build]) -> Project:
    made = Project(tmp_path / "project")
    entries = "".join(f"{name} = {build.entry}\n" for name, build in zip(("one", "two"), builds, strict=True))
    made.write(
        f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n[pythons]\n{entries}again = {builds[0].entry}\n'
    )
    made.run("lock")
    server.requests.clear()
    return made


def _archives(project: Project) -> set[str]:
    return {path.name for path in (project.cache / "archives" / "sha256").glob("*") if len(path.name) == 64}


def _fetched(server: Server, builds: list[Build]) -> list[int]:
    return [server.count(build.archive.name) for build in builds]


def test_each_archive_is_downloaded_once_and_a_sync_needs_no_network_afterwards(
    project: Project, server: Server, builds: list[Build]
) -> None:
    project.run("prefetch", "--offline", expect=6)
    done = project.run("prefetch", "one")
    assert done.out.splitlines() == [f"+ one  {builds[0].archive.name}  ({_size(builds[0])})"]
    document = project.run("prefetch", "--json").document()
    jsonschema.validate(document, output_schemas()["output-prefetch"])
    cached, downloaded = document["assets"]
    assert (cached["source"], cached["requests"], set(cached["seconds"])) == (None, 0, {"verify"})
    assert downloaded["source"] == f"{server.url}/{builds[1].archive.name.replace('+', '%2B')}"
    assert downloaded["bytes"] == builds[1].archive.stat().st_size
    assert (downloaded["requests"], downloaded["retries"]) == (1, 0)
    assert _fetched(server, builds) == [1, 1]
    assert _archives(project) == {build.sha256 for build in builds}
    assert not (project.home / "store").exists()
    assert not (project.directory / ".pythons").exists()
    assert "2 archives in the cache, 0 downloaded now" in project.run("prefetch", "--offline").err
    project.run("sync", "--offline")
    assert _fetched(server, builds) == [1, 1]
    damaged = project.cache / "archives" / "sha256" / builds[0].sha256
    damaged.chmod(0o644)
    damaged.write_bytes(b"damaged")
    done = project.run("prefetch")
    assert [line[0] for line in done.out.splitlines()] == ["+", "="], "it was downloaded again"
    assert "2 archives in the cache, 1 downloaded now" in done.err


def test_a_sync_reports_a_damaged_copy_as_downloaded(project: Project, builds: list[Build]) -> None:
    """The plan was made before the copy was read."""
    copy = project.cache / "archives" / "sha256" / builds[0].sha256
    for words in (("sync",), ("sync", "-v"), ("sync", "--json")):
        project.run("prefetch")
        copy.chmod(0o644)
        copy.write_bytes(b"damaged")
        synced = project.run(*words, PROVISION_HOME=f"{project.home}-{'-'.join(words)}")
        assert f"removed {builds[0].archive.name} from the cache: sha256 mismatch" in synced.err
        if "--json" not in words:
            assert [line.rpartition("  (")[2] for line in synced.out.splitlines()[:2]] == [
                f"{_size(builds[0])})",
                "cached)",
            ]
    document = synced.document()
    jsonschema.validate(document, output_schemas()["output-sync"])
    installs = [action for action in document["actions"] if action["action"] == "install"]
    assert [action["cached"] for action in installs] == [False, True]
    assert document["summary"]["downloads"] == 1


def _size(build: Build) -> str:
    from provision.text import size

    return size(build.archive.stat().st_size)


def test_every_archive_is_tried_and_all_failures_are_reported(
    project: Project, server: Server, builds: list[Build]
) -> None:
    wrong = bytes(builds[0].archive.stat().st_size)
    server.fault(builds[0].archive.name, Other(body=wrong))
    ended = project.run("prefetch", "--json", expect=5)
    assert "sha256 mismatch: the archive of entries 'again', 'one' is not the locked one" in " ".join(ended.err.split())
    (error,) = ended.document()["error"]["errors"]
    assert error["kind"] == "integrity"
    assert _archives(project) == {builds[1].sha256}


def test_archives_that_no_source_sent_are_one_error_with_their_entries(
    tmp_path: Path, project: Project, server: Server, builds: list[Build]
) -> None:
    """Whichever command downloads them."""
    for build in builds:
        server.fault(build.archive.name, Status(code=404))
    options = Options.of({}, home=project.home, cache=tmp_path / "empty", manifest=project.manifest)
    with pytest.raises(NetworkError) as prefetched:
        prefetch(options, Scope(), NoProgress())
    with pytest.raises(NetworkError) as bundled:
        create_bundle(options, tmp_path / "all.tar", (), (), since=None, progress=NoProgress())
    request = MirrorRequest(mirror=(tmp_path / "mirror").as_uri())
    pushed = push_mirror(options, request, NoProgress(), replaces=False).error
    for error in (prefetched.value, bundled.value, pushed):
        assert isinstance(error, NetworkError)
        first, *rows = error.message.splitlines()
        assert first == "cannot download 2 of 2 archives"
        assert [row.split("  ")[0] for row in rows[:2]] == ["again, one", "two"]
    assert not (tmp_path / "all.tar").exists()


def test_an_out_of_date_lock_file_is_an_error_unless_frozen(project: Project, builds: list[Build]) -> None:
    project.write(project.manifest.read_text().replace("again", "other"))
    assert "is out of date" in project.run("prefetch", expect=4).err
    project.run("prefetch", "--frozen", "two")
    assert _archives(project) == {builds[1].sha256}


def test_durations_are_in_the_document_and_in_the_trace(project: Project, server: Server, builds: list[Build]) -> None:
    """Steps of forked processes included; the shortest retries are those of a connection that is closed at once."""
    server.fault(builds[1].archive.name, Status(code=503), times=1)
    document = project.run("sync", "--json", "--trace", "trace.json").document()
    jsonschema.validate(document, output_schemas()["output-sync"])
    rows = {row["sha256"]: row for row in document["assets"]}
    first, second = (rows[build.sha256] for build in builds)
    assert (first["requests"], first["retries"], first["bytes"]) == (1, 0, builds[0].archive.stat().st_size)
    assert (second["requests"], second["retries"]) == (2, 1)
    assert {"download", "unpack", "relocate", "probe", "publish"} <= set(first["seconds"])
    assert all(seconds >= 0 for row in rows.values() for seconds in row["seconds"].values())
    trace = json.loads((project.directory / "trace.json").read_text())
    steps = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    whole = steps.pop(0)
    assert whole["name"] == "provision sync"
    assert all(0 <= each["ts"] <= each["ts"] + each["dur"] <= whole["dur"] for each in steps)
    downloads = [each for each in steps if each["name"] == "download"]
    assert sorted(each["args"]["bytes"] for each in downloads) == sorted(row["bytes"] for row in rows.values())
    named = {event["pid"] for event in trace["traceEvents"] if event["ph"] == "M"}
    assert named == {each["pid"] for each in (whole, *steps)}
    assert project.run("sync", "--json").document()["assets"] == []


def test_a_trace_is_written_for_a_command_that_fails(project: Project, server: Server, builds: list[Build]) -> None:
    server.fault(builds[0].archive.name, Status(code=404))
    project.run("prefetch", "--trace", "trace.json", expect=6)
    events = json.loads((project.directory / "trace.json").read_text())["traceEvents"]
    assert [each["args"]["source"] for each in events if each["name"] == "download"].count("") == 1
