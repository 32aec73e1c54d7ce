"""Which targets this machine can run, from its kernel, libc and programs."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from provision.errors import PolicyError
from provision.host.cpu import Kernel, read_kernel
from provision.model.target import KNOWN_TARGETS, Host

# FOLD provision.host.detect
#   Owns what a Linux system's own programs are made for: ELF machine, libc, its version; the target is `host.detect`'s.
#
#   All is read from files, nothing is run: the root may be another machine's. The Python we run on is not asked, as it may
#   be built for another libc (a static musl build on Debian) or another width than the system.


# Programs that nearly every system has. /system/bin/sh is Android's: it tells what we cannot serve.
_PROGRAMS = ("/bin/sh", "/usr/bin/env", "/bin/busybox", "/bin/ls", "/system/bin/sh")
_LOADER_DIRECTORIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")

# The string that glibc prints when its library is run: "GNU C Library (…) stable release version 2.36."
_BANNER, _VERSION = b"GNU C Library", b"release version "


class Libc(NamedTuple):
    """``program`` is the file the facts were read from; ``libc`` is None where the loader is neither's."""

    program: str
    elf: ElfFile
    loader: str
    libc: Literal["glibc", "musl"] | None


def find_libc(root: Path) -> Libc | None:
    """What the system under ``root`` is made for, by its first program that is dynamically linked, else by its loaders.

    None where neither is there: a system of static programs only, or none at all.
    """
    for name in _PROGRAMS:
        path = find_in_root(root, name)
        elf = read_elf(path) if path else None
        if elf and elf.interpreter:
            return Libc(program=name, elf=elf, loader=elf.interpreter, libc=_libc_of_loader(elf.interpreter))
    # A static busybox says nothing of what else could run: the loaders there are do. musl's first, since a musl system
    # may carry a stand-in for glibc's loader, and not the other way round.
    loaders = [loader for loader in _loaders(root) if _libc_of_loader(loader)]
    for loader in sorted(loaders, key=lambda loader: (_libc_of_loader(loader) != "musl", loader)):
        path = find_in_root(root, loader)
        elf = read_elf(path) if path else None
        if elf:
            return Libc(program=loader, elf=elf, loader=loader, libc=_libc_of_loader(loader))
    return None


def glibc_version(root: Path, userland: Libc) -> tuple[int, int] | None:
    """glibc's (major, minor), read from the library that lies beside the loader; None where it cannot be told.

    The banner is read, not the symbol versions: those have gaps (there is no GLIBC_2.19 to 2.21).
    """
    loader = find_in_root(root, userland.loader)
    if loader is None:
        return None
    library = find_in_root(root, str(loader.relative_to(root).with_name("libc.so.6")))
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
        path = find_in_root(root, directory)
        if path and path.is_dir():
            names += [f"{directory}/{entry.name}" for entry in path.iterdir()]
    return names


def _libc_of_loader(loader: str) -> Literal["glibc", "musl"] | None:
    """Whose loader it is, by its name: ``ld-musl-x86_64.so.1``, ``ld-linux-x86-64.so.2``, ``ld64.so.2`` (ppc64le)."""
    name = loader.rpartition("/")[2]
    if name.startswith("ld-musl-"):
        return "musl"
    return "glibc" if name.startswith(("ld-linux", "ld64.so.")) else None


# FOLD provision.host.detect
#   Owns finding a system's files under a root that need not be ours; `host.elf` and `host.libc` read them.


_MOST_LINKS = 40  # as Linux has it (MAXSYMLINKS)


def find_in_root(root: Path, name: str) -> Path | None:
    """The file that the path ``name`` means to the system under ``root``; None where there is none.

    Absolute links lead back to ``root`` and ``..`` stops there, as they would after chroot(2): busybox links
    ``/bin/sh`` to ``/bin/busybox``, and that of an image must not be answered with ours.
    """
    pending = name.split("/")[::-1]
    found: list[Path] = [root]
    links = 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del found[max(1, len(found) - 1) :]
            continue
        path = found[-1] / part
        try:
            link = str(path.readlink())
        except OSError as error:
            if error.errno != errno.EINVAL:  # EINVAL: it is there and no link
                return None
            found.append(path)
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        if link.startswith("/"):
            del found[1:]
        pending.extend(reversed(link.split("/")))
    return found[-1]


# FOLD provision.host.detect
#   Owns reading what an ELF file says of itself: machine, class, flags, interpreter; what follows, `host.libc` decides.
#
#   The numbers are those of the System V ABI's ``elf.h``. This room's own values are named tuples: `which` detects the host
#   each time, and defining a dataclass would cost it most of a millisecond.


