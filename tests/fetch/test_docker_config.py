"""Logins of registries are read from docker's and podman's files, and helpers are only called with `get`."""

from __future__ import annotations

import json
import os
import threading
import time
from base64 import b64encode
from pathlib import Path

import pytest

from provision.fetch.docker_config import Login, find_login
from provision.fetch.retry import Cancellation, CancelledError

_HOST = "registry.example.com:5000"
_AUTH = b64encode(b"me:se:cret").decode()


def _home(tmp_path: Path, config: object, path: str = ".docker/config.json") -> dict[str, str]:
    file = tmp_path / "home" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    home = str(tmp_path / "home")
    return {"HOME": home, "USERPROFILE": home, "PATH": str(tmp_path / "bin")}


def _find(environ: dict[str, str], host: str = _HOST) -> tuple[Login | None, list[str]]:
    notes: list[str] = []
    return find_login(host, environ, notes.append, Cancellation()), notes


@pytest.mark.parametrize("key", [_HOST, f"https://{_HOST}", f"https://{_HOST}/v2/", f"http://{_HOST}/v1", f"{_HOST}/"])
def test_a_login_is_found_for_every_spelling_of_the_registry(tmp_path: Path, key: str) -> None:
    assert _find(_home(tmp_path, {"auths": {key: {"auth": _AUTH}}})) == (Login("me", "se:cret"), [])


def test_a_login_is_for_its_own_host_and_port_alone(tmp_path: Path) -> None:
    environ = _home(tmp_path, {"auths": {_HOST: {"auth": _AUTH}}})
    for host in (
        "registry.example.com",
        "registry.example.com:5001",
        "a.registry.example.com:5000",
        "example.com:5000",
    ):
        assert _find(environ, host) == (None, [])


def test_docker_hub_has_its_own_key(tmp_path: Path) -> None:
    environ = _home(tmp_path, {"auths": {"https://index.docker.io/v1/": {"auth": _AUTH}}})
    assert _find(environ, "registry-1.docker.io")[0] == Login("me", "se:cret")


def test_an_identity_token_is_kept_apart_from_passwords(tmp_path: Path) -> None:
    environ = _home(tmp_path, {"auths": {_HOST: {"auth": "AAAA", "identitytoken": "long"}}})
    assert _find(environ)[0] == Login("", "long", is_identity_token=True)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[]",
        {"auths": []},
        {"auths": {_HOST: "x"}},
        {"auths": {_HOST: {}}},
        {"auths": {_HOST: {"auth": "no base64"}}},
        {"auths": {_HOST: {"auth": "bm9jb2xvbg=="}}},
        {"auths": {_HOST: {"auth": "/////w=="}}},
        {"credHelpers": [], "credsStore": ""},
        {"auths": {_HOST: {"identitytoken": "\ud800"}}},
    ],
    ids=str,
)
def test_a_configuration_without_a_login_gives_none(tmp_path: Path, config: object) -> None:
    assert _find(_home(tmp_path, config)) == (None, [])


@pytest.mark.parametrize(
    ("config", "note"),
    [("{", "not valid JSON"), ({"credsStore": "../x"}, "not that of a program"), ({"credsStore": "gone"}, "on PATH")],
    ids=str,
)
def test_a_configuration_that_cannot_be_used_gives_a_note(tmp_path: Path, config: object, note: str) -> None:
    login, notes = _find(_home(tmp_path, config))
    assert login is None
    assert note in notes[0]


@pytest.mark.parametrize("other", ["HOME"] if os.name == "nt" else ["USERPROFILE"])
def test_the_home_directory_is_that_of_the_system(tmp_path: Path, other: str) -> None:
    """A shell in Windows can have both variables, and so can Linux inside Windows."""
    environ = _home(tmp_path, {"auths": {_HOST: {"auth": _AUTH}}})
    assert _find({**environ, other: str(tmp_path / "elsewhere")})[0] == Login("me", "se:cret")


def test_configured_files_take_precedence(tmp_path: Path) -> None:
    environ = _home(tmp_path, {"auths": {_HOST: {"auth": _AUTH}}})
    other = {"auths": {_HOST: {"auth": b64encode(b"podman:x").decode()}}}
    _home(tmp_path, other, "run/containers/auth.json")
    _home(tmp_path, {"auths": {}}, "empty/config.json")
    home = Path(environ["HOME"])
    found = _find({**environ, "XDG_RUNTIME_DIR": str(home / "run")})[0]
    assert found is not None
    assert found.user == "podman"
    assert _find({**environ, "DOCKER_CONFIG": str(home / "empty")}) == (None, [])
    named = {**environ, "REGISTRY_AUTH_FILE": str(home / "run/containers/auth.json")}
    assert _find(named)[0] == Login("podman", "x")


def _helper(tmp_path: Path, script: str) -> dict[str, str]:
    program = tmp_path / "bin" / "docker-credential-test"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    environ = _home(tmp_path, {"credHelpers": {_HOST: "test"}})
    return environ | {"PATH": f"{environ['PATH']}{os.pathsep}{os.defpath}"}


@pytest.mark.skipif(os.name == "nt", reason="the helper is a shell script")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"ServerURL": "x", "Username": "me", "Secret": "from helper"}', Login("me", "from helper")),
        ('{"Username": "<token>", "Secret": "t"}', Login("<token>", "t", is_identity_token=True)),
        ('{"Username": "me"}', None),
        ("[]", None),
        ("credentials not found", None),
        (r'{"Username": "me", "Secret": "\ud800"}', None),
        (r'{"Username": "\udfff", "Secret": "x"}', None),
    ],
)
def test_a_credential_helper_is_run_for_the_registry(tmp_path: Path, answer: str, expected: Login | None) -> None:
    record = tmp_path / "record"
    environ = _helper(tmp_path, f"echo \"$@\" > {record}; cat >> {record}\necho '{answer}'")
    assert _find(environ)[0] == expected
    assert record.read_text() == f"get\n{_HOST}"
    record.unlink()
    assert _find(environ, "other.example.com")[0] is None
    assert not record.exists(), "it is a helper for one registry"


@pytest.mark.skipif(os.name == "nt", reason="the helper is a shell script")
def test_if_a_credential_helper_fails_the_login_of_the_file_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = _helper(tmp_path, "exit 1")
    _home(tmp_path, {"credsStore": "test", "auths": {_HOST: {"auth": _AUTH}}})
    assert _find(environ) == (Login("me", "se:cret"), [])
    monkeypatch.chdir(tmp_path / "bin")
    assert "on PATH" in _find({**environ, "PATH": "."})[1][0], "never out of the working directory"


@pytest.mark.skipif(os.name == "nt", reason="the helper is a shell script")
@pytest.mark.parametrize("script", ["exec sleep 30", "trap '' INT TERM; exec sleep 30", "sleep 30"])
def test_a_helper_is_killed_when_cancelled(tmp_path: Path, script: str) -> None:
    started, cancellation = tmp_path / "started", Cancellation()
    environ = _helper(tmp_path, f"echo $$ > {started}.new; mv {started}.new {started}; {script}")

    def cancel_once_started() -> None:
        while not started.exists():
            time.sleep(0.005)
        cancellation.set()

    threading.Thread(target=cancel_once_started, daemon=True).start()
    begun = time.monotonic()
    with pytest.raises(CancelledError):
        find_login(_HOST, environ, print, cancellation)
    assert time.monotonic() - begun < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    started.unlink()
    with pytest.raises(CancelledError):
        find_login(_HOST, environ, print, cancellation)
    assert not started.exists(), "none is started from then on"
