"""Owns the keys of a lock and what each may hold, so that nothing unsafe leaves the reader; `checking` applies them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

from provision.model.build import CPU_LEVELS, FLAVORS, IMPLEMENTATIONS, BuildOptions
from provision.model.digest import Digest
from provision.model.target import KNOWN, Target
from provision.model.tree import Slim
from provision.model.version import Version
from provision.url import parse_url

SLIMS: tuple[str, ...] = get_args(Slim)

# Names, builds and implementations become parts of paths and links; nothing else may.
NAME = r"[a-z0-9][a-z0-9._-]{0,99}"
BUILD = r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}"
SHA256 = r"[0-9a-f]{64}"
PUBLISHED = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z"
LOCK_VERSION = r"[0-9]{1,4}\.[0-9]{1,4}"
_MAX_SIZE = 2**53  # what JSON's readers keep exact


class Key(NamedTuple):
    """One key: the field it becomes, how its value is read, and whether each table must have it.

    ``read`` raises `ValueError` with the rest of a sentence that begins with the key. It is None for a key that holds
    tables of its own.
    """

    field: str
    read: Callable[[Any], object] | None
    required: bool = True


def lock_version(text: str) -> tuple[int, int]:
    """The major and minor number of a lock's format."""
    if not re.fullmatch(LOCK_VERSION, text):
        raise ValueError(f"is {text!r}; expected a version such as 1.0")
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def url(given: Any) -> str:
    """A URL that may stand in a lock, by the same rule as in a manifest: `url.parse_url`'s."""
    text = _text(given)
    parse_url(text)
    if text.endswith("/"):
        raise ValueError(f"is {_short(text)}, which names no file")
    return text


_HEX = re.compile(SHA256).fullmatch


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError(f"is {_short(given)}; expected a text")
    return given


def _matching(pattern: str, expected: str) -> Callable[[Any], str]:
    match = re.compile(pattern).fullmatch

    def read(given: Any) -> str:
        if not match(_text(given)):
            raise ValueError(f"is {_short(given)}; expected {expected}")
        return str(given)

    return read


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def read(given: Any) -> str:
        if given not in choices:
            raise ValueError(f"is {_short(given)}; expected one of {', '.join(choices)}")
        return str(given)

    return read


def _target(given: Any) -> Target:
    target = KNOWN.get(_text(given))
    if target is None:
        raise ValueError(f"is {_short(given)}, which is not a target's triple")
    return target


def _digest(given: Any) -> Digest:
    if not _HEX(_text(given)):
        raise ValueError(f"is {_short(given)}; expected 64 lower-case hexadecimal digits")
    return Digest(given)


def _request(given: Any) -> Digest:
    prefix, colon, digits = _text(given).partition(":")
    if prefix != "sha256" or not colon:
        raise ValueError(f"is {_short(given)}; expected sha256: and 64 hexadecimal digits")
    return _digest(digits)


def _size(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < _MAX_SIZE:
        raise ValueError(f"is {_short(given)}; expected a number of bytes")
    return given


def _words(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise ValueError(f"is {_short(given)}; expected a list of words")
    if len(set(given)) != len(given):
        raise ValueError(f"is {_short(given)}, which has a word twice")
    return tuple(sorted(given))


def _options(given: Any) -> BuildOptions:
    return BuildOptions.of(_words(given))


def _without(given: Any) -> tuple[str, ...]:
    for word in (words := _words(given)):
        if word not in SLIMS:
            raise ValueError(f"has {_short(word)}; expected some of {', '.join(SLIMS)}")
    return words


def _truth(given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError(f"is {_short(given)}; expected true or false")
    return given


def _bytecode(given: Any) -> bool:
    return bool(_one_of(("unchecked-hash",))(given))


def _short(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}..."


LOCK_KEYS = {
    "lock-version": Key("version", lambda given: given),
    "python": Key("pythons", None, required=False),
}

PYTHON_KEYS = {
    "name": Key("name", _matching(NAME, "a name of lower-case letters, digits, '.', '_' and '-'")),
    "request": Key("request", _request),
    "implementation": Key("implementation", _one_of(IMPLEMENTATIONS)),
    "version": Key("version", lambda given: Version.parse(_text(given))),
    "build": Key("build", _matching(BUILD, "a build of letters, digits, '.', '_' and '-'")),
    "build-options": Key("options", _options),
    "flavor": Key("flavor", _one_of(FLAVORS)),
    "bytecode": Key("bytecode", _bytecode, required=False),
    "externally-managed": Key("externally_managed", _truth, required=False),
    "without": Key("without", _without, required=False),
    "asset": Key("assets", None, required=False),
}

ASSET_KEYS = {
    "target": Key("target", _target),
    "cpu": Key("cpu", _one_of(CPU_LEVELS)),
    "build-options": Key("options", _options, required=False),
    "url": Key("url", url),
    "sha256": Key("sha256", _digest),
    "size": Key("size", _size, required=False),
    "published": Key("published", _matching(PUBLISHED, "a time in UTC such as 2026-08-14T12:00:00Z"), required=False),
}
