"""Which targets this machine can run, by its kernel, libc and programs.

Everything is read from files under a root that may belong to another machine, and nothing is run. The Python that runs
provision is not a source: it may be built for another libc (a static musl build on Debian) or width than the system.
The x86-64 level is in `host.cpu`. The values here are named tuples, because `which` detects the host at every call.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from provision.errors import PolicyError
from provision.host.cpu import Kernel, read_kernel
from provision.host.files import is_directory, read_small_file_or_none
from provision.model.target import KNOWN_TARGETS, Host, Target

# ELF machines and flags, as in the System V ABI's ``elf.h``.
EM_386, EM_PPC64, EM_S390, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 21, 22, 40, 62, 183, 243
EF_ARM_ABI_FLOAT_HARD = 0x400
EF_RISCV_FLOAT_ABI, EF_RISCV_FLOAT_ABI_DOUBLE = 0x6, 0x4

# By ELF machine, class and byte order. There are no builds for others: x32 and ILP32 (64-bit machines, 32-bit class),
# big-endian ARM and POWER.
_ARCHES = {
    (EM_X86_64, 64, "little"): "x86_64",
    (EM_386, 32, "little"): "i686",
    (EM_AARCH64, 64, "little"): "aarch64",
    (EM_ARM, 32, "little"): "armv7",
    (EM_PPC64, 64, "little"): "ppc64le",
    (EM_RISCV, 64, "little"): "riscv64",
    (EM_S390, 64, "big"): "s390x",
}
# Where published builds expect the loader: the paths that the ABI of each architecture defines.
_LOADERS = {
    "x86_64-unknown-linux-gnu": "/lib64/ld-linux-x86-64.so.2",
    "i686-unknown-linux-gnu": "/lib/ld-linux.so.2",
    "aarch64-unknown-linux-gnu": "/lib/ld-linux-aarch64.so.1",
    "armv7-unknown-linux-gnueabi": "/lib/ld-linux.so.3",
    "armv7-unknown-linux-gnueabihf": "/lib/ld-linux-armhf.so.3",
    "ppc64le-unknown-linux-gnu": "/lib64/ld64.so.2",
    "riscv64-unknown-linux-gnu": "/lib/ld-linux-riscv64-lp64d.so.1",
    "s390x-unknown-linux-gnu": "/lib/ld64.so.1",
    "x86_64-unknown-linux-musl": "/lib/ld-musl-x86_64.so.1",
    "aarch64-unknown-linux-musl": "/lib/ld-musl-aarch64.so.1",
}
# The message of NixOS's stub loader, which starts nothing.
_STAND_IN = b"Could not start dynamically linked executable"
_LARGEST_LOADER = 4 << 20
_ARM_BEFORE_7 = ("armv4", "armv5", "armv6")  # uname's: builds for armv7 crash there

_WINDOWS_11 = 22000  # the first build that translates x86-64 on ARM; Windows 10 does x86 only
_ROSETTA = "/Library/Apple/usr/libexec/oah/libRosettaRuntime"

# Programs that nearly every system has. /system/bin/sh is Android's, which is not supported.
_PROGRAMS = ("/bin/sh", "/usr/bin/env", "/bin/busybox", "/bin/ls", "/system/bin/sh")
_LOADER_DIRECTORIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")

# The string that glibc prints when its library is run: "GNU C Library (…) stable release version 2.36."
_BANNER, _VERSION = b"GNU C Library", b"release version "

_MAX_LINKS = 40  # as on Linux (MAXSYMLINKS)

_PT_INTERP = 3
_MAX_INTERPRETER = 4096  # PATH_MAX
_MAX_HEADERS = 512  # real programs have about a dozen

# Offset and size of the fields needed, by class: program header offset, flags, size and number of program headers;
# then within a program header: file offset and size of the segment.
_FIELDS = {
    32: ((28, 4), (36, 4), (42, 2), (44, 2), (4, 4), (16, 4)),
    64: ((32, 8), (48, 4), (54, 2), (56, 2), (8, 8), (32, 8)),
}


def detect_host(root: Path = Path("/"), *, kernel: Kernel | None = None) -> Host:
    """Detect what the system under ``root`` can run; raise `PolicyError` if no interpreter is published for it.

    ``kernel`` is by default the running one. On Linux, the files under ``root`` decide instead if they can: a 64-bit
    kernel may run a 32-bit system.
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
    """This machine, or None if no interpreter is published for it: it can still make trees for other machines."""
    try:
        return detect_host(root, kernel=kernel)
    except PolicyError:
        return None


