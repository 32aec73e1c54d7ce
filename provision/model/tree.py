"""An installed tree as a value: its options, store key, entries and digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from provision.model.asset import Asset
from provision.model.sha256 import sha256_hex
from provision.model.value import frozen

# The version of the relocation recipe: raise it when a change in `relocate` changes the bytes of a finished tree.
RECIPE = 2

# The modes of a tree's entries, whatever its archive and the umask say. Systems report different modes for links, so
# LINK_MODE is recorded for these.
FILE_MODE, EXECUTABLE_MODE, DIRECTORY_MODE, LINK_MODE = 0o644, 0o755, 0o755, 0o777

# What `without` can leave out of a tree; `unpack.selection` knows which files those are.
RemovablePart = Literal["ensurepip", "headers", "idle", "static-libs", "terminfo", "tests", "tkinter"]
REMOVABLE_PARTS: tuple[RemovablePart, ...] = get_args(RemovablePart)
TreeEntryKind = Literal["file", "link", "dir"]


@frozen
class TreeOptions:
    """How a tree is made of its archive, as the manifest requests; part of the tree's key, as it changes its bytes."""

    bytecode: bool = False  # compile the stdlib with hash-based, unchecked .pyc files
    externally_managed: bool = True  # keep PEP 668's marker
    without: tuple[RemovablePart, ...] = ()  # parts left out, sorted

    def __str__(self) -> str:
        """The options that differ from their defaults, joined by commas; a tree's key is hashed from it."""
        words = [*(f"-{part}" for part in self.without)]
        if self.bytecode:
            words.append("bytecode")
        if not self.externally_managed:
            words.append("unmanaged")
        return ",".join(words)


@frozen(kw_only=False)
class TreeEntry:
    """A file, link or directory in a tree. ``content`` is a file's sha256 in hex, a link's target, else empty."""

    kind: TreeEntryKind
    mode: int
    content: str = ""
    size: int = 0


def file_mode(mode: int) -> int:
    """The mode of a file in a tree, from its ``mode`` in an archive: if anyone may execute it, everyone may."""
    return EXECUTABLE_MODE if mode & 0o111 else FILE_MODE


def store_key(asset: Asset, options: TreeOptions) -> str:
    """The tree's name in the store: determined by the lock file, and the same in every store."""
    digest = sha256_hex(f"{asset.sha256}\n{RECIPE}\n{options}".encode())[:12]
    if asset.flavor == "full":
        variant = str(asset.options)
    else:  # the names of install_only archives have no other option
        variant = "freethreaded" if asset.options.freethreaded else ""
    parts = (
        f"{asset.implementation}-{asset.version}+{asset.build}-{asset.target.with_cpu(asset.cpu)}",
        variant,
        asset.flavor,
        digest,
    )
    return "-".join(part for part in parts if part)


def tree_digest(entries: Mapping[str, TreeEntry]) -> str:
    """The sha256 in hex of all paths, kinds, modes and contents, sorted by path; without ``__pycache__``.

    Directories are left out: archives have no entries for them, and an empty one does not change how anything runs.
    """
    import hashlib

    lines: list[str] = []
    for path in sorted(entries):
        entry = entries[path]
        if entry.kind == "dir" or ("__pycache__" in path and "__pycache__" in path.split("/")):
            continue
        lines.append(f"{path}\0{entry.kind}\0{entry.mode:o}\0{entry.content}\n")
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
