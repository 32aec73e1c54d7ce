"""Owns telling which versions of other people's libraries a tree brings along, from its files or from its interpreter.

Libraries that are linked in leave their banners in the binaries, whatever platform these are for. An interpreter is
asked only where its tree was installed and proven here; what was merely unpacked for a look is never started.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from provision.model.tree import Entry

_BANNERS = {
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
_LARGEST = 512 * 1024 * 1024

_QUESTIONS = """\
def ask(name, module, attribute):
    try:
        value = __import__(module)
        for part in attribute.split('.'):
            value = getattr(value, part)
        print('%s=%s' % (name, value))
    except (ImportError, AttributeError):
        pass
ask('OpenSSL', 'ssl', 'OPENSSL_VERSION')
ask('SQLite', 'sqlite3', 'sqlite_version')
ask('zlib', 'zlib', 'ZLIB_RUNTIME_VERSION')
ask('expat', 'pyexpat', 'EXPAT_VERSION')
ask('ncurses', '_curses', 'ncurses_version')
ask('Tcl', '_tkinter', 'TCL_VERSION')
ask('Tk', '_tkinter', 'TK_VERSION')
"""
_NUMBERS = re.compile(r"\d+(?:\.\d+)+[a-z]?")
_TIMEOUT = 60


def libraries_from_files(tree: Path, entries: Mapping[str, Entry]) -> dict[str, str]:
    """The versions that a tree's files tell, by library."""
    found: dict[str, str] = {}
    for path, entry in sorted(entries.items()):
        if entry.kind != "file" or not 0 < entry.size <= _LARGEST:
            continue
        if match := _DIST_INFO.search(path):
            found[match["name"]] = match["version"]
        elif _TCL_FILES.search(path):
            found |= _scripts(tree / path)
        elif _BINARY.search(path):
            for library, version in _banners(tree / path):
                found.setdefault(library, version)
    return found


def libraries_from_interpreter(python: Path) -> dict[str, str]:
    """What an installed interpreter answers; nothing where it does not start."""
    import os
    import subprocess

    environ = {name: os.environ[name] for name in ("SystemRoot", "SYSTEMROOT") if name in os.environ}
    try:
        done = subprocess.run(
            [str(python), "-I", "-S", "-B", "-c", _QUESTIONS],
            env=environ,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    answers: dict[str, str] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        if match := _NUMBERS.search(_ncurses(value)):
            answers[name] = match[0]
    return answers


def _ncurses(value: str) -> str:
    """``curses.ncurses_version(major=6, minor=5, patch=20240427)`` as its banner would say it."""
    numbers = re.findall(r"(?:major|minor|patch)=(\d+)", value)
    return ".".join(numbers) if numbers else value


def _banners(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for library, banner in _BANNERS.items():
            if library == "SQLite" and content.find(_SQLITE_MARK) < 0:
                continue
            match = banner.search(content)
            if match:
                yield library, match[1].decode("ascii")


def _scripts(path: Path) -> dict[str, str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return {match[1]: match[2] for match in _TCL.finditer(text)}
