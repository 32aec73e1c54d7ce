"""Owns `Kernel`, what the running kernel says of its machine; what follows for targets, `host.detect` decides.

The one place that asks macOS and Windows: through ctypes, imported only there.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

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
