"""Challenges of registries, and names of repositories."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from provision.fetch.docker_config import Login
from provision.fetch.registries import RegistrySession, Repository, basic, parse_challenges
from provision.fleet.registry import open_registry
from provision.url import Url
from tests.fetch import samples
from tests.fetch.samples import PATIENT, SMALL, digest
from tests.support.registry import FakeRegistry, Quirks

fetcher = partial(samples.fetcher, settings=PATIENT)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", {}),
        ("Negotiate", {}),
        ('Basic realm="a, b"', {"basic": {"realm": "a, b"}}),
        ("basic", {"basic": {}}),
        (
            'Bearer realm="https://a/t",service="a b",scope="repository:x:pull,push"',
            {"bearer": {"realm": "https://a/t", "service": "a b", "scope": "repository:x:pull,push"}},
        ),
        (
            'Bearer realm=https://a/t, service=x, Basic realm="y"',
            {"bearer": {"realm": "https://a/t", "service": "x"}, "basic": {"realm": "y"}},
        ),
        ('Digest realm="x", nonce="y", BEARER Realm="z"', {"bearer": {"realm": "z"}}),
    ],
)
def test_challenges_of_each_kind_are_read(header: str, expected: dict[str, dict[str, str]]) -> None:
    assert parse_challenges(header) == expected


def test_a_hostile_challenge_is_read_in_linear_time() -> None:
    assert parse_challenges("Bearer " + 'a="' * 20_000) is not None
    assert parse_challenges("Bearer a=b, " * 20_000) is not None


def test_a_repository_is_shown_without_its_login() -> None:
    repository = Repository.parse("me:secret@Registry.Example.com:5000/team/pythons/")
    assert str(repository) == "registry.example.com:5000/team/pythons"
    assert repository.url("tags/list", "n=1").full == "https://registry.example.com:5000/v2/team/pythons/tags/list?n=1"
    assert "secret" not in repr(repository)
    assert repository.login == ("me", "secret")


def test_several_threads_request_one_token(tmp_path: Path) -> None:
    ready = threading.Barrier(6)
    with FakeRegistry(Quirks(token=True)) as registry, fetcher(tmp_path) as fetch, ThreadPoolExecutor(6) as pool:
        registry.put_blob("a", SMALL)
        client = open_registry(f"{registry.host}/a", fetch)

        def ask(_: int) -> bool:
            ready.wait(10)
            return client.has_blob(digest(SMALL))

        assert all(pool.map(ask, range(6)))
        assert registry.count("GET /token") == 1


@pytest.mark.parametrize("form", ["identitytoken", "auth"])
def test_logins_of_docker_are_used(tmp_path: Path, form: str) -> None:
    from base64 import b64encode
    from json import dumps

    with FakeRegistry(Quirks(token=True, login=("me", "secret"))) as registry:
        registry.put_blob("a", SMALL)
        entry = {"auth": b64encode(b"me:secret").decode()} if form == "auth" else {"identitytoken": "secret"}
        (tmp_path / "config.json").write_text(dumps({"auths": {registry.host: entry}}))
        with fetcher(tmp_path, environ={"DOCKER_CONFIG": str(tmp_path)}) as fetch:
            assert open_registry(f"{registry.host}/a", fetch).has_blob(digest(SMALL))
        with fetcher(tmp_path, environ={"NETRC": str(_netrc(tmp_path))}) as fetch:
            assert open_registry(f"{registry.host}/a", fetch).has_blob(digest(SMALL))


def _netrc(tmp_path: Path) -> Path:
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login me password secret\n")
    return path


def test_a_login_of_bytes_that_are_not_text_is_sent_as_it_is() -> None:
    """As variables and netrc files may have it."""
    assert basic("m\udcff", "x") == "Basic bf86eA=="
    repository = Repository.parse("m%FF:x@registry.example.com/a")
    assert repository.login == ("m\udcff", "x")
    asked: list[tuple[Url, bytes | None]] = []

    def ask(realm: Url, form: bytes | None) -> bytes:
        asked.append((realm, form))
        return b'{"token": "T"}'

    for login in (Login("m\udcff", "x"), Login("", "x\udcff", is_identity_token=True)):
        session = RegistrySession(repository, lambda _, login=login: login)  # type: ignore[misc]
        assert session.answer('Bearer realm="https://registry.example.com/token"', None, ask)
        assert session.granted == "Bearer T"
    (realm, _), (_, form) = asked
    assert basic(*(realm.credentials or ())) == "Basic bf86eA=="
    assert b"refresh_token=x%FF&" in (form or b"")
