"""Launchers: the files in `.pythons` that start the interpreter of a tree.

Through a symbolic link outside of its tree, an interpreter derives a wrong `sys._base_executable`: virtual environments
made with it find no standard library, or that of another installation. A launcher starts it by a path through the
directory of its tree instead.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from provision.host.files import (
    FileTooLargeError,
    NotRegularFileError,
    is_directory,
    is_link,
    read_small_file,
    read_small_file_or_none,
    replace_file,
)

_LARGEST = 64 * 1024


def read_launcher(path: Path) -> bytes | None:
    """The content of a launcher; None for anything else, including a link to a launcher."""
    content = None if is_link(path) else read_small_file_or_none(path, _LARGEST)
    return content if content is not None and content.startswith(_STARTS) else None


def is_foreign(path: Path) -> bool:
    """Whether there is anything at a path that provision did not make: neither a launcher, nor a link of the kind that
    older releases made.

    Each step answers by itself, because another run may create, replace or remove a launcher between two of them.
    """
    try:
        parts = path.readlink().parts
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # not a link
        return _is_foreign_file(path)
    return len(parts) != 4 or (parts[0], *parts[2:]) != ("..", "bin", "python") or parts[1] == ".."


def _is_foreign_file(path: Path) -> bool:
    try:
        return not read_small_file(path, _LARGEST).startswith(_STARTS)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (NotRegularFileError, FileTooLargeError):
        return True


def write_launcher(path: Path, content: bytes) -> None:
    """Make or replace a launcher; raises `FileExistsError` if there is anything that provision did not make."""
    if read_launcher(path) == content:
        return
    if is_foreign(path):
        raise FileExistsError(errno.EEXIST, "another file or directory is at this path", str(path))
    replace_file(path, content, executable=True)


if sys.platform != "win32":
    _STARTS = (b"#!/bin/sh\n# Made by `provision sync`: ",)
    _QUOTE = "'\\''"  # a single quote within single quotes

    def command_file(name: str) -> str:
        """The file name of a command in ``.pythons/bin``."""
        return name

    def command_launcher(link: Path, tree: Path, program: str, arguments: str = "") -> bytes:
        """The launcher in ``.pythons/bin`` of a program of the tree to which ``.pythons/<name>`` links.

        ``arguments`` precede those of the caller, as in `` -m pip``.

        It starts the program through the link, so that virtual environments keep working after an upgrade. If it was
        started by another path, such as through a link from elsewhere, it does not know where the link is, and uses the
        tree.
        """
        name = link.name
        by_link = f"case $0 in */.pythons/bin/*) tree=${{0%/bin/*}}/{name} ;; esac\n"
        return _launcher(f"the interpreter of {name}", tree, program, by_link, arguments)

    def tree_launcher(tree: Path, program: str) -> bytes:
        """The launcher of a program of a tree if there can be no link to the tree."""
        return _launcher("an interpreter in the store", tree, program)

    def tree_of_launcher(content: bytes, program: str) -> Path | None:
        """The tree that `tree_launcher` was given; None if the content is not from there."""
        quoted = os.fsdecode(content).partition("\ntree='")[2].rpartition("'\nexec ")[0]
        tree = Path(quoted.replace(_QUOTE, "'"))
        return tree if content == tree_launcher(tree, program) else None

    def _launcher(what: str, tree: Path, program: str, more: str = "", arguments: str = "") -> bytes:
        # No subshell and no other program, which would make the start of Python slower.
        quoted = str(tree).replace("'", _QUOTE)
        return _STARTS[0] + os.fsencode(f'{what}.\ntree=\'{quoted}\'\n{more}exec "$tree/{program}"{arguments} "$@"\n')

else:
    _STARTS = (b'@"%~dp0..\\', b'@for /f "usebackq tokens=1*" %%a in ("%~dp0..\\')

    def command_file(name: str) -> str:
        return f"{name}.cmd"

    def command_launcher(link: Path, tree: Path, program: str, arguments: str = "") -> bytes:
        # On one line: cmd.exe reads the file again after each line, and it may have been replaced.
        name, inner = link.name, program.replace("/", "\\")
        by_junction, by_file = (start.decode() for start in _STARTS)
        if is_directory(link):
            return f'{by_junction}{name}\\{inner}"{arguments} %*\r\n'.encode()
        return f'{by_file}{name}") do @"%%b\\{inner}"{arguments} %*\r\n'.encode()
