"""Which targets a machine can run: each kind of system under a fake root, with what its kernel says."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import INTEGRITY, PolicyError
from provision.host import detect
from provision.host.cpu import Kernel
from provision.host.detect import (
    EM_ARM,
    EM_S390,
    EM_X86_64,
    ElfFile,
    detect_host,
    find_host,
    find_in_root,
    find_libc,
    glibc_version,
    read_elf,
)
from provision.model.target import Host, Target
from tests.host.systems import System, elf_file

# FOLD tests.host.test_detect
#   Which targets a machine can run: each kind of system under a fake root, with what its kernel says.


ARM_HARD, ARM_SOFT = 0x5000400, 0x5000200  # EABI 5, with the float ABI
RISCV_LP64D = 0x5  # RVC, double float


def linux(machine: str = "x86_64") -> Kernel:
    return Kernel(system="Linux", machine=machine, release="6.1.0")


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_debian(system: System) -> None:
    loader = "/lib64/ld-linux-x86-64.so.2"
    system.link("/bin", "usr/bin").link("/lib", "usr/lib").link("/lib64", "usr/lib64").link("/usr/bin/sh", "dash")
    system.file("/usr/bin/dash", elf_file(interpreter=loader))
    system.link("/usr/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    system.file("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", elf_file()).glibc("/usr/lib/x86_64-linux-gnu")
    assert detect_host(system.root, kernel=linux()) == Host(target=Target.parse("linux-x86_64"), glibc=(2, 36))


def test_alpine(system: System) -> None:
    system.file("/bin/busybox", elf_file(detect.EM_AARCH64, interpreter="/lib/ld-musl-aarch64.so.1"))
    system.link("/bin/sh", "/bin/busybox").file("/lib/ld-musl-aarch64.so.1", elf_file(detect.EM_AARCH64))
    assert detect_host(system.root, kernel=linux("aarch64")) == Host(target=Target.parse("linux-aarch64-musl"))


def test_alpine_with_a_stand_in_for_glibc_is_musl_all_the_same(system: System) -> None:
    system.file("/bin/busybox", elf_file(interpreter="/lib/ld-musl-x86_64.so.1")).link("/bin/sh", "/bin/busybox")
    system.link("/lib64/ld-linux-x86-64.so.2", "/lib/libgcompat.so.0").file("/lib/libgcompat.so.0", elf_file())
    assert detect_host(system.root, kernel=linux()).target == Target.parse("linux-x86_64-musl")


def test_nixos(system: System) -> None:
    store = "/nix/store/0000-glibc-2.40-66/lib"
    system.link("/bin/sh", "/nix/store/1111-bash-5.2/bin/sh").link("/nix/store/1111-bash-5.2/bin/sh", "bash")
    system.file("/nix/store/1111-bash-5.2/bin/bash", elf_file(interpreter=f"{store}/ld-linux-x86-64.so.2"))
    system.file(f"{store}/ld-linux-x86-64.so.2", elf_file())
    system.glibc(store, "GNU C Library (GNU libc) stable release version 2.40.\n")
    assert detect_host(system.root, kernel=linux()) == Host(target=Target.parse("linux-x86_64"), glibc=(2, 40))


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
def test_arms_float_abi(system: System, flags: int, loader: str, target: str) -> None:
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
def test_further_architectures(system: System, machine: str, program: bytes, target: str) -> None:
    system.file("/bin/sh", program)
    assert detect_host(system.root, kernel=linux(machine)).target == Target.parse(target)


@pytest.mark.parametrize(
    ("machine", "program", "said"),
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
def test_linux_systems_that_nothing_is_published_for(system: System, machine: str, program: bytes, said: str) -> None:
    system.file("/bin/sh", program)
    with pytest.raises(PolicyError) as raised:
        detect_host(system.root, kernel=linux(machine))
    assert said in str(raised.value)


def test_a_system_without_programs_and_loaders(system: System) -> None:
    with pytest.raises(PolicyError, match="no dynamically linked program and no loader"):
        detect_host(system.root, kernel=linux())


def test_the_error_names_what_is_supported_and_a_way_out(system: System) -> None:
    with pytest.raises(PolicyError) as raised:
        detect_host(system.root, kernel=Kernel(system="FreeBSD", machine="amd64"))
    assert "the operating system is FreeBSD on amd64" in str(raised.value)
    for known in ("linux-x86_64", "linux-aarch64-musl", "macos-aarch64", "windows-x86_64"):
        assert known in str(raised.value)
    assert "--target" in str(raised.value.hint)
    assert raised.value.exit_code == INTEGRITY


@pytest.mark.parametrize("name", ["CYGWIN_NT-10.0-22631", "MSYS_NT-10.0-19045", "MINGW64_NT-10.0-19045"])
def test_cygwin_is_told_to_use_windows(system: System, name: str) -> None:
    with pytest.raises(PolicyError) as raised:
        detect_host(system.root, kernel=Kernel(system=name, machine="x86_64"))
    assert "native Python" in str(raised.value.hint)


ROSETTA = "/Library/Apple/usr/libexec/oah/libRosettaRuntime"
MAC_ARM, MAC_INTEL = Target.parse("macos-aarch64"), Target.parse("macos-x86_64")


def test_apple_silicon(system: System) -> None:
    kernel = Kernel(system="Darwin", machine="arm64", release="23.6.0")
    assert detect_host(system.root, kernel=kernel) == Host(target=MAC_ARM, macos=(14, 0))


def test_apple_silicon_with_rosetta_runs_intel_programs_too(system: System) -> None:
    system.file(ROSETTA, b"")
    kernel = Kernel(system="Darwin", machine="arm64", release="25.1.0")
    assert detect_host(system.root, kernel=kernel) == Host(target=MAC_ARM, emulated=(MAC_INTEL,), macos=(26, 0))


def test_an_intel_python_under_rosetta_is_on_apple_silicon(system: System) -> None:
    kernel = Kernel(system="Darwin", machine="arm64", release="22.1.0", translated=True)
    assert detect_host(system.root, kernel=kernel) == Host(target=MAC_ARM, emulated=(MAC_INTEL,), macos=(13, 0))


@pytest.mark.parametrize(
    ("release", "macos"),
    [("18.7.0", (10, 14)), ("19.6.0", (10, 15)), ("20.6.0", (11, 0)), ("24.0.0", (15, 0)), ("", None)],
)
def test_an_intel_mac(system: System, release: str, macos: tuple[int, int] | None) -> None:
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
def test_windows(system: System, machine: str, release: str, host: Host) -> None:
    assert detect_host(system.root, kernel=Kernel(system="Windows", machine=machine, release=release)) == host


@pytest.mark.parametrize(
    "kernel", [Kernel(system="Darwin", machine="ppc"), Kernel(system="Windows", machine="IA64")], ids=str
)
def test_other_processors(system: System, kernel: Kernel) -> None:
    with pytest.raises(PolicyError, match=f"the processor is {kernel.machine}"):
        detect_host(system.root, kernel=kernel)


def test_what_is_no_target_can_still_work_for_others(system: System) -> None:
    assert find_host(system.root, kernel=linux()) is None
    assert find_host(system.root, kernel=Kernel(system="FreeBSD", machine="amd64", release="14.1")) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Linux system")
def test_this_machine() -> None:
    host = detect_host()
    assert host.target.os == "linux"
    assert host.target.arch in (platform.machine(), "i686", "armv7")


def test_detecting_imports_nothing_dear() -> None:
    code = (
        "import os, sys\n"
        "from provision.host.cpu import cpu_level\n"
        "from provision.host.detect import detect_host\n"
        "from provision.host.paths import cache_home, config_home, data_home\n"
        "detect_host(), cpu_level(), data_home(os.environ), cache_home(os.environ), config_home(os.environ)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    dear = {"archspec", "ctypes", "json", "platform", "platformdirs", "struct", "subprocess", "tempfile"}
    assert not dear & set(done.stdout.split())


# FOLD tests.host.test_detect
#   Reading ELF headers: right for every class and byte order, and never more than None for what is damaged.


def read(tmp_path: Path, content: bytes) -> ElfFile | None:
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_elf(path)


def test_64_bit_little_endian(tmp_path: Path) -> None:
    content = elf_file(EM_X86_64, interpreter="/lib64/ld-linux-x86-64.so.2")
    assert read(tmp_path, content) == ElfFile(
        machine=EM_X86_64, bits=64, order="little", flags=0, interpreter="/lib64/ld-linux-x86-64.so.2"
    )


def test_32_bit_with_flags(tmp_path: Path) -> None:
    content = elf_file(EM_ARM, bits=32, flags=0x5000400, interpreter="/lib/ld-linux-armhf.so.3")
    assert read(tmp_path, content) == ElfFile(
        machine=EM_ARM, bits=32, order="little", flags=0x5000400, interpreter="/lib/ld-linux-armhf.so.3"
    )


def test_64_bit_big_endian(tmp_path: Path) -> None:
    content = elf_file(EM_S390, order="big", interpreter="/lib/ld64.so.1")
    assert read(tmp_path, content) == ElfFile(
        machine=EM_S390, bits=64, order="big", flags=0, interpreter="/lib/ld64.so.1"
    )


def test_a_static_program_has_no_interpreter(tmp_path: Path) -> None:
    elf = read(tmp_path, elf_file())
    assert elf is not None
    assert elf.interpreter == ""


def test_an_interpreter_far_behind_the_headers_is_found(tmp_path: Path) -> None:
    """patchelf moves it to the end of the file."""
    elf = read(tmp_path, elf_file(interpreter="/nix/store/x/lib/ld-linux-x86-64.so.2", interpreter_at=3_000_000))
    assert elf is not None
    assert elf.interpreter == "/nix/store/x/lib/ld-linux-x86-64.so.2"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!/bin/bash\n",
        b"\x7fELF",
        b"\x7fELF\x03\x01" + bytes(60),
        b"\x7fELF\x02\x07" + bytes(60),
        elf_file()[:63],
        elf_file(interpreter="/lib/loader").replace(b"loader", b"l\xffader"),
    ],
    ids=[
        "empty",
        "a script",
        "cut short",
        "unknown class",
        "unknown byte order",
        "cut in the header",
        "a loader's name in no encoding",
    ],
)
def test_what_is_no_elf_file(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) is None


def test_what_cannot_be_read(tmp_path: Path) -> None:
    assert read_elf(tmp_path / "none") is None
    assert read_elf(tmp_path) is None


@given(st.data())
def test_damage_is_never_an_exception(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(elf_file(bits=data.draw(st.sampled_from([32, 64])), interpreter="/lib/ld-musl-x86_64.so.1"))
    for at in data.draw(st.lists(st.integers(5, 200), max_size=12)):
        content[at % len(content)] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content[:cut])
    elf = read_elf(path)
    assert elf is None or len(elf.interpreter) <= 4096


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has ELF programs of its own")
def test_a_real_program_of_this_machine() -> None:
    elf = read_elf(Path("/bin/sh"))
    assert elf is not None
    assert elf.order == sys.byteorder
    assert elf.bits in (32, 64)


# FOLD tests.host.test_detect
#   What a system's own programs are made for, and its glibc's version, read from files alone.


GLIBC_LOADER = "/lib64/ld-linux-x86-64.so.2"
MUSL_LOADER = "/lib/ld-musl-x86_64.so.1"


@pytest.mark.parametrize("program", ["/bin/sh", "/usr/bin/env", "/bin/busybox", "/bin/ls"])
def test_any_of_the_common_programs_tells(system: System, program: str) -> None:
    system.file(program, elf_file(interpreter=MUSL_LOADER))
    userland = find_libc(system.root)
    assert userland is not None
    assert (userland.program, userland.loader, userland.libc) == (program, MUSL_LOADER, "musl")
    assert userland.elf.machine == EM_X86_64


def test_scripts_and_static_programs_are_passed_over(system: System) -> None:
    system.file("/bin/sh", b"#!/bin/busybox sh\n").file("/usr/bin/env", elf_file())
    system.file("/bin/busybox", elf_file(interpreter=GLIBC_LOADER))
    userland = find_libc(system.root)
    assert userland is not None
    assert (userland.program, userland.libc) == ("/bin/busybox", "glibc")


@pytest.mark.parametrize(
    ("loader", "libc"),
    [
        ("/lib/ld-musl-aarch64.so.1", "musl"),
        ("/lib64/ld-linux-x86-64.so.2", "glibc"),
        ("/usr/lib/ld-linux-aarch64.so.1", "glibc"),
        ("/lib64/ld64.so.2", "glibc"),
    ],
)
def test_where_all_programs_are_static_the_loaders_tell(system: System, loader: str, libc: str) -> None:
    system.file("/bin/busybox", elf_file()).link("/bin/sh", "busybox").file(loader, elf_file())
    userland = find_libc(system.root)
    assert userland is not None
    assert (userland.program, userland.loader, userland.libc) == (loader, loader, libc)


def test_beside_a_static_busybox_musls_loader_counts_before_a_stand_in_for_glibcs(system: System) -> None:
    system.file("/bin/busybox", elf_file()).file(MUSL_LOADER, elf_file()).file(GLIBC_LOADER, elf_file())
    userland = find_libc(system.root)
    assert userland is not None
    assert userland.libc == "musl"


@pytest.mark.parametrize("loader", ["/system/bin/linker64", "/lib/ld-uClibc.so.0", "/lib/ld64-uClibc.so.1"])
def test_other_libcs_are_neither(system: System, loader: str) -> None:
    system.file("/bin/sh", elf_file(interpreter=loader))
    userland = find_libc(system.root)
    assert userland is not None
    assert (userland.loader, userland.libc) == (loader, None)


def test_nothing_to_go_by(system: System) -> None:
    system.file("/app/server", elf_file()).file("/lib/readme", b"x")
    assert find_libc(system.root) is None


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ("GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\n", (2, 36)),
        ("GNU C Library (Ubuntu GLIBC 2.39-0ubuntu8.4) stable release version 2.39.\n", (2, 39)),
        ("GNU C Library (GNU libc) stable release version 2.17, by Roland McGrath et al.\n", (2, 17)),
        ("GNU C Library stable release version 2.11.3 (20110203), by Roland McGrath et al.\n", (2, 11)),
        ("GNU C Library (GNU libc) development release version 2.39.9000.\n", (2, 39)),
        ("GNU C Library (mystery meat)\n", None),
        ("GNU C Library stable release version twelve\n", None),
        ("some other library, release version 9.9\n", None),
        ("", None),
    ],
)
def test_glibcs_version_is_that_of_its_banner(system: System, banner: str, version: tuple[int, int] | None) -> None:
    system.file("/bin/sh", elf_file(interpreter=GLIBC_LOADER))
    system.file(GLIBC_LOADER, elf_file()).glibc("/lib64", banner)
    userland = find_libc(system.root)
    assert userland is not None
    assert glibc_version(system.root, userland) == version


def test_glibcs_library_lies_beside_the_loader_wherever_that_really_is(system: System) -> None:
    """Debian: /lib64 holds a link alone. Another libc.so.6, as of a cross compiler, is none of ours."""
    system.link("/lib", "usr/lib").link("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-2.31.so")
    system.file("/usr/lib/x86_64-linux-gnu/ld-2.31.so", elf_file()).file("/bin/sh", elf_file(interpreter=GLIBC_LOADER))
    system.file("/usr/lib/x86_64-linux-gnu/libc-2.31.so", b"GNU C Library stable release version 2.31.")
    system.link("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc-2.31.so").glibc("/lib64/cross", "release version 2.99")
    userland = find_libc(system.root)
    assert userland is not None
    assert glibc_version(system.root, userland) == (2, 31)


def test_no_version_without_the_loader_or_the_library_or_with_an_empty_one(system: System) -> None:
    system.file("/bin/sh", elf_file(interpreter=GLIBC_LOADER))
    userland = find_libc(system.root)
    assert userland is not None
    assert glibc_version(system.root, userland) is None
    system.file(GLIBC_LOADER, elf_file())
    assert glibc_version(system.root, userland) is None
    system.file("/lib64/libc.so.6", b"")
    assert glibc_version(system.root, userland) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Linux system")
def test_this_systems_glibc_is_what_it_says_itself() -> None:
    userland = find_libc(Path("/"))
    assert userland is not None
    if userland.libc != "glibc":
        pytest.skip("this system has no glibc")
    said = os.confstr("CS_GNU_LIBC_VERSION") or ""
    version = glibc_version(Path("/"), userland)
    assert version is not None
    assert said == f"glibc {version[0]}.{version[1]}"


# FOLD tests.host.test_detect
#   A path means to a foreign system what it would after chroot(2).


def test_a_plain_file(system: System) -> None:
    system.file("/usr/bin/env", b"x")
    assert find_in_root(system.root, "/usr/bin/env") == system.root / "usr/bin/env"


def test_the_root_itself_is_a_root_like_any_other() -> None:
    assert find_in_root(Path("/"), "/") == Path("/")


@pytest.mark.parametrize("name", ["/usr/bin/sh", "usr/bin/sh", "/usr/../usr/./bin//sh", "/../../usr/bin/sh"])
def test_spellings_of_one_path(system: System, name: str) -> None:
    system.file("/usr/bin/sh", b"x")
    assert find_in_root(system.root, name) == system.root / "usr/bin/sh"


def test_relative_links_are_followed_from_where_they_stand(system: System) -> None:
    system.file("/usr/bin/dash", b"x").link("/bin", "usr/bin").link("/usr/bin/sh", "dash")
    assert find_in_root(system.root, "/bin/sh") == system.root / "usr/bin/dash"


def test_absolute_links_stay_under_the_root(system: System) -> None:
    system.file("/bin/busybox", b"x").link("/bin/sh", "/bin/busybox")
    assert find_in_root(system.root, "/bin/sh") == system.root / "bin/busybox"


def test_links_cannot_climb_out_of_the_root(system: System) -> None:
    outside = system.root.parent / "outside"
    outside.write_bytes(b"x")
    system.link("/bin/sh", "../../../../../../outside")
    assert find_in_root(system.root, "/bin/sh") is None


@pytest.mark.parametrize("name", ["/none", "/none/at/all", "/file/below"])
def test_what_is_not_there(system: System, name: str) -> None:
    system.file("/file", b"x")
    assert find_in_root(system.root, name) is None


def test_links_that_lead_nowhere_or_round_in_circles(system: System) -> None:
    system.link("/dangling", "none").link("/self", "self").link("/ping", "pong").link("/pong", "ping")
    assert [find_in_root(system.root, name) for name in ("/dangling", "/self", "/ping")] == [None, None, None]
