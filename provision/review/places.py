"""Owns where a URL leads, as a reviewer reads it: its host, what stands before release and file, look-alikes."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

# Above this likeness two hosts are easily taken for each other: `githab.com`, `github.co`.
_ALIKE = 0.8
# What is exchanged in look-alikes, as it reads; `rn` for `m` and `vv` for `w` come first.
_FOLDED = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("_", "-"))


def host_of(url: str) -> str:
    """The host with its port, in lower case; ``(file)`` for a local file, ``(unreadable)`` for no URL at all."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(unreadable)"
    if parts.scheme == "file":
        return "(file)"
    return f"{host}:{port}" if port else host or "(unreadable)"


def origin_of(url: str) -> str:
    """What stands before ``<release>/<file>``: a publisher's place, which all of its releases share."""
    pieces = url.partition("?")[0].split("/")
    return "/".join(pieces[:-2] if len(pieces) > 4 else pieces[:-1])


def canonical(url: str) -> str:
    """The URL with ``+`` spelled in one way, so that two spellings of one address are equal."""
    return url.replace("%2b", "%2B").replace("+", "%2B")


def imitates(host: str, known: Iterable[str]) -> str:
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


def _folded(host: str) -> str:
    for letters, read in _FOLDED:
        host = host.replace(letters, read)
    return host
