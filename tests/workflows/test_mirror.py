"""`mirror push|list|check`: a lock's archives in a registry, a bucket and a directory, and their faults."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import pytest

from provision.errors import LockFileError, NetworkError, ProvisionError, SeveralErrors, UsageError
from provision.fleet.mirror import open_push_target
from provision.model.asset import Digest
from provision.model.oci import EMPTY_DIGEST, archive_tag
from provision.model.value import replace
from provision.protocols import NoProgress
from provision.workflows.mirror import MirrorReport, MirrorRequest, check_mirror, list_mirror, push_mirror
from provision.workflows.options import Options, parse_targets
from tests.fetch.samples import fetcher
from tests.model.samples import asset as make_asset
from tests.support.faults import Reply
from tests.support.origin import Origin, open_origin
from tests.support.project import Project
from tests.support.registry import FakeRegistry, Quirks
from tests.support.server import Server

_KINDS = ("oci", "s3", "file")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with open_origin(tmp_path_factory.mktemp("mirror")) as origin:
        yield origin


@dataclass
class Mirror:
    """A mirror of some kind, and ways to break it."""

    kind: str
    text: str
    registry: FakeRegistry
    bucket: Server
    folder: Path

    def files(self) -> list[Path]:
        folder = self.folder if self.kind == "file" else self.bucket.root
        return sorted(path for path in folder.rglob("*") if path.is_file())

    def damage(self) -> None:
        """Change a byte of one archive."""
        if self.kind == "oci":
            (key,) = [key for key, data in self.registry.content.blobs.items() if len(data) > 2][:1]
            data = self.registry.content.blobs[key]
            self.registry.content.blobs[key] = data[:-1] + bytes([data[-1] ^ 1])
        else:
            path = self.files()[0]
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    def lose(self) -> None:
        """Remove one archive."""
        if self.kind == "oci":
            self.registry.content.blobs.pop(next(iter(self.registry.content.blobs)))
        else:
            self.files()[0].unlink()


@pytest.fixture
def mirror(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    (tmp_path / "bucket").mkdir()
    with FakeRegistry(Quirks(token=True, manifest_first=404)) as registry, Server(tmp_path / "bucket") as bucket:
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        texts = {
            "oci": f"oci://{registry.host}/team/pythons",
            "s3": "s3://archives/team",
            "file": (tmp_path / "folder").as_uri(),
        }
        kind = getattr(request, "param", "oci")
        yield Mirror(kind=kind, text=texts[kind], registry=registry, bucket=bucket, folder=tmp_path / "folder")


def _push(origin: Origin, tmp_path: Path, mirror: Mirror, *, replaces: bool = False) -> MirrorReport:
    request = MirrorRequest(mirror=mirror.text)
    return push_mirror(origin.options(tmp_path), request, NoProgress(), replaces=replaces)


def _check(origin: Origin, tmp_path: Path, mirror: Mirror) -> MirrorReport:
    return check_mirror(origin.options(tmp_path), MirrorRequest(mirror=mirror.text), NoProgress())


def _list(origin: Origin, tmp_path: Path, mirror: Mirror) -> MirrorReport:
    return list_mirror(origin.options(tmp_path), MirrorRequest(mirror=mirror.text), NoProgress())


def _states(report: MirrorReport) -> list[str]:
    return [row.state for row in report.rows]


@pytest.mark.parametrize("mirror", _KINDS, indirect=True)
def test_pushed_archives_are_listed_and_verified_and_not_pushed_again(
    origin: Origin, tmp_path: Path, mirror: Mirror
) -> None:
    assert _states(_list(origin, tmp_path, mirror)) == ["missing", "missing"]
    report = _push(origin, tmp_path, mirror)
    assert [(row.names, row.state) for row in report.rows] == [(("again", "one"), "pushed"), (("two",), "pushed")]
    before = origin.server.count()
    assert _states(_push(origin, tmp_path / "other", mirror)) == ["present", "present"]
    assert origin.server.count() == before, "what is there is not downloaded"
    assert _states(_list(origin, tmp_path, mirror)) == ["present", "present"]
    report = _check(origin, tmp_path, mirror)
    assert (_states(report), report.error) == (["present", "present"], None)
    assert not list((tmp_path / "cache").rglob("*.part*"))


@pytest.mark.parametrize("mirror", _KINDS, indirect=True)
def test_a_damaged_copy_is_found_by_a_check_and_replaced(origin: Origin, tmp_path: Path, mirror: Mirror) -> None:
    _push(origin, tmp_path, mirror)
    mirror.damage()
    report = _check(origin, tmp_path, mirror)
    assert sorted(_states(report)) == ["mismatch", "present"]
    assert report.error is not None
    assert report.error.exit_code == 5
    assert f"Run `provision mirror push --replace {mirror.text}`." in str(report.error.hint)
    assert ("delete it there" in str(report.error.hint)) == (mirror.kind == "oci")
    _push(origin, tmp_path, mirror, replaces=True)
    assert _check(origin, tmp_path, mirror).error is None


@pytest.mark.parametrize("mirror", _KINDS, indirect=True)
def test_a_missing_archive_is_found_and_pushed(origin: Origin, tmp_path: Path, mirror: Mirror) -> None:
    _push(origin, tmp_path, mirror)
    mirror.lose()
    assert sorted(_states(_list(origin, tmp_path, mirror))) == ["missing", "present"]
    report = _check(origin, tmp_path, mirror)
    assert sorted(_states(report)) == ["missing", "present"]
    assert report.error is not None
    assert (report.error.exit_code, report.error.hint) == (1, f"Run `provision mirror push {mirror.text}`.")
    assert sorted(_states(_push(origin, tmp_path, mirror))) == ["present", "pushed"]
    assert _check(origin, tmp_path, mirror).error is None
    nowhere = MirrorRequest(mirror=(tmp_path / "nowhere").as_uri())
    report = check_mirror(origin.options(tmp_path), nowhere, NoProgress())
    assert str(report.error) == f"2 of 2 archives are missing from {nowhere.mirror}"


def test_an_archive_that_no_manifest_names_counts_as_missing(origin: Origin, tmp_path: Path, mirror: Mirror) -> None:
    _push(origin, tmp_path, mirror)
    sent = mirror.registry.count("POST /v2/team/pythons/blobs")
    mirror.registry.content.manifests.clear()
    assert _states(_list(origin, tmp_path, mirror)) == ["missing", "missing"]
    mirror.registry.become(manifest_first=0)
    assert _states(_push(origin, tmp_path, mirror)) == ["pushed", "pushed"]
    assert mirror.registry.count("POST /v2/team/pythons/blobs") == sent, "the manifests alone"


def test_other_content_of_the_registry_is_counted(origin: Origin, tmp_path: Path, mirror: Mirror) -> None:
    _push(origin, tmp_path, mirror)
    for tag in (archive_tag("0" * 64), "latest"):  # type: ignore[arg-type]
        mirror.registry.put_manifest("team/pythons", tag, b"{}", "application/json")
    assert _list(origin, tmp_path, mirror).others == 1


def test_threads_push_the_configuration_of_all_manifests_once(tmp_path: Path, mirror: Mirror) -> None:
    """A registry may refuse a manifest while it gets a blob that this names a second time."""
    archives = [tmp_path / str(number) for number in range(8)]
    with fetcher(tmp_path) as fetch, ThreadPoolExecutor(len(archives)) as pool:
        target, together = open_push_target(mirror.text, fetch), Barrier(len(archives))

        def wait(_: int) -> None:
            together.wait(10)

        def push(archive: Path) -> None:
            archive.write_bytes(archive.name.encode())
            asset = make_asset(sha256=Digest(hashlib.sha256(archive.name.encode()).hexdigest()))
            target.push(asset, archive, wait, replaces=False)

        list(pool.map(push, archives))
    sent = [asked for asked in mirror.registry.asked if asked.method == "PUT" and EMPTY_DIGEST.hex in asked.query]
    assert len(sent) == 1
    assert len(mirror.registry.content.tags["team/pythons"]) == len(archives)


@pytest.mark.parametrize("kind", ["s3", "oci", "file"])
def test_a_failed_push_has_no_hint_for_downloads(
    origin: Origin, tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Hints for downloads are none for pushes."""
    (tmp_path / "file").touch()
    with FakeRegistry(Quirks(login=("me", "secret") if kind == "oci" else None)) as refusing:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{refusing.host}")
        text, hint = {
            "s3": ("s3://no-such-bucket/x", "Create the bucket 'no-such-bucket'"),
            "oci": (f"oci://me:wrong@{refusing.host}/a", f"{refusing.host} refused the user name and the password"),
            "file": ((tmp_path / "file" / "folder").as_uri(), "Move that file away."),
        }[kind]
        report = push_mirror(origin.options(tmp_path), MirrorRequest(mirror=text), NoProgress(), replaces=False)
    assert _states(report) == ["failed", "failed"]
    one_a_path = report.error.errors if isinstance(report.error, SeveralErrors) else [report.error]
    assert len(one_a_path) == (2 if kind == "file" else 1)
    for error in one_a_path:
        assert error is not None
        assert hint in str(error.hint)
        assert "--mirror" not in str(error.hint)


