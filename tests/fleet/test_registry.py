"""A registry's blobs, manifests and tags, over HTTP: pushed once, hashed when read, and logins kept from others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from provision.errors import IntegrityError, NetworkError, PolicyError, ProvisionError, UsageError
from provision.fetch.fetcher import Fetcher
from provision.fleet.registry import RegistryClient, open_registry
from provision.model.asset import Digest
from provision.model.oci import EMPTY_BYTES, EMPTY_DIGEST, MANIFEST, archive_manifest, archive_tag
from tests.fetch import samples
from tests.fetch.conftest import Internet
from tests.fetch.samples import LARGE, PATIENT, SMALL, digest
from tests.support.faults import Endless, Status, redirect
from tests.support.registry import FakeRegistry, Quirks
from tests.support.server import Server

fetcher = partial(samples.fetcher, settings=PATIENT)

_REPOSITORY = "team/pythons"
_LOGIN = ("me", "s:cret/ü%")
_IN_URL = "me:s%3Acret%2F%C3%BC%25@"


@contextmanager
def _client(tmp_path: Path, registry: FakeRegistry, login: str = "", **options: object) -> Iterator[RegistryClient]:
    with fetcher(tmp_path, **options) as fetch:  # type: ignore[arg-type]
        yield open_registry(f"{login}{registry.host}/{_REPOSITORY}", fetch)


def _read(client: RegistryClient, of: Digest, size: int) -> bytes:
    pieces: list[bytes] = []
    client.save_blob(of, size, pieces.append)
    return b"".join(pieces)


def _in_pieces(data: bytes) -> Iterable[bytes]:
    yield from (data[start : start + 70_000] for start in range(0, len(data), 70_000))


@pytest.mark.parametrize(
    ("quirks", "login"),
    [
        (Quirks(), ""),
        (Quirks(login=_LOGIN), _IN_URL),
        (Quirks(login=_LOGIN, token=True), _IN_URL),
        (Quirks(token=True), ""),
        (Quirks(token=True, token_lifetime=2), ""),
        (Quirks(head=401), ""),
        (Quirks(ignores_range=True), ""),
        (Quirks(upload_failures=2), ""),
        (Quirks(manifest_refusals=2), ""),
        (Quirks(page=1), ""),
    ],
    ids=[
        "open",
        "basic",
        "token",
        "anonymous token",
        "tokens that end",
        "HEAD 401",
        "no ranges",
        "503",
        "400",
        "pages",
    ],
)
def test_pushed_content_is_not_pushed_again(tmp_path: Path, quirks: Quirks, login: str) -> None:
    body = archive_manifest(digest(SMALL), len(SMALL), "a.tar.gz")
    tag = archive_tag(digest(SMALL))
    with FakeRegistry(quirks) as registry, _client(tmp_path, registry, login) as client:
        assert client.tags() == ()
        assert client.get_manifest(tag) is None
        assert client.push_blob(digest(SMALL), len(SMALL), lambda: _in_pieces(SMALL))
        assert client.push_blob(EMPTY_DIGEST, len(EMPTY_BYTES), lambda: [EMPTY_BYTES])
        assert not client.push_blob(digest(SMALL), len(SMALL), lambda: [b"not asked for"])
        for reference in (tag, "other"):
            client.put_manifest(reference, body, MANIFEST)
        stored = client.get_manifest(tag)
        assert stored is not None
        assert (stored.body, stored.media_type) == (body, MANIFEST)
        assert client.get_manifest(stored.digest) == stored
        assert client.tags() == (tag, "other")
        assert _read(client, digest(SMALL), len(SMALL)) == SMALL
        assert registry.count("HEAD") == 0


def test_a_blob_is_mounted_from_another_repository_or_else_sent(tmp_path: Path) -> None:
    with FakeRegistry(Quirks(token=True)) as registry, _client(tmp_path, registry) as client:
        registry.put_blob("base/image", SMALL)
        assert not client.push_blob(digest(SMALL), len(SMALL), lambda: [b"not asked for"], mount_from="base/image")
        assert client.push_blob(digest(LARGE), len(LARGE), lambda: [LARGE], mount_from="base/image")
        assert client.has_blob(digest(SMALL))
        assert client.has_blob(digest(LARGE))


def test_a_persistently_refused_manifest_is_an_error_after_a_few_attempts(tmp_path: Path) -> None:
    body = archive_manifest(digest(SMALL), len(SMALL), "")
    with (
        FakeRegistry(Quirks(manifest_refusals=99)) as registry,
        _client(tmp_path, registry, settings=PATIENT) as client,
    ):
        with pytest.raises(NetworkError, match="400 Bad Request: DIGEST_INVALID, provided digest did not match"):
            client.put_manifest("tag", body, MANIFEST)
        assert registry.count("PUT") == PATIENT.attempts


@pytest.mark.parametrize("quirks", [Quirks(truncated=2), Quirks(truncated=1, ignores_range=True)], ids=str)
def test_an_interrupted_blob_is_resumed(tmp_path: Path, quirks: Quirks) -> None:
    with FakeRegistry(quirks) as registry, _client(tmp_path, registry) as client:
        registry.put_blob(_REPOSITORY, SMALL)
        assert _read(client, digest(SMALL), len(SMALL)) == SMALL


def test_content_with_another_digest_is_an_error(tmp_path: Path) -> None:
    body = archive_manifest(digest(SMALL), len(SMALL), "")
    with FakeRegistry(Quirks(flipped=9)) as registry, _client(tmp_path, registry) as client:
        registry.put_blob(_REPOSITORY, SMALL)
        with pytest.raises(IntegrityError, match=f"expected sha256 {digest(SMALL)}, got"):
            _read(client, digest(SMALL), len(SMALL))
        with pytest.raises(IntegrityError, match="expected sha256"):
            _read(client, digest(SMALL), len(SMALL) - 1)
        registry.content.manifests[_REPOSITORY, f"sha256:{'0' * 64}"] = (MANIFEST, body)
        with pytest.raises(IntegrityError, match="expected manifest sha256 0000") as caught:
            client.get_manifest(Digest("0" * 64))
        assert caught.value.hint, "every error with exit code 5 says what to do"


def test_a_blob_with_a_huge_declared_size_is_not_requested(tmp_path: Path) -> None:
    with FakeRegistry() as registry, _client(tmp_path, registry) as client:
        for size in ((2 << 30) + 1, 1 << 62):
            with pytest.raises(ProvisionError, match=f"has {size} bytes; the limit is 2147483648") as caught:
                client.save_blob(digest(SMALL), size, bytearray().extend)
            assert "PROVISION_MAX_ARCHIVE" in (caught.value.hint or "")
        assert registry.count("GET") == 0


def test_an_invalid_tag_is_none(tmp_path: Path) -> None:
    with FakeRegistry() as registry, _client(tmp_path, registry) as client:
        for tag in ("1.0", "\x1b[31m", "a" * 129, "", "a b", "\ud800"):
            registry.put_manifest(_REPOSITORY, tag, b"{}", MANIFEST)
        assert client.tags() == ("1.0",)


def test_a_read_only_registry_is_reported_with_its_reason(tmp_path: Path) -> None:
    refused = pytest.raises(NetworkError, match="405 Method Not Allowed: UNSUPPORTED, The operation is unsupported")
    with FakeRegistry(Quirks(read_only=True)) as registry, _client(tmp_path, registry) as client, refused:
        client.push_blob(digest(SMALL), len(SMALL), lambda: [SMALL])


@pytest.mark.parametrize(
    ("quirks", "login"),
    [
        (Quirks(login=_LOGIN), ""),
        (Quirks(login=_LOGIN), "me:wrong@"),
        (Quirks(login=_LOGIN, token=True), "me:wrong@"),
        (Quirks(token=True, realm="no URL"), ""),
    ],
)
def test_without_a_login_the_error_has_the_command_to_log_in(tmp_path: Path, quirks: Quirks, login: str) -> None:
    with FakeRegistry(quirks) as registry, _client(tmp_path, registry, login) as client:
        with pytest.raises(NetworkError, match="401 Unauthorized") as caught:
            client.has_blob(digest(SMALL))
        expected = f"{registry.host} refused the user name" if login else f"docker login {registry.host}"
        assert expected in str(caught.value.hint)
        assert "wrong" not in str(caught.value)
        assert len(registry.asked) <= 3, "a refused login is not tried again and again"


# Where a login is sent


def test_an_endless_token_response_is_not_read_to_its_end(tmp_path: Path) -> None:
    with Server(tmp_path / "tokens") as tokens:
        tokens.fault("token", Endless())
        quirks = Quirks(token=True, realm=tokens.at("token"))
        with (
            FakeRegistry(quirks) as registry,
            _client(tmp_path, registry) as client,
            pytest.raises(NetworkError, match="401 Unauthorized"),
        ):
            client.has_blob(digest(SMALL))
        assert tokens.count("token") == 1


def test_a_token_is_requested_only_from_allowed_hosts(internet: Internet, tmp_path: Path) -> None:
    quirks = Quirks(token=True, realm="https://evil.example/token")
    with FakeRegistry(quirks) as registry:
        with (
            _client(tmp_path, registry, _IN_URL, environ=internet.environ) as client,
            pytest.raises(PolicyError, match=r"127\.0\.0\.1 names it as its token server, which receives") as caught,
        ):
            client.has_blob(digest(SMALL))
        assert (caught.value.hint or "").startswith(
            "Find out first from the operator of 127.0.0.1 whether evil.example"
        )
        assert internet.server.count() == 0
        with (
            _client(tmp_path, registry, _IN_URL, environ=internet.environ, allow_hosts=("evil.example",)) as client,
            pytest.raises(NetworkError, match="404"),
        ):
            client.has_blob(digest(SMALL))
    assert internet.server.seen("token")[0].headers["authorization"].startswith("Basic ")


def test_an_upload_to_another_host_gets_no_login(internet: Internet, tmp_path: Path) -> None:
    quirks = Quirks(login=_LOGIN, uploads_at="https://mirror.example")
    with FakeRegistry(quirks) as registry, _client(tmp_path, registry, _IN_URL, environ=internet.environ) as client:
        with pytest.raises(PolicyError, match=r"mirror\.example is not allowed") as caught:
            client.push_blob(digest(SMALL), len(SMALL), lambda: [SMALL])
        assert "whether mirror.example is theirs" in (caught.value.hint or "")
        assert internet.server.count() == 0
    options = {"environ": internet.environ, "allow_hosts": ("mirror.example",)}
    with FakeRegistry(quirks) as registry, _client(tmp_path, registry, _IN_URL, **options) as client:
        with pytest.raises(ProvisionError):  # it does not support PUT
            client.push_blob(digest(SMALL), len(SMALL), lambda: [SMALL])
        assert registry.asked[-1].headers["authorization"].startswith("Basic ")


def test_redirected_blobs_are_read_without_the_login(internet: Internet, tmp_path: Path) -> None:
    internet.server.put(digest(SMALL).hex, SMALL)
    quirks = Quirks(login=_LOGIN, token=True, blobs_at="https://releases.astral.sh")
    with FakeRegistry(quirks) as registry, _client(tmp_path, registry, _IN_URL, environ=internet.environ) as client:
        registry.put_blob(_REPOSITORY, SMALL)
        assert _read(client, digest(SMALL), len(SMALL)) == SMALL
    assert [seen.headers.get("authorization") for seen in internet.server.seen()] == [None]


def test_a_token_realm_that_is_the_repository_itself_causes_no_loop(tmp_path: Path) -> None:
    with FakeRegistry(Quirks(token=True, login=_LOGIN)) as registry:
        registry.become(realm=f"http://{registry.host}/v2/{_REPOSITORY}/blobs/token")
        with _client(tmp_path, registry, _IN_URL) as client, pytest.raises(NetworkError, match="401"):
            client.has_blob(digest(SMALL))
        assert len(registry.asked) == 2


def test_a_registry_on_another_machine_cannot_redirect_uploads_to_this_machine(
    internet: Internet, tmp_path: Path
) -> None:
    location = {"location": f"http://127.0.0.1:{internet.server.port}/upload"}
    internet.server.fault("v2/a/blobs/uploads/", Status(code=202, headers=location))
    with fetcher(tmp_path, environ=internet.environ) as fetch, pytest.raises(PolicyError, match="refers to it"):
        open_registry("mirror.example/a", fetch).push_blob(digest(SMALL), len(SMALL), lambda: [SMALL])


def test_a_login_does_not_come_back_with_a_redirect(internet: Internet, tmp_path: Path) -> None:
    """A server that redirects to the registry chooses what is requested there."""
    blob = f"v2/a/blobs/sha256:{digest(SMALL)}"
    internet.server.put(blob, SMALL)
    internet.server.fault(blob, Status(code=401, headers={"www-authenticate": "Basic"}), times=1)
    internet.server.fault(blob, redirect("https://github.com/x"), times=1)
    internet.server.fault("x", redirect(f"https://mirror.example/{blob}"))
    with fetcher(tmp_path, environ=internet.environ) as fetch:
        assert open_registry("me:secret@mirror.example/a", fetch).has_blob(digest(SMALL))
    sent = [(seen.headers["host"], "authorization" in seen.headers) for seen in internet.server.seen()]
    hosts = ("mirror.example", "mirror.example", "github.com", "mirror.example")
    assert sent == list(zip(hosts, (False, True, False, False), strict=True))


def test_another_repository_of_the_registry_gets_no_login(tmp_path: Path) -> None:
    with FakeRegistry(Quirks(login=_LOGIN)) as registry, fetcher(tmp_path) as fetch:
        first = open_registry(f"{_IN_URL}{registry.host}/{_REPOSITORY}", fetch)
        other = open_registry(f"{registry.host}/team/pythons-2", fetch)
        assert not first.has_blob(digest(SMALL))
        with pytest.raises(NetworkError, match="401"):
            other.has_blob(digest(SMALL))


@pytest.mark.parametrize("text", ["host", "host/Upper", "host/a:tag", "host/a//b", "host/a?x", "host/../a", "/a", ""])
def test_an_invalid_repository_is_a_usage_error(tmp_path: Path, text: str) -> None:
    with fetcher(tmp_path) as fetch, pytest.raises(UsageError, match="invalid repository"):
        open_registry(text, fetch)


def test_while_offline_no_registry_is_contacted(tmp_path: Path) -> None:
    fetch: Fetcher
    with fetcher(tmp_path, offline=True) as fetch, pytest.raises(NetworkError, match="offline"):
        open_registry("registry.example.com/team", fetch)


def test_plain_http_is_for_loopback_and_hosts_allowed_by_the_user(tmp_path: Path) -> None:
    def scheme(text: str, *allow_hosts: str) -> str:
        with fetcher(tmp_path, allow_hosts=allow_hosts) as fetch:
            return open_registry(text, fetch).repository.base.scheme

    assert scheme("127.0.0.1:5000/a") == scheme("localhost:5000/a") == "http"
    assert scheme("registry.lan:5000/a") == scheme("registry.lan:5000/a", "registry.lan:5000") == "https"
    assert scheme("registry.lan:5000/a", "http://registry.lan:5000") == "http"


def test_docker_hub_is_contacted_at_its_registry(tmp_path: Path) -> None:
    with fetcher(tmp_path) as fetch:
        assert open_registry("docker.io/team/pythons", fetch).repository.base.host == "registry-1.docker.io"


def test_the_digest_of_a_manifest_is_that_of_the_received_bytes(tmp_path: Path) -> None:
    with FakeRegistry() as registry, _client(tmp_path, registry) as client:
        client.put_manifest("a", b"{}", MANIFEST)
        stored = client.get_manifest("a")
    assert stored is not None
    assert stored.digest.hex == hashlib.sha256(b"{}").hexdigest()
