"""What the running kernel says; the rest of the room takes it as a value."""

from __future__ import annotations

import os
import sys

import pytest

from provision.host.kernel import Kernel, read_kernel, sysctl


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="these look through translation")
def test_uname_is_taken_as_it_is() -> None:
    uname = os.uname()
    assert read_kernel() == Kernel(system=uname.sysname, machine=uname.machine, release=uname.release)


@pytest.mark.skipif(sys.platform != "darwin", reason="only macOS has these sysctls")
def test_macos_names_the_hardware_not_what_rosetta_pretends() -> None:
    assert (read_kernel().machine == "arm64") == (sysctl("hw.optional.arm64") == b"\1\0\0\0")
    assert sysctl("no.such.name") == b""


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has this call")
def test_windows_names_the_hardware() -> None:
    kernel = read_kernel()
    assert kernel.system == "Windows"
    assert kernel.machine in ("AMD64", "ARM64", "x86")
