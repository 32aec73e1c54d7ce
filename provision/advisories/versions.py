"""The order of versions, separately for each component.

CPython, pip and setuptools follow PEP 440; OpenSSL 1 counts with letters, shorter ones first (``1.1.1w`` is before
``1.1.1za``); all others count with dotted numbers. Other spellings cannot be ordered.
"""

from __future__ import annotations

import re

VersionKey = tuple[tuple[int, ...], tuple[int, str], tuple[int, int]]

_LONGEST = 64
_NUMBERS = 6
_STAGES = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "pre": 2, "c": 3, "rc": 3}
_FINAL = (4, 0)

_VERSION = re.compile(
    r"v?(\d{1,9}(?:\.\d{1,9}){0,5})(?:[-_.]?(dev|alpha|beta|pre|rc|a|b|c)[-.]?(\d{0,6}))?", re.ASCII | re.IGNORECASE
)
_OPENSSL_1 = re.compile(r"(\d\.\d{1,3}\.\d{1,3})([a-z]{1,2})", re.ASCII)


def version_key(component: str, text: str) -> VersionKey | None:
    """A key that orders the versions of one component; None for a spelling that cannot be ordered."""
    if len(text) > _LONGEST:
        return None
    if component == "openssl" and (lettered := _OPENSSL_1.fullmatch(text)):
        return _padded(lettered[1]), (len(lettered[2]), lettered[2]), _FINAL
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    stage = (_STAGES[match[2].lower()], int(match[3] or 0)) if match[2] else _FINAL
    return _padded(match[1]), (0, ""), stage


def _padded(numbers: str) -> tuple[int, ...]:
    found = tuple(map(int, numbers.split(".")))
    return found + (0,) * (_NUMBERS - len(found))


def series_of(key: VersionKey) -> tuple[int, ...]:
    """The first two numbers: ``3.13.4`` shares them with its fixes, but not with a fix for ``3.12.9``."""
    return key[0][:2]