EM_386, EM_PPC64, EM_S390, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 21, 22, 40, 62, 183, 243
EF_ARM_ABI_FLOAT_HARD = 0x400
EF_RISCV_FLOAT_ABI, EF_RISCV_FLOAT_ABI_DOUBLE = 0x6, 0x4

_PT_INTERP = 3
_LONGEST_INTERPRETER = 4096  # PATH_MAX
_MOST_HEADERS = 512  # real programs have about a dozen

# Offset and size of the fields needed, by class: program header offset, flags, size and number of program headers;
# then within a program header: file offset and size of the segment.
_FIELDS = {
    32: ((28, 4), (36, 4), (42, 2), (44, 2), (4, 4), (16, 4)),
    64: ((32, 8), (48, 4), (54, 2), (56, 2), (8, 8), (32, 8)),
}


class ElfFile(NamedTuple):
    """``interpreter`` is the path of the loader (PT_INTERP), empty for static programs and libraries."""

    machine: int
    bits: int
    order: Literal["little", "big"]
    flags: int
    interpreter: str


def read_elf(path: Path) -> ElfFile | None:
    """Read a file's ELF headers; None for what is no ELF file, is damaged, or may not be read."""
    try:
        with path.open("rb") as file:
            return _read(file)
    except (OSError, ValueError):  # ValueError: an offset beyond any file, an interpreter's name that is no text
        return None


def _read(file: BinaryIO) -> ElfFile | None:
    header = file.read(64)
    bits = {1: 32, 2: 64}.get(header[4]) if len(header) == 64 else None
    if not header.startswith(b"\x7fELF") or bits is None or header[5] not in (1, 2):
        return None
    order: Literal["little", "big"] = "little" if header[5] == 1 else "big"

    def number(data: bytes, field: tuple[int, int]) -> int:
        offset, size = field
        return int.from_bytes(data[offset : offset + size], order)

    table_at, flags_at, size_at, count_at, offset_at, length_at = _FIELDS[bits]
    size, count = number(header, size_at), min(number(header, count_at), _MOST_HEADERS)
    file.seek(number(header, table_at))
    table = file.read(size * count)
    interpreter = ""
    for entry in (table[start : start + size] for start in range(0, len(table), size or 1)):
        if number(entry, (0, 4)) == _PT_INTERP:
            file.seek(number(entry, offset_at))
            text = file.read(min(number(entry, length_at), _LONGEST_INTERPRETER))
            interpreter = text.split(b"\0", 1)[0].decode()
            break
    return ElfFile(
        machine=number(header, (18, 2)), bits=bits, order=order, flags=number(header, flags_at), interpreter=interpreter
    )


# FOLD provision.host.detect
#   Owns which targets this machine can run: by its own files and kernel, not by the Python we run on.
#
#   The x86-64 level is `host.cpu`'s; what may be installed here, `lock.select` decides.


# By ELF machine, class and byte order. What is not here has no builds: x32 and ILP32 (64-bit machines, 32-bit class),
# big-endian ARM and POWER, and all others.
_ARCHES = {
    (EM_X86_64, 64, "little"): "x86_64",
    (EM_386, 32, "little"): "i686",
    (EM_AARCH64, 64, "little"): "aarch64",
    (EM_ARM, 32, "little"): "armv7",
    (EM_PPC64, 64, "little"): "ppc64le",
    (EM_RISCV, 64, "little"): "riscv64",
    (EM_S390, 64, "big"): "s390x",
}
_ARM_BEFORE_7 = ("armv4", "armv5", "armv6")  # uname's: builds for armv7 crash there

_WINDOWS_11 = 22000  # the first build that translates x86-64 on ARM; Windows 10 does x86 only
_ROSETTA = "/Library/Apple/usr/libexec/oah/libRosettaRuntime"


def detect_host(root: Path = Path("/"), *, kernel: Kernel | None = None) -> Host:
    """Find out what the system under ``root`` can run; raise `PolicyError` where no interpreter is published for it.

    ``kernel`` is what the kernel says, by default the running one. On Linux it decides nothing that the files under
    ``root`` know better: a 64-bit kernel may carry a 32-bit system.
    """
    kernel = kernel or read_kernel()
    match kernel.system:
        case "Linux":
            return _linux(root, kernel)
        case "Darwin":
            return _macos(root, kernel)
        case "Windows":
            return _windows(kernel)
        case system:
            hint = (
                "On Windows, install provision with a native Python."
                if system.startswith(("CYGWIN", "MSYS", "MINGW"))
                else None
            )
            raise _unsupported(f"the operating system is {system} on {kernel.machine}", hint)


