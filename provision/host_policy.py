"""Which hosts may be connected to: known hosts, the user's rules, look-alikes.

`HostPolicy.check` is called before every connection, and again for every redirect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from provision.errors import PolicyError, UsageError
from provision.model.value import frozen
from provision.url import Url, split_url, without_credentials

# The hosts of the bundled catalog's archives, their mirrors and metadata, and those that these redirect to.
KNOWN_HOSTS = frozenset(
    {
        "api.github.com",
        "downloads.python.org",  # PyPy
        "github.com",  # PBS, GraalPy
        "objects.githubusercontent.com",
        "raw.githubusercontent.com",
        "release-assets.githubusercontent.com",
        "releases.astral.sh",
    }
)

# The hosts of the default advisory databases, only for `catalog update --advisories`: no lock may name them.
ADVISORY_HOSTS = ("api.osv.dev:443", "codeload.github.com:443")

# Where GitHub keeps the bundles of attestations, for `attest` and the policy `provenance`: no lock may name it.
ATTESTATION_HOSTS = ("tmaproduction.blob.core.windows.net:443",)

# From this similarity on, two hosts are easily confused: `githab.com`, `github.co`.
_MIN_SIMILARITY = 0.8
# Letters and pairs of letters that look like others, and what they resemble; pairs come first.
_CONFUSABLES = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("_", "-"))

_RULE = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<any>\*\.)?(?P<address>[0-9A-Za-z_.:\[\]-]+)/?", re.IGNORECASE | re.ASCII
)


@frozen
class HostRule:
    """``[http://][*.]host[:port]``: a host that the user allows.

    Without a port, every port is allowed. ``http://`` also allows plain HTTP; ``*.`` allows the subdomains of the host,
    but not the host itself.
    """

    host: str
    port: int | None = None
    subdomains: bool = False
    plain_http: bool = False

    @classmethod
    def parse(cls, text: str) -> HostRule:
        """Read one rule; raise `UsageError` on anything else."""
        match = _RULE.fullmatch(text.strip())
        try:
            if match is None:
                raise ValueError("expected example.com, example.com:8443, *.example.com or http://example.com")
            scheme = (match["scheme"] or "https").lower()
            parts = split_url(f"{scheme}://{match['address']}")  # as in a URL, so that a rule reads no other host
            if not parts.host:
                raise ValueError("expected a host")
        except ValueError as error:
            raise UsageError(f"{without_credentials(text)!r} is not a host to allow: {error}") from None
        return cls(host=parts.host, port=parts.port, subdomains=match["any"] is not None, plain_http=scheme == "http")

    def matches(self, url: Url) -> bool:
        """Whether the rule covers the host and the port; the scheme is not compared."""
        same_host = url.host.endswith(f".{self.host}") if self.subdomains else url.host == self.host
        return same_host and self.port in (None, url.port)


class HostPolicy:
    """URLs that may be requested: known and allowed hosts over https; loopback and hosts allowed for it over http."""

    __slots__ = ("rules",)

    def __init__(self, allowed: Iterable[HostRule]) -> None:
        self.rules = tuple(allowed)

    def allow(self, rule: HostRule) -> None:
        """Allow a host from now on, because the user named it."""
        if rule not in self.rules:
            self.rules = (*self.rules, rule)

    def check(self, url: Url, *, redirected_from: Url | None = None, how: str = "redirects to it") -> None:
        """Raise `PolicyError` unless the URL may be requested.

        The target of a redirect is checked like any other URL, so every host on the way is known or allowed; this
        includes URLs that a server names in another way, described by ``how``. In addition, no redirect leads from
        https to anything else, or from another machine to this one.
        """
        if url.scheme not in ("http", "https"):
            raise PolicyError(f"{url}: only http and https URLs are requested from hosts")
        source = f"{redirected_from.host} {how}" if redirected_from else ""
        if redirected_from and redirected_from.scheme == "https" and url.scheme != "https":
            raise PolicyError(f"{url}: {source}; redirects from https to {url.scheme} are not followed")
        if url.is_loopback and (redirected_from is None or redirected_from.is_loopback):
            return
        rules = [rule for rule in self.rules if rule.matches(url)]
        known = url.host in KNOWN_HOSTS and url.port in (80, 443)
        if not rules and not known:
            raise _not_allowed(url, redirected_from, source)
        if url.scheme != "https" and not any(rule.plain_http for rule in rules):
            raise PolicyError(
                f"{url}: {url.scheme} is allowed for loopback hosts only", hint=f"Use https for {url.host}."
            )


def lookalike_of(host: str, known: Iterable[str]) -> str:
    """The known host that this one resembles; empty if it is a known one itself, or resembles none.

    A look-alike contains the name of a known host (``github.com.example.net``), differs by a letter or two, or looks
    the same in some typefaces.
    """
    import difflib

    name = host.partition(":")[0]
    names = sorted(known)
    if name in names or any(name.endswith(f".{other}") for other in names):
        return ""
    for other in names:
        own = other.rpartition(".")[0] or other  # a host of one label is its own name
        contained = own in name or other.replace(".", "-") in name
        if contained or _as_read(name) == _as_read(other):
            return other
    near = difflib.get_close_matches(name, names, n=1, cutoff=_MIN_SIMILARITY)
    return near[0] if near else ""


def _not_allowed(url: Url, named_by: Url | None, source: str) -> PolicyError:
    """The error, with a hint that does not help an attacker: for a look-alike, it omits how to allow the host.

    A host that a server has named is not in the project's files, so the hint leads to the operator of that server.
    """
    reason = f"host {url.host} is not allowed" + (f" ({source})" if source else "")
    if url.is_loopback:
        return PolicyError(f"{url}: {reason}", hint="Report to the publisher that a server redirects to this machine.")
    if other := lookalike_of(url.host, KNOWN_HOSTS):
        remedy = "Restore the URL from version control, and find out who changed it."
        if named_by:
            remedy = f"Report to the operator of {named_by.host} that it leads there."
        return PolicyError(f"{url}: {reason}; it resembles {other}", hint=f"Do not use {url.host}. {remedy}")
    if url.host in KNOWN_HOSTS:
        return PolicyError(f"{url}: port {url.port} of {reason}", hint=f"Use {url.host} without a port.")
    check = f"Check first who brought in {url.host}: compare pythons.toml and pythons.lock with version control."
    if named_by:
        check = f"Find out first from the operator of {named_by.host} whether {url.host} is theirs."
    rule = url.authority if url.scheme == "https" else f"http://{url.authority}"
    return PolicyError(
        f"{url}: {reason}",
        hint=f"{check} If you trust the host, pass `--allow-host {rule}` or set PROVISION_ALLOW_HOSTS={rule}.",
    )


def _as_read(host: str) -> str:
    for letters, appearance in _CONFUSABLES:
        host = host.replace(letters, appearance)
    return host
