"""Which hosts may be contacted: known ones over https, this machine, and those that the user allows, never a
repository.
"""

from __future__ import annotations

import pytest

from provision.errors import PolicyError, UsageError
from provision.host_policy import KNOWN_HOSTS, HostPolicy, HostRule, lookalike_of
from provision.url import Url


def _policy(*allowed: str) -> HostPolicy:
    return HostPolicy(HostRule.parse(text) for text in allowed)


def _check(policy: HostPolicy, url: str, redirected_from: str | None = None) -> None:
    policy.check(Url.parse(url), redirected_from=Url.parse(redirected_from) if redirected_from else None)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/astral-sh/python-build-standalone/releases/download/20261101/a.tar.gz",
        "https://release-assets.githubusercontent.com/a",
        "https://releases.astral.sh/a",
        "https://downloads.python.org/pypy/a",
        "http://127.0.0.1:8000/a",
        "http://localhost/a",
        "https://[::1]/a",
    ],
)
def test_known_hosts_and_this_machine_are_allowed(url: str) -> None:
    _check(_policy(), url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a",
        "https://x.github.com/a",
        "https://169.254.169.254/latest/meta-data",
    ],
)
def test_other_hosts_are_refused_with_a_hint_to_check_them_first(url: str) -> None:
    with pytest.raises(PolicyError, match=r"host [^ ]+ is not allowed") as caught:
        _check(_policy(), url)
    assert caught.value.exit_code == 5
    assert caught.value.hint is not None
    check, _, allow = caught.value.hint.partition("If you trust the host")
    assert "compare pythons.toml and pythons.lock with version control" in check
    assert f"--allow-host {Url.parse(url).authority}" in allow


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://githab.com/a", None),
        ("https://github.com.example.com/a", None),
        ("https://notgithub.com/a", None),
        ("https://github.co/a", "https://github.com/a"),
        ("https://down1oads.python.org:8443/a", None),
        ("http://githab.com/a", None),
        ("https://github.com:8443/a", None),
        ("http://github.com/a", None),
        ("http://github.com:8443/a", None),
        ("https://127.0.0.1/a", "https://github.com/a"),
        ("http://127.0.0.1/a", "https://github.com/a"),
        ("file:///etc/passwd", "https://github.com/a"),
    ],
)
def test_no_hint_suggests_to_allow_a_host_that_resembles_a_known_one(url: str, source: str | None) -> None:
    with pytest.raises(PolicyError) as caught:
        _check(_policy(), url, redirected_from=source)
    assert "allow" not in (caught.value.hint or "").lower()


def test_an_allowed_host_is_refused_over_http() -> None:
    with pytest.raises(PolicyError, match="http is allowed for loopback hosts only") as caught:
        _check(_policy("example.com"), "http://example.com/a")
    assert caught.value.hint == "Use https for example.com."


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("example.com", "https://example.com/a"),
        ("example.com", "https://example.com:8443/a"),
        ("EXAMPLE.com", "https://example.com/a"),
        ("https://example.com/", "https://example.com/a"),
        ("example.com:8443", "https://example.com:8443/a"),
        ("*.example.com", "https://a.b.example.com/a"),
        ("http://example.com", "http://example.com/a"),
        ("http://example.com", "https://example.com/a"),
        ("[2001:db8::1]", "https://[2001:db8::1]/a"),
    ],
)
def test_allowed_hosts_are_accepted(rule: str, url: str) -> None:
    _check(_policy(rule), url)


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("example.com", "https://a.example.com/a"),
        ("example.com", "http://example.com/a"),
        ("example.com:8443", "https://example.com/a"),
        ("*.example.com", "https://example.com/a"),
        ("*.example.com", "https://badexample.com/a"),
    ],
)
def test_a_rule_allows_only_its_own_hosts(rule: str, url: str) -> None:
    with pytest.raises(PolicyError):
        _check(_policy(rule), url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.com/path",
        "exa mple.com",
        "ftp://example.com",
        "*",
        "example.com:x",
        "example.com:65536",
        "example.com:\u0664\u0664\u0663",
        "a..b",
        "-a",
        "*.*.b",
        "[::g]",
        "example.com:0",
        "faceboo\u212a.com",
    ],
)
def test_an_invalid_rule_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="not a host to allow"):
        HostRule.parse(text)


def test_a_redirect_from_https_never_leads_to_http() -> None:
    policy = _policy("http://example.com")
    with pytest.raises(PolicyError, match="from https to http"):
        _check(policy, "http://example.com/a", redirected_from="https://github.com/a")
    with pytest.raises(PolicyError, match="from https to http"):
        _check(policy, "http://127.0.0.1/a", redirected_from="https://github.com/a")


def test_the_error_for_a_redirect_to_another_host_names_the_redirecting_host() -> None:
    with pytest.raises(PolicyError, match=r"github\.com redirects to it") as caught:
        _check(_policy(), "https://example.com/a", redirected_from="https://github.com/a")
    assert (caught.value.hint or "").startswith("Find out first from the operator of github.com whether example.com is")
    with pytest.raises(PolicyError, match=r"resembles github\.com") as caught:
        _check(_policy(), "https://githab.com/a", redirected_from="https://github.com/a")
    assert caught.value.hint == "Do not use githab.com. Report to the operator of github.com that it leads there."


def test_a_redirect_on_this_machine_may_stay_on_http() -> None:
    _check(_policy(), "http://127.0.0.1:2/b", redirected_from="http://127.0.0.1:1/a")


@pytest.mark.parametrize("url", ["https://127.0.0.1/a", "https://localhost:8443/a"])
def test_a_redirect_from_another_machine_to_this_one_is_refused(url: str) -> None:
    with pytest.raises(PolicyError, match=r"github\.com redirects to it"):
        _check(_policy(), url, redirected_from="https://github.com/a")


def test_a_redirect_to_a_file_is_refused() -> None:
    with pytest.raises(PolicyError):
        _check(_policy(), "file:///etc/passwd", redirected_from="http://127.0.0.1:1/a")


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("githab.com", "github.com"),
        ("github.co", "github.com"),
        ("glthub.com", "github.com"),
        ("github.com.evil.example", "github.com"),
        ("github-com.example", "github.com"),
        ("githubb.com:443", "github.com"),
        ("down1oads.python.org", "downloads.python.org"),
        ("github.com", ""),
        ("some.github.com", ""),
        ("example.com", ""),
        ("archives.company.example", ""),
    ],
)
def test_look_alikes_of_known_hosts_are_found(host: str, other: str) -> None:
    assert lookalike_of(host, KNOWN_HOSTS) == other


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("example.com", ""),
        ("mirror", ""),
        ("10.0.0.1", ""),
        ("mirrors", "mirror"),
        ("rnirror", "mirror"),
        ("mirror.evil.example", "mirror"),
    ],
)
def test_a_known_host_of_one_label_resembles_only_its_look_alikes(host: str, other: str) -> None:
    assert lookalike_of(host, {"mirror"}) == other
