"""The repository that a file is in, and the name that all output gives the file.

Errors, findings and annotations name a file by its path from the top of the work tree, as code hosts do: whatever
directory a command runs in, the same line of the same file has one name. git is not asked.
"""

from __future__ import annotations

from pathlib import Path

from provision.host.files import exists


def repository_root(path: Path) -> Path | None:
    """The nearest directory above an absolute path that has a `.git`: a directory, or a file in linked work trees."""
    return next((folder for folder in path.parents if exists(folder / ".git")), None)


def display_path(path: Path) -> str:
    """A path from the root of its repository, with ``/``.

    Outside of a repository it is relative to the working directory, and absolute for what is not below that, and where
    that is the root of the file system.
    Links to directories are followed, as what they lead to is where the file is; a file that is a link keeps its name.
    """
    try:
        path = path.absolute()
        path = path.parent.resolve() / path.name
        root, here = repository_root(path), Path.cwd()
        bases = [root] if root else [here] if here != here.parent else []
    except (OSError, RuntimeError, ValueError):  # links in a circle, a working directory that was removed, NUL
        bases = []
    return next((path.relative_to(base).as_posix() for base in bases if path.is_relative_to(base)), str(path))
