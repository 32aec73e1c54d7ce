"""The x86-64 level of this machine, and what its kernel reports.

The levels are the x86-64 psABI's lists of features, in Linux' spelling. archspec has the same lists, and the tests
compare ours with them; importing it takes twice as long as ``python -c pass``, and it reads only the first processor.
Only this module queries macOS and Windows, with ctypes, which is imported only there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from provision.host.variables import read_cpu
from provision.model.asset import CPU_LEVELS, CpuLevel

# The features that each level adds to the one below. `pni` is SSE3, `abm` includes LZCNT; `xsave` stands for OSXSAVE,
# which the kernel does not list: without it, the kernel does not save AVX registers, and lists neither avx nor anything
# that depends on it.
_ADDED_FEATURES: dict[CpuLevel, frozenset[str]] = {
    "v2": frozenset({"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    "v3": frozenset({"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"}),
    "v4": frozenset({"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"}),
}

# macOS' spelling where it differs from Linux', in lower case.
_DARWIN_FEATURES = {
    "sse3": "pni",
    "sse4.1": "sse4_1",
    "sse4.2": "sse4_2",
    "avx1.0": "avx",
    "lahf": "lahf_lm",
    "lzcnt": "abm",
}
_DARWIN_LISTS = ("machdep.cpu.features", "machdep.cpu.leaf7_features", "machdep.cpu.extfeatures")

_IMAGE_FILE_MACHINES = {0x014C: "x86", 0x8664: "AMD64", 0xAA64: "ARM64"}  # winnt.h


class Kernel(NamedTuple):
    """What a kernel reports: ``system`` is ``Linux``, ``Darwin``, ``Windows`` or any other name that uname gives.

    ``machine`` is the hardware in the system's spelling (``x86_64``, ``arm64``, ``AMD64``), not what the kernel tells
    a translated process; ``translated`` says that this process is translated. ``release`` is the kernel's: ``23.6.0``
    on Darwin, ``10.0.22631`` on Windows.
    """

    system: str
    machine: str
    release: str = ""
    translated: bool = False


def cpu_level(
    root: Path = Path("/"), *, kernel: Kernel | None = None, environ: Mapping[str, str] = os.environ
) -> CpuLevel:
    """The highest level that programs can use; ``baseline`` if it is unknown, or the machine is not x86-64.

    ``PROVISION_CPU`` limits it, for images that are built on a newer machine than they will run on; it never raises it.
    On Apple silicon, this is the level of Intel programs under Rosetta, which has no AVX. For Windows, builds are
    published for one level only.
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
    limit = read_cpu(environ)
    return found if limit is None else min(found, limit, key=CPU_LEVELS.index)


def level_of_features(features: frozenset[str]) -> CpuLevel:
    """The highest level that has all its features and those of all levels below."""
    reached: CpuLevel = "baseline"
    for level, added in _ADDED_FEATURES.items():
        if not added <= features:
            break
        reached = level
    return reached


def linux_features(cpuinfo: str) -> frozenset[str]:
    """The features that all processors in a ``/proc/cpuinfo`` have; none for machines of other architectures."""
    lines = {line for line in cpuinfo.split("\n") if line.startswith("flags")}
    return (
        frozenset.intersection(*(frozenset(line.partition(":")[2].split()) for line in lines)) if lines else frozenset()
    )


def darwin_features(*lists: str) -> frozenset[str]:
    """The features of macOS' ``machdep.cpu.*features``, in Linux' spelling.

    Without OSXSAVE, AVX cannot be used, whatever else is listed.
    """
    words = frozenset(" ".join(lists).lower().split())
    features = frozenset(_DARWIN_FEATURES.get(word, word) for word in words)
    return features if "osxsave" in features else features - {"xsave", "avx"}


def _linux_features(root: Path) -> frozenset[str]:
    try:
        return linux_features((root / "proc/cpuinfo").read_text("ascii", "replace"))
    except OSError:  # a chroot without /proc: assume nothing
        return frozenset()


if sys.platform == "win32":

    def read_kernel() -> Kernel:
        """Query the running kernel."""
        version = sys.getwindowsversion()
        own = os.environ.get("PROCESSOR_ARCHITECTURE", "")
        native = _native_machine() or os.environ.get("PROCESSOR_ARCHITEW6432") or own
        release = f"{version.major}.{version.minor}.{version.build}"
        return Kernel(system="Windows", machine=native, release=release, translated=own != native)

    def _native_machine() -> str | None:
        """The machine from IsWow64Process2, the only call by which an emulated x64 process can detect ARM."""
        import ctypes

        kernel32 = ctypes.WinDLL("kernel32")
        process, native = ctypes.c_ushort(), ctypes.c_ushort()
        try:
            is_wow64_process2 = kernel32.IsWow64Process2
        except AttributeError:  # Windows 10 before 1709, which did not run on ARM
            return None
        kernel32.GetCurrentProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel32.GetCurrentProcess())
        if not is_wow64_process2(handle, ctypes.byref(process), ctypes.byref(native)):
            return None
        return _IMAGE_FILE_MACHINES.get(native.value)

else:

    def read_kernel() -> Kernel:
        """Query the running kernel."""
        uname = os.uname()
        intel = uname.sysname == "Darwin" and uname.machine == "x86_64"
        translated = intel and sysctl("sysctl.proc_translated") == b"\1\0\0\0"
        machine = "arm64" if translated else uname.machine
        return Kernel(system=uname.sysname, machine=machine, release=uname.release, translated=translated)


def sysctl(name: str) -> bytes:
    """A macOS sysctl's raw value, integers in the machine's byte order; empty if there is none of that name."""
    import ctypes

    call = ctypes.CDLL(None).sysctlbyname
    size = ctypes.c_size_t(4096)
    value = ctypes.create_string_buffer(size.value)
    failed = call(name.encode(), value, ctypes.byref(size), None, ctypes.c_size_t(0))
    return b"" if failed else value.raw[: size.value]
