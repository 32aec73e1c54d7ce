"""Owns `pythons.lock` as text: writing it, and the ways in which it is read; what a row may hold, `rows` says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from provision.errors import LockFileError, Place
from provision.host.files import FileTooLargeError, NotRegularFileError, read_small_file
from provision.lock.lock import Lock, LockedPython
from provision.lock.read import check_lock
from provision.lock.syntax import parse_tables
from provision.model.asset import Asset
from provision.model.value import frozen

HEADER = "# Written by provision. Review it; do not edit it."

# A lock of 200 entries on 12 targets has one megabyte.
MAX_BYTES = 16 * 1024 * 1024

_ESCAPES = {'"': '\\"', "\\": "\\\\"}


@frozen(kw_only=False)
class ParsedLock:
    """A lock that was read, and what its reader has to say about it."""

    lock: Lock
    warnings: tuple[str, ...] = ()


def format_lock(lock: Lock) -> str:
    """The lock's one spelling: entries sorted by name, tables kept apart by one blank line so that git merges them."""
    tables = [f"{HEADER}\nlock-version = {_quoted(lock.version)}\n"]
    for python in sorted(lock.pythons, key=lambda python: python.name):
        tables.append("".join(_python_lines(python)))
        tables.extend("".join(_asset_lines(asset, python)) for asset in python.assets)
    return "\n".join(tables)


def _python_lines(python: LockedPython) -> Iterator[str]:
    yield "[[python]]\n"
    yield f"name = {_quoted(python.name)}\n"
    yield f'request = "sha256:{python.request}"\n'
    yield f"implementation = {_quoted(python.implementation)}\n"
    yield f'version = "{python.version}"\n'
    yield f"build = {_quoted(python.build)}\n"
    yield f"build-options = {_array(python.options)}\n"
    yield f'flavor = "{python.flavor}"\n'
    if python.tree.bytecode:
        yield 'bytecode = "unchecked-hash"\n'
    if not python.tree.externally_managed:
        yield "externally-managed = false\n"
    if python.tree.without:
        yield f"without = {_array(sorted(python.tree.without))}\n"


def _asset_lines(asset: Asset, python: LockedPython) -> Iterator[str]:
    yield "[[python.asset]]\n"
    yield f'target = "{asset.target}"\n'
    yield f'cpu = "{asset.cpu}"\n'
    if asset.options != python.options:
        yield f"build-options = {_array(asset.options)}\n"
    yield f"url = {_quoted(asset.url)}\n"
    yield f'sha256 = "{asset.sha256}"\n'
    if asset.size is not None:
        yield f"size = {asset.size}\n"
    if asset.published is not None:
        yield f"published = {_quoted(asset.published)}\n"


def _array(names: Iterable[str]) -> str:
    return f"[{', '.join(_quoted(name) for name in names)}]"


def _quoted(text: str) -> str:
    """A TOML basic string; nothing in ``text`` can end it early."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(char if char.isprintable() and char not in _ESCAPES else _escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    return _ESCAPES.get(char) or f"\\U{ord(char):08X}"


def read_text(path: Path) -> str | None:
    """The lock's text, line ends untouched, or None where there is no such file.

    Raises `LockFileError` for what cannot be a lock: too large, not a plain file, not UTF-8.
    """
    file = path.name
    try:
        return read_small_file(path, MAX_BYTES).decode()
    except FileNotFoundError:
        return None
    except NotRegularFileError as error:
        raise LockFileError("is not a regular file", place=Place(file)) from error
    except FileTooLargeError as error:
        raise LockFileError(
            f"has {error.size} bytes; a lock has at most {MAX_BYTES}", place=Place(file), hint="Is it a lock?"
        ) from error
    except UnicodeDecodeError as error:
        raise LockFileError(f"is not UTF-8 (byte {error.start})", place=Place(file)) from error
    except OSError as error:
        raise LockFileError(f"cannot be read: {error.strerror}", place=Place(file)) from error


def read_lock(path: Path) -> ParsedLock:
    """Read the lock at ``path``; raises `LockFileError`, or all of them as `SeveralErrors`, when it cannot be used."""
    text = read_text(path)
    if text is None:
        raise LockFileError(f"{path.name} does not exist in {path.parent}", hint="Run `provision lock` to make it.")
    return parse_lock(text, path)


def parse_lock(text: str, path: Path) -> ParsedLock:
    """Read a lock's text; ``path`` names it in errors, which have the line and all come at once."""
    lock, warnings = check_lock(parse_tables(text, path.name), text, path.name)
    return ParsedLock(lock, warnings)
