"""A staged tree's files and entries: found, read, written, recorded."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from provision.model.tree import FILE_MODE, LINK_MODE, Entry
from provision.model.value import frozen
from provision.unpack.writer import MTIME

# FOLD provision.relocate.workspace
#   Owns the reading and writing of a staged tree's files, keeping its entries true; what to write, the edits decide.


_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Workspace:
    """A tree that nobody sees yet. Paths are relative to its root, with ``/``, as in ``entries``."""

    def __init__(self, root: Path, entries: dict[str, Entry]) -> None:
        self.root, self.entries = root, entries
        self.changed: set[str] = set()  # written or removed since the recipe began

    def has(self, path: str) -> bool:
        return path in self.entries

    def read(self, path: str) -> str:
        """The file's text; bytes that are not UTF-8 survive a round trip through `write`."""
        return (self.root / path).read_bytes().decode("utf-8", "surrogateescape")

    def read_script(self, path: str) -> str | None:
        """The text of a file that begins with ``#!``; None for others, of which no more than two bytes are read."""
        with (self.root / path).open("rb") as stream:
            if stream.read(2) != b"#!":
                return None
            return "#!" + stream.read().decode("utf-8", "surrogateescape")

    def write(self, path: str, text: str) -> None:
        """Put ``text`` in place, with the mode that the file has, or 0644 for a new one."""
        content = text.encode("utf-8", "surrogateescape")
        known = self.entries.get(path)
        mode = known.mode if known is not None and known.kind == "file" else FILE_MODE
        place = self.root / path
        descriptor = os.open(place, _FLAGS, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        place.chmod(mode)
        os.utime(place, (MTIME, MTIME))
        self.entries[path] = Entry("file", mode, hashlib.sha256(content).hexdigest(), len(content))
        self.changed.add(path)

    def edit(self, path: str, text: str, edited: str) -> None:
        """Write ``edited`` unless it is what the file holds already."""
        if edited != text:
            self.write(path, edited)

    def copy(self, path: str, source: str) -> None:
        """Make a file that is another one under a second name, where nothing stands yet."""
        original = self.entries[source]
        shutil.copyfile(self.root / source, self.root / path)
        (self.root / path).chmod(original.mode)
        os.utime(self.root / path, (MTIME, MTIME))
        self.entries[path] = original
        self.changed.add(path)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link where nothing stands yet."""
        (self.root / path).symlink_to(target)
        os.utime(self.root / path, (MTIME, MTIME), follow_symlinks=False)
        self.entries[path] = Entry("link", LINK_MODE, target)
        self.changed.add(path)

    def remove(self, path: str) -> None:
        (self.root / path).unlink()
        del self.entries[path]
        self.changed.add(path)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory, listed in ``entries`` or not; one that still holds something stays."""
        try:
            (self.root / path).rmdir()
        except OSError:
            return
        self.entries.pop(path, None)


# FOLD provision.relocate.workspace
#   Owns where things are in a tree, read off its names alone; what is in the files, the edits look at.


# `Lib/os.py` on Windows; one level deeper elsewhere: `lib/python3.13t/os.py`, `lib/pypy3.11/os.py`.
_LANDMARK = re.compile(r"(Lib|lib(?:64)?/[^/]+)/os\.py")
_ENDINGS = ("/os.py", ".pyc", ".pyo", ".pc", "Config.sh", "/RECORD", "/direct_url.json", "/build-details.json")
_KINDS = {
    # field of `TreeLayout`: the names that belong to it, the first that fits
    "bytecode": r".*/__pycache__/[^/]+\.py[co]",
    "config_scripts": r"bin/[^/]+-config",
    "scripts": r"bin/[^/]+|.*/config[^/]*/python-config\.py",
    "makefiles": r".*/config[^/]*/Makefile",
    "setups": r".*/config[^/]*/Setup[^/]*",
    "pkgconfig": r".*\.pc",
    "shell_configs": r".*Config\.sh",
    "sysconfigdata": r".*/_sysconfigdata[^/]*\.py",
    "variables": r".*/_sysconfig_vars[^/]*\.json",
    "details": r".*/build-details\.json",
    "direct_urls": r".*\.dist-info/direct_url\.json",
    "records": r".*\.dist-info/RECORD",
}
_KIND = re.compile("|".join(f"(?P<{field}>{pattern})" for field, pattern in _KINDS.items()), re.DOTALL)


@frozen
class TreeLayout:
    """The files the recipe may have to edit, each once, sorted."""

    stdlib: str | None = None  # lib/python3.13
    scripts: tuple[str, ...] = ()
    config_scripts: tuple[str, ...] = ()  # python3.13-config and the like
    sysconfigdata: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    makefiles: tuple[str, ...] = ()
    setups: tuple[str, ...] = ()
    pkgconfig: tuple[str, ...] = ()
    shell_configs: tuple[str, ...] = ()
    direct_urls: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    bytecode: tuple[str, ...] = ()

    @property
    def config(self) -> str | None:
        """The directory of the installed Makefile, where there is one."""
        return self.makefiles[0].rpartition("/")[0] if self.makefiles else None


def layout_of_tree(entries: Mapping[str, Entry]) -> TreeLayout:
    """Look at every name once."""
    found: dict[str, list[str]] = {}
    stdlib = None
    for path in sorted(filter(_may_matter, entries)):
        entry = entries[path]
        if entry.kind != "file":
            continue
        if path.endswith("/os.py") and stdlib is None and (match := _LANDMARK.fullmatch(path)):
            stdlib = match[1]
        kind = _KIND.fullmatch(path)
        if kind is not None:
            found.setdefault(str(kind.lastgroup), []).append(path)
    return TreeLayout(stdlib=stdlib, **{kind: tuple(paths) for kind, paths in found.items()})


def _may_matter(path: str) -> bool:
    """A coarse sieve for some thousand names, of which a few dozen get through."""
    return path.endswith(_ENDINGS) or path.startswith("bin/") or "/config" in path or "/_sysconfig" in path


def up(path: str) -> str:
    """The way from a file's directory to the tree's root: ``../..`` for ``lib/pkgconfig/x.pc``."""
    return "/".join([".."] * path.count("/")) or "."


# FOLD provision.relocate.workspace
#   Owns what an installed package's metadata says of files the recipe changed: `RECORD` and `direct_url.json`.


def is_local(direct_url: str) -> bool:
    """Whether `direct_url.json` names a file of the build's machine, as PBS's pip wheels do: wrong everywhere else."""
    import json

    try:
        value = json.loads(direct_url)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and str(value.get("url", "")).startswith("file:")


def renew(record: str, path: str, changed: Collection[str], entries: Mapping[str, Entry]) -> str:
    """`RECORD` with the digests and sizes that changed files have now, and without the rows of removed ones.

    Rows without a digest (bytecode, `RECORD` itself) stay as they are, and so does every row of an unchanged file.
    """
    site = posixpath.dirname(posixpath.dirname(path))
    stale = {posixpath.relpath(place, site): place for place in changed}
    lines = []
    for line in record.splitlines(keepends=True):
        name, _, rest = line.partition(",")
        place = stale.get(name)
        if place is None or rest.startswith(","):
            lines.append(line)
        elif place in entries:
            lines.append(f"{name},{_row(entries[place])}{line[len(line.rstrip()) :]}")
    return "".join(lines)


def _row(entry: Entry) -> str:
    import base64

    digest = base64.urlsafe_b64encode(bytes.fromhex(entry.content)).decode().rstrip("=")
    return f"sha256={digest},{entry.size}"


# FOLD provision.relocate.workspace
#   Owns PEP 668's `EXTERNALLY-MANAGED`: its text and whether a tree has it.


EXTERNALLY_MANAGED = "EXTERNALLY-MANAGED"

EXTERNALLY_MANAGED_TEXT = """\
[externally-managed]
Error=This Python was installed by provision and is shared by every project that
 locks it; packages do not belong into it.

 To install packages, create a virtual environment with it:

     python -m venv .venv

 To get an installation of which this is not so, for an image of one's own, set
 `externally-managed = false` for it in pythons.toml.
"""
