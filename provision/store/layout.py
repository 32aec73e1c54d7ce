"""Paths of a store under PROVISION_HOME, and of the interpreter in a tree."""

from __future__ import annotations

from pathlib import Path

from provision.errors import StoreError
from provision.host.files import is_file
from provision.model.asset import Asset
from provision.model.value import frozen

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
# File systems allow 255 bytes a name; staging directories and receipts add to the key.
_LONGEST_KEY = 200


@frozen(kw_only=False)
class Store:
    """A store by its ``home``, an absolute path. Making the value touches no disk.

    Every path of an entry goes through `check_key`, so no key, wherever it was read, leads out of the store.
    """

    home: Path

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
        return self.trees / check_key(key)

    def receipt(self, key: str) -> Path:
        return self.receipts / f"{check_key(key)}.json"

    def entries(self, key: str) -> Path:
        """The list of the tree's entries with their digests, which is read only when the tree is hashed."""
        return self.receipts / f"{check_key(key)}.entries"

    def extras(self, key: str) -> Path:
        """The directory of what a full archive holds besides the tree: PYTHON.json and licences."""
        return self.receipts / f"{check_key(key)}.extras"

    def lock(self, key: str) -> Path:
        """The file that a process holds locked while it changes the entry."""
        return self.locks / f"{check_key(key)}.lock"


def is_key(text: str) -> bool:
    """Whether a text can name an entry: one plain path segment of letters, digits and ``._+-``."""
    return 0 < len(text) <= _LONGEST_KEY and text[0].isalnum() and _LETTERS.issuperset(text)


def check_key(key: str) -> str:
    """Return the key; raise `StoreError` if it is not one, because its path could then lead anywhere."""
    if not is_key(key):
        raise StoreError(f"{key[:_LONGEST_KEY]!r} is not the name of an entry of the store")
    return key


def executable(tree: Path, asset: Asset) -> Path:
    """The interpreter in a finished tree, where the recipe puts it."""
    if asset.target.os != "windows":
        return tree / "bin" / "python"
    if asset.implementation == "graalpy":
        return tree / "bin" / "graalpy.exe"
    return tree / "python.exe"


def landmark(tree: Path) -> Path | None:
    """The standard library's ``os.py``, by which Python itself finds its library; None if the tree has none."""
    candidates = (tree / "Lib" / "os.py", *sorted(tree.glob("lib/*/os.py")))
    return next((path for path in candidates if is_file(path)), None)
