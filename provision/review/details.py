"""Differences inside two trees: files by directory, and bundled libraries."""

from __future__ import annotations

from collections.abc import Mapping

from provision.model.tree import TreeEntry
from provision.model.value import frozen

_FOLDER_DEPTH = 3  # directories below this depth count as part of the one above
_EXAMPLES = 3


@frozen
class FolderChange:
    """How many files of a directory were added, removed and changed, and the paths of the first few."""

    folder: str
    added: int
    removed: int
    changed: int
    examples: tuple[str, ...]

    @property
    def shown_examples(self) -> tuple[str, ...]:
        """The examples as paths below the directory."""
        return tuple(path.removeprefix(f"{self.folder}/") for path in self.examples)


@frozen
class LibraryChange:
    """A bundled library's version before and after; empty where it is missing or not known."""

    library: str
    old: str
    new: str


@frozen
class TreeChange:
    """What differs between the old and the new tree of one asset; ``missing`` says why they were not compared."""

    entry: str
    target_label: str
    folders: tuple[FolderChange, ...] = ()
    libraries: tuple[LibraryChange, ...] = ()
    size_delta: int = 0
    missing: str = ""


def compare_folders(old: Mapping[str, TreeEntry], new: Mapping[str, TreeEntry]) -> tuple[FolderChange, ...]:
    """Directories with their differences, those with the most first; modes are compared, bytecode is not."""
    found: dict[str, tuple[list[str], list[str], list[str]]] = {}
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        kinds = {entry.kind for entry in (before, after) if entry}
        if before == after or kinds == {"dir"} or "__pycache__" in path.split("/"):
            continue
        added, removed, changed = found.setdefault(_folder(path), ([], [], []))
        (added if before is None else removed if after is None else changed).append(path)
    changes = [
        FolderChange(
            folder=folder,
            added=len(added),
            removed=len(removed),
            changed=len(changed),
            examples=tuple([*removed, *added, *changed][:_EXAMPLES]),
        )
        for folder, (added, removed, changed) in found.items()
    ]
    return tuple(sorted(changes, key=lambda each: (-each.added - each.removed - each.changed, each.folder)))


def compare_libraries(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[LibraryChange, ...]:
    """The libraries whose versions differ."""
    names = sorted({*old, *new}, key=str.lower)
    return tuple(
        LibraryChange(library=name, old=old.get(name, ""), new=new.get(name, ""))
        for name in names
        if old.get(name) != new.get(name)
    )


def total_size(entries: Mapping[str, TreeEntry]) -> int:
    """The size of all files of a tree, in bytes."""
    return sum(entry.size for entry in entries.values() if entry.kind == "file")


def _folder(path: str) -> str:
    parts = path.split("/")[:-1]
    return "/".join(parts[:_FOLDER_DEPTH]) or "."