@dataclass(frozen=True)
class _Forbidden:
    """A 403 of a bucket, with the code that says why."""

    code: str

    def answer(self, reply: Reply) -> None:
        body = f"<Error><Code>{self.code}</Code></Error>".encode()
        reply.head(403, {"content-length": str(len(body)), "content-type": "application/xml"})
        reply.send(body)


@pytest.mark.parametrize("mirror", ["s3"], indirect=True)
@pytest.mark.parametrize(
    ("code", "state"),
    [("AccessDenied", "missing"), ("SignatureDoesNotMatch", "failed"), ("InvalidAccessKeyId", "failed")],
)
def test_a_refused_login_does_not_count_as_a_missing_archive(
    origin: Origin, tmp_path: Path, mirror: Mirror, code: str, state: str
) -> None:
    """A bucket that may not be listed answers the same status for an archive that it does not have."""
    _push(origin, tmp_path, mirror)
    for path in mirror.files():
        mirror.bucket.fault(path.relative_to(mirror.bucket.root).as_posix(), _Forbidden(code))
    report = _list(origin, tmp_path, mirror)
    assert _states(report) == [state, state]
    hints = [str(row.error.hint) for row in report.rows if row.error]
    assert all("AWS_ACCESS_KEY_ID" in hint for hint in hints)
    assert len(hints) == (2 if state == "failed" else 0)


