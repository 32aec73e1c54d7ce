"""Proxies: chosen from the environment as by curl, and used."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from provision.errors import NetworkError, UsageError
from provision.fetch.proxies import Proxies
from provision.host.distribution import install_command
from provision.url import Url
from tests.fetch.conftest import Internet
from tests.fetch.samples import PATH, SMALL, asset, fetcher
from tests.support.proxy import Proxy
from tests.support.server import Server

_RELEASE = f"https://github.com/astral-sh/python-build-standalone/releases/download/{PATH}"


def _fetch(tmp_path: Path, url: str, environ: dict[str, str], *allow_hosts: str) -> bytes:
    with fetcher(tmp_path, environ=environ, allow_hosts=allow_hosts) as fetch:
        return fetch.fetch(asset(url)).read_bytes()


def _proxy(environ: dict[str, str], url: str) -> str | None:
    return Proxies(environ, platform="linux").proxy_for(Url.parse(url))


def test_without_variables_there_is_no_proxy() -> None:
    assert _proxy({}, "https://github.com/a") is None


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_each_variable_is_read_in_either_case(name: str) -> None:
    assert _proxy({name: "http://proxy:3128"}, "https://github.com/a") == "http://proxy:3128"


def test_lower_case_and_the_scheme_s_own_variable_take_precedence() -> None:
    environ = {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1", "ALL_PROXY": "http://c:1"}
    assert _proxy(environ, "https://github.com/a") == "http://a:1"
    assert _proxy(environ, "http://mirror.example/a") == "http://c:1"


def test_a_proxy_without_a_scheme_is_an_http_proxy() -> None:
    assert _proxy({"https_proxy": "proxy:3128"}, "https://github.com/a") == "http://proxy:3128"


def test_http_proxy_in_upper_case_is_ignored_in_a_cgi_program() -> None:
    environ = {"HTTP_PROXY": "http://evil:1", "REQUEST_METHOD": "GET"}
    assert _proxy(environ, "http://mirror.example/a") is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/a", "http://localhost/a"])
def test_loopback_is_connected_to_directly(url: str) -> None:
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
def test_no_proxy_may_list_hosts_domains_ports_and_networks(no_proxy: str, url: str, direct: bool) -> None:
    assert (_proxy({"all_proxy": "http://proxy:1", "no_proxy": no_proxy}, url) is None) is direct


def test_a_proxy_of_an_unknown_kind_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="expected a URL that begins with one of"):
        Proxies({"https_proxy": "gopher://proxy:70"}, platform="linux")


# Requests through a proxy


def test_https_goes_through_the_proxy_as_a_tunnel(internet: Internet, tmp_path: Path) -> None:
    internet.server.put(_RELEASE.removeprefix("https://github.com/"), SMALL)
    assert _fetch(tmp_path, _RELEASE, internet.environ) == SMALL
    assert internet.proxy.seen == ["CONNECT github.com:443 HTTP/1.1"]


def test_http_is_forwarded_by_the_proxy_which_resolves_the_host(server: Server, tmp_path: Path) -> None:
    server.put("a", SMALL)
    with Proxy({"mirror.example": server.port}) as proxy:
        environ = {"http_proxy": proxy.url}
        assert _fetch(tmp_path, "http://mirror.example/a", environ, "http://mirror.example") == SMALL
        assert proxy.seen == ["GET http://mirror.example/a HTTP/1.1"]
    assert server.seen()[0].headers["host"] == "mirror.example"


def test_a_proxy_gets_its_credentials(server: Server, tmp_path: Path) -> None:
    server.put("a", SMALL)
    with Proxy({"mirror.example": server.port}, login=("me", "p@ss:word")) as proxy:
        environ = {"http_proxy": f"http://me:p%40ss%3Aword@{proxy.authority}"}
        assert _fetch(tmp_path, "http://mirror.example/a", environ, "http://mirror.example") == SMALL
    assert "proxy-authorization" not in server.seen()[0].headers


def test_a_proxy_gets_its_credentials_for_tunnels(internet: Internet, tmp_path: Path) -> None:
    internet.proxy.login = ("me", "secret")
    internet.server.put(_RELEASE.removeprefix("https://github.com/"), SMALL)
    environ = internet.environ | {"HTTPS_PROXY": f"http://me:secret@{internet.proxy.authority}"}
    assert _fetch(tmp_path, _RELEASE, environ) == SMALL


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_missing_proxy_credentials_are_an_error_with_a_hint(internet: Internet, tmp_path: Path, scheme: str) -> None:
    internet.proxy.login = ("me", "secret")
    environ = internet.environ | {"HTTP_PROXY": internet.proxy.url}
    with pytest.raises(NetworkError, match="407") as caught:
        _fetch(tmp_path, f"{scheme}://mirror.example/a", environ, "http://mirror.example")
    assert "proxy's URL" in (caught.value.hint or "")
    assert "secret" not in str(caught.value)
    other = f"http://m\udcff:x@{internet.proxy.authority}"  # a byte that is not text
    with pytest.raises(NetworkError, match="407"):
        _fetch(
            tmp_path,
            f"{scheme}://mirror.example/a",
            {"http_proxy": other, "https_proxy": other},
            "http://mirror.example",
        )


def test_a_host_that_the_proxy_cannot_resolve_is_an_error(internet: Internet, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="502"):
        _fetch(tmp_path, "https://elsewhere.example/a", internet.environ, "elsewhere.example")


def test_no_proxy_is_respected(internet: Internet, tmp_path: Path) -> None:
    environ = internet.environ | {"NO_PROXY": "nowhere.invalid"}
    with pytest.raises(NetworkError, match=r"nowhere\.invalid"):
        _fetch(tmp_path, "https://nowhere.invalid/a", environ, "nowhere.invalid")
    assert internet.proxy.seen == []


def test_a_proxy_that_cannot_be_used_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    needed = f"hint: Run `{install_command('socks')}`, or set an HTTP proxy."
    for proxy, message, hint in (
        ("http://:3128", "expected a host", ""),
        ("socks5://127.0.0.1:1", "a SOCKS proxy requires the package socksio, which is not installed", needed),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            _fetch(tmp_path, "https://mirror.example/a", {"https_proxy": proxy}, "mirror.example")
        assert hint in f"hint: {caught.value.hint}"


@pytest.mark.parametrize(("scheme", "variable"), [("socks5", "ALL_PROXY"), ("socks5h", "https_proxy")])
def test_a_socks_proxy_resolves_the_host(internet: Internet, tmp_path: Path, scheme: str, variable: str) -> None:
    pytest.importorskip("socksio")
    internet.server.put(_RELEASE.removeprefix("https://github.com/"), SMALL)
    proxy = internet.proxy
    environ = {"SSL_CERT_FILE": internet.environ["SSL_CERT_FILE"], variable: f"{scheme}://{proxy.authority}"}
    assert _fetch(tmp_path, _RELEASE, environ) == SMALL
    assert proxy.seen == ["SOCKS github.com:443"]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_socks_proxy_gets_its_credentials_or_refuses(server: Server, tmp_path: Path) -> None:
    pytest.importorskip("socksio")
    server.put("a", SMALL)
    with Proxy({"mirror.example": server.port}, login=("me", "p@ss")) as proxy:
        url, allowed = "http://mirror.example/a", "http://mirror.example"
        assert _fetch(tmp_path, url, {"http_proxy": f"socks5://me:p%40ss@{proxy.authority}"}, allowed) == SMALL
        refused = [(f"socks5://{userinfo}{proxy.authority}", "mirror.example") for userinfo in ("", "me:wrong@")]
        refused.append((f"socks5://me:p%40ss@{proxy.authority}", "elsewhere.example"))
        for number, (address, host) in enumerate(refused):
            with pytest.raises(NetworkError, match="the proxy refused the request") as caught:
                _fetch(tmp_path / f"{number}", f"http://{host}/a", {"http_proxy": address}, f"http://{host}")
            assert "wrong" not in str(caught.value)
            del caught
    gc.collect()  # httpcore leaves the socket of a proxy that refuses to the garbage collector
