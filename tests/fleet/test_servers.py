"""Mirrors on real servers: CNCF's registry with each kind of login, and Swift as S3."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from provision.errors import NetworkError
from provision.fleet.registry import open_registry
from provision.host.detect import detect_host
from provision.model.target import Target
from provision.protocols import NoProgress
from provision.workflows.mirror import MirrorRequest, check_mirror, list_mirror, push_mirror
from tests.fetch.samples import LARGE, PARALLEL, SMALL, RecordedProgress, asset, digest, fetcher
from tests.support.builds import Build, write_catalog
from tests.support.origin import Origin, open_origin
from tests.support.project import Project
from tests.support.proxy import Proxy
from tests.support.server import Server
from tests.support.servers.caches import WebCache
from tests.support.servers.programs import ServerUnavailableError
from tests.support.servers.registry import PASSWORD, USER, Registry
from tests.support.servers.swift import Swift
from tests.support.small import small_build

pytestmark = pytest.mark.slow

_LOGIN = f"{USER}:{PASSWORD}@"


@contextmanager
def _skipping() -> Iterator[None]:
    try:
        yield
    except ServerUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with open_origin(tmp_path_factory.mktemp("origin")) as origin:
        yield origin


def _fill_and_prove(origin: Origin, tmp_path: Path, mirror: str) -> None:
    """Push, list, check; then a machine with an empty cache syncs, and the origin gets no request."""
    request, options = MirrorRequest(mirror=mirror), origin.options(tmp_path)
    assert [row.state for row in list_mirror(options, request, NoProgress()).rows] == ["missing"] * 2
    report = push_mirror(options, request, NoProgress(), replaces=False)
    assert ([row.state for row in report.rows], report.error) == (["pushed"] * 2, None)
    assert [row.state for row in list_mirror(options, request, NoProgress()).rows] == ["present"] * 2
    assert check_mirror(options, request, NoProgress()).error is None
    replaced = push_mirror(options, request, NoProgress(), replaces=True)
    assert ([row.state for row in replaced.rows], replaced.error) == (["pushed"] * 2, None)
    before = origin.server.count()
    origin.copy(tmp_path / "far").run("sync", "--frozen", "--mirror", mirror)
    assert origin.server.count() == before


@pytest.mark.parametrize("auth", ["", "basic", "token"])
def test_a_registry_is_filled_and_used_to_install(origin: Origin, tmp_path: Path, auth: str) -> None:
    with _skipping(), Registry(tmp_path / "registry", auth=auth) as registry:
        _fill_and_prove(origin, tmp_path, f"oci://{_LOGIN if auth else ''}{registry.host}/team/pythons")
        if auth:
            request = MirrorRequest(mirror=f"oci://{registry.host}/team/pythons")
            report = list_mirror(origin.options(tmp_path), request, NoProgress())
            assert {row.state for row in report.rows} == {"failed"}
            assert "401" in str(report.error)
            assert f"docker login {registry.host}" in str(
                report.error and getattr(report.error, "errors", [report.error])[0].hint
            )


def test_the_login_of_docker_is_used_and_public_content_needs_none(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _skipping(), Registry(tmp_path / "registry", auth="token") as registry:
        auth = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
        request = MirrorRequest(mirror=f"oci://{registry.host}/public/pythons")
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        origin.copy(tmp_path / "near").run("mirror", "push", request.mirror)
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
        assert check_mirror(origin.options(tmp_path), request, NoProgress()).error is None
        origin.copy(tmp_path / "far").run("mirror", "push", request.mirror, "--replace", expect=6)


def test_a_registry_with_tls_is_trusted_with_its_authority(tmp_path: Path) -> None:
    with (
        _skipping(),
        Registry(tmp_path / "registry", tls=True) as registry,
        Proxy({"registry.example": registry.port}) as proxy,
    ):
        environ = {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(registry.authority_file)}
        with fetcher(tmp_path, environ=environ) as fetch:
            client = open_registry("registry.example/team/pythons", fetch)
            assert client.push_blob(digest(SMALL), len(SMALL), lambda: [SMALL])
            assert client.has_blob(digest(SMALL))
        with fetcher(tmp_path, environ={"HTTPS_PROXY": proxy.url}) as fetch:
            client = open_registry("registry.example/team/pythons", fetch)
            with pytest.raises(NetworkError, match="certificate of the server is not trusted"):
                client.has_blob(digest(SMALL))


def test_a_read_only_registry_is_reported(origin: Origin, tmp_path: Path) -> None:
    with _skipping(), Registry(tmp_path / "registry", read_only=True) as registry:
        request = MirrorRequest(mirror=f"oci://{registry.host}/team/pythons")
        report = push_mirror(origin.options(tmp_path), request, NoProgress(), replaces=False)
        assert {row.state for row in report.rows} == {"failed"}
        assert "405 Method Not Allowed" in str(report.error)


def test_a_pull_through_registry_is_a_mirror_like_its_origin(origin: Origin, tmp_path: Path) -> None:
    with _skipping(), Registry(tmp_path / "registry") as registry:
        first = MirrorRequest(mirror=f"oci://{registry.host}/team/pythons")
        push_mirror(origin.options(tmp_path), first, NoProgress(), replaces=False)
        with Registry(tmp_path / "cache", proxied=registry.url) as cache:
            request = MirrorRequest(mirror=f"oci://{cache.host}/team/pythons")
            assert check_mirror(origin.options(tmp_path), request, NoProgress()).error is None


def test_blobs_of_a_registry_are_mounted_continued_and_read_in_ranges(tmp_path: Path) -> None:
    """And a range past the end, to which distribution responds with 416 and a wrong length."""
    with _skipping(), Registry(tmp_path / "registry") as registry, fetcher(tmp_path) as fetch:
        first, second = (open_registry(f"{registry.host}/{name}", fetch) for name in ("first", "second/a"))
        assert first.push_blob(digest(LARGE), len(LARGE), lambda: [LARGE[:1000], LARGE[1000:]])
        assert not second.push_blob(digest(LARGE), len(LARGE), lambda: [b"not asked for"], mount_from="first")
        pieces: list[bytes] = []
        second.save_blob(digest(LARGE), len(LARGE), pieces.append)
        assert b"".join(pieces) == LARGE
        with pytest.raises(NetworkError):
            second.save_blob(digest(SMALL), len(SMALL), pieces.append)
        mirror = f"oci://{registry.host}/first"
        with fetcher(tmp_path / "far", mirrors=(mirror,), settings=PARALLEL) as far:
            assert far.fetch(asset("https://evil.example/a.tar.gz", LARGE)).read_bytes() == LARGE


@pytest.mark.parametrize("kind", ["web server", "registry"])
def test_a_damaged_copy_in_a_cache_is_replaced_for_all_machines(origin: Origin, tmp_path: Path, kind: str) -> None:
    """nginx always serves it, unless a client sends no-cache."""
    with ExitStack() as stack:
        stack.enter_context(_skipping())
        source, scheme, path = origin.server.url, "http://", ""
        if kind == "registry":
            registry = stack.enter_context(Registry(tmp_path / "registry"))
            request = MirrorRequest(mirror=f"oci://{registry.host}/team/pythons")
            push_mirror(origin.options(tmp_path), request, NoProgress(), replaces=False)
            source, scheme, path = registry.url, "oci://", "/team/pythons"
        nginx = stack.enter_context(WebCache(tmp_path / "nginx", source))
        mirror = MirrorRequest(mirror=f"{scheme}127.0.0.1:{nginx.port}{path}")
        archive = origin.builds[0].archive.read_bytes()
        assert check_mirror(origin.options(tmp_path), mirror, NoProgress()).error is None
        (copy,) = [found for found in nginx.kept_files() if found.read_bytes().endswith(archive[-100:])]
        rotten = copy.read_bytes()
        copy.write_bytes(rotten[:-50] + bytes([rotten[-50] ^ 1]) + rotten[-49:])
        record = RecordedProgress()
        assert check_mirror(origin.options(tmp_path), mirror, record).error is None
        assert [note for note in record.notes if "sha256 mismatch; downloading again" in note]
        record = RecordedProgress()
        assert check_mirror(origin.options(tmp_path), mirror, record).error is None
        assert record.notes == [], "the next client finds a good copy"


def test_swift_is_filled_and_used_to_install(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _skipping(), Swift(tmp_path / "swift") as swift:
        for name, value in swift.environ.items():
            monkeypatch.setenv(name, value)
        _fill_and_prove(origin, tmp_path, "s3://archives/team/pythons")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        request = MirrorRequest(mirror="s3://archives/team/pythons")
        report = push_mirror(origin.options(tmp_path), request, NoProgress(), replaces=True)
        assert {row.state for row in report.rows} == {"failed"}
        assert "403 Forbidden" in str(report.error)


# All together: one lock of four entries for three platforms, filled into two stores, and many machines.

_PLATFORMS = ("linux-x86_64", "linux-aarch64", "macos-aarch64")
_MACHINES = int(os.environ.get("PROVISION_TEST_MACHINES", "16"))
_AT_ONCE = 8


def _lock_of_platforms(folder: Path, served: Server) -> Project:
    """A project of four builds, each with a separate archive for every platform."""
    catalogs, entries = [], []
    for number in range(1, 5):
        builds = []
        for more, platform in enumerate(_PLATFORMS):
            made = small_build(folder / "made", number, more=1000 * more + 1).archive
            name = made.name.replace(str(detect_host().target), str(Target.parse(platform)))
            place = served.root / f"202612{number:02d}" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            builds.append(Build(made.rename(place)))
        write_catalog(builds[0].archive.parent, builds)
        catalogs.append(served.at(f"202612{number:02d}/catalog.ndjson"))
        entries.append(f"e{number} = {builds[0].entry}\n")
    project = Project(folder / "project")
    settings = f"[settings]\ncatalogs = {json.dumps(catalogs)}\ntargets = {json.dumps(_PLATFORMS)}\n\n[pythons]\n"
    project.write(settings + "".join(entries))
    project.run("lock")
    return project


def test_many_machines_sync_from_both_stores_without_the_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        stack.enter_context(_skipping())
        swift = stack.enter_context(Swift(tmp_path / "swift"))
        registry = stack.enter_context(Registry(tmp_path / "registry", auth="token"))
        for name, value in swift.environ.items():
            monkeypatch.setenv(name, value)
        mirrors = (f"oci://{_LOGIN}{registry.host}/team/pythons", "s3://archives/team/pythons")
        with Server(tmp_path / "served") as origin:
            project = _lock_of_platforms(tmp_path, origin)
            for mirror in mirrors:
                pushed = project.run("mirror", "push", mirror, "--json").document()
                assert [row["state"] for row in pushed["archives"]] == ["pushed"] * 12

        def install(number: int) -> dict[str, str]:
            folder = tmp_path / "machines" / str(number)
            machine = Project(folder / "project", home=folder / "home", cache=folder / "cache")
            machine.lock.write_bytes(project.lock.read_bytes())
            machine.manifest.write_bytes(project.manifest.read_bytes())
            machine.run("sync", "--frozen", "--target", "all", "--mirror", mirrors[number % 2])
            receipts = sorted((folder / "home" / "receipts").glob("*.json"))
            return {receipt.name: json.loads(receipt.read_text())["digest"] for receipt in receipts}

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            digests = list(pool.map(install, range(_MACHINES)))
        assert len(digests[0]) == 12
        assert all(each == digests[0] for each in digests)
