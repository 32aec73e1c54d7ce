"""Which hosts may be asked, and over what: rules, policy, known hosts, look-alikes.

Whoever connects asks `HostPolicy` first, and for every redirect again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from provision.errors import PolicyError, UsageError
from provision.model.value import frozen
from provision.url import Url

# Where the bundled catalog's archives, their mirrors and their metadata live, and where those hosts redirect to.
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

# Above this likeness two hosts are easily taken for each other: `githab.com`, `github.co`.
_ALIKE = 0.8
# What is exchanged in look-alikes, as it reads; `rn` for `m` and `vv` for `w` come first.
_FOLDED = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("_", "-"))

_RULE = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<any>\*\.)?(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>\d{1,5}))?/?"
)


@frozen
class HostRule:
    """``[http://][*.]host[:port]``: a host that the user allows.

    Without a port any port is meant; ``http://`` allows plain HTTP too, ``*.`` every name below the host.
    """

    host: str
    port: int | None = None
    below: bool = False
    plain: bool = False

    @classmethod
    def parse(cls, text: str) -> HostRule:
        """Read one rule; raise `UsageError` on anything else."""
        match = _RULE.fullmatch(text.strip().lower())
        if match is None:
            raise UsageError(
                f"{text!r} is not a host to allow; expected example.com, example.com:8443, *.example.com "
                "or http://example.com"
            )
        return cls(
            host=match["host"].strip("[]"),
            port=int(match["port"]) if match["port"] else None,
            below=match["any"] is not None,
            plain=match["scheme"] == "http",
        )

    def admits(self, url: Url) -> bool:
        """Whether the rule covers the host and the port; the scheme is judged apart."""
        named = url.host.endswith(f".{self.host}") if self.below else url.host == self.host
        return named and self.port in (None, url.port)


class HostPolicy:
    """Which URLs may be asked: known and allowed hosts by https, loopback and what was allowed so by http too."""

    __slots__ = ("_rules",)

    def __init__(self, allowed: Iterable[HostRule]) -> None:
        self._rules = tuple(allowed)

    def check(self, url: Url, *, redirected_from: Url | None = None) -> None:
        """Raise `PolicyError` unless the URL may be asked.

        Where a redirect leads is judged like any other URL, so every host on the way is known or allowed. Moreover it
        never leads from https to anything less, nor from another machine to this one.
        """
        if url.scheme == "file":
            raise PolicyError(f"{url}: a file is nothing to ask a host for")
        whence = f"{redirected_from.host} redirects to it" if redirected_from else ""
        if redirected_from and redirected_from.scheme == "https" and url.scheme != "https":
            raise PolicyError(
                f"{url}: {whence}, from https to {url.scheme}; nothing is fetched over less than asked for"
            )
        if url.is_loopback and (redirected_from is None or redirected_from.is_loopback):
            return
        rules = [rule for rule in self._rules if rule.admits(url)]
        known = url.host in KNOWN_HOSTS and url.port in (80, 443)
        if not rules and not known:
            raise _not_allowed(url, whence)
        if url.scheme != "https" and not any(rule.plain for rule in rules):
            raise PolicyError(
                f"{url}: plain {url.scheme} is not allowed, but on this machine itself",
                hint=f"use https, or if the network up to {url.host} is trusted: --allow-host http://{url.authority}",
            )


def lookalike_of(host: str, known: Iterable[str]) -> str:
    """The known host that this one can be taken for; nothing if it is one of them, or like none.

    Like is what has a known host's name within it (``github.com.example.net``), differs by a letter or two, or reads
    the same in some typefaces.
    """
    import difflib

    name = host.partition(":")[0]
    names = sorted(known)
    if name in names or any(name.endswith(f".{other}") for other in names):
        return ""
    for other in names:
        within = other.rpartition(".")[0] in name or other.replace(".", "-") in name
        if within or _folded(name) == _folded(other):
            return other
    near = difflib.get_close_matches(name, names, n=1, cutoff=_ALIKE)
    return near[0] if near else ""


def _not_allowed(url: Url, whence: str) -> PolicyError:
    reason = f"{url.host} is not an allowed host" + (f" ({whence})" if whence else "")
    rule = url.authority if url.scheme == "https" else f"http://{url.authority}"
    return PolicyError(
        f"{url}: {reason}",
        hint=f"if you trust it: --allow-host {rule}, or PROVISION_ALLOW_HOSTS={rule}",
    )


def _folded(host: str) -> str:
    for letters, read in _FOLDED:
        host = host.replace(letters, read)
    return host