def _linux(root: Path, kernel: Kernel) -> Host:
    libc = find_libc(root)
    if libc is None:
        raise _unsupported(f"under {root} there is no dynamically linked program and no loader of glibc or musl")
    elf = libc.elf
    arch = _ARCHES.get((elf.machine, elf.bits, elf.order))
    what = f"{libc.program} is made for {_describe(elf)}, loader {libc.loader}"
    if arch is None or _lacks_double_float(elf):
        raise _unsupported(what)
    if arch == "armv7" and kernel.machine.startswith(_ARM_BEFORE_7):
        raise _unsupported(f"the processor is {kernel.machine}, and builds for 32-bit ARM need armv7")
    target = KNOWN_TARGETS.get(f"{arch}-unknown-linux-{_triple_libc(libc)}")
    if target is None:
        raise _unsupported(what)
    return Host(
        target=target,
        glibc=glibc_version(root, libc) if libc.name == "glibc" else None,
        absent_loader=_absent_loader(root, target, libc),
    )


def _absent_loader(root: Path, target: Target, libc: Libc) -> str:
    """The loader that builds for ``target`` name, if it is missing under ``root``, or starts nothing; else empty."""
    name = _LOADERS.get(str(target), libc.loader)
    if name == libc.loader:  # the system's own programs use it
        return ""
    path = find_in_root(root, name)
    content = read_small_file_or_none(path, _LARGEST_LOADER) if path else None
    return name if content is None or _STAND_IN in content else ""


def _triple_libc(libc: Libc) -> str:
    """The end of the triple: ``gnu``, ``musl``, ``gnueabihf``; ``unknown``, as no triple ends, for any other libc."""
    if libc.name != "glibc":
        return libc.name or "unknown"
    if libc.elf.machine != EM_ARM:
        return "gnu"
    # Old toolchains left the flag out; the distributions agreed on the loader's name.
    hard_float = libc.elf.flags & EF_ARM_ABI_FLOAT_HARD or "armhf" in libc.loader
    return "gnueabihf" if hard_float else "gnueabi"


def _lacks_double_float(elf: ElfFile) -> bool:
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
    float_abi = ", not with the double-float ABI" if _lacks_double_float(elf) else ""
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
    """The version of macOS by that of its kernel, Darwin, which grows by one a year: 19 is 10.15, 20 is 11, 25 is 26.

    The system's version file is not read: it says 10.16 to programs that were built before 11.
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


class Libc(NamedTuple):
    """The C library that a system's programs are linked with; ``name`` is None if it is neither glibc nor musl.

    ``program`` is the file that this was read from, ``elf`` its headers, ``loader`` the path of its dynamic loader.
    """

    program: str
    elf: ElfFile
    loader: str
    name: Literal["glibc", "musl"] | None


def find_libc(root: Path) -> Libc | None:
    """The libc of the system under ``root``, by its first dynamically linked program, else by its loaders.

    None if it has neither: only static programs, or no system at all.
    """
    for name in _PROGRAMS:
        path = find_in_root(root, name)
        elf = read_elf(path) if path else None
        if elf and elf.interpreter:
            return Libc(program=name, elf=elf, loader=elf.interpreter, name=_libc_of_loader(elf.interpreter))
    # A static busybox does not show what else can run, but the loaders do. musl's comes first: a musl system may have a
    # substitute for glibc's loader, but no glibc system has one for musl's.
    loaders = [loader for loader in _loaders(root) if _libc_of_loader(loader)]
    for loader in sorted(loaders, key=lambda loader: (_libc_of_loader(loader) != "musl", loader)):
        path = find_in_root(root, loader)
        elf = read_elf(path) if path else None
        if elf:
            return Libc(program=loader, elf=elf, loader=loader, name=_libc_of_loader(loader))
    return None


def glibc_version(root: Path, libc: Libc) -> tuple[int, int] | None:
    """glibc's (major, minor), read from the library next to the loader; None if it cannot be determined.

    The banner is read, not the symbol versions, which have gaps (there is no GLIBC_2.19 to 2.21).
    """
    loader = find_in_root(root, libc.loader)
    if loader is None:
        return None
    library = find_in_root(root, str(loader.relative_to(root).with_name("libc.so.6")))
    text = _after_banner(library) if library else b""
    major, _, rest = text.partition(b".")
    minor = rest[: len(rest) - len(rest.lstrip(b"0123456789"))]
    return (int(major), int(minor)) if major.isdigit() and minor else None


def _after_banner(library: Path) -> bytes:
    """The first bytes of the version in glibc's banner; empty if there is none."""
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
        if path and is_directory(path):
            names += [f"{directory}/{entry.name}" for entry in path.iterdir()]
    return names


