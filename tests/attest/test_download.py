"""Requesting attestations from GitHub: where the token is sent, and where it is not."""

from __future__ import annotations

import json
from pathlib import Path

import cramjam
import pytest

from provision.attest.bundle import format_bundle
from provision.attest.download import download_bundles
from provision.errors import NetworkError, PolicyError
from provision.model.asset import Digest
from tests.fetch.conftest import Internet, authority, authority_file, internet
from tests.fetch.samples import fetcher
from tests.support.faults import redirect
from tests.support.minting import REPOSITORY, Mint
from tests.support.server import Server

__all__ = ["authority", "authority_file", "internet"]  # fixtures

DIGEST = Digest("a" * 64)
PATH = f"/repos/{REPOSITORY}/attestations/sha256:{DIGEST}"
BUNDLE = Mint().attest({"a.tar.gz": DIGEST.hex})


@pytest.mark.parametrize("moved", [False, True])
def test_the_token_is_sent_to_the_api_but_not_to_the_host_of_bundles(
    internet: Internet, tmp_path: Path, moved: bool
) -> None:
    """``moved``: the host of the bundle redirects to a third one, which gets no token either."""
    content = bytes(cramjam.snappy.compress_raw(format_bundle(BUNDLE)))
    listed = {"attestations": [{"bundle": None, "bundle_url": "https://release-assets.githubusercontent.com/bundle"}]}
    internet.server.put(PATH, json.dumps(listed).encode())
    internet.server.put("moved" if moved else "bundle", content)
    if moved:
        internet.server.fault("/bundle", redirect("https://api.github.com/moved"))
    with fetcher(tmp_path, environ=internet.environ | {"GITHUB_TOKEN": "ghp_secret"}) as fetch:
        assert list(download_bundles(fetch.get, REPOSITORY, DIGEST)) == [format_bundle(BUNDLE)]
    sent = [(seen.headers["host"], seen.headers.get("authorization")) for seen in internet.server.seen()]
    assert sent == [
        ("api.github.com", "Bearer ghp_secret"),
        ("release-assets.githubusercontent.com", None),
        *([("api.github.com", None)] if moved else []),
    ]


def test_the_token_does_not_follow_the_api_to_another_host(internet: Internet, tmp_path: Path) -> None:
    internet.server.fault(PATH, redirect("https://releases.astral.sh/moved"))
    internet.server.put("moved", b'{"attestations": []}')
    with fetcher(tmp_path, environ=internet.environ | {"GITHUB_TOKEN": "ghp_secret"}) as fetch:
        assert list(download_bundles(fetch.get, REPOSITORY, DIGEST)) == []
    sent = [(seen.headers["host"], seen.headers.get("authorization")) for seen in internet.server.seen()]
    assert sent == [("api.github.com", "Bearer ghp_secret"), ("releases.astral.sh", None)]


def test_a_url_that_the_api_names_is_treated_like_a_redirect(
    internet: Internet, server: Server, tmp_path: Path
) -> None:
    elsewhere = {
        f"{server.url}/bundle": "redirects from https to http are not followed",
        f"{server.url.replace('http', 'https')}/bundle": "127.0.0.1 is not allowed",
        "http://api.github.com/bundle": "redirects from https to http are not followed",
        "https://evil.example/bundle": "evil.example is not allowed",
        "file:///etc/passwd": "only http and https URLs",
        "https://[/": "the URL that api.github.com refers to",
        "\0": "the URL that api.github.com refers to",
    }
    for url, refusal in elsewhere.items():
        internet.server.put(PATH, json.dumps({"attestations": [{"bundle_url": url}]}).encode())
        refused = pytest.raises(PolicyError, match=refusal)
        with fetcher(tmp_path, environ=internet.environ) as fetch, refused as caught:
            list(download_bundles(fetch.get, REPOSITORY, DIGEST))
        assert "pythons.lock" not in str(caught.value.hint), "nobody wrote the URL into the project"
    assert {seen.headers["host"] for seen in internet.server.seen()} == {"api.github.com"}
    assert server.count() == 0


def test_another_api_server_cannot_choose_the_receiver_of_the_token(internet: Internet, tmp_path: Path) -> None:
    internet.server.put(PATH, json.dumps({"attestations": [{"bundle_url": "https://api.github.com/bundle"}]}).encode())
    internet.server.put("bundle", bytes(cramjam.snappy.compress_raw(format_bundle(BUNDLE))))
    environ = internet.environ | {"GITHUB_TOKEN": "ghp_secret"}
    with fetcher(tmp_path, environ=environ, allow_hosts=("mirror.example",)) as fetch:
        found = list(download_bundles(fetch.get, REPOSITORY, DIGEST, api="https://mirror.example"))
    assert found == [format_bundle(BUNDLE)]
    sent = [(seen.headers["host"], seen.headers.get("authorization")) for seen in internet.server.seen()]
    assert sent == [("mirror.example", None), ("api.github.com", None)]


def test_a_response_that_is_not_of_the_api_is_a_network_error_with_a_hint(server: Server, tmp_path: Path) -> None:
    for body in (b"", b"<html>", b"[]", b"null", b'{"attestations": {}}', b'{"attestations": [1]}', b"[" * 100_000):
        server.put(PATH, body)
        with fetcher(tmp_path) as fetch, pytest.raises(NetworkError, match="not return a response of") as caught:
            list(download_bundles(fetch.get, REPOSITORY, DIGEST, api=server.url))
        assert "PROVISION_GITHUB_API" in str(caught.value.hint), body
