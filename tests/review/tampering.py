"""Locks that were tampered with: a real one, changed in one way each, with the code and the line of its finding."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from provision.catalog.snapshot import bundled_catalog
from provision.lock.resolve import resolve
from provision.lock.write import format_lock
from provision.manifest.manifest import Manifest
from provision.manifest.read import parse_manifest
from provision.model.target import Target
from tests.review.history import catalog_of

HOST = Target.parse("linux-x86_64")
SETTINGS = 'targets = ["linux-x86_64", "macos-aarch64"]'
ENTRIES = 'default = "3.13"\nfree = "3.13t"\nfast = { version = "3.12", cpu = "auto" }'
GNU, MAC = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin"
ZEROS = "0" * 64


def manifest(entries: str = ENTRIES, settings: str = SETTINGS, policy: str = "") -> Manifest:
    text = f"[settings]\n{settings}\n[pythons]\n{entries}\n{policy}"
    return parse_manifest(text, Path("pythons.toml"))


def locked(asked: Manifest, *, day: str = "2026-10-25") -> str:
    return format_lock(resolve(asked, catalog_of(day), None, host=HOST).lock)


def row(text: str, name: str, target: str, cpu: str = "baseline") -> str:
    """The text of one row."""
    entry = text[text.index(f'name = "{name}"') :]
    start = entry.index(f'target = "{target}"\ncpu = "{cpu}"')
    return entry[start:].partition("\n\n")[0]


def value(row_text: str, key: str) -> str:
    match = re.search(rf'^{key} = "(.*)"$', row_text, re.MULTILINE)
    assert match is not None
    return match[1]


def line_of(text: str, needle: str, *, within: str = "") -> int:
    """The line on which a text stands, the first after ``within`` if that is given."""
    start = text.index(within) if within else 0
    return text.count("\n", 0, text.index(needle, start)) + 1


def entry_of(text: str, name: str) -> str:
    """The text of one entry with its rows."""
    start = text.index(f'[[python]]\nname = "{name}"')
    end = text.find("[[python]]\n", start + 1)
    return text[start : end if end > 0 else len(text)]


CLEAN = locked(manifest())
FREE, DEFAULT, FAST = (row(CLEAN, name, GNU) for name in ("free", "default", "fast"))
FAST_V4 = row(CLEAN, "fast", GNU, "v4")
OTHER = row(CLEAN, "default", MAC)
HASH, URL = value(DEFAULT, "sha256"), value(DEFAULT, "url")
VERSION, BUILD = (value(CLEAN[CLEAN.index('name = "default"') :], key) for key in ("version", "build"))

# A day that is later than the bundled catalog.
NEXT_BUILD = bundled_catalog().as_of[:10].replace("-", "")

Change = Callable[[str], str]


class Tampered(NamedTuple):
    """A change of a lock, and the code of its finding, on the first line with ``line`` after ``within``."""

    what: str
    code: str
    change: Change
    line: str
    within: str = 'name = "default"'


def swap(old: str, new: str, within: str = "") -> Change:
    """Replace the first occurrence of a text; only in the row ``within``, if one is given."""

    def change(text: str) -> str:
        if within:
            assert old in within, old
            return swap(within, within.replace(old, new))(text)
        assert old in text, old
        return text.replace(old, new, 1)

    return change


def both(first: Change, second: Change) -> Change:
    return lambda text: second(first(text))


def archive(text: str) -> str:
    """The part of a row that names its archive."""
    return text[text.index("url =") :]


_STATED = 'flavor = "install_only_stripped"'
_MADE_UP = URL.replace(f"{VERSION}%2B", "3.13.99%2B")
_ELSEWHERE = "https://github.com/someone/x/python.tar.gz"
_REQUEST = re.findall(r'request = "sha256:[0-9a-f]{64}"', CLEAN)[0]
_ROW = "[[python.asset]]\n"

CASES = (
    Tampered("a swapped hash", "PV001", swap(HASH, ZEROS), ZEROS),
    Tampered("eight digits of a hash", "PV001", swap(HASH[:8], "12345678"), "12345678"),
    Tampered("the hash of another platform", "PV001", swap(HASH, value(OTHER, "sha256")), "sha256 =", GNU),
    Tampered("another version said", "PV002", swap(f'version = "{VERSION}"', 'version = "3.13.1"'), "url ="),
    Tampered("another build said", "PV003", swap(f'build = "{BUILD}"', 'build = "20260101"'), "url ="),
    Tampered("the archive of another platform", "PV004", swap(archive(DEFAULT), archive(OTHER)), f'target = "{GNU}"'),
    Tampered(
        "a level's archive as another's",
        "PV004",
        swap(archive(FAST), archive(FAST_V4)),
        'cpu = "baseline"',
        f'cpu = "baseline"\n{archive(FAST_V4)}',
    ),
    Tampered("a free-threaded build as the default", "PV005", swap(archive(DEFAULT), archive(FREE)), "freethreaded"),
    Tampered("an option less", "PV005", swap('["lto", "pgo"]', '["pgo"]'), "url ="),
    Tampered("the archive of another flavor", "PV006", swap("only_stripped", "only", DEFAULT), "install_only.tar.gz"),
    Tampered("another flavor said", "PV006", swap(_STATED, 'flavor = "install_only"'), "url ="),
    Tampered("a look-alike host", "PV007", swap("github.com", "githab.com", DEFAULT), "githab.com"),
    Tampered("a host below another", "PV007", swap("github.com", "github.com.evil.example", DEFAULT), "evil.example"),
    Tampered("another port", "PV007", swap("github.com", "github.com:8443", DEFAULT), ":8443"),
    Tampered("a version nobody released", "PV008", swap(URL, _MADE_UP.replace(BUILD, "20260901")), "3.13.99"),
    Tampered("a file of no known name", "PV008", swap(URL, _ELSEWHERE), "someone/x"),
    Tampered("somebody else's repository", "PV009", swap("astral-sh", "astra1-sh", DEFAULT), "astra1-sh"),
    Tampered("another release's folder", "PV009", swap(f"download/{BUILD}", "download/20250612", DEFAULT), "20250612"),
    Tampered("a missing platform", "PV010", swap(f"{_ROW}{OTHER}\n\n", ""), 'name = "default"'),
    Tampered("a missing baseline", "PV010", swap(f"{_ROW}{FAST}\n\n", ""), 'name = "fast"', 'name = "fast"'),
    Tampered(
        "an entry nobody asked for",
        "PV011",
        lambda text: "\n".join((text, entry_of(text, "free").replace('"free"', '"more"'))),
        'name = "more"',
    ),
    Tampered("another request", "PV016", swap(_REQUEST, f'request = "sha256:{ZEROS}"'), "request ="),
    Tampered("an entry less", "PV016", lambda text: text.replace(entry_of(text, "free"), ""), "# Written", "# Written"),
    Tampered("tree options nobody asked for", "PV017", swap(_STATED, f'{_STATED}\nwithout = ["tests"]'), "without ="),
    Tampered(
        "one hash for two archives",
        "PV018",
        both(swap(HASH, ZEROS), swap(value(OTHER, "sha256"), ZEROS, OTHER)),
        ZEROS,
        GNU,
    ),
    Tampered("a local file", "PV022", swap(URL, "file:///tmp/python.tar.gz"), "file:///tmp"),
    Tampered("a server on loopback", "PV022", swap("https://github.com", "http://127.0.0.1:8", DEFAULT), "127.0.0.1"),
    Tampered("a release nobody knows yet", "PV024", lambda text: text.replace(BUILD, NEXT_BUILD), "sha256 ="),
)
