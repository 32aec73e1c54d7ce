"""What is sent as Authorization and, more importantly, where it is not sent."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from provision.errors import NetworkError
from provision.fetch.credentials import Credentials
from provision.fetch.retry import Cancellation
from provision.url import Url
from tests.fetch.conftest import Internet
from tests.fetch.samples import PATH, SMALL, asset, fetcher
from tests.support.faults import Guarded, redirect
from tests.support.server import Server

_RELEASE = f"/astral-sh/python-build-standalone/releases/download/{PATH}"
_TOKEN = {"GITHUB_TOKEN": "ghp_secret"}


def _fetch(tmp_path: Path, url: str, environ: dict[str, str] | None = None, *allow_hosts: str) -> bytes:
    with fetcher(tmp_path, environ=environ, allow_hosts=allow_hosts) as fetch:
        return fetch.fetch(asset(url)).read_bytes()


def _sent(internet: Internet) -> list[tuple[str, str | None]]:
    return [(seen.headers["host"], seen.headers.get("authorization")) for seen in internet.server.seen()]


def test_the_token_is_sent_to_github_but_not_to_the_target_of_a_redirect(internet: Internet, tmp_path: Path) -> None:
    internet.server.put("storage/a", SMALL)
    internet.server.fault(_RELEASE, redirect("https://release-assets.githubusercontent.com/storage/a"))
    assert _fetch(tmp_path, f"https://github.com{_RELEASE}", internet.environ | _TOKEN) == SMALL
    assert _sent(internet) == [
        ("github.com", "Bearer ghp_secret"),
        ("release-assets.githubusercontent.com", None),
    ]


def test_the_token_does_not_come_back_with_a_redirect_to_github(internet: Internet, tmp_path: Path) -> None:
    """Neither by another host nor by GitHub through another host, which would choose what we request."""
    internet.server.put("real", SMALL)
    internet.server.fault("/first", redirect("https://api.github.com/second"))
    internet.server.fault("/second", redirect("https://github.com/real"))
    assert _fetch(tmp_path, "https://github.com/first", internet.environ | _TOKEN) == SMALL
    assert _sent(internet) == [("github.com", "Bearer ghp_secret"), ("api.github.com", None), ("github.com", None)]


def test_the_token_is_sent_to_no_mirror(internet: Internet, tmp_path: Path) -> None:
    internet.server.put(f"pbs/{PATH}", SMALL)
    with fetcher(tmp_path, mirrors=("https://mirror.example/pbs",), environ=internet.environ | _TOKEN) as fetch:
        fetch.fetch(asset(f"https://github.com{_RELEASE}"))
    assert _sent(internet) == [("mirror.example", None)]


def test_credentials_of_a_url_stay_with_its_host(internet: Internet, tmp_path: Path) -> None:
    internet.server.put("real", SMALL)
    internet.server.fault("/a", redirect("/b"))
    internet.server.fault("/b", redirect("https://releases.astral.sh/real"))
    url = "https://me:secret@mirror.example/a"
    assert _fetch(tmp_path, url, internet.environ, "mirror.example") == SMALL
    basic = "Basic " + b64encode(b"me:secret").decode()
    assert _sent(internet) == [("mirror.example", basic), ("mirror.example", basic), ("releases.astral.sh", None)]


def test_another_port_is_another_origin(server: Server, tmp_path: Path) -> None:
    with Server(server.root) as other:
        other.put("real", SMALL)
        server.fault("a", redirect(other.at("real")))
        assert _fetch(tmp_path, f"http://me:secret@127.0.0.1:{server.port}/a") == SMALL
        assert server.seen()[0].headers["authorization"]
        assert "authorization" not in other.seen()[0].headers


def test_netrc_is_used_for_the_hosts_it_names(internet: Internet, tmp_path: Path) -> None:
    netrc = tmp_path / "my-netrc"
    netrc.write_text("machine mirror.example login me password secret\nmachine evil.example login you password x\n")
    basic = "Basic " + b64encode(b"me:secret").decode()
    internet.server.put("real", SMALL)
    internet.server.fault("/first", redirect("https://mirror.example/real"))
    internet.server.fault("/real", Guarded(authorization=basic))
    environ = internet.environ | {"NETRC": str(netrc)}
    assert _fetch(tmp_path, "https://releases.astral.sh/first", environ, "mirror.example") == SMALL
    assert _sent(internet) == [("releases.astral.sh", None), ("mirror.example", basic)]


def test_missing_credentials_are_an_error_with_a_hint(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    server.fault(PATH, Guarded(authorization="Basic x"))
    with pytest.raises(NetworkError, match="401 Unauthorized") as caught:
        _fetch(tmp_path, url)
    assert "netrc" in (caught.value.hint or "")


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _authorization(environ: dict[str, str], url: str, *, redirected: bool = False) -> str | None:
    notes: list[str] = []
    found = Credentials(environ, notes.append, Cancellation()).authorization(Url.parse(url), redirected=redirected)
    assert not notes
    return found


@pytest.mark.parametrize("url", ["https://github.com/a", "https://api.github.com/repos"])
def test_the_token_is_sent_to_github(url: str) -> None:
    assert _authorization(_TOKEN, url) == "Bearer ghp_secret"


@pytest.mark.parametrize(
    "url",
    [
        "http://github.com/a",
        "https://github.com.example.com/a",
        "https://raw.githubusercontent.com/a",
        "https://release-assets.githubusercontent.com/a",
        "https://releases.astral.sh/a",
        "http://127.0.0.1:8000/a",
    ],
)
def test_the_token_is_sent_to_no_other_host(url: str) -> None:
    assert _authorization(_TOKEN, url) is None


def test_the_token_does_not_follow_a_redirect() -> None:
    assert _authorization(_TOKEN, "https://github.com/a", redirected=True) is None


@pytest.mark.parametrize("token", ["", "  ", "a\nX-Evil: 1", "tökən"])
def test_an_invalid_token_is_not_sent(token: str) -> None:
    assert _authorization({"GITHUB_TOKEN": token}, "https://github.com/a") is None


def test_credentials_of_the_url_are_for_its_own_request_only() -> None:
    url = "https://me:p%40ss@mirror.example/a"
    assert _authorization({}, url) == _basic("me", "p@ss")
    assert _authorization({}, url, redirected=True) is None


@pytest.fixture
def netrc(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "my-netrc"
    file.write_text("machine mirror.example login me password secret\ndefault login you password other\n")
    file.chmod(0o600)
    return {"NETRC": str(file)}


def test_netrc_is_used_for_the_machines_it_names(netrc: dict[str, str]) -> None:
    assert _authorization(netrc, "https://mirror.example/a") == _basic("me", "secret")
    assert _authorization(netrc, "https://mirror.example/a", redirected=True) == _basic("me", "secret")


def test_the_default_of_netrc_is_not_used(netrc: dict[str, str]) -> None:
    assert _authorization(netrc, "https://github.com/a") is None


def test_the_token_takes_precedence_over_netrc(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine github.com login me password secret\n")
    environ = {"HOME": str(tmp_path)}
    assert _authorization(environ, "https://github.com/a") == _basic("me", "secret")
    assert _authorization(environ | _TOKEN, "https://github.com/a") == "Bearer ghp_secret"


@pytest.mark.parametrize(("text", "reason"), [("machine\n", "line"), ("machine a login \xff\n", "line")])
def test_a_broken_netrc_is_reported_once_and_not_used(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / ".netrc").write_text(text, "latin-1")
    notes: list[str] = []
    credentials = Credentials({"HOME": str(tmp_path)}, notes.append, Cancellation())
    for _ in range(2):
        assert credentials.authorization(Url.parse("https://github.com/a"), redirected=False) is None
    assert len(notes) == 1
    assert ".netrc is ignored" in notes[0]
    assert reason in notes[0] or "UTF-8" in notes[0]


def test_a_missing_configured_netrc_is_reported(tmp_path: Path) -> None:
    notes: list[str] = []
    credentials = Credentials({"NETRC": str(tmp_path / "none")}, notes.append, Cancellation())
    assert credentials.authorization(Url.parse("https://github.com/a"), redirected=False) is None
    assert len(notes) == 1
