"""Owns which targets this machine can run: by its own files and kernel, not by the Python we run on.

The x86-64 level is `host.cpu`'s; what may be installed here, `lock.select` decides.
"""

from __future__ import annotations

from pathlib import Path

from provision.errors import PolicyError
from provision.host.elf import (
    EF_ARM_ABI_FLOAT_HARD,
    EF_RISCV_FLOAT_ABI,
    EF_RISCV_FLOAT_ABI_DOUBLE,
    EM_386,
    EM_AARCH64,
    EM_ARM,
    EM_PPC64,
    EM_RISCV,
    EM_S390,
    EM_X86_64,
    ElfFile,
)
from provision.host.kernel import Kernel, read_kernel
from provision.host.libc import Userland, glibc_version, read_userland
from provision.host.rootfs import locate
from provision.model.target import KNOWN, Host

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
    userland = read_userland(root)
    if userland is None:
        raise _unsupported(f"under {root} there is no dynamically linked program and no loader of glibc or musl")
    elf = userland.elf
    arch = _ARCHES.get((elf.machine, elf.bits, elf.order))
    what = f"{userland.program} is made for {_describe(elf)}, loader {userland.loader}"
    if arch is None or _soft_riscv(elf):
        raise _unsupported(what)
    if arch == "armv7" and kernel.machine.startswith(_ARM_BEFORE_7):
        raise _unsupported(f"the processor is {kernel.machine}, and builds for 32-bit ARM need armv7")
    target = KNOWN.get(f"{arch}-unknown-linux-{_libc(userland)}")
    if target is None:
        raise _unsupported(what)
    return Host(target=target, glibc=glibc_version(root, userland) if userland.libc == "glibc" else None)


def _libc(userland: Userland) -> str:
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
    intel = KNOWN["x86_64-apple-darwin"]
    version = _macos_version(kernel.release)
    match kernel.machine:
        case "x86_64":
            return Host(target=intel, macos=version)
        case "arm64":
            rosetta = kernel.translated or locate(root, _ROSETTA) is not None
            return Host(target=KNOWN["aarch64-apple-darwin"], emulated=(intel,) if rosetta else (), macos=version)
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
    x64, x86 = KNOWN["x86_64-pc-windows-msvc"], KNOWN["i686-pc-windows-msvc"]
    match kernel.machine:
        case "AMD64":
            return Host(target=x64, emulated=(x86,))
        case "ARM64":
            build = kernel.release.rpartition(".")[2]
            translates = build.isdigit() and int(build) >= _WINDOWS_11
            return Host(target=KNOWN["aarch64-pc-windows-msvc"], emulated=(x64, x86) if translates else (x86,))
        case "x86":
            return Host(target=x86)
        case machine:
            raise _unsupported(f"the processor is {machine}")


def _unsupported(found: str, hint: str | None = None) -> PolicyError:
    supported = ", ".join(sorted(target.short for target in KNOWN.values()))
    return PolicyError(
        f"no Python is published for this machine: {found}; supported are {supported}",
        hint=hint or "`--target` installs for another machine, into an image or a bundle.",
    )
