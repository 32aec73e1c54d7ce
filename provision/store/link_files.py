"""Owns how one link is made, read, replaced and removed on each system; which links there are, `links` decides."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from provision.host.files import read_small, replace_file, temporary_path

# How often others may remove our temporary link before we give up.
_TRIES = 20
_LARGEST = 64 * 1024

if sys.platform != "win32":

    def link_directory(path: Path, target: Path) -> None:
        """Let ``path`` lead to a directory, in one step where it is a link that leads elsewhere.

        Anything but a link in its place is somebody's, and raises `FileExistsError`.
        """
        _replace_link(path, str(target))

    def read_link(path: Path) -> str | None:
        """What `link_directory` let the path lead to; None for anything else."""
        try:
            return str(path.readlink())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:  # no link
                return None
            raise

    def remove_link(path: Path) -> None:
        """Remove what `link_directory` made."""
        path.unlink(missing_ok=True)

    def command_file(name: str) -> str:
        """The file name of a command."""
        return name

    def link_command(path: Path, below: str) -> None:
        """Make or replace a command that runs the executable ``below`` the directory above that of ``path``."""
        _replace_link(path, f"../{below}")

    def read_command(path: Path) -> str | None:
        """What `link_command` made the path run; None for anything else."""
        target = read_link(path) or ""
        return target.removeprefix("../") if target.startswith("../") else None

    def _replace_link(path: Path, target: str) -> None:
        for _ in range(_TRIES):
            if os.path.lexists(path) and not path.is_symlink():
                raise FileExistsError(errno.EEXIST, "something else is in its place", str(path))
            if read_link(path) == target:
                return
            temporary = temporary_path(path)
            try:
                temporary.symlink_to(target)
                temporary.replace(path)
            except FileNotFoundError:
                # Unless there is no directory, another process took us for dead.
                if not path.parent.is_dir():
                    raise

else:  # Windows: junctions need no privilege; where the file system has none, a file tells the path.
    _MARK = "provision-link: "
    _SHIM = '@"%~dp0..\\'

    def link_directory(path: Path, target: Path) -> None:
        import _winapi

        if read_link(path) == str(target):
            return
        if os.path.lexists(path) and read_link(path) is None:
            raise FileExistsError(errno.EEXIST, "something else is in its place", str(path))
        remove_link(path)
        try:
            _winapi.CreateJunction(str(target), str(path))
        except OSError:
            replace_file(path, f"{_MARK}{target}\r\n".encode())

    def read_link(path: Path) -> str | None:
        try:
            return str(path.readlink()).removeprefix("\\\\?\\")
        except OSError:
            text = (read_small(path, _LARGEST) or b"").decode(errors="replace")
            return text.removeprefix(_MARK).strip() if text.startswith(_MARK) else None

    def remove_link(path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except PermissionError:  # a junction counts as a directory
            path.rmdir()

    def command_file(name: str) -> str:
        return f"{name}.cmd"

    def link_command(path: Path, below: str) -> None:
        shim = f'{_SHIM}{below.replace("/", chr(92))}" %*\r\n'.encode()
        if read_small(path, _LARGEST) != shim:
            replace_file(path, shim)

    def read_command(path: Path) -> str | None:
        text = (read_small(path, _LARGEST) or b"").decode(errors="replace")
        if path.suffix != ".cmd" or not text.startswith(_SHIM):
            return None
        return text.removeprefix(_SHIM).partition('"')[0].replace(chr(92), "/")
