"""Owns the installed tree as a value: its options, its key in the store, its entries and their digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from provision.model.asset import Asset
from provision.model.sha256 import sha256_hex
from provision.model.value import frozen

# The recipe's version: raise it whenever an edit of `install.relocate` changes the bytes of a finished tree.
RECIPE = 1

# The modes that a tree's entries have, whatever its archive and the umask say. Systems differ in what they report for
# links: theirs is what is always said of them.
FILE_MODE, EXECUTABLE_MODE, DIRECTORY_MODE, LINK_MODE = 0o644, 0o755, 0o755, 0o777

# What `without` can leave out of a tree; which files that is, `unpack.selection` knows.
RemovablePart = Literal["ensurepip", "headers", "idle", "static-libs", "terminfo", "tests", "tkinter"]
REMOVABLE_PARTS: tuple[RemovablePart, ...] = get_args(RemovablePart)
EntryKind = Literal["file", "link", "dir"]


@frozen
class TreeOptions:
    """What a request asks of the tree beyond the archive; part of its key, as it changes the tree's bytes."""

    bytecode: bool = False  # compile the stdlib with hash-based, unchecked .pyc files
    externally_managed: bool = True  # keep PEP 668's marker
    without: tuple[RemovablePart, ...] = ()  # parts left out, sorted

    def __str__(self) -> str:
        """Empty for the defaults, so that they do not show in keys."""
        words = [*(f"-{part}" for part in self.without)]
        if self.bytecode:
            words.append("bytecode")
        if not self.externally_managed:
            words.append("unmanaged")
        return ",".join(words)


@frozen(kw_only=False)
class Entry:
    """One name in a tree. ``content``: a file's sha256 in hex, a link's target, nothing for a directory."""

    kind: EntryKind
    mode: int
    content: str = ""
    size: int = 0


def store_key(asset: Asset, options: TreeOptions) -> str:
    """The tree's name in the store, known from the lock alone and the same under every home (DESIGN §5)."""
    digits = sha256_hex(f"{asset.sha256}\n{RECIPE}\n{options}".encode())[:12]
    if asset.flavor == "full":
        variant = str(asset.options)
    else:  # the names of install_only archives tell of nothing else
        variant = "freethreaded" if asset.options.freethreaded else ""
    parts = (
        f"{asset.implementation}-{asset.version}+{asset.build}-{asset.target.with_cpu(asset.cpu)}",
        variant,
        asset.flavor,
        digits,
    )
    return "-".join(part for part in parts if part)


def tree_digest(entries: Mapping[str, Entry]) -> str:
    """sha256 in hex over sorted path, type, mode, and content digest or link target; ``__pycache__`` left out.

    Directories do not count by themselves: archives hold none, and an empty one changes nothing that runs.
    """
    import hashlib

    digest = hashlib.sha256()
    for path in sorted(entries):
        entry = entries[path]
        if entry.kind == "dir" or "__pycache__" in path.split("/"):
            continue
        digest.update(f"{path}\0{entry.kind}\0{entry.mode:o}\0{entry.content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
