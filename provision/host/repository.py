"""The repository that a file is in, and the name of the file in all output.

Errors, findings and annotations name a file by its path from the top of the work tree, as code hosts do, so that the
same line of the same file has one name whatever the working directory. git is not run.
"""

from __future__ import annotations

from pathlib import Path

from provision.host.files import exists


def repository_root(path: Path) -> Path | None:
    """The nearest directory above an absolute path that has a `.git`: a directory, or a file in linked work trees."""
    return next((folder for folder in path.parents if exists(folder / ".git")), None)


def display_path(path: Path) -> str:
    """A path from the root of its repository, with ``/``.

    Outside of a repository it is relative to the working directory, and absolute for files that are not below that, or
    if that is the root of the file system. Links to directories are followed, because their targets are where the file
    is; a file that is a link keeps its name.
    """
    try:
        path = path.absolute()
        path = path.parent.resolve() / path.name
        root, here = repository_root(path), Path.cwd()
        bases = [root] if root else [here] if here != here.parent else []
    except (OSError, RuntimeError, ValueError):  # links in a circle, a removed working directory, NUL
        bases = []
    return next((path.relative_to(base).as_posix() for base in bases if path.is_relative_to(base)), str(path))
