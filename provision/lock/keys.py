"""The tables of all keys of `pythons.lock`, and their allowed values.

Unsafe values are refused. The tables are declared like those of the manifest, but a value is read by a plain function
instead of a kind of `manifest.kinds`: provision writes the lock, it has thousands of rows, and every command reads it,
so a value should cost one call. A reader raises `ValueError` with the rest of a sentence; `lock.read` adds the place,
and reads the tables within tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from provision.manifest.manifest import MAX_NAME_LENGTH, NAME_PATTERN, check_name
from provision.model.asset import (
    BUILD_PATTERN,
    CPU_LEVELS,
    FLAVORS,
    IMPLEMENTATIONS,
    BuildOptions,
    CpuLevel,
    Digest,
    Flavor,
    file_name,
)
from provision.model.table import defaulted, keyed, keys_of, optional, required
from provision.model.target import KNOWN_TARGETS, Target
from provision.model.tree import REMOVABLE_PARTS, RemovablePart
from provision.model.version import Version
from provision.url import parse_url

# Names, builds and implementations become parts of paths and links; nothing else may.
NAME = rf"[a-z0-9][a-z0-9._-]{{0,{MAX_NAME_LENGTH - 1}}}"
SHA256 = r"[0-9a-f]{64}"
COMMIT = r"[0-9a-f]{40}|[0-9a-f]{64}"
IDENTITY = r"https://[!#-\[\]-~]{1,500}"
PUBLISHED = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z"
LOCK_VERSION_PATTERN = r"[0-9]{1,4}\.[0-9]{1,4}"
_MAX_SIZE = 2**53  # the range that JSON readers keep exact
_IS_SHA256 = re.compile(SHA256).fullmatch

W = TypeVar("W", bound=str)
Tables = Sequence[Mapping[str, object]]


def lock_version(text: str) -> tuple[int, int]:
    """The major and minor number of a lock's format."""
    if not re.fullmatch(LOCK_VERSION_PATTERN, text):
        raise ValueError(f"is {text!r}; expected a version such as 1.0")
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def read_url(given: Any) -> str:
    """A URL of a file, by the same rule as in a manifest: that of `url.parse_url`."""
    text = _text(given)
    parse_url(text)
    if not file_name(text):
        raise ValueError(f"is {_shortened(text)}; expected the URL of a file")
    return text


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError(f"is {_shortened(given)}; expected text")
    return given


def _matching(pattern: str, expected: str) -> Callable[[Any], str]:
    match = re.compile(pattern).fullmatch

    def read(given: Any) -> str:
        if not match(_text(given)):
            raise ValueError(f"is {_shortened(given)}; expected {expected}")
        return str(given)

    return read


def _one_of(choices: tuple[W, ...]) -> Callable[[Any], W]:
    def read(given: Any) -> W:
        if given not in choices:
            raise ValueError(f"is {_shortened(given)}; expected one of {', '.join(choices)}")
        return choices[choices.index(given)]

    return read


def _number(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < _MAX_SIZE:
        raise ValueError(f"is {_shortened(given)}; expected a number")
    return given


def _identity(given: Any) -> str:
    """An https URL of printable ASCII without blanks and quotes: of a workflow, or of an issuer."""
    text = _text(given)
    if not re.fullmatch(IDENTITY, text):
        raise ValueError(f"is {_shortened(given)}; expected an https URL")
    return text


def _name(given: Any) -> str:
    """A name that an entry of a manifest can have, by the same rule."""
    name = _plain_name(given)
    check_name(name)
    return name


def _version(given: Any) -> Version:
    return Version.parse(_text(given))


def _target(given: Any) -> Target:
    target = KNOWN_TARGETS.get(_text(given))
    if target is None:
        raise ValueError(f"is {_shortened(given)}; expected a target triple")
    return target


def _digest(given: Any) -> Digest:
    if not _IS_SHA256(_text(given)):
        raise ValueError(f"is {_shortened(given)}; expected 64 lower-case hexadecimal digits")
    return Digest(given)


def _request(given: Any) -> Digest:
    prefix, colon, digits = _text(given).partition(":")
    if prefix != "sha256" or not colon:
        raise ValueError(f"is {_shortened(given)}; expected sha256: and 64 hexadecimal digits")
    return _digest(digits)


def _size(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < _MAX_SIZE:
        raise ValueError(f"is {_shortened(given)}; expected a number of bytes")
    return given


def _words(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise ValueError(f"is {_shortened(given)}; expected a list of words")
    if len(set(given)) != len(given):
        raise ValueError(f"is {_shortened(given)}; expected each word once")
    return tuple(sorted(given))


def _options(given: Any) -> BuildOptions:
    return BuildOptions.of(_words(given))


def _without(given: Any) -> tuple[RemovablePart, ...]:
    for word in (words := _words(given)):
        if word not in REMOVABLE_PARTS:
            raise ValueError(f"has {_shortened(word)}; expected some of {', '.join(REMOVABLE_PARTS)}")
    return tuple(sorted(part for part in REMOVABLE_PARTS if part in words))


def _boolean(given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError(f"is {_shortened(given)}; expected true or false")
    return given


def _bytecode(given: Any) -> bool:
    return bool(_one_of(("unchecked-hash",))(given))


def _tables(given: Any) -> Tables:
    if isinstance(given, list) and all(isinstance(table, dict) for table in given):
        return given
    raise ValueError("is not a list of tables")


def _shortened(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}..."


_plain_name = _matching(NAME_PATTERN, "a name of lower-case letters, digits, '.', '_' and '-'")


@keyed
class LockTable:
    """The top of a lock."""

    lock_version: str = required(_text)
    python: Tables = defaulted(_tables, default=())
    attestation: Tables = defaulted(_tables, default=())


@keyed
class PythonTable:
    """A ``[[python]]`` table; ``build_options`` are those that all its assets have."""

    name: str = required(_name)
    request: Digest = required(_request)
    implementation: str = required(_one_of(IMPLEMENTATIONS))
    version: Version = required(_version)
    build: str = required(_matching(BUILD_PATTERN, "a build of letters, digits, '.', '_' and '-'"))
    build_options: BuildOptions = required(_options)
    flavor: Flavor = required(_one_of(FLAVORS))
    bytecode: bool = defaulted(_bytecode, default=False)
    externally_managed: bool = defaulted(_boolean, default=True)
    without: tuple[RemovablePart, ...] = defaulted(_without, default=())
    asset: Tables = defaulted(_tables, default=())


@keyed
class AssetTable:
    """A ``[[python.asset]]`` table; without ``build_options``, it has those of its entry."""

    target: Target = required(_target)
    cpu: CpuLevel = required(_one_of(CPU_LEVELS))
    build_options: BuildOptions | None = optional(_options)
    url: str = required(read_url)
    sha256: Digest = required(_digest)
    size: int | None = optional(_size)
    published: str | None = optional(_matching(PUBLISHED, "a time in UTC such as 2026-08-14T12:00:00Z"))


@keyed
class AttestationTable:
    """An ``[[attestation]]`` table."""

    build: str = required(_matching(BUILD_PATTERN, "a build of letters, digits, '.', '_' and '-'"))
    identity: str = required(_identity)
    issuer: str = required(_identity)
    repository_id: int = required(_number)
    commit: str = required(_matching(COMMIT, "40 or 64 lower-case hexadecimal digits"))
    bundle: Digest = required(_digest)
    log_index: int = required(_number)


LOCK_KEYS, PYTHON_KEYS, ASSET_KEYS = keys_of(LockTable), keys_of(PythonTable), keys_of(AssetTable)
ATTESTATION_KEYS = keys_of(AttestationTable)
