"""Archives from a registry: from good ones, unusual ones, and those that cannot be trusted."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from provision.errors import IntegrityError, NetworkError, PolicyError
from provision.fetch.part import Checkpoint, PartFile
from provision.model.oci import MANIFEST, archive_manifest, archive_tag
from provision.store.archives import ArchiveCache
from tests.fetch import samples
from tests.fetch.conftest import Internet
from tests.fetch.samples import LARGE, PARALLEL, PATH, PATIENT, SMALL, RecordedProgress, asset, digest, leftovers
from tests.support.registry import FakeRegistry, Quirks
from tests.support.server import Server

fetcher = partial(samples.fetcher, settings=PATIENT)

_REPOSITORY = "team/pythons"
_ELSEWHERE = f"https://evil.example/{PATH}"  # of no use: no rule allows it
_LOGIN = ("me", "secret")


def _fill(registry: FakeRegistry, data: bytes = SMALL, *, named: bool = True) -> None:
    registry.put_blob(_REPOSITORY, data)
    if named:
        body = archive_manifest(digest(data), len(data), "a.tar.gz")
        registry.put_manifest(_REPOSITORY, archive_tag(digest(data)), body, MANIFEST)


def _mirror(registry: FakeRegistry, login: str = "") -> str:
    return f"oci://{login}{registry.host}/{_REPOSITORY}"


@pytest.mark.parametrize("size", [None, len(SMALL)])
@pytest.mark.parametrize(
    ("quirks", "login"),
    [
        (Quirks(), ""),
        (Quirks(login=_LOGIN), "me:secret@"),
        (Quirks(token=True), ""),
        (Quirks(token=True, login=_LOGIN, token_lifetime=1, truncated=2), "me:secret@"),
        (Quirks(head=401), ""),
        (Quirks(manifest_first=404), ""),
        (Quirks(manifest_first=401), ""),
        (Quirks(manifest_first=403, token=True), ""),
        (Quirks(truncated=2), ""),
        (Quirks(truncated=1, ignores_range=True), ""),
        (Quirks(flipped=1), ""),
        (Quirks(cached_damage=True), ""),
    ],
    ids=str,
)
def test_an_archive_is_downloaded_from_a_registry(tmp_path: Path, quirks: Quirks, login: str, size: int | None) -> None:
    with FakeRegistry(quirks) as registry, fetcher(tmp_path, mirrors=(_mirror(registry, login),)) as fetch:
        _fill(registry)
        assert fetch.fetch(asset(_ELSEWHERE, size=size)).read_bytes() == SMALL
        assert leftovers(tmp_path) == []
        assert registry.count("HEAD") == 0


@pytest.mark.parametrize(
    "quirks", [Quirks(token=True), Quirks(token=True, token_lifetime=1), Quirks(flipped=1)], ids=str
)
def test_a_large_archive_is_downloaded_over_several_connections(tmp_path: Path, quirks: Quirks) -> None:
    with (
        FakeRegistry(quirks) as registry,
        fetcher(tmp_path, mirrors=(_mirror(registry),), settings=PARALLEL) as fetch,
    ):
        _fill(registry, LARGE)
        assert fetch.fetch(asset(_ELSEWHERE, LARGE)).read_bytes() == LARGE


def test_a_damaged_copy_is_reported_and_the_next_mirror_tried(server: Server, tmp_path: Path) -> None:
    server.put(f"pbs/{PATH}", SMALL)
    record = RecordedProgress()
    with FakeRegistry(Quirks(flipped=9)) as registry:
        _fill(registry)
        mirrors = (_mirror(registry), f"{server.url}/pbs")
        with fetcher(tmp_path, mirrors=mirrors, progress=record) as fetch:
            assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL
        blob = f"http://{registry.host}/v2/{_REPOSITORY}/blobs/sha256:{digest(SMALL)}"
        assert record.notes == [f"{blob}: sha256 mismatch; downloading again in one piece, bypassing caches"]
        assert [each.headers.get("cache-control") for each in registry.asked] == [None, "no-cache"]


def test_without_another_source_the_damaged_copy_is_an_error(tmp_path: Path) -> None:
    with FakeRegistry(Quirks(flipped=9)) as registry, fetcher(tmp_path, mirrors=(_mirror(registry),)) as fetch:
        _fill(registry)
        with pytest.raises(IntegrityError, match=f"{registry.host}/v2/{_REPOSITORY}/blobs") as caught:
            fetch.fetch(asset(_ELSEWHERE))
        assert caught.value.exit_code == 5


@pytest.mark.parametrize("filled", ["empty", "unnamed", "named otherwise", "nonsense"])
def test_a_missing_archive_is_requested_once(tmp_path: Path, filled: str) -> None:
    with FakeRegistry(Quirks(manifest_first=404)) as registry, fetcher(tmp_path, mirrors=(_mirror(registry),)) as fetch:
        if filled != "empty":
            _fill(registry, named=False)
        tag = archive_tag(digest(SMALL))
        if filled == "named otherwise":
            registry.put_manifest(_REPOSITORY, tag, archive_manifest(digest(LARGE), 1, ""), MANIFEST)
        if filled == "nonsense":
            registry.put_manifest(_REPOSITORY, tag, b'{"layers": [{"a": 1}]}', MANIFEST)
        with pytest.raises((NetworkError, PolicyError), match="404 Not Found"):
            fetch.fetch(asset(_ELSEWHERE))
        assert [each.path.rsplit("/", 2)[1] for each in registry.asked] == ["blobs", "manifests"]


def test_the_hint_of_a_missing_login_is_docker_login(server: Server, tmp_path: Path) -> None:
    with FakeRegistry(Quirks(login=_LOGIN)) as registry, fetcher(tmp_path, mirrors=(_mirror(registry),)) as fetch:
        with pytest.raises(NetworkError, match="401 Unauthorized") as caught:
            fetch.fetch(asset(server.at(PATH)))
        assert f"docker login {registry.host}" in str(caught.value.hint)


def test_a_complete_partial_download_accepts_a_range_error(tmp_path: Path) -> None:
    """The registry answers 416 with the length of the blob, and sends less."""
    archive = ArchiveCache(tmp_path / "cache").path(digest(SMALL))
    part = PartFile(archive)
    part.open()
    part.write(0, SMALL)
    part.save(Checkpoint(head=len(SMALL)))
    part.close()
    with FakeRegistry() as registry, fetcher(tmp_path, mirrors=(_mirror(registry),)) as fetch:
        _fill(registry)
        assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL
        assert registry.asked[0].headers["range"] == f"bytes={len(SMALL)}-"


def test_no_login_is_sent_to_another_host_after_a_redirect(internet: Internet, tmp_path: Path) -> None:
    internet.server.put(digest(SMALL).hex, SMALL)
    quirks = Quirks(token=True, login=_LOGIN, blobs_at="https://mirror.example")
    with FakeRegistry(quirks) as registry:
        _fill(registry)
        mirrors = (_mirror(registry, "me:secret@"),)
        with fetcher(tmp_path, mirrors=mirrors, environ=internet.environ) as fetch, pytest.raises(PolicyError):
            fetch.fetch(asset(_ELSEWHERE))
        assert internet.server.count() == 0
        allowed = ("mirror.example",)
        with fetcher(tmp_path, mirrors=mirrors, environ=internet.environ, allow_hosts=allowed) as fetch:
            assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL
    assert [seen.headers.get("authorization") for seen in internet.server.seen()] == [None]


def test_the_size_of_an_archive_is_requested_from_a_registry(tmp_path: Path) -> None:
    with FakeRegistry(Quirks(token=True)) as registry, fetcher(tmp_path, mirrors=(_mirror(registry),)) as fetch:
        _fill(registry)
        assert fetch.size(asset(_ELSEWHERE)) == len(SMALL)


def test_a_registry_with_an_untrusted_certificate_is_refused(internet: Internet, tmp_path: Path) -> None:
    """A registry on another machine is contacted over https, through the proxy, and with the user's authorities."""
    tag = archive_tag(digest(SMALL))
    internet.server.put(f"v2/a/blobs/sha256:{digest(SMALL)}", SMALL)
    with fetcher(tmp_path, mirrors=("oci://mirror.example/a",), environ=internet.environ) as fetch:
        assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL
    environ = {"HTTPS_PROXY": internet.proxy.url}
    refused = pytest.raises((NetworkError, PolicyError), match="certificate of the server is not trusted")
    with fetcher(tmp_path / "b", mirrors=("oci://mirror.example/a",), environ=environ) as fetch, refused:
        fetch.fetch(asset(_ELSEWHERE))
    assert internet.server.count(f"v2/a/manifests/{tag}") == 0
