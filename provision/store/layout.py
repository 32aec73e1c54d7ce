"""Paths of a store under PROVISION_HOME, and of the interpreter in a tree."""

from __future__ import annotations

import os
from pathlib import Path

from provision.errors import StoreError, reason_of
from provision.host.files import is_file, open_regular
from provision.model.asset import Asset
from provision.model.value import frozen

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
# The SBOM of a tree, by format: names by which scanners find SBOMs in an image.
_SBOM_SUFFIXES = {"cyclonedx": ".cdx.json", "spdx": ".spdx.json"}
# File systems allow 255 bytes per name; staging directories and receipts add to the key.
_LONGEST_KEY = 200
# How programs begin: ELF, Mach-O (32 and 64 bit, both byte orders, universal), PE, scripts.
_PROGRAMS = (
    *(b"\x7fELF", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"),
    *(b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf", b"MZ", b"#!"),
)


@frozen(kw_only=False)
class Store:
    """A store by its ``home``, an absolute path. Making the value touches no disk.

    Every path of a tree goes through `check_key`, so no key, wherever it was read, leads out of the store.

    ``bases`` are the homes of additional read-only stores: the paths of a tree and its files are those of the first
    store that has the tree, or of this one if none has it. Code that writes gets `own`.
    """

    home: Path
    bases: tuple[Path, ...] = ()

    @property
    def own(self) -> Store:
        """The store without the read-only ones."""
        return Store(self.home)

    def is_own(self, key: str) -> bool:
        """Whether the tree is, or would be, in this store and not in a read-only one."""
        return self._holder(key) == self.home

    @property
    def trees(self) -> Path:
        return self.home / "store"

    @property
    def receipts(self) -> Path:
        return self.home / "receipts"

    @property
    def locks(self) -> Path:
        return self.home / "locks"

    @property
    def staging(self) -> Path:
        return self.home / "staging"

    @property
    def roots(self) -> Path:
        return self.home / "roots"

    def tree(self, key: str) -> Path:
        """The directory of the finished tree."""
        return self._holder(key) / "store" / check_key(key)

    def receipt(self, key: str) -> Path:
        return self._beside(key, ".json")

    def entries(self, key: str) -> Path:
        """The list of the tree's entries with their digests, which is read only when the tree is hashed."""
        return self._beside(key, ".entries")

    def extras(self, key: str) -> Path:
        """The directory for files of a full archive outside of the tree: PYTHON.json and licences."""
        return self._beside(key, ".extras")

    def sbom(self, key: str, style: str) -> Path:
        """The SBOM of the tree in a format, which only `provision sbom --beside-receipts` writes."""
        return self._beside(key, _SBOM_SUFFIXES[style])

    def sboms(self, key: str) -> tuple[Path, ...]:
        """The SBOMs that there may be, one for each format."""
        return tuple(self.sbom(key, style) for style in _SBOM_SUFFIXES)

    def lock(self, key: str) -> Path:
        """The file that a process holds locked while it changes the entry."""
        return self.locks / f"{check_key(key)}.lock"

    def _beside(self, key: str, suffix: str) -> Path:
        return self._holder(key) / "receipts" / f"{check_key(key)}{suffix}"

    def _holder(self, key: str) -> Path:
        """The home of the first store with a tree and a receipt; this store's if none has both."""
        for home in (self.home, *self.bases) if self.bases else ():
            if os.path.lexists(home / "store" / check_key(key)) and is_file(home / "receipts" / f"{key}.json"):
                return home
        return self.home


def is_key(text: str) -> bool:
    """Whether a text can name an entry: one plain path segment of letters, digits and ``._+-``."""
    return 0 < len(text) <= _LONGEST_KEY and text[0].isalnum() and _LETTERS.issuperset(text)


def is_receipt(name: str) -> bool:
    """Whether a file of the directory of receipts is one, by its name."""
    return name.endswith(".json") and not name.endswith(tuple(_SBOM_SUFFIXES.values()))


def key_beside(name: str) -> str:
    """The key that a name in the directory of receipts belongs to; empty if it has no ending of ours."""
    endings = (*_SBOM_SUFFIXES.values(), ".json", ".entries", ".extras")
    key = next((name.removesuffix(each) for each in endings if name.endswith(each)), "")
    return key if is_key(key) else ""


def check_key(key: str) -> str:
    """Return the key; raise `StoreError` if it is not one, because its path could then lead anywhere."""
    if not is_key(key):
        raise StoreError(f"{key[:_LONGEST_KEY]!r} is not a name that the store gives to a tree")
    return key


def executable(tree: Path, asset: Asset) -> Path:
    """The interpreter in a finished tree, where the recipe puts it."""
    if asset.target.os != "windows":
        return tree / "bin" / "python"
    if asset.implementation == "graalpy":
        return tree / "bin" / "graalpy.exe"
    return tree / "python.exe"


def interpreter_names(asset: Asset) -> tuple[str, ...]:
    """The names that the interpreter has in ``bin/`` of every Unix tree: ``python``, ``python3``, ``python3.13``."""
    return ("python", "python3", f"python{asset.version.series}")


def interpreter_damage(tree: Path, asset: Asset) -> str:
    """Why the interpreter of a tree for this machine cannot start: ``<path> is missing``; empty if nothing is found.

    It must have all its names, be executable, and begin like a program; an empty file would run as a shell script that
    does nothing. The rest of it is not read. Files that this user may not examine do not count as damaged.
    """
    program = executable(tree, asset)
    unix = asset.target.os != "windows"
    for path in [program.with_name(name) for name in interpreter_names(asset)] if unix else [program]:
        try:
            with open_regular(path) as (descriptor, facts):
                if unix and not facts.st_mode & 0o111:
                    reason = "is not executable"
                elif os.read(descriptor, 4).startswith(_PROGRAMS):
                    continue
                else:
                    reason = "is not a program" if facts.st_size else "is empty"
        except PermissionError:
            continue
        except (FileNotFoundError, NotADirectoryError):
            reason = "is missing"
        except OSError as error:
            reason = f"cannot be read: {reason_of(error)}"
        return f"{os.path.realpath(path)} {reason}"
    return ""


def landmark(tree: Path) -> Path | None:
    """The standard library's ``os.py``, by which Python itself finds its library; None if the tree has none."""
    candidates = (tree / "Lib" / "os.py", *sorted(tree.glob("lib/*/os.py")))
    return next((path for path in candidates if is_file(path)), None)
