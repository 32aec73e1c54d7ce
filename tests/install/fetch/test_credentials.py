"""What is sent as Authorization, and, more to the point, to whom it is not."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from provision.install.fetch.credentials import Credentials
from provision.url import Url

_TOKEN = {"GITHUB_TOKEN": "ghp_secret"}


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _authorization(environ: dict[str, str], url: str, *, redirected: bool = False) -> str | None:
    notes: list[str] = []
    found = Credentials(environ, notes.append).authorization(Url.parse(url), redirected=redirected)
    assert not notes
    return found


@pytest.mark.parametrize("url", ["https://github.com/a", "https://api.github.com/repos"])
def test_the_token_goes_to_github(url: str) -> None:
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
def test_the_token_goes_nowhere_else(url: str) -> None:
    assert _authorization(_TOKEN, url) is None


def test_the_token_does_not_follow_a_redirect() -> None:
    assert _authorization(_TOKEN, "https://github.com/a", redirected=True) is None


@pytest.mark.parametrize("token", ["", "  ", "a\nX-Evil: 1", "tökən"])
def test_a_token_that_cannot_be_one_is_not_sent(token: str) -> None:
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


def test_netrc_serves_the_machines_it_names(netrc: dict[str, str]) -> None:
    assert _authorization(netrc, "https://mirror.example/a") == _basic("me", "secret")
    assert _authorization(netrc, "https://mirror.example/a", redirected=True) == _basic("me", "secret")


def test_netrc_s_default_goes_to_nobody(netrc: dict[str, str]) -> None:
    assert _authorization(netrc, "https://github.com/a") is None


def test_the_token_goes_before_netrc(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine github.com login me password secret\n")
    environ = {"HOME": str(tmp_path)}
    assert _authorization(environ, "https://github.com/a") == _basic("me", "secret")
    assert _authorization(environ | _TOKEN, "https://github.com/a") == "Bearer ghp_secret"


@pytest.mark.parametrize(("text", "reason"), [("machine\n", "line"), ("machine a login \xff\n", "line")])
def test_a_broken_netrc_is_told_once_and_left_aside(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / ".netrc").write_text(text, "latin-1")
    notes: list[str] = []
    credentials = Credentials({"HOME": str(tmp_path)}, notes.append)
    for _ in range(2):
        assert credentials.authorization(Url.parse("https://github.com/a"), redirected=False) is None
    assert len(notes) == 1
    assert ".netrc is not used" in notes[0]
    assert reason in notes[0] or "UTF-8" in notes[0]


def test_a_missing_netrc_that_was_named_is_told(tmp_path: Path) -> None:
    notes: list[str] = []
    credentials = Credentials({"NETRC": str(tmp_path / "none")}, notes.append)
    assert credentials.authorization(Url.parse("https://github.com/a"), redirected=False) is None
    assert len(notes) == 1