def _libc_of_loader(loader: str) -> Literal["glibc", "musl"] | None:
    """The libc of a loader, by its name: ``ld-musl-x86_64.so.1``, ``ld-linux-x86-64.so.2``, ``ld64.so.2`` (ppc64le)."""
    name = loader.rpartition("/")[2]
    if name.startswith("ld-musl-"):
        return "musl"
    return "glibc" if name.startswith(("ld-linux", "ld64.so.")) else None


def find_in_root(root: Path, name: str) -> Path | None:
    """The file that the absolute path ``name`` means to the system under ``root``; None if there is none.

    As after chroot(2), absolute links start at ``root`` and ``..`` stops there: busybox links ``/bin/sh`` to
    ``/bin/busybox``, and that of an image is not this machine's.
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
            if error.errno != errno.EINVAL:  # EINVAL: it exists and is not a link
                return None
            found.append(path)
            continue
        links += 1
        if links > _MAX_LINKS:
            return None
        if link.startswith("/"):
            del found[1:]
        pending.extend(reversed(link.split("/")))
    return found[-1]


class ElfFile(NamedTuple):
    """An ELF file's headers; ``interpreter`` is the loader's path (PT_INTERP), empty for static programs, libraries."""

    machine: int
    bits: int
    order: Literal["little", "big"]
    flags: int
    interpreter: str


def read_elf(path: Path) -> ElfFile | None:
    """Read a file's ELF headers; None if it is not an ELF file, is damaged, or cannot be read."""
    try:
        with path.open("rb") as file:
            return _read_headers(file)
    except (OSError, ValueError):  # ValueError: an offset beyond any file, an undecodable interpreter
        return None


def _read_headers(file: BinaryIO) -> ElfFile | None:
    header = file.read(64)
    bits = {1: 32, 2: 64}.get(header[4]) if len(header) == 64 else None
    if not header.startswith(b"\x7fELF") or bits is None or header[5] not in (1, 2):
        return None
    order: Literal["little", "big"] = "little" if header[5] == 1 else "big"

    def number(data: bytes, field: tuple[int, int]) -> int:
        offset, size = field
        return int.from_bytes(data[offset : offset + size], order)

    table_at, flags_at, size_at, count_at, offset_at, length_at = _FIELDS[bits]
    size, count = number(header, size_at), min(number(header, count_at), _MAX_HEADERS)
    file.seek(number(header, table_at))
    table = file.read(size * count)
    interpreter = ""
    for entry in (table[start : start + size] for start in range(0, len(table), size or 1)):
        if number(entry, (0, 4)) == _PT_INTERP:
            file.seek(number(entry, offset_at))
            text = file.read(min(number(entry, length_at), _MAX_INTERPRETER))
            interpreter = text.split(b"\0", 1)[0].decode()
            break
    return ElfFile(
        machine=number(header, (18, 2)), bits=bits, order=order, flags=number(header, flags_at), interpreter=interpreter
    )
