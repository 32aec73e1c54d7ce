"""TLS with real certificates, and which authorities are trusted."""

from __future__ import annotations

import datetime
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provision.errors import NetworkError, UsageError
from provision.fetch.connect import tls_context
from tests.fetch.conftest import tls_of
from tests.fetch.samples import LARGE, PARALLEL, PATH, SMALL, RecordedProgress, asset, fetcher
from tests.support.server import Server

if TYPE_CHECKING:
    import trustme


def _fetch(tmp_path: Path, url: str, environ: dict[str, str], *allow_hosts: str) -> bytes:
    with fetcher(tmp_path, environ=environ, allow_hosts=allow_hosts) as fetch:
        return fetch.fetch(asset(url)).read_bytes()


@pytest.fixture
def secure(authority: trustme.CA, tmp_path: Path) -> Iterator[Server]:
    """An https server on loopback, with a certificate for it."""
    root = tmp_path / "www"
    root.mkdir()
    with Server(root, tls=tls_of(authority.issue_cert("127.0.0.1"))) as server:
        yield server


def test_a_certificate_of_a_configured_authority_is_trusted(
    secure: Server, authority_file: Path, tmp_path: Path
) -> None:
    url = secure.put(PATH, SMALL)
    assert _fetch(tmp_path, url, {"SSL_CERT_FILE": str(authority_file)}) == SMALL


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl, which names files by their subject's hash")
def test_a_directory_of_authorities_can_be_configured(secure: Server, authority_file: Path, tmp_path: Path) -> None:
    command = ["openssl", "x509", "-subject_hash", "-noout", "-in", str(authority_file)]
    hashed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    directory = tmp_path / "authorities"
    directory.mkdir()
    shutil.copyfile(authority_file, directory / f"{hashed}.0")
    assert _fetch(tmp_path, secure.put(PATH, SMALL), {"SSL_CERT_DIR": str(directory)}) == SMALL


def test_a_certificate_of_an_unknown_authority_is_refused(secure: Server, tmp_path: Path) -> None:
    url = secure.put(PATH, SMALL)
    with pytest.raises(NetworkError, match=r"server is not trusted: .*(self.signed|unable to get)") as caught:
        _fetch(tmp_path, url, {})
    assert "SSL_CERT_FILE" in (caught.value.hint or "")
    assert secure.count() == 0


def test_a_certificate_for_another_host_is_refused(
    authority: trustme.CA, authority_file: Path, server: Server, tmp_path: Path
) -> None:
    with Server(server.root, tls=tls_of(authority.issue_cert("github.com"))) as other:
        url = other.put(PATH, SMALL)
        with pytest.raises(NetworkError, match="not trusted: IP address mismatch"):
            _fetch(tmp_path, url, {"SSL_CERT_FILE": str(authority_file)})
        assert other.count() == 0


def test_an_expired_certificate_is_refused(
    authority: trustme.CA, authority_file: Path, server: Server, tmp_path: Path
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    expired = authority.issue_cert(
        "127.0.0.1", not_before=now - datetime.timedelta(days=9), not_after=now - datetime.timedelta(days=1)
    )
    with Server(server.root, tls=tls_of(expired)) as other:
        url = other.put(PATH, SMALL)
        with pytest.raises(NetworkError, match="not trusted: certificate has expired"):
            _fetch(tmp_path, url, {"SSL_CERT_FILE": str(authority_file)})
        assert other.count() == 0


def test_a_certificate_that_is_not_trusted_is_not_tried_again(secure: Server, tmp_path: Path) -> None:
    record = RecordedProgress()
    with fetcher(tmp_path, progress=record) as fetch, pytest.raises(NetworkError):
        fetch.fetch(asset(secure.put(PATH, SMALL)))
    assert record.notes == []


def test_a_server_without_tls_is_an_error(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL).replace("http://", "https://")
    with pytest.raises(NetworkError, match=r"TLS failed: (wrong version number|record layer failure)"):
        _fetch(tmp_path, url, {})


def test_ranges_are_fetched_over_tls(secure: Server, authority_file: Path, tmp_path: Path) -> None:
    secure.rate = 6e6
    environ = {"SSL_CERT_FILE": str(authority_file)}
    with fetcher(tmp_path, settings=PARALLEL, environ=environ) as fetch:
        assert fetch.fetch(asset(secure.put(PATH, LARGE), LARGE)).read_bytes() == LARGE
    assert len({seen.connection for seen in secure.seen()}) > 1


def test_by_default_the_authorities_of_the_system_and_of_certifi_are_trusted() -> None:
    context = tls_context({})
    assert len(context.get_ca_certs()) > 50
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_with_a_file_of_authorities_no_other_is_trusted(authority_file: Path) -> None:
    context = tls_context({"SSL_CERT_FILE": str(authority_file)})
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_with_a_directory_of_authorities_no_other_is_trusted(tmp_path: Path) -> None:
    assert tls_context({"SSL_CERT_DIR": str(tmp_path)}).get_ca_certs() == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one place")
@pytest.mark.parametrize("has_hashed", [False, True])
def test_authorities_are_found_at_the_paths_of_other_distributions(
    authority_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_hashed: bool
) -> None:
    """The OpenSSL of one distribution on another: its own places are empty, or hold certificates that it finds."""
    openssl = tmp_path / "openssl"
    openssl.mkdir()
    (openssl / ("0a1b2c3d.0" if has_hashed else "ca-bundle.trust.crt")).touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(openssl / "cert.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(openssl))
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    subjects = [
        str(each["subject"])
        for each in tls_context({}, [str(tmp_path / "missing.pem"), str(broken), str(authority_file)]).get_ca_certs()
    ]
    ours = [subject for subject in subjects if "trustme" in subject]
    assert len(ours) == (0 if has_hashed else 1)
    assert len(subjects) > 50  # certifi's


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_file_without_authorities_is_a_usage_error(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "ca.pem"
    if text:
        path.write_text(text)
    with pytest.raises(UsageError, match=r"SSL_CERT_FILE: cannot use the certificates in .*ca\.pem: ") as caught:
        tls_context({"SSL_CERT_FILE": str(path), "SSL_CERT_DIR": str(tmp_path)})
    assert "unset it" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["missing", "ca.pem"])
def test_an_invalid_directory_of_authorities_is_a_usage_error(tmp_path: Path, authority_file: Path, name: str) -> None:
    (tmp_path / "ca.pem").touch()
    folder = tmp_path / name
    with pytest.raises(UsageError, match=rf"SSL_CERT_DIR: cannot use the certificates in .*{name}: "):
        tls_context({"SSL_CERT_FILE": str(authority_file), "SSL_CERT_DIR": f"{tmp_path}{os.pathsep}{folder}"})


def test_several_directories_of_authorities_can_be_configured(tmp_path: Path) -> None:
    assert tls_context({"SSL_CERT_DIR": f"{tmp_path}{os.pathsep}{tmp_path}"}).verify_mode is ssl.CERT_REQUIRED
