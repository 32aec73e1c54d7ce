"""Owns what a Linux system's own programs are made for: ELF machine, libc, its version; the target is `host.detect`'s.

All is read from files, nothing is run: the root may be another machine's. The Python we run on is not asked, as it may
be built for another libc (a static musl build on Debian) or another width than the system.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from provision.host.elf import ElfFile, read_elf
from provision.host.rootfs import locate

# Programs that nearly every system has. /system/bin/sh is Android's: it tells what we cannot serve.
_PROGRAMS = ("/bin/sh", "/usr/bin/env", "/bin/busybox", "/bin/ls", "/system/bin/sh")
_LOADER_DIRECTORIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")

# The string that glibc prints when its library is run: "GNU C Library (…) stable release version 2.36."
_BANNER, _VERSION = b"GNU C Library", b"release version "


class Userland(NamedTuple):
    """``program`` is the file the facts were read from; ``libc`` is None where the loader is neither's."""

    program: str
    elf: ElfFile
    loader: str
    libc: Literal["glibc", "musl"] | None


def read_userland(root: Path) -> Userland | None:
    """What the system under ``root`` is made for, by its first program that is dynamically linked, else by its loaders.

    None where neither is there: a system of static programs only, or none at all.
    """
    for name in _PROGRAMS:
        path = locate(root, name)
        elf = read_elf(path) if path else None
        if elf and elf.interpreter:
            return Userland(program=name, elf=elf, loader=elf.interpreter, libc=_libc(elf.interpreter))
    # A static busybox says nothing of what else could run: the loaders there are do. musl's first, since a musl system
    # may carry a stand-in for glibc's loader, and not the other way round.
    loaders = [loader for loader in _loaders(root) if _libc(loader)]
    for loader in sorted(loaders, key=lambda loader: (_libc(loader) != "musl", loader)):
        path = locate(root, loader)
        elf = read_elf(path) if path else None
        if elf:
            return Userland(program=loader, elf=elf, loader=loader, libc=_libc(loader))
    return None


def glibc_version(root: Path, userland: Userland) -> tuple[int, int] | None:
    """glibc's (major, minor), read from the library that lies beside the loader; None where it cannot be told.

    The banner is read, not the symbol versions: those have gaps (there is no GLIBC_2.19 to 2.21).
    """
    loader = locate(root, userland.loader)
    if loader is None:
        return None
    library = locate(root, str(loader.relative_to(root).with_name("libc.so.6")))
    text = _after_banner(library) if library else b""
    major, _, rest = text.partition(b".")
    minor = rest[: len(rest) - len(rest.lstrip(b"0123456789"))]
    return (int(major), int(minor)) if major.isdigit() and minor else None


def _after_banner(library: Path) -> bytes:
    """The first bytes of the version in glibc's banner; empty where there is no banner."""
    import mmap

    try:
        with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            banner = data.find(_BANNER)
            found = data.find(_VERSION, banner, banner + 512) if banner >= 0 else -1
            start = found + len(_VERSION)
            return data[start : start + 8] if found >= 0 else b""
    except (OSError, ValueError):  # ValueError: an empty file cannot be mapped
        return b""


def _loaders(root: Path) -> list[str]:
    names: list[str] = []
    for directory in _LOADER_DIRECTORIES:
        path = locate(root, directory)
        if path and path.is_dir():
            names += [f"{directory}/{entry.name}" for entry in path.iterdir()]
    return names


def _libc(loader: str) -> Literal["glibc", "musl"] | None:
    """Whose loader it is, by its name: ``ld-musl-x86_64.so.1``, ``ld-linux-x86-64.so.2``, ``ld64.so.2`` (ppc64le)."""
    name = loader.rpartition("/")[2]
    if name.startswith("ld-musl-"):
        return "musl"
    return "glibc" if name.startswith(("ld-linux", "ld64.so.")) else None