def find_host(root: Path = Path("/"), *, kernel: Kernel | None = None) -> Host | None:
    """This machine, or None where it is none of the targets: trees for others can be made on it all the same."""
    try:
        return detect_host(root, kernel=kernel)
    except PolicyError:
        return None


def _linux(root: Path, kernel: Kernel) -> Host:
    userland = find_libc(root)
    if userland is None:
        raise _unsupported(f"under {root} there is no dynamically linked program and no loader of glibc or musl")
    elf = userland.elf
    arch = _ARCHES.get((elf.machine, elf.bits, elf.order))
    what = f"{userland.program} is made for {_describe(elf)}, loader {userland.loader}"
    if arch is None or _soft_riscv(elf):
        raise _unsupported(what)
    if arch == "armv7" and kernel.machine.startswith(_ARM_BEFORE_7):
        raise _unsupported(f"the processor is {kernel.machine}, and builds for 32-bit ARM need armv7")
    target = KNOWN_TARGETS.get(f"{arch}-unknown-linux-{_libc_of_triple(userland)}")
    if target is None:
        raise _unsupported(what)
    return Host(target=target, glibc=glibc_version(root, userland) if userland.libc == "glibc" else None)


def _libc_of_triple(userland: Libc) -> str:
    """The end of the triple: ``gnu``, ``musl``, ``gnueabihf``; what no triple ends in where it is none of them."""
    if userland.libc != "glibc":
        return userland.libc or "unknown"
    if userland.elf.machine != EM_ARM:
        return "gnu"
    # Old toolchains left the flag out; the loader's name is what the distributions agreed on.
    hard = userland.elf.flags & EF_ARM_ABI_FLOAT_HARD or "armhf" in userland.loader
    return "gnueabihf" if hard else "gnueabi"


def _soft_riscv(elf: ElfFile) -> bool:
    return elf.machine == EM_RISCV and elf.flags & EF_RISCV_FLOAT_ABI != EF_RISCV_FLOAT_ABI_DOUBLE


def _describe(elf: ElfFile) -> str:
    names = {
        EM_X86_64: "x86-64",
        EM_386: "x86",
        EM_AARCH64: "ARM64",
        EM_ARM: "ARM",
        EM_PPC64: "POWER",
        EM_RISCV: "RISC-V",
        EM_S390: "S/390",
        8: "MIPS",
        258: "LoongArch",
    }
    float_abi = ", not with the double-float ABI" if _soft_riscv(elf) else ""
    return f"{names.get(elf.machine, f'ELF machine {elf.machine}')} ({elf.bits}-bit, {elf.order}-endian{float_abi})"


def _macos(root: Path, kernel: Kernel) -> Host:
    intel = KNOWN_TARGETS["x86_64-apple-darwin"]
    version = _macos_version(kernel.release)
    match kernel.machine:
        case "x86_64":
            return Host(target=intel, macos=version)
        case "arm64":
            rosetta = kernel.translated or find_in_root(root, _ROSETTA) is not None
            return Host(
                target=KNOWN_TARGETS["aarch64-apple-darwin"], emulated=(intel,) if rosetta else (), macos=version
            )
        case machine:
            raise _unsupported(f"the processor is {machine}")


def _macos_version(release: str) -> tuple[int, int] | None:
    """macOS' version by that of its kernel, Darwin, which grows by one a year: 19 is 10.15, 20 is 11, 25 is 26.

    The system's own version file is not read: it says 10.16 to programs that were built before 11.
    """
    major = release.partition(".")[0]
    if not major.isdigit():
        return None
    darwin = int(major)
    if darwin < 20:
        return 10, darwin - 4
    return (darwin - 9, 0) if darwin < 25 else (darwin + 1, 0)


def _windows(kernel: Kernel) -> Host:
    x64, x86 = KNOWN_TARGETS["x86_64-pc-windows-msvc"], KNOWN_TARGETS["i686-pc-windows-msvc"]
    match kernel.machine:
        case "AMD64":
            return Host(target=x64, emulated=(x86,))
        case "ARM64":
            build = kernel.release.rpartition(".")[2]
            translates = build.isdigit() and int(build) >= _WINDOWS_11
            return Host(target=KNOWN_TARGETS["aarch64-pc-windows-msvc"], emulated=(x64, x86) if translates else (x86,))
        case "x86":
            return Host(target=x86)
        case machine:
            raise _unsupported(f"the processor is {machine}")


def _unsupported(found: str, hint: str | None = None) -> PolicyError:
    supported = ", ".join(sorted(target.short for target in KNOWN_TARGETS.values()))
    return PolicyError(
        f"no Python is published for this machine: {found}; supported are {supported}",
        hint=hint or "`--target` installs for another machine, into an image or a bundle.",
    )
