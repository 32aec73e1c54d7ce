"""The files and entries of a staged tree: finding, reading, writing, recording."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from provision.host.files import remove_file, while_in_use
from provision.model.tree import FILE_MODE, LINK_MODE, TreeEntry
from provision.model.value import frozen
from provision.unpack.writer import MTIME

_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Workspace:
    """A tree in staging, which no other process uses, and its entries, which every change updates.

    Paths are relative to the tree's root, with ``/``, as in ``entries``.
    """

    def __init__(self, root: Path, entries: dict[str, TreeEntry]) -> None:
        self.root, self.entries = root, entries
        self.changed: set[str] = set()  # paths written or removed since the recipe started

    def has(self, path: str) -> bool:
        return path in self.entries

    def read(self, path: str) -> str:
        """The file's text; `write` restores bytes that are not UTF-8."""
        return (self.root / path).read_bytes().decode("utf-8", "surrogateescape")

    def read_script(self, path: str) -> str | None:
        """The text of a file that begins with ``#!``; None for other files, of which only two bytes are read."""
        with (self.root / path).open("rb") as stream:
            if stream.read(2) != b"#!":
                return None
            return "#!" + stream.read().decode("utf-8", "surrogateescape")

    def write(self, path: str, text: str) -> None:
        """Write ``text`` with the mode of the existing file, or 0644 for a new one."""
        content = text.encode("utf-8", "surrogateescape")
        known = self.entries.get(path)
        mode = known.mode if known is not None and known.kind == "file" else FILE_MODE
        file = self.root / path
        descriptor = while_in_use(lambda: os.open(file, _WRITE_FLAGS, mode))
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        file.chmod(mode)
        os.utime(file, (MTIME, MTIME))
        self.entries[path] = TreeEntry("file", mode, hashlib.sha256(content).hexdigest(), len(content))
        self.changed.add(path)

    def write_if_changed(self, path: str, old: str, new: str) -> None:
        """Write ``new`` unless it equals ``old``, the content of the file."""
        if new != old:
            self.write(path, new)

    def copy(self, path: str, source: str) -> None:
        """Make a copy of the file ``source`` at ``path``, where nothing may exist yet."""
        import shutil

        original = self.entries[source]
        shutil.copyfile(self.root / source, self.root / path)
        (self.root / path).chmod(original.mode)
        os.utime(self.root / path, (MTIME, MTIME))
        self.entries[path] = original
        self.changed.add(path)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link at ``path``, where nothing may exist yet."""
        (self.root / path).symlink_to(target)
        os.utime(self.root / path, (MTIME, MTIME), follow_symlinks=False)
        self.entries[path] = TreeEntry("link", LINK_MODE, target)
        self.changed.add(path)

    def remove(self, path: str) -> None:
        remove_file(self.root / path)
        del self.entries[path]
        self.changed.add(path)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory, listed in ``entries`` or not; one that is not empty is kept."""
        try:
            (self.root / path).rmdir()
        except OSError:
            return
        self.entries.pop(path, None)


# `Lib/os.py` on Windows; one level deeper elsewhere: `lib/python3.13t/os.py`, `lib/pypy3.11/os.py`.
_LANDMARK = re.compile(r"(Lib|lib(?:64)?/[^/]+)/os\.py")
_SUFFIXES = ("/os.py", ".pyc", ".pyo", ".pc", "Config.sh", "/RECORD", "/direct_url.json", "/build-details.json")
_PATTERNS = {
    # field of `TreeLayout`: the pattern of its paths; the first pattern that matches counts
    "bytecode": r".*/__pycache__/[^/]+\.py[co]",
    "config_scripts": r"bin/[^/]+-config",
    "scripts": r"bin/[^/]+|.*/config[^/]*/python-config\.py",
    "makefiles": r".*/config[^/]*/Makefile",
    "setups": r".*/config[^/]*/Setup[^/]*",
    "pkgconfig": r".*\.pc",
    "shell_configs": r".*Config\.sh",
    "sysconfigdata": r".*/_sysconfigdata[^/]*\.py",
    "sysconfig_vars": r".*/_sysconfig_vars[^/]*\.json",
    "build_details": r".*/build-details\.json",
    "direct_urls": r".*\.dist-info/direct_url\.json",
    "records": r".*\.dist-info/RECORD",
}
_PATTERN = re.compile("|".join(f"(?P<{field}>{pattern})" for field, pattern in _PATTERNS.items()), re.DOTALL)


@frozen
class TreeLayout:
    """The files that the recipe may have to edit, each in one field only; sorted."""

    stdlib: str | None = None  # lib/python3.13
    scripts: tuple[str, ...] = ()
    config_scripts: tuple[str, ...] = ()  # python3.13-config and the like
    sysconfigdata: tuple[str, ...] = ()
    sysconfig_vars: tuple[str, ...] = ()
    build_details: tuple[str, ...] = ()
    makefiles: tuple[str, ...] = ()
    setups: tuple[str, ...] = ()
    pkgconfig: tuple[str, ...] = ()
    shell_configs: tuple[str, ...] = ()
    direct_urls: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    bytecode: tuple[str, ...] = ()

    @property
    def config_directory(self) -> str | None:
        """The directory of the installed Makefile, if there is one."""
        return self.makefiles[0].rpartition("/")[0] if self.makefiles else None


def layout_of_tree(entries: Mapping[str, TreeEntry]) -> TreeLayout:
    """Find the files by their paths; no file is read."""
    found: dict[str, list[str]] = {field: [] for field in _PATTERNS}
    stdlib = None
    for path in sorted(filter(_may_matter, entries)):
        entry = entries[path]
        if entry.kind != "file":
            continue
        if path.endswith("/os.py") and stdlib is None and (landmark := _LANDMARK.fullmatch(path)):
            stdlib = landmark[1]
        match = _PATTERN.fullmatch(path)
        if match is not None and match.lastgroup is not None:
            found[match.lastgroup].append(path)
    return TreeLayout(
        stdlib=stdlib,
        scripts=tuple(found["scripts"]),
        config_scripts=tuple(found["config_scripts"]),
        sysconfigdata=tuple(found["sysconfigdata"]),
        sysconfig_vars=tuple(found["sysconfig_vars"]),
        build_details=tuple(found["build_details"]),
        makefiles=tuple(found["makefiles"]),
        setups=tuple(found["setups"]),
        pkgconfig=tuple(found["pkgconfig"]),
        shell_configs=tuple(found["shell_configs"]),
        direct_urls=tuple(found["direct_urls"]),
        records=tuple(found["records"]),
        bytecode=tuple(found["bytecode"]),
    )


def _may_matter(path: str) -> bool:
    """A quick check, after which a few dozen of some thousand paths remain to be matched with the patterns."""
    return path.endswith(_SUFFIXES) or path.startswith("bin/") or "/config" in path or "/_sysconfig" in path


def path_to_root(path: str) -> str:
    """The relative path from a file's directory to the tree's root: ``../..`` for ``lib/pkgconfig/x.pc``."""
    return "/".join([".."] * path.count("/")) or "."
