"""Scanning and hashing a tree, and comparing it with its list of entries."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from provision.errors import store_failures
from provision.host.files import is_link_stat
from provision.model.tree import DIRECTORY_MODE, LINK_MODE, TreeEntry
from provision.model.value import frozen

# "extra" was never installed; "bytecode" is cached bytecode that does not match its source.
DifferenceKind = Literal["missing", "changed", "extra", "mode", "type", "bytecode"]

_File = tuple[str, int, int]  # path, mode, size

_CHUNK = 1 << 20
_LARGE = 256 * 1024
_EXTRA_THREADS = min(3, (os.cpu_count() or 1) - 1)
_FLAGS: int = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# Windows keeps no modes.
_HAS_MODES = os.name != "nt"


@frozen(kw_only=False, order=True)
class Difference:
    """One path that differs; ``path`` is relative to the tree, with slashes."""

    path: str
    kind: DifferenceKind


def scan_tree(tree: Path) -> dict[str, TreeEntry]:
    """Every name in a tree with its kind, mode and content.

    Devices, FIFOs and sockets are never opened, and listed as files without content. Raises `StoreError` if something
    cannot be read; what is removed meanwhile is left out.
    """
    with store_failures("read a tree", tree):
        entries, files = _walk(tree)
        # Opening and reading a small file takes longer than hashing it, and holds the interpreter's lock, so several
        # threads would only wait for each other. Large files are hashed in other threads meanwhile.
        large = [file for file in files if file[2] >= _LARGE]
        failures: list[OSError] = []
        threads = [
            threading.Thread(target=_hash_all, args=(tree, large, entries, failures))
            for _ in range(min(_EXTRA_THREADS, len(large)))
        ]
        for thread in threads:
            thread.start()
        _hash_all(tree, [file for file in files if file[2] < _LARGE], entries, failures)
        _hash_all(tree, large, entries, failures)
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
    return entries


def compare_tree(found: Mapping[str, TreeEntry], expected: Mapping[str, TreeEntry]) -> tuple[Difference, ...]:
    """Paths that are missing, changed, extra, or of another mode or type; sorted by path.

    Cached bytecode of an installed source is not a difference, whatever its content: see `cached_bytecode`. Nor is an
    extra directory; other files in it are.
    """
    complete = {**_directories_of(expected), **expected}
    differences = [Difference(path, "missing") for path in complete.keys() - found.keys() if path in expected]
    for path, entry in found.items():
        kind = _difference(entry, complete.get(path))
        if kind and not (kind == "extra" and _is_cached_bytecode(path, entry, expected)):
            differences.append(Difference(path, kind))
    return tuple(sorted(differences))


def _difference(found: TreeEntry, expected: TreeEntry | None) -> DifferenceKind | None:
    if expected is None:
        return None if found.kind == "dir" else "extra"
    if found.kind != expected.kind or (found.kind == "file" and not found.content):
        return "type"
    if found.kind != "dir" and found.content != expected.content:
        return "changed"
    if _HAS_MODES and found.kind != "link" and found.mode != expected.mode:
        return "mode"
    return None


def cached_bytecode(found: Mapping[str, TreeEntry], expected: Mapping[str, TreeEntry]) -> tuple[str, ...]:
    """The files that were not installed and are named as what Python caches of an installed source; sorted."""
    return tuple(sorted(path for path, entry in found.items() if _is_cached_bytecode(path, entry, expected)))


def cached_source(path: str) -> str | None:
    """The source of ``lib/__pycache__/os.cpython-313.opt-1.pyc``: ``lib/os.py``; None for paths of other forms."""
    folder, _, name = path.rpartition("/")
    parent, _, last = folder.rpartition("/")
    words = name.removesuffix(".pyc").split(".")
    if len(words) > 2 and words[-1].startswith("opt-"):
        words.pop()
    if last != "__pycache__" or not name.endswith(".pyc") or len(words) < 2:
        return None
    module = ".".join(words[:-1])
    return f"{parent}/{module}.py" if parent else f"{module}.py"


def _is_cached_bytecode(path: str, entry: TreeEntry, expected: Mapping[str, TreeEntry]) -> bool:
    if path in expected or entry.kind != "file" or not entry.content:
        return False
    source = expected.get(cached_source(path) or "")
    return source is not None and source.kind == "file"


def _directories_of(entries: Mapping[str, TreeEntry]) -> dict[str, TreeEntry]:
    directories: dict[str, TreeEntry] = {}
    for path in entries:
        parent = path.rpartition("/")[0]
        while parent and parent not in directories:
            directories[parent] = TreeEntry("dir", DIRECTORY_MODE)
            parent = parent.rpartition("/")[0]
    return directories


def _walk(tree: Path) -> tuple[dict[str, TreeEntry], list[_File]]:
    """The entries that are not regular files, and the regular files, which are still to be hashed."""
    entries: dict[str, TreeEntry] = {}
    files: list[_File] = []
    pending = [""]
    while pending:
        below = pending.pop()
        for item in _scan_directory(tree, below):
            path = f"{below}/{item.name}" if below else item.name
            try:
                facts = item.stat(follow_symlinks=False)
                mode = stat.S_IMODE(facts.st_mode)
                if stat.S_ISREG(facts.st_mode):
                    files.append((path, mode, facts.st_size))
                elif stat.S_ISDIR(facts.st_mode) and not is_link_stat(facts):
                    entries[path] = TreeEntry("dir", mode)
                    pending.append(path)
                elif is_link_stat(facts):
                    entries[path] = TreeEntry("link", LINK_MODE, os.readlink(item.path))  # noqa: PTH115  (to the byte)
                else:
                    entries[path] = TreeEntry("file", mode)
            except FileNotFoundError:
                continue
    return entries, files


def _scan_directory(tree: Path, below: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(f"{tree}/{below}") as listing:
            yield from listing
    except FileNotFoundError:
        if not below:
            raise


def _hash_all(tree: Path, files: list[_File], entries: dict[str, TreeEntry], failures: list[OSError]) -> None:
    """Hash files until the list is empty; several threads may share one list."""
    while files and not failures:
        try:
            path, mode, size = files.pop()
        except IndexError:
            return
        try:
            content, size = _hash(f"{tree}/{path}", size)
        except FileNotFoundError:
            continue
        except OSError as error:
            failures.append(error)
            return
        entries[path] = TreeEntry("file", mode, content, size)


def _hash(path: str, size: int) -> tuple[str, int]:
    """The sha256 and true size of a file that was ``size`` bytes long when it was listed."""
    descriptor = os.open(path, _FLAGS)
    try:
        data = os.read(descriptor, min(size + 1, _CHUNK))
        digest, total = hashlib.sha256(data), len(data)
        # One byte more than the expected size was requested: getting just the size means that this was all.
        while data and total != size:
            data = os.read(descriptor, _CHUNK)
            digest.update(data)
            total += len(data)
    finally:
        os.close(descriptor)
    return digest.hexdigest(), total
