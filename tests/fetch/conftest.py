"""Fixtures of fetching: a certificate authority, and known hosts simulated on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.proxy import Proxy
from tests.support.server import Server

if TYPE_CHECKING:
    import trustme


@dataclass(frozen=True, kw_only=True)
class Internet:
    """``server`` plays all hosts, by https, with certificates that ``environ`` trusts and through a proxy it names."""

    server: Server
    proxy: Proxy
    environ: dict[str, str]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Our own certificate authority."""
    made: trustme.CA = pytest.importorskip("trustme", reason="trustme has no wheels for this Python").CA()
    return made


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its certificate, for SSL_CERT_FILE."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def tls_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """What a server needs to speak TLS with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


HOSTS = (
    "github.com",
    "api.github.com",
    "release-assets.githubusercontent.com",
    "raw.githubusercontent.com",
    "releases.astral.sh",
    "api.osv.dev",
    "codeload.github.com",
    "mirror.example",
    "evil.example",
)


@pytest.fixture
def internet(authority: trustme.CA, authority_file: Path, tmp_path: Path) -> Iterator[Internet]:
    """Known hosts and others, all played by one server."""
    root = tmp_path / "internet"
    root.mkdir()
    tls = tls_of(authority.issue_cert(*HOSTS))
    with Server(root, tls=tls) as server, Proxy(dict.fromkeys(HOSTS, server.port)) as proxy:
        environ = {"SSL_CERT_FILE": str(authority_file), "HTTPS_PROXY": proxy.url}
        yield Internet(server=server, proxy=proxy, environ=environ)
