"""The x86-64 level of this machine, and what its kernel says."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from provision.errors import UsageError
from provision.model.asset import CPU_LEVELS, CpuLevel

# FOLD provision.host.cpu
#   Owns the x86-64 level of this machine (baseline, v2, v3, v4), as its kernel lets programs use it.
#
#   The levels are the x86-64 psABI's lists of features, in the kernel's spelling. archspec has the same lists and judges
#   ours in the tests; importing it costs twice a whole `python -c pass`, and it reads the first processor only.


_LIMIT_VARIABLE = "PROVISION_CPU"

# What each level adds to the one below it. `pni` is SSE3, `abm` has LZCNT; `xsave` stands for OSXSAVE, which the kernel
# does not list: it drops avx and what follows from its list unless it saves their registers.
_ADDED: dict[CpuLevel, frozenset[str]] = {
    "v2": frozenset({"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    "v3": frozenset({"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"}),
    "v4": frozenset({"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"}),
}

# macOS' spelling where it differs from Linux', in lower case.
_DARWIN = {"sse3": "pni", "sse4.1": "sse4_1", "sse4.2": "sse4_2", "avx1.0": "avx", "lahf": "lahf_lm", "lzcnt": "abm"}
_DARWIN_LISTS = ("machdep.cpu.features", "machdep.cpu.leaf7_features", "machdep.cpu.extfeatures")


def cpu_level(
    root: Path = Path("/"), *, kernel: Kernel | None = None, environ: Mapping[str, str] = os.environ
) -> CpuLevel:
    """The highest level that programs may use here; ``baseline`` where that cannot be told, or means nothing.

    ``PROVISION_CPU`` lowers it, for images that are built on a better machine than they will run on; it never raises
    it. On Apple silicon it is the level of Intel programs under Rosetta, which has no AVX. For Windows there are builds
    of one level only.
    """
    kernel = kernel or read_kernel()
    match kernel.system:
        case "Linux":
            found = level_of_features(_linux_features(root))
        case "Darwin" if kernel.machine == "arm64":
            found = "v2"
        case "Darwin":
            found = level_of_features(
                darwin_features(*(sysctl(name).decode("ascii", "replace").rstrip("\0") for name in _DARWIN_LISTS))
            )
        case _:
            found = "baseline"
    ceiling = _ceiling(environ)
    return found if ceiling is None else min(found, ceiling, key=CPU_LEVELS.index)


def level_of_features(features: frozenset[str]) -> CpuLevel:
    """The highest level all of whose features, and all of those below it, are there."""
    reached: CpuLevel = "baseline"
    for name, added in _ADDED.items():
        if not added <= features:
            break
        reached = name
    return reached


def linux_features(cpuinfo: str) -> frozenset[str]:
    """The features that all processors of a ``/proc/cpuinfo`` have; none where it lists none, as on other machines."""
    lines = {line for line in cpuinfo.split("\n") if line.startswith("flags")}
    return (
        frozenset.intersection(*(frozenset(line.partition(":")[2].split()) for line in lines)) if lines else frozenset()
    )


def darwin_features(*lists: str) -> frozenset[str]:
    """The features of macOS' ``machdep.cpu.*features``, in Linux' spelling.

    Without OSXSAVE no AVX is usable, whatever else is listed.
    """
    words = frozenset(" ".join(lists).lower().split())
    features = frozenset(_DARWIN.get(word, word) for word in words)
    return features if "osxsave" in features else features - {"xsave", "avx"}


def _linux_features(root: Path) -> frozenset[str]:
    try:
        return linux_features((root / "proc/cpuinfo").read_text("ascii", "replace"))
    except OSError:  # no /proc in many a chroot: nothing is promised there
        return frozenset()


def _ceiling(environ: Mapping[str, str]) -> CpuLevel | None:
    wanted = environ.get(_LIMIT_VARIABLE)
    if not wanted:
        return None
    for name in CPU_LEVELS:
        if wanted == name:
            return name
    raise UsageError(
        f"{_LIMIT_VARIABLE} is {wanted!r}, and must be one of {', '.join(CPU_LEVELS)}",
        hint=f"Unset {_LIMIT_VARIABLE} for no limit.",
    )


# FOLD provision.host.cpu
#   Owns `Kernel`, what the running kernel says of its machine; what follows for targets, `host.detect` decides.
#
#   The one place that asks macOS and Windows: through ctypes, imported only there.


_IMAGE_FILE_MACHINES = {0x014C: "x86", 0x8664: "AMD64", 0xAA64: "ARM64"}  # winnt.h


class Kernel(NamedTuple):
    """``system`` is ``Linux``, ``Darwin``, ``Windows`` or what else uname says.

    ``machine`` names the hardware in the system's own word (``x86_64``, ``arm64``, ``AMD64``), never what a translated
    process is told; ``translated`` says that this very process is such a one. ``release`` is the kernel's: ``23.6.0``
    on Darwin, ``10.0.22631`` on Windows.
    """

    system: str
    machine: str
    release: str = ""
    translated: bool = False


if sys.platform == "win32":

    def read_kernel() -> Kernel:
        """Ask the running kernel."""
        version = sys.getwindowsversion()
        own = os.environ.get("PROCESSOR_ARCHITECTURE", "")
        native = _native_machine() or os.environ.get("PROCESSOR_ARCHITEW6432") or own
        release = f"{version.major}.{version.minor}.{version.build}"
        return Kernel(system="Windows", machine=native, release=release, translated=own != native)

    def _native_machine() -> str | None:
        """The machine by IsWow64Process2, which alone tells an emulated x64 process that it runs on ARM."""
        import ctypes

        kernel32 = ctypes.WinDLL("kernel32")
        process, native = ctypes.c_ushort(), ctypes.c_ushort()
        try:
            ask = kernel32.IsWow64Process2
        except AttributeError:  # Windows 10 before 1709, which knew no ARM
            return None
        kernel32.GetCurrentProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel32.GetCurrentProcess())
        if not ask(handle, ctypes.byref(process), ctypes.byref(native)):
            return None
        return _IMAGE_FILE_MACHINES.get(native.value)

else:

    def read_kernel() -> Kernel:
        """Ask the running kernel."""
        uname = os.uname()
        maybe = uname.sysname == "Darwin" and uname.machine == "x86_64"
        translated = maybe and sysctl("sysctl.proc_translated") == b"\1\0\0\0"
        machine = "arm64" if translated else uname.machine
        return Kernel(system=uname.sysname, machine=machine, release=uname.release, translated=translated)


def sysctl(name: str) -> bytes:
    """A macOS sysctl's raw value, integers in the machine's byte order; empty where there is none of that name."""
    import ctypes

    call = ctypes.CDLL(None).sysctlbyname
    size = ctypes.c_size_t(4096)
    value = ctypes.create_string_buffer(size.value)
    failed = call(name.encode(), value, ctypes.byref(size), None, ctypes.c_size_t(0))
    return b"" if failed else value.raw[: size.value]
