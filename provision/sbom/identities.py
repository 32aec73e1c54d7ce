"""The licence, CPE and package URL (purl) of interpreters and libraries.

Scanners find advisories on ``pkg:generic`` only by the CPE, so every component that the NVD has records on has its CPE.
For the components without one, the NVD has no vendor and product.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from provision.model.value import frozen

PUBLIC_DOMAIN = "LicenseRef-public-domain"

_PBS = "python-build-standalone"  # the `licenses` of an entry of its `pythonbuild/downloads.py`
_OWN = "its own licence file"
_PRERELEASE = re.compile(r"([0-9.]+)(a|b|rc)([0-9]+)")
# As the NVD spells them: `cpe:2.3:a:python:python:3.12.0:alpha1`.
_STAGES = {"a": "alpha", "b": "beta", "rc": "rc"}


@frozen(kw_only=False)
class Identity:
    """The facts about a component for all versions; ``licence`` is an SPDX expression, empty if it is not known.

    ``cpe`` is ``vendor:product``, empty if there is none. ``source`` says where the licence is stated.
    """

    licence: str
    source: str
    cpe: str = ""
    purl_type: str = "generic"


_IDENTITIES = {
    "python": Identity("PSF-2.0", "python.org", "python:python"),
    "pypy": Identity("MIT", _OWN),
    "bdb": Identity("Sleepycat", _PBS, "oracle:berkeley_db"),
    "bzip2": Identity("bzip2-1.0.6", _PBS, "bzip:bzip2"),
    "expat": Identity("MIT", _PBS, "libexpat_project:libexpat"),
    "gdbm": Identity("GPL-3.0-or-later", _OWN),
    "libX11": Identity("MIT AND X11", _PBS, "x.org:libx11"),
    "libXau": Identity("MIT", _PBS),
    "libedit": Identity("BSD-3-Clause", _PBS),
    "libffi": Identity("MIT", _PBS, "libffi_project:libffi"),
    "libressl": Identity("ISC AND OpenSSL", _OWN, "openbsd:libressl"),
    "libxcb": Identity("MIT", _PBS),
    "mpdecimal": Identity("BSD-2-Clause", _PBS),
    "musl": Identity("MIT", _OWN, "musl-libc:musl"),
    "ncurses": Identity("X11", _PBS, "gnu:ncurses"),
    "openssl": Identity("Apache-2.0", _PBS, "openssl:openssl"),
    "pip": Identity("MIT", _OWN, "pypa:pip", "pypi"),
    "readline": Identity("GPL-3.0-only", _PBS, "gnu:readline"),
    "setuptools": Identity("MIT", _OWN, "python:setuptools", "pypi"),
    "sqlite": Identity("blessing", _OWN, "sqlite:sqlite"),
    "tcl": Identity("TCL", _PBS, "tcl:tcl"),
    "tix": Identity("TCL", _PBS),
    "tk": Identity("TCL", _PBS),
    "uuid": Identity("BSD-3-Clause", _PBS),
    "xz": Identity("0BSD", _OWN, "tukaani:xz"),
    "zlib": Identity("Zlib", _PBS, "zlib:zlib"),
    "zlib-ng": Identity("Zlib", _OWN, "zlib-ng:zlib-ng"),
    "zstd": Identity("BSD-3-Clause", _PBS, "facebook:zstandard"),
}
_UNKNOWN = Identity("", "")
# The licence before the version from which on that of the table holds.
_OLDER_LICENCES = {
    "openssl": ((3, 0), Identity("OpenSSL", _PBS)),
    "xz": ((5, 6), Identity(PUBLIC_DOMAIN, _PBS)),
}


def identity(name: str) -> Identity:
    """The facts about a component; ``pip (in ensurepip)`` is pip."""
    return _IDENTITIES.get(name.partition(" ")[0], _UNKNOWN)


def licence(name: str, version: str) -> Identity:
    """The identity with the licence of a version; without a version, the licence is unknown if it changed over time."""
    since, older = _OLDER_LICENCES.get(name, ((), _UNKNOWN))
    if not since:
        return identity(name)
    if not version:
        return _UNKNOWN
    numbers = tuple(int(number) for number in re.findall("[0-9]+", version))[: len(since)]
    return older if numbers < since else identity(name)


def cpe(name: str, version: str) -> str:
    """The CPE 2.3 name of a version; empty if the component has none, or its version is not known."""
    vendor_product = identity(name).cpe
    if not vendor_product or not version:
        return ""
    update = "*"
    if prerelease := _PRERELEASE.fullmatch(version):
        version, stage, number = prerelease.groups()
        update = f"{_STAGES[stage]}{number}"
    escaped = re.sub(r"([^0-9A-Za-z._-])", r"\\\1", version)
    return f"cpe:2.3:a:{vendor_product}:{escaped}:{update}:*:*:*:*:*:*"


def purl(name: str, version: str, *, sha256: str = "", url: str = "") -> str:
    """The purl of a version, with the digest and URL of an archive; empty if the version is not known."""
    if not version:
        return ""
    archive = f"?checksum=sha256:{sha256}&download_url={_quoted(url)}" if sha256 else ""
    return f"pkg:{identity(name).purl_type}/{name}@{_quoted(version)}{archive}"


def _quoted(text: str) -> str:
    return quote(text, safe=":/~")
