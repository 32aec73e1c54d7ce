"""Versions of the libraries bundled in a tree, from its files or interpreter.

Linked libraries leave their version strings in the binaries, whatever the target. The caller may start an interpreter
only if its tree was installed and probed here, never one that was only unpacked.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from provision.model.tree import TreeEntry

_VERSION_STRINGS = {
    "OpenSSL": re.compile(rb"OpenSSL (\d+\.\d+\.\d+[a-z]?) +\d{1,2} [A-Z][a-z]{2} \d{4}"),
    "zlib": re.compile(rb"(?:deflate|inflate) (\d+\.\d+(?:\.\d+){0,2})[^\0]{0,24} Copyright"),
    "expat": re.compile(rb"expat_(\d+\.\d+\.\d+)"),
    "ncurses": re.compile(rb"ncurses (\d+\.\d+\.\d{8})"),
    "bzip2": re.compile(rb"\0(1\.0\.\d+), \d{1,2}-[A-Z][a-z]{2}-\d{4}"),
    "SQLite": re.compile(rb"\0(3\.\d{1,2}\.\d{1,2})\0"),
}
_SQLITE_MARK = b"SQLite format 3\0"
_BINARY = re.compile(r"(^|/)(bin/(python|pypy)[0-9.a-z]*|[^/]+\.(so|dylib|dll|pyd|exe)([0-9.]*))$")
_TCL = re.compile(r"package (?:require|provide)[^\n]{0,20} (Tcl|Tk) (\d+\.\d+(?:\.\d+|[ab]\d+)*)")
_TCL_FILES = re.compile(r"(^|/)(tcl|tk)\d[0-9.]*/(init|tk)\.tcl$")
_DIST_INFO = re.compile(r"(^|/)(?P<name>pip|setuptools|wheel)-(?P<version>[0-9][^/-]*)\.(dist-info|whl)(/METADATA)?$")
_ENSUREPIP = re.compile(r"(^|/)ensurepip/_bundled/pip-(?P<version>[0-9][^/-]*)-[^/]*\.whl$")
_LARGEST_FILE = 512 * 1024 * 1024

_VERSIONS_SCRIPT = """\
def tell(name, module, attribute):
    try:
        value = __import__(module)
        for part in attribute.split('.'):
            value = getattr(value, part)
        print('%s=%s' % (name, value))
    except (ImportError, AttributeError):
        pass
tell('OpenSSL', 'ssl', 'OPENSSL_VERSION')
tell('SQLite', 'sqlite3', 'sqlite_version')
tell('zlib', 'zlib', 'ZLIB_RUNTIME_VERSION')
tell('expat', 'pyexpat', 'EXPAT_VERSION')
tell('ncurses', '_curses', 'ncurses_version')
tell('Tcl', '_tkinter', 'TCL_VERSION')
tell('Tk', '_tkinter', 'TK_VERSION')
tell('zlib-ng', 'zlib', 'ZLIBNG_VERSION')
tell('pip (in ensurepip)', 'ensurepip', '_PIP_VERSION')
"""
_NUMBERS = re.compile(r"\d+(?:\.\d+)+[a-z]?")
_TIMEOUT = 60  # seconds


def libraries_from_files(tree: Path, entries: Mapping[str, TreeEntry]) -> dict[str, str]:
    """Versions by library, as found in a tree's binaries, Tcl scripts and package metadata."""
    found: dict[str, str] = {}
    for path, entry in sorted(entries.items()):
        if entry.kind != "file" or not 0 < entry.size <= _LARGEST_FILE:
            continue
        if match := _DIST_INFO.search(path):
            found[match["name"]] = match["version"]
        elif match := _ENSUREPIP.search(path):
            found["pip (in ensurepip)"] = match["version"]
        elif _TCL_FILES.search(path):
            found |= _versions_in_tcl(tree / path)
        elif _BINARY.search(path):
            for library, version in _versions_in_binary(tree / path):
                found.setdefault(library, version)
    return found


def libraries_from_interpreter(python: Path) -> dict[str, str]:
    """Versions by library, as an installed interpreter prints them; empty if it does not start."""
    import os
    import subprocess

    environ = {name: os.environ[name] for name in ("SystemRoot", "SYSTEMROOT") if name in os.environ}
    try:
        done = subprocess.run(
            [str(python), "-I", "-S", "-B", "-c", _VERSIONS_SCRIPT],
            env=environ,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, str] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        if name == "zlib" and "zlib-ng" in value:
            continue  # the version of zlib that zlib-ng replaces
        if match := _NUMBERS.search(_ncurses_version(value)):
            found[name] = match[0]
    return found


def _ncurses_version(value: str) -> str:
    """``curses.ncurses_version(major=6, minor=5, patch=20240427)`` as ``6.5.20240427``; other values as they are."""
    numbers = re.findall(r"(?:major|minor|patch)=(\d+)", value)
    return ".".join(numbers) if numbers else value


def _versions_in_binary(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for library, pattern in _VERSION_STRINGS.items():
            if library == "SQLite" and content.find(_SQLITE_MARK) < 0:
                continue
            match = pattern.search(content)
            if match:
                yield library, match[1].decode("ascii")


def _versions_in_tcl(path: Path) -> dict[str, str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return {match[1]: match[2] for match in _TCL.finditer(text)}
