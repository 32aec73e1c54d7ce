"""TLS with real certificates; waits that can be cancelled, and time out."""

from __future__ import annotations

import datetime
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpcore
import pytest
import trustme

from provision.errors import NetworkError, UsageError
from provision.fetch.connect import CancellableBackend, connect_in_background, tls_context
from provision.fetch.retry import Cancellation, CancelledError
from tests.fetch.conftest import tls_of
from tests.fetch.samples import LARGE, PARALLEL, PATH, SMALL, RecordedProgress, asset, fetcher
from tests.support.server import Server


def _fetch(tmp_path: Path, url: str, environ: dict[str, str], *allow_hosts: str) -> bytes:
    with fetcher(tmp_path, environ=environ, allow_hosts=allow_hosts) as fetch:
        return fetch.fetch(asset(url)).read_bytes()


# TLS


@pytest.fixture
def secure(authority: trustme.CA, tmp_path: Path) -> Iterator[Server]:
    """An https server on loopback, with a certificate for it."""
    root = tmp_path / "www"
    root.mkdir()
    with Server(root, tls=tls_of(authority.issue_cert("127.0.0.1"))) as server:
        yield server


def test_a_certificate_of_a_named_authority_is_trusted(secure: Server, authority_file: Path, tmp_path: Path) -> None:
    url = secure.put(PATH, SMALL)
    assert _fetch(tmp_path, url, {"SSL_CERT_FILE": str(authority_file)}) == SMALL


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl, which names files by their subject's hash")
def test_a_directory_of_authorities_may_be_named(secure: Server, authority_file: Path, tmp_path: Path) -> None:
    command = ["openssl", "x509", "-subject_hash", "-noout", "-in", str(authority_file)]
    hashed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    directory = tmp_path / "authorities"
    directory.mkdir()
    shutil.copyfile(authority_file, directory / f"{hashed}.0")
    assert _fetch(tmp_path, secure.put(PATH, SMALL), {"SSL_CERT_DIR": str(directory)}) == SMALL


def test_a_certificate_of_an_unknown_authority_is_refused(secure: Server, tmp_path: Path) -> None:
    url = secure.put(PATH, SMALL)
    with pytest.raises(NetworkError, match=r"certificate is not trusted: .*(self.signed|unable to get)") as caught:
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
    with pytest.raises(NetworkError, match=r"(?i)ssl"):
        _fetch(tmp_path, url, {})


def test_ranges_are_fetched_over_tls(secure: Server, authority_file: Path, tmp_path: Path) -> None:
    secure.rate = 6e6
    environ = {"SSL_CERT_FILE": str(authority_file)}
    with fetcher(tmp_path, settings=PARALLEL, environ=environ) as fetch:
        assert fetch.fetch(asset(secure.put(PATH, LARGE), LARGE)).read_bytes() == LARGE
    assert len({seen.connection for seen in secure.seen()}) > 1


def test_without_variables_the_system_s_and_certifi_s_authorities_are_trusted() -> None:
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


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_file_without_authorities_is_a_usage_error(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "ca.pem"
    if text:
        path.write_text(text)
    with pytest.raises(UsageError, match="SSL_CERT_FILE holds no usable certificates"):
        tls_context({"SSL_CERT_FILE": str(path)})


# Cancelling

_SOON = 0.05
_AT_ONCE = 5.0  # the waits are for ten seconds or more; a loaded machine may be slow to end one


@pytest.fixture
def cancellation() -> Cancellation:
    return Cancellation()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accepts connections, and never sends a byte."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def _connect(cancellation: Cancellation, listener: socket.socket) -> httpcore.NetworkStream:
    return CancellableBackend(cancellation).connect_tcp("127.0.0.1", listener.getsockname()[1], timeout=1.0)


def _cancel_soon(cancellation: Cancellation) -> float:
    threading.Timer(_SOON, cancellation.set).start()
    return time.monotonic()


def test_a_read_without_data_ends_when_cancelled(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    started = _cancel_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.read(100, timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()


def test_a_write_that_nobody_reads_ends_when_cancelled(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    started = _cancel_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.write(bytes(50_000_000), timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()


def test_a_handshake_without_reply_ends_when_cancelled(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    started = _cancel_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()


def test_a_handshake_without_reply_times_out(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    with pytest.raises(httpcore.ConnectTimeout):
        stream.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=0.1)
    stream.close()


def test_a_read_over_tls_ends_when_cancelled(
    cancellation: Cancellation, listener: socket.socket, authority: trustme.CA
) -> None:
    context = tls_of(authority.issue_cert("127.0.0.1"))
    accepted: list[ssl.SSLSocket] = []

    def accept() -> None:
        accepted.append(context.wrap_socket(listener.accept()[0], server_side=True))

    accepting = threading.Thread(target=accept)
    accepting.start()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    stream = _connect(cancellation, listener).start_tls(client, "127.0.0.1", timeout=5)
    accepting.join()
    started = _cancel_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.read(100, timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()
    accepted[0].close()


def _never(released: threading.Event) -> httpcore.NetworkStream:
    released.wait(20)
    raise httpcore.ConnectError("nobody waits for this")


def test_a_look_up_that_hangs_ends_when_cancelled(cancellation: Cancellation) -> None:
    released = threading.Event()
    started = _cancel_soon(cancellation)
    with pytest.raises(CancelledError):
        connect_in_background(lambda: _never(released), 10, cancellation)
    assert time.monotonic() - started < _AT_ONCE
    released.set()


def test_a_look_up_that_hangs_times_out(cancellation: Cancellation) -> None:
    released = threading.Event()
    with pytest.raises(httpcore.ConnectTimeout):
        connect_in_background(lambda: _never(released), 0.05, cancellation)
    released.set()


def test_a_connection_that_comes_too_late_is_closed(cancellation: Cancellation) -> None:
    late = httpcore.MockStream([])
    released, closed = threading.Event(), threading.Event()

    class Late(httpcore.NetworkStream):
        def close(self) -> None:
            late.close()
            closed.set()

    def connect() -> httpcore.NetworkStream:
        released.wait(20)
        return Late()

    with pytest.raises(httpcore.ConnectTimeout):
        connect_in_background(connect, 0.05, cancellation)
    released.set()
    assert closed.wait(5)


def test_nothing_is_written_once_cancelled(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    cancellation.set()
    with pytest.raises(CancelledError):
        stream.write(b"GET / HTTP/1.1\r\n\r\n", timeout=1)
    stream.close()
