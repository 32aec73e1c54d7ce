"""Which targets a machine can run: each kind of system under a fake root, with its kernel's report.

How the files of a system are found and read: `test_detect_files`.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from provision.errors import INTEGRITY, PolicyError
from provision.host import detect
from provision.host.cpu import Kernel
from provision.host.detect import (
    detect_host,
    find_host,
)
from provision.model.target import Host, Target
from tests.host.systems import System, elf_file

ARM_HARD, ARM_SOFT = 0x5000400, 0x5000200  # EABI 5, with the float ABI
RISCV_LP64D = 0x5  # RVC, double float


def linux(machine: str = "x86_64") -> Kernel:
    return Kernel(system="Linux", machine=machine, release="6.1.0")


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_debian_is_detected(system: System) -> None:
    loader = "/lib64/ld-linux-x86-64.so.2"
    system.link("/bin", "usr/bin").link("/lib", "usr/lib").link("/lib64", "usr/lib64").link("/usr/bin/sh", "dash")
    system.file("/usr/bin/dash", elf_file(interpreter=loader))
    system.link("/usr/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    system.file("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", elf_file()).glibc("/usr/lib/x86_64-linux-gnu")
    assert detect_host(system.root, kernel=linux()) == Host(target=Target.parse("linux-x86_64"), glibc=(2, 36))


def test_alpine_is_detected(system: System) -> None:
    system.file("/bin/busybox", elf_file(detect.EM_AARCH64, interpreter="/lib/ld-musl-aarch64.so.1"))
    system.link("/bin/sh", "/bin/busybox").file("/lib/ld-musl-aarch64.so.1", elf_file(detect.EM_AARCH64))
    assert detect_host(system.root, kernel=linux("aarch64")) == Host(target=Target.parse("linux-aarch64-musl"))


def test_alpine_with_a_substitute_for_glibc_is_still_musl(system: System) -> None:
    system.file("/bin/busybox", elf_file(interpreter="/lib/ld-musl-x86_64.so.1")).link("/bin/sh", "/bin/busybox")
    system.link("/lib64/ld-linux-x86-64.so.2", "/lib/libgcompat.so.0").file("/lib/libgcompat.so.0", elf_file())
    assert detect_host(system.root, kernel=linux()).target == Target.parse("linux-x86_64-musl")


def test_nixos_is_detected(system: System) -> None:
    store = "/nix/store/0000-glibc-2.40-66/lib"
    system.link("/bin/sh", "/nix/store/1111-bash-5.2/bin/sh").link("/nix/store/1111-bash-5.2/bin/sh", "bash")
    system.file("/nix/store/1111-bash-5.2/bin/bash", elf_file(interpreter=f"{store}/ld-linux-x86-64.so.2"))
    system.file(f"{store}/ld-linux-x86-64.so.2", elf_file())
    system.glibc(store, "GNU C Library (GNU libc) stable release version 2.40.\n")
    host = Host(target=Target.parse("linux-x86_64"), glibc=(2, 40), absent_loader="/lib64/ld-linux-x86-64.so.2")
    assert detect_host(system.root, kernel=linux()) == host
    stand_in = elf_file() + bytes(30_000) + b"Could not start dynamically linked executable: %s\n"
    system.file("/lib64/ld-linux-x86-64.so.2", stand_in)
    assert detect_host(system.root, kernel=linux()) == host
    system.file("/lib64/ld-linux-x86-64.so.2", elf_file())  # as installed by programs.nix-ld
    assert not detect_host(system.root, kernel=linux()).absent_loader


def test_an_absent_standard_loader_is_detected(system: System) -> None:
    """Yocto without a /lib64."""
    system.file("/bin/sh", elf_file(interpreter="/lib/ld-linux-x86-64.so.2")).file(
        "/lib/ld-linux-x86-64.so.2", elf_file()
    )
    assert detect_host(system.root, kernel=linux()).absent_loader == "/lib64/ld-linux-x86-64.so.2"
    system.link("/lib64", "lib")
    assert not detect_host(system.root, kernel=linux()).absent_loader


@pytest.mark.parametrize(
    ("machine", "program", "target"),
    [
        ("x86_64", elf_file(detect.EM_386, bits=32, interpreter="/lib/ld-linux.so.2"), "linux-i686"),
        (
            "aarch64",
            elf_file(detect.EM_ARM, bits=32, flags=ARM_HARD, interpreter="/lib/ld-linux-armhf.so.3"),
            "linux-armv7",
        ),
        ("x86_64", elf_file(detect.EM_386, bits=32, interpreter="/lib/ld-musl-i386.so.1"), "linux-i686-musl"),
    ],
    ids=["i386 on x86-64", "Raspberry Pi OS, 32-bit on a 64-bit kernel", "32-bit Alpine in a 64-bit container host"],
)
def test_a_32_bit_system_on_a_64_bit_kernel_is_32_bit(
    system: System, machine: str, program: bytes, target: str
) -> None:
    system.file("/bin/sh", program)
    assert detect_host(system.root, kernel=linux(machine)).target == Target.parse(target)


@pytest.mark.parametrize(
    ("flags", "loader", "target"),
    [
        (ARM_HARD, "/lib/ld-linux-armhf.so.3", "linux-armv7-gnueabihf"),
        (ARM_SOFT, "/lib/ld-linux.so.3", "linux-armv7-gnueabi"),
        (0x5000000, "/lib/ld-linux.so.3", "linux-armv7-gnueabi"),
        (0x5000000, "/lib/ld-linux-armhf.so.3", "linux-armv7-gnueabihf"),
    ],
    ids=["armhf", "armel", "armel without the flag", "armhf without the flag"],
)
def test_the_float_abi_of_arm_is_detected(system: System, flags: int, loader: str, target: str) -> None:
    system.file("/bin/sh", elf_file(detect.EM_ARM, bits=32, flags=flags, interpreter=loader))
    assert detect_host(system.root, kernel=linux("armv7l")).target == Target.parse(target)


@pytest.mark.parametrize(
    ("machine", "program", "target"),
    [
        ("ppc64le", elf_file(detect.EM_PPC64, flags=2, interpreter="/lib64/ld64.so.2"), "linux-ppc64le"),
        ("s390x", elf_file(detect.EM_S390, order="big", interpreter="/lib/ld64.so.1"), "linux-s390x"),
        (
            "riscv64",
            elf_file(detect.EM_RISCV, flags=RISCV_LP64D, interpreter="/lib/ld-linux-riscv64-lp64d.so.1"),
            "linux-riscv64",
        ),
    ],
)
def test_further_architectures_are_detected(system: System, machine: str, program: bytes, target: str) -> None:
    system.file("/bin/sh", program)
    assert detect_host(system.root, kernel=linux(machine)).target == Target.parse(target)


@pytest.mark.parametrize(
    ("machine", "program", "message"),
    [
        ("mips", elf_file(8, bits=32, order="big", interpreter="/lib/ld.so.1"), "MIPS (32-bit, big-endian)"),
        ("loongarch64", elf_file(258, interpreter="/lib64/ld-linux-loongarch-lp64d.so.1"), "LoongArch"),
        ("sparc64", elf_file(43, order="big", interpreter="/lib64/ld-linux.so.2"), "ELF machine 43"),
        ("x86_64", elf_file(bits=32, interpreter="/libx32/ld-linux-x32.so.2"), "x86-64 (32-bit"),
        (
            "aarch64_be",
            elf_file(detect.EM_AARCH64, order="big", interpreter="/lib/ld-linux-aarch64_be.so.1"),
            "big-endian",
        ),
        ("ppc64", elf_file(detect.EM_PPC64, order="big", interpreter="/lib64/ld64.so.1"), "POWER (64-bit, big-endian)"),
        (
            "riscv64",
            elf_file(detect.EM_RISCV, flags=1, interpreter="/lib/ld-linux-riscv64-lp64.so.1"),
            "not with the double-float ABI",
        ),
        ("aarch64", elf_file(detect.EM_AARCH64, interpreter="/system/bin/linker64"), "/system/bin/linker64"),
        ("x86_64", elf_file(interpreter="/lib/ld64-uClibc.so.1"), "/lib/ld64-uClibc.so.1"),
        (
            "armv7l",
            elf_file(detect.EM_ARM, bits=32, flags=ARM_HARD, interpreter="/lib/ld-musl-armhf.so.1"),
            "ld-musl-armhf.so.1",
        ),
        (
            "armv6l",
            elf_file(detect.EM_ARM, bits=32, flags=ARM_HARD, interpreter="/lib/ld-linux-armhf.so.3"),
            "armv6l, and builds for 32-bit ARM need armv7",
        ),
    ],
)
def test_linux_systems_without_published_builds_are_refused(
    system: System, machine: str, program: bytes, message: str
) -> None:
    system.file("/bin/sh", program)
    with pytest.raises(PolicyError) as raised:
        detect_host(system.root, kernel=linux(machine))
    assert message in str(raised.value)


def test_a_system_without_programs_and_loaders_is_refused(system: System) -> None:
    with pytest.raises(PolicyError, match="no dynamically linked program and no loader"):
        detect_host(system.root, kernel=linux())


def test_the_error_names_the_supported_targets_and_has_a_hint(system: System) -> None:
    with pytest.raises(PolicyError) as raised:
        detect_host(system.root, kernel=Kernel(system="FreeBSD", machine="amd64"))
    assert "the operating system is FreeBSD on amd64" in str(raised.value)
    for known in ("linux-x86_64", "linux-aarch64-musl", "macos-aarch64", "windows-x86_64"):
        assert known in str(raised.value)
    assert "--target" in str(raised.value.hint)
    assert raised.value.exit_code == INTEGRITY


@pytest.mark.parametrize("name", ["CYGWIN_NT-10.0-22631", "MSYS_NT-10.0-19045", "MINGW64_NT-10.0-19045"])
def test_the_hint_on_cygwin_is_to_use_a_native_python(system: System, name: str) -> None:
    with pytest.raises(PolicyError) as raised:
        detect_host(system.root, kernel=Kernel(system=name, machine="x86_64"))
    assert "native Python" in str(raised.value.hint)


ROSETTA = "/Library/Apple/usr/libexec/oah/libRosettaRuntime"
MAC_ARM, MAC_INTEL = Target.parse("macos-aarch64"), Target.parse("macos-x86_64")


def test_apple_silicon_is_detected(system: System) -> None:
    kernel = Kernel(system="Darwin", machine="arm64", release="23.6.0")
    assert detect_host(system.root, kernel=kernel) == Host(target=MAC_ARM, macos=(14, 0))


def test_apple_silicon_with_rosetta_runs_intel_programs_too(system: System) -> None:
    system.file(ROSETTA, b"")
    kernel = Kernel(system="Darwin", machine="arm64", release="25.1.0")
    assert detect_host(system.root, kernel=kernel) == Host(target=MAC_ARM, emulated=(MAC_INTEL,), macos=(26, 0))


def test_apple_silicon_is_detected_under_rosetta(system: System) -> None:
    kernel = Kernel(system="Darwin", machine="arm64", release="22.1.0", translated=True)
    assert detect_host(system.root, kernel=kernel) == Host(target=MAC_ARM, emulated=(MAC_INTEL,), macos=(13, 0))


@pytest.mark.parametrize(
    ("release", "macos"),
    [("18.7.0", (10, 14)), ("19.6.0", (10, 15)), ("20.6.0", (11, 0)), ("24.0.0", (15, 0)), ("", None)],
)
def test_an_intel_mac_is_detected(system: System, release: str, macos: tuple[int, int] | None) -> None:
    kernel = Kernel(system="Darwin", machine="x86_64", release=release)
    assert detect_host(system.root, kernel=kernel) == Host(target=MAC_INTEL, macos=macos)


WIN_64, WIN_ARM, WIN_32 = (Target.parse(f"windows-{arch}") for arch in ("x86_64", "aarch64", "i686"))


@pytest.mark.parametrize(
    ("machine", "release", "host"),
    [
        ("AMD64", "10.0.19045", Host(target=WIN_64, emulated=(WIN_32,))),
        ("x86", "10.0.19045", Host(target=WIN_32)),
        ("ARM64", "10.0.22631", Host(target=WIN_ARM, emulated=(WIN_64, WIN_32))),
        ("ARM64", "10.0.19045", Host(target=WIN_ARM, emulated=(WIN_32,))),
    ],
    ids=["x64", "32-bit", "Windows 11 on ARM", "Windows 10 on ARM, which translates 32-bit programs alone"],
)
def test_windows_is_detected(system: System, machine: str, release: str, host: Host) -> None:
    assert detect_host(system.root, kernel=Kernel(system="Windows", machine=machine, release=release)) == host


@pytest.mark.parametrize(
    "kernel", [Kernel(system="Darwin", machine="ppc"), Kernel(system="Windows", machine="IA64")], ids=str
)
def test_unsupported_processors_are_refused(system: System, kernel: Kernel) -> None:
    with pytest.raises(PolicyError, match=f"the processor is {kernel.machine}"):
        detect_host(system.root, kernel=kernel)


def test_find_host_is_none_on_an_unsupported_machine(system: System) -> None:
    assert find_host(system.root, kernel=linux()) is None
    assert find_host(system.root, kernel=Kernel(system="FreeBSD", machine="amd64", release="14.1")) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Linux system")
def test_this_machine_is_detected() -> None:
    host = detect_host()
    assert host.target.os == "linux"
    assert host.target.arch in (platform.machine(), "i686", "armv7")


def test_detecting_imports_nothing_that_is_slow_to_import() -> None:
    code = (
        "import os, sys\n"
        "from provision.host.cpu import cpu_level\n"
        "from provision.host.detect import detect_host\n"
        "from provision.host.paths import cache_home, config_home, data_home\n"
        "detect_host(), cpu_level(), data_home(os.environ), cache_home(os.environ), config_home(os.environ)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    slow = {"archspec", "ctypes", "json", "platform", "platformdirs", "struct", "subprocess", "tempfile"}
    assert not slow & set(done.stdout.split())