def test_two_pushes_create_the_same_manifests(origin: Origin, tmp_path: Path, mirror: Mirror) -> None:
    _push(origin, tmp_path, mirror)
    first = dict(mirror.registry.content.manifests)
    mirror.registry.content.manifests.clear()
    _push(origin, tmp_path / "elsewhere", mirror)
    assert mirror.registry.content.manifests == first


def test_a_push_to_a_directory_removes_leftovers_of_killed_pushes(origin: Origin, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    release = tmp_path / "folder" / "20261201"
    release.mkdir(parents=True)
    name, living = origin.builds[0].archive.name, f".x.{os.getpid()}.0a1b2c3d.new"
    for left in (f".{name}.{ended.pid}.0a1b2c3d.new", f".another.tar.gz.{ended.pid}.0a1b2c3d.new", living):
        (release / left).touch()
    request = MirrorRequest(mirror=(tmp_path / "folder").as_uri())
    assert _states(push_mirror(origin.options(tmp_path), request, NoProgress(), replaces=False)) == ["pushed"] * 2
    assert {path.name for path in release.iterdir()} == {name, living}


def test_each_failure_is_reported_for_its_archive(origin: Origin, tmp_path: Path, mirror: Mirror) -> None:
    mirror.registry.become(read_only=True)
    report = _push(origin, tmp_path, mirror)
    assert _states(report) == ["failed", "failed"]
    assert isinstance(report.error, ProvisionError)
    assert report.error.exit_code == 6


def test_archives_without_a_release_are_pushed_to_a_directory_by_digest(origin: Origin, tmp_path: Path) -> None:
    project, folder = Project(tmp_path / "custom"), tmp_path / "folder"
    origin.server.put("custom/mine.tar.gz", origin.builds[0].archive.read_bytes())
    text = origin.project.lock.read_text()
    name = origin.builds[0].archive.name.replace("+", "%2B")
    project.lock.write_text(text.replace(f"/20261201/{name}", "/custom/mine.tar.gz"))
    request = MirrorRequest(mirror=folder.as_uri(), locks=(project.lock,))
    assert _states(push_mirror(origin.options(tmp_path), request, NoProgress(), replaces=False)) == ["pushed"] * 2
    assert (folder / "blobs/sha256" / origin.builds[0].sha256).is_file()
    assert _states(check_mirror(origin.options(tmp_path), request, NoProgress())) == ["present"] * 2


def test_a_web_server_is_checked_but_not_pushed_to(origin: Origin, tmp_path: Path) -> None:
    request = MirrorRequest(mirror=origin.server.url)
    options = origin.options(tmp_path)
    assert _states(check_mirror(options, request, NoProgress())) == ["present", "present"]
    assert _states(list_mirror(options, request, NoProgress())) == ["present", "present"]
    with pytest.raises(UsageError, match="cannot push to a web server") as caught:
        push_mirror(options, MirrorRequest(mirror="https://me:secret@mirror.example"), NoProgress(), replaces=False)
    assert "secret" not in str(caught.value)


def test_several_lock_files_and_single_targets_can_be_pushed(origin: Origin, tmp_path: Path, mirror: Mirror) -> None:
    first, second = Project(tmp_path / "first"), Project(tmp_path / "second")
    first.lock.write_bytes(origin.project.lock.read_bytes())
    second.lock.write_bytes(origin.project.lock.read_bytes())
    options = origin.options(tmp_path)
    request = MirrorRequest(mirror=mirror.text, locks=(first.lock, second.lock))
    assert _states(push_mirror(options, request, NoProgress(), replaces=False)) == ["pushed", "pushed"]
    second.lock.write_text(origin.project.lock.read_text().replace('name = "two"', 'name = "other"'))
    for names, files in ((("two",), 1), (("two", "other"), 1), (("one", "two"), 2)):
        rows = list_mirror(options, replace(request, names=names), NoProgress()).rows
        assert (len(rows), {name for row in rows for name in row.names}) == (files, set(names))
    with pytest.raises(LockFileError, match="has no entry 'none'"):
        list_mirror(options, replace(request, names=("one", "none")), NoProgress())
    elsewhere = parse_targets(("windows-x86_64",))
    with pytest.raises(ProvisionError, match="is not locked for windows-x86_64"):
        list_mirror(options, MirrorRequest(mirror=mirror.text, targets=elsewhere), NoProgress())
    with pytest.raises(LockFileError, match="does not exist"):
        list_mirror(options, MirrorRequest(mirror=mirror.text, locks=(tmp_path / "no.lock",)), NoProgress())


@pytest.mark.parametrize("text", ["oci://registry.example.com/a", "s3://archives", "https://mirror.example"])
def test_while_offline_only_directories_are_checked(origin: Origin, tmp_path: Path, text: str) -> None:
    options = Options.of({}, cache=tmp_path / "cache", manifest=origin.project.manifest, offline=True)
    with pytest.raises(NetworkError, match=r"cannot reach .+: the network is disabled \(offline\)"):
        list_mirror(options, MirrorRequest(mirror=text), NoProgress())
    folder = MirrorRequest(mirror=origin.server.root.as_uri())
    assert _states(check_mirror(options, folder, NoProgress())) == ["present", "present"]


@pytest.mark.slow
@pytest.mark.parametrize("mirror", _KINDS, indirect=True)
def test_a_machine_syncs_from_the_mirror_without_the_origin(origin: Origin, tmp_path: Path, mirror: Mirror) -> None:
    """As users run it: push, then sync elsewhere from an empty cache, and the words of each."""
    project = origin.copy(tmp_path / "far")
    pushed = project.run("mirror", "push", mirror.text, "--cache-dir", tmp_path / "near")
    assert pushed.err.endswith(f"pushed 2 archives to {mirror.text}\n")
    assert pushed.out.splitlines()[1].split()[-1] == "pushed"
    before = origin.server.count()
    project.run("sync", "--frozen", "--mirror", mirror.text)
    assert origin.server.count() == before
    mirror.damage()
    checked = project.run("mirror", "check", mirror.text, "--json", expect=5)
    document = checked.document()
    assert sorted(row["state"] for row in document["archives"]) == ["mismatch", "present"]
    assert document["error"]["exit-code"] == 5
    listed = project.run("mirror", "list", "oci://", expect=2)
    assert "invalid mirror" in listed.err
