"""Spellings of version requests that other tools use, rewritten as ours.

Unambiguous spellings are accepted (`respelled`). Others are refused, with a suggestion of the request that the user
most likely means (`equivalent`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from provision.model.asset import IMPLEMENTATIONS

# Tags of wheels, names of programs, and tox' factors.
IMPLEMENTATION_ALIASES = {"python": "cpython", "py": "cpython", "cp": "cpython", "pp": "pypy", "gp": "graalpy"}
_NEWEST = "3"

_WORDS = re.compile(r"([a-z]*)([@-]?)(.*)", re.DOTALL)
# ``313`` of ``cp313t``.
_TAG = re.compile(r"([0-9])([0-9]{1,2})(?=t?d?(?:$|[+-]))")
_WILDCARD = re.compile(r"([0-9](?:\.[0-9]+)?)\.[x*](?=t?d?(?:$|[+-]))")
# PEP 440's other spellings of a prerelease, and those of semantic versions.
_PRERELEASE = re.compile(
    r"([0-9]\.[0-9]+(?:\.[0-9]+)?)[-_.]?(alpha|a|beta|b|preview|pre|rc|c)[-_.]?([0-9]+)(?![0-9.]*[a-z_])"
)
_STAGES = {"alpha": "a", "beta": "b", "preview": "rc", "pre": "rc", "c": "rc"}


def respelled(text: str) -> str:
    """A request in lower case, with other tools' spellings replaced; other texts are returned as they are.

    ``cp313t`` → ``cpython3.13t``, ``python3.13`` → ``cpython3.13``, ``3.14.x`` → ``3.14``, ``3.16.0-alpha.2`` →
    ``3.16.0a2``, ``pypy`` → ``pypy3``, ``latest`` → ``3``.
    """
    request = text.strip().lower()
    match = _WORDS.fullmatch(request)
    if match is None or request == "latest":
        return _NEWEST if match else request
    name, separator, rest = match.groups()
    name = IMPLEMENTATION_ALIASES.get(name, name)
    if name in IMPLEMENTATIONS:
        if rest == "latest" or not (separator or rest):
            rest = _NEWEST
        rest = _TAG.sub(r"\1.\2", rest, count=1) if _TAG.match(rest) else rest
    if wildcard := _WILDCARD.match(rest):
        rest = wildcard[1] + rest[wildcard.end() :]
    rest = _PRERELEASE.sub(lambda found: found[1] + _STAGES.get(found[2], found[2]) + found[3], rest)
    return f"{name}{separator}{rest}"


def _next(number: str) -> str:
    return str(int(number) + 1)


_NUMBERS = r"([0-9])(?:\.([0-9]{1,4}))?(\.[0-9]{1,4})?"
_EQUIVALENTS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"([0-9])([0-9]{1,2})(t?d?)", lambda m: f"{m[1]}.{m[2]}{m[3]}"),  # 314
    (r"v(.+)", lambda m: m[1]),  # v3.14
    (r"\^" + _NUMBERS, lambda m: f">={m[0][1:]},<{_next(m[1])}"),  # npm's caret
    (r"~[0-9](?:\.[0-9]+)?", lambda m: m[0][1:]),  # npm's tilde
    (r"~([0-9]\.[0-9]+\.[0-9]+)", lambda m: f"~={m[1]}"),
    (
        r"([0-9])\.([0-9]+)(t?)-(?:dev|nightly)",
        lambda m: f">={m[1]}.{m[2]}.0a1,<{m[1]}.{_next(m[2])}{'+freethreaded' if m[3] else ''}",
    ),
    # PyPy's and GraalPy's own version, as pyenv and setup-python write it.
    (r"(pypy|graalpy)-?([0-9]\.[0-9]+)-v?([0-9][0-9.]*)", lambda m: f"{m[1]}{m[2]}+{m[3]}"),
    (r"prefix:(.+)", lambda m: m[1]),  # mise
    (r"([0-9][0-9.]*)\+", lambda m: f">={m[1]}"),  # 3.13+
    (r"(={1,3}) *([0-9][0-9.]*)", lambda m: m[2]),
    (r"~= *([0-9])", lambda m: f">={m[1]}"),
    (r"(>=?|<=?) *([0-9][0-9.]*)\.\*", lambda m: f"{m[1]}{m[2]}"),
    (r"([0-9][0-9.]*)\.", lambda m: m[1]),  # 3.
    (r"([0-9][0-9.]*) +- +([0-9])\.([0-9]+)", lambda m: f">={m[1]},<{m[2]}.{_next(m[3])}"),  # npm's range
    (r"([0-9][0-9.]*)[- ](?:t|freethreaded|free-threaded|nogil)", lambda m: f"{m[1]}t"),
    (r"([0-9][0-9.]*)[- ](?:d|debug)", lambda m: f"{m[1]}d"),
    (r"((?:[<>]=?|[!=]=|~=)[^ ,]+)((?: +(?:[<>]=?|[!=]=|~=)[^ ,]+)+)", lambda m: ",".join(m[0].split())),
    # Poetry's caret next to other comparisons.
    (
        r"\^" + _NUMBERS + r"((?: *[, ] *(?:[<>]=?|!=|~=)[^ ,]{1,20})+)",
        lambda m: f">={m[0][1 : m.start(4)]},<{_next(m[1])},{','.join(m[4].replace(',', ' ').split())}",
    ),
)

# Texts that name no published archive, by how they begin, and the reason.
_UNAVAILABLE: tuple[tuple[str, str], ...] = (
    ("system$", "is any interpreter installed on the machine; it has no archive to lock"),
    (r"ref:|path:|sub-|[./~]*/", "names a source tree or a path on one machine, not an archive that can be locked"),
    (
        r"(?:ana|mini)conda|mini(?:forge|mamba)|mambaforge",
        "is a conda distribution, which has no interpreter archive to lock",
    ),
)


def equivalent(text: str, reads: Callable[[str], bool]) -> str:
    """The request that a refused text most likely means; empty if none. ``reads`` says whether a text is a request."""
    request = text.strip().lower()
    for pattern, rewrite in _EQUIVALENTS:
        match = re.fullmatch(pattern, request)
        if match and reads(rewritten := rewrite(match)):
            return rewritten
    return ""


def why_unavailable(text: str) -> str:
    """Why a text that other tools read as a version names nothing that can be locked; empty for any other text."""
    request = text.strip().lower()
    reasons = (reason for pattern, reason in _UNAVAILABLE if re.match(pattern, request))
    return next(reasons, "")
