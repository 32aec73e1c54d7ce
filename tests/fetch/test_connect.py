"""TLS and proxies, with real certificates and a real proxy."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpcore
import pytest
import trustme

from provision.errors import NetworkError, UsageError
from provision.fetch.connect import CancellableBackend, connect_in_background, tls_context
from provision.fetch.proxies import Proxies
from provision.fetch.retry import Cancellation, CancelledError
from provision.url import Url
from tests.fetch.conftest import Internet, tls_of
from tests.fetch.samples import LARGE, PARALLEL, PATH, SMALL, Record, asset, fetcher
from tests.support.proxy import Proxy
from tests.support.server import Server

# FOLD tests.fetch.test_connect
#   TLS and proxies, with real certificates and a real proxy.


_RELEASE = f"https://github.com/astral-sh/python-build-standalone/releases/download/{PATH}"


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


def test_a_directory_of_authorities_may_be_named(secure: Server, authority_file: Path, tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=str(authority_file))
    assert context.get_ca_certs()
    environ = {"SSL_CERT_DIR": str(authority_file.parent), "SSL_CERT_FILE": str(authority_file)}
    assert _fetch(tmp_path, secure.put(PATH, SMALL), environ) == SMALL


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
    record = Record()
    with fetcher(tmp_path, progress=record) as fetch, pytest.raises(NetworkError):
        fetch.fetch(asset(secure.put(PATH, SMALL)))
    assert record.notes == []


def test_a_server_that_speaks_no_tls_is_told(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL).replace("http://", "https://")
    with pytest.raises(NetworkError, match=r"(?i)ssl"):
        _fetch(tmp_path, url, {})


def test_pieces_come_over_tls_too(secure: Server, authority_file: Path, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_file_without_authorities_is_a_usage_error(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "ca.pem"
    if text:
        path.write_text(text)
    with pytest.raises(UsageError, match="SSL_CERT_FILE holds no usable certificates"):
        tls_context({"SSL_CERT_FILE": str(path)})


# Proxies


def test_https_goes_through_the_proxy_as_a_tunnel(internet: Internet, tmp_path: Path) -> None:
    internet.server.put(_RELEASE.removeprefix("https://github.com/"), SMALL)
    assert _fetch(tmp_path, _RELEASE, internet.environ) == SMALL
    assert internet.proxy.seen == ["CONNECT github.com:443 HTTP/1.1"]


def test_http_is_forwarded_by_the_proxy_which_looks_the_host_up(server: Server, tmp_path: Path) -> None:
    server.put("a", SMALL)
    with Proxy({"mirror.example": server.port}) as proxy:
        environ = {"http_proxy": proxy.url}
        assert _fetch(tmp_path, "http://mirror.example/a", environ, "http://mirror.example") == SMALL
        assert proxy.seen == ["GET http://mirror.example/a HTTP/1.1"]
    assert server.seen()[0].headers["host"] == "mirror.example"


def test_a_proxy_may_want_a_login(server: Server, tmp_path: Path) -> None:
    server.put("a", SMALL)
    with Proxy({"mirror.example": server.port}, login=("me", "p@ss:word")) as proxy:
        environ = {"http_proxy": f"http://me:p%40ss%3Aword@{proxy.authority}"}
        assert _fetch(tmp_path, "http://mirror.example/a", environ, "http://mirror.example") == SMALL
    assert "proxy-authorization" not in server.seen()[0].headers


def test_a_proxy_may_want_a_login_for_tunnels(internet: Internet, tmp_path: Path) -> None:
    internet.proxy.login = ("me", "secret")
    internet.server.put(_RELEASE.removeprefix("https://github.com/"), SMALL)
    environ = internet.environ | {"HTTPS_PROXY": f"http://me:secret@{internet.proxy.authority}"}
    assert _fetch(tmp_path, _RELEASE, environ) == SMALL


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_missing_login_is_told(internet: Internet, tmp_path: Path, scheme: str) -> None:
    internet.proxy.login = ("me", "secret")
    environ = internet.environ | {"HTTP_PROXY": internet.proxy.url}
    with pytest.raises(NetworkError, match="407") as caught:
        _fetch(tmp_path, f"{scheme}://mirror.example/a", environ, "http://mirror.example")
    assert "proxy's URL" in (caught.value.hint or "")
    assert "secret" not in str(caught.value)


def test_a_host_that_the_proxy_does_not_know_is_told(internet: Internet, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="502"):
        _fetch(tmp_path, "https://elsewhere.example/a", internet.environ, "elsewhere.example")


def test_no_proxy_is_respected(internet: Internet, tmp_path: Path) -> None:
    environ = internet.environ | {"NO_PROXY": "nowhere.invalid"}
    with pytest.raises(NetworkError, match=r"nowhere\.invalid"):
        _fetch(tmp_path, "https://nowhere.invalid/a", environ, "nowhere.invalid")
    assert internet.proxy.seen == []


def test_a_proxy_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    for proxy, message in (("http://:3128", "names no host"), ("socks5://127.0.0.1:1", "socksio")):
        with pytest.raises(UsageError, match=message):
            _fetch(tmp_path, "https://mirror.example/a", {"https_proxy": proxy}, "mirror.example")


# FOLD tests.fetch.test_connect
#   Proxies as curl and others read them from the environment.


def _proxy(environ: dict[str, str], url: str) -> str | None:
    return Proxies(environ, platform="linux").proxy_for(Url.parse(url))


def test_without_variables_there_is_no_proxy() -> None:
    assert _proxy({}, "https://github.com/a") is None


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_each_variable_is_read_in_either_case(name: str) -> None:
    assert _proxy({name: "http://proxy:3128"}, "https://github.com/a") == "http://proxy:3128"


def test_lower_case_and_the_scheme_s_own_variable_win() -> None:
    environ = {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1", "ALL_PROXY": "http://c:1"}
    assert _proxy(environ, "https://github.com/a") == "http://a:1"
    assert _proxy(environ, "http://mirror.example/a") == "http://c:1"


def test_a_proxy_without_a_scheme_is_an_http_one() -> None:
    assert _proxy({"https_proxy": "proxy:3128"}, "https://github.com/a") == "http://proxy:3128"


def test_http_proxy_in_upper_case_is_not_believed_in_a_cgi_program() -> None:
    environ = {"HTTP_PROXY": "http://evil:1", "REQUEST_METHOD": "GET"}
    assert _proxy(environ, "http://mirror.example/a") is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/a", "http://localhost/a"])
def test_this_machine_is_asked_directly(url: str) -> None:
    assert _proxy({"all_proxy": "http://proxy:1"}, url) is None


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "https://github.com/a", True),
        ("github.com", "https://github.com/a", True),
        (".github.com", "https://api.github.com/a", True),
        ("*.github.com", "https://api.github.com/a", True),
        ("github.com", "https://api.github.com/a", True),
        ("github.com", "https://notgithub.com/a", False),
        ("a.example, GitHub.com", "https://github.com/a", True),
        ("github.com:443", "https://github.com/a", True),
        ("github.com:8443", "https://github.com/a", False),
        ("10.0.0.0/8", "https://10.1.2.3/a", True),
        ("10.0.0.0/8", "https://11.1.2.3/a", False),
        ("10.0.0.0/8", "https://github.com/a", False),
        ("nonsense/8", "https://10.1.2.3/a", False),
        ("[2001:db8::1]", "https://[2001:db8::1]/a", True),
        ("", "https://github.com/a", False),
    ],
)
def test_no_proxy_names_hosts_domains_ports_and_networks(no_proxy: str, url: str, direct: bool) -> None:
    assert (_proxy({"all_proxy": "http://proxy:1", "no_proxy": no_proxy}, url) is None) is direct


def test_a_proxy_of_an_unknown_kind_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="begins with none of"):
        Proxies({"https_proxy": "gopher://proxy:70"}, platform="linux")


# FOLD tests.fetch.test_connect
#   Every wait of a connection can be called off, and none is longer than its timeout.


_SOON = 0.05
_AT_ONCE = 5.0  # the waits are for ten seconds or more; a loaded machine may be slow to say that one ended


@pytest.fixture
def cancellation() -> Cancellation:
    return Cancellation()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accepts connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def _connect(cancellation: Cancellation, listener: socket.socket) -> httpcore.NetworkStream:
    return CancellableBackend(cancellation).connect_tcp("127.0.0.1", listener.getsockname()[1], timeout=1.0)


def _call_off_soon(cancellation: Cancellation) -> float:
    threading.Timer(_SOON, cancellation.set).start()
    return time.monotonic()


def test_a_read_in_vain_ends_when_called_off(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    started = _call_off_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.read(100, timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()


def test_a_write_that_nobody_reads_ends_when_called_off(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    started = _call_off_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.write(bytes(50_000_000), timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()


def test_a_handshake_in_vain_ends_when_called_off(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    started = _call_off_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()


def test_a_handshake_in_vain_times_out(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    with pytest.raises(httpcore.ConnectTimeout):
        stream.start_tls(ssl.create_default_context(), "127.0.0.1", timeout=0.1)
    stream.close()


def test_a_read_over_tls_ends_when_called_off(
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
    started = _call_off_soon(cancellation)
    with pytest.raises(CancelledError):
        stream.read(100, timeout=10)
    assert time.monotonic() - started < _AT_ONCE
    stream.close()
    accepted[0].close()


def _never(released: threading.Event) -> httpcore.NetworkStream:
    released.wait(20)
    raise httpcore.ConnectError("nobody waits for this")


def test_a_look_up_that_hangs_ends_when_called_off(cancellation: Cancellation) -> None:
    released = threading.Event()
    started = _call_off_soon(cancellation)
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


def test_nothing_new_is_begun_once_called_off(cancellation: Cancellation, listener: socket.socket) -> None:
    stream = _connect(cancellation, listener)
    cancellation.set()
    with pytest.raises(CancelledError):
        stream.write(b"GET / HTTP/1.1\r\n\r\n", timeout=1)
    stream.close()
