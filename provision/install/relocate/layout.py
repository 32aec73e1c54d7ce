"""Owns where things are in a tree, read off its names alone; what is in the files, the edits look at."""

from __future__ import annotations

import re
from collections.abc import Mapping

from provision.model.tree import Entry
from provision.model.value import frozen

# `Lib/os.py` on Windows; one level deeper elsewhere: `lib/python3.13t/os.py`, `lib/pypy3.11/os.py`.
_LANDMARK = re.compile(r"(Lib|lib(?:64)?/[^/]+)/os\.py")
_ENDINGS = ("/os.py", ".pyc", ".pyo", ".pc", "Config.sh", "/RECORD", "/direct_url.json", "/build-details.json")
_KINDS = {
    # field of `Layout`: the names that belong to it, the first that fits
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
class Layout:
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


def survey(entries: Mapping[str, Entry]) -> Layout:
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
    return Layout(stdlib=stdlib, **{kind: tuple(paths) for kind, paths in found.items()})


def _may_matter(path: str) -> bool:
    """A coarse sieve for some thousand names, of which a few dozen get through."""
    return path.endswith(_ENDINGS) or path.startswith("bin/") or "/config" in path or "/_sysconfig" in path


def up(path: str) -> str:
    """The way from a file's directory to the tree's root: ``../..`` for ``lib/pkgconfig/x.pc``."""
    return "/".join([".."] * path.count("/")) or "."
