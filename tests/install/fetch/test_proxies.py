"""Proxies as curl and others read them from the environment."""

from __future__ import annotations

import pytest

from provision.errors import UsageError
from provision.install.fetch.proxies import Proxies
from provision.url import Url


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
