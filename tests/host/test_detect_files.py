"""What is read from a system's files: the libc of its programs, paths under a root, ELF headers.

Nothing is run, and damaged files give None.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.host.detect import (
    EM_ARM,
    EM_S390,
    EM_X86_64,
    ElfFile,
    find_in_root,
    find_libc,
    glibc_version,
    read_elf,
)
from tests.host.systems import System, elf_file


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


# The libc, and glibc's version.

GLIBC_LOADER = "/lib64/ld-linux-x86-64.so.2"
MUSL_LOADER = "/lib/ld-musl-x86_64.so.1"


@pytest.mark.parametrize("program", ["/bin/sh", "/usr/bin/env", "/bin/busybox", "/bin/ls"])
def test_the_libc_is_read_from_any_common_program(system: System, program: str) -> None:
    system.file(program, elf_file(interpreter=MUSL_LOADER))
    libc = find_libc(system.root)
    assert libc is not None
    assert (libc.program, libc.loader, libc.name) == (program, MUSL_LOADER, "musl")
    assert libc.elf.machine == EM_X86_64


def test_scripts_and_static_programs_are_skipped(system: System) -> None:
    system.file("/bin/sh", b"#!/bin/busybox sh\n").file("/usr/bin/env", elf_file())
    system.file("/bin/busybox", elf_file(interpreter=GLIBC_LOADER))
    libc = find_libc(system.root)
    assert libc is not None
    assert (libc.program, libc.name) == ("/bin/busybox", "glibc")


@pytest.mark.parametrize(
    ("loader", "name"),
    [
        ("/lib/ld-musl-aarch64.so.1", "musl"),
        ("/lib64/ld-linux-x86-64.so.2", "glibc"),
        ("/usr/lib/ld-linux-aarch64.so.1", "glibc"),
        ("/lib64/ld64.so.2", "glibc"),
    ],
)
def test_if_all_programs_are_static_the_libc_is_that_of_the_loader(system: System, loader: str, name: str) -> None:
    system.file("/bin/busybox", elf_file()).link("/bin/sh", "busybox").file(loader, elf_file())
    libc = find_libc(system.root)
    assert libc is not None
    assert (libc.program, libc.loader, libc.name) == (loader, loader, name)


def test_with_a_static_busybox_the_loader_of_musl_precedes_a_substitute_for_glibc(system: System) -> None:
    system.file("/bin/busybox", elf_file()).file(MUSL_LOADER, elf_file()).file(GLIBC_LOADER, elf_file())
    libc = find_libc(system.root)
    assert libc is not None
    assert libc.name == "musl"


@pytest.mark.parametrize("loader", ["/system/bin/linker64", "/lib/ld-uClibc.so.0", "/lib/ld64-uClibc.so.1"])
def test_other_libcs_have_no_name(system: System, loader: str) -> None:
    system.file("/bin/sh", elf_file(interpreter=loader))
    libc = find_libc(system.root)
    assert libc is not None
    assert (libc.loader, libc.name) == (loader, None)


def test_a_root_without_programs_and_loaders_has_no_libc(system: System) -> None:
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
def test_the_version_of_glibc_is_read_from_its_banner(
    system: System, banner: str, version: tuple[int, int] | None
) -> None:
    system.file("/bin/sh", elf_file(interpreter=GLIBC_LOADER))
    system.file(GLIBC_LOADER, elf_file()).glibc("/lib64", banner)
    libc = find_libc(system.root)
    assert libc is not None
    assert glibc_version(system.root, libc) == version


def test_the_library_of_glibc_is_next_to_the_real_path_of_the_loader(system: System) -> None:
    """Debian: /lib64 has only a link. Another libc.so.6, such as a cross compiler's, does not count."""
    system.link("/lib", "usr/lib").link("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-2.31.so")
    system.file("/usr/lib/x86_64-linux-gnu/ld-2.31.so", elf_file()).file("/bin/sh", elf_file(interpreter=GLIBC_LOADER))
    system.file("/usr/lib/x86_64-linux-gnu/libc-2.31.so", b"GNU C Library stable release version 2.31.")
    system.link("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc-2.31.so").glibc("/lib64/cross", "release version 2.99")
    libc = find_libc(system.root)
    assert libc is not None
    assert glibc_version(system.root, libc) == (2, 31)


def test_without_a_loader_or_with_a_missing_or_empty_library_there_is_no_version(system: System) -> None:
    system.file("/bin/sh", elf_file(interpreter=GLIBC_LOADER))
    libc = find_libc(system.root)
    assert libc is not None
    assert glibc_version(system.root, libc) is None
    system.file(GLIBC_LOADER, elf_file())
    assert glibc_version(system.root, libc) is None
    system.file("/lib64/libc.so.6", b"")
    assert glibc_version(system.root, libc) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Linux system")
def test_the_version_of_glibc_equals_that_of_confstr() -> None:
    libc = find_libc(Path("/"))
    assert libc is not None
    if libc.name != "glibc":
        pytest.skip("this system has no glibc")
    said = os.confstr("CS_GNU_LIBC_VERSION") or ""
    version = glibc_version(Path("/"), libc)
    assert version is not None
    assert said == f"glibc {version[0]}.{version[1]}"


# Paths under a root mean the same as after chroot(2).


def test_a_plain_file_is_found_in_the_root(system: System) -> None:
    system.file("/usr/bin/env", b"x")
    assert find_in_root(system.root, "/usr/bin/env") == system.root / "usr/bin/env"


def test_the_root_directory_of_the_system_can_be_the_root() -> None:
    assert find_in_root(Path("/"), "/") == Path("/")


@pytest.mark.parametrize("name", ["/usr/bin/sh", "usr/bin/sh", "/usr/../usr/./bin//sh", "/../../usr/bin/sh"])
def test_all_spellings_of_a_path_find_the_same_file(system: System, name: str) -> None:
    system.file("/usr/bin/sh", b"x")
    assert find_in_root(system.root, name) == system.root / "usr/bin/sh"


def test_relative_links_are_followed_from_their_directory(system: System) -> None:
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
def test_missing_files_are_none(system: System, name: str) -> None:
    system.file("/file", b"x")
    assert find_in_root(system.root, name) is None


def test_broken_and_circular_links_are_none(system: System) -> None:
    system.link("/dangling", "none").link("/self", "self").link("/ping", "pong").link("/pong", "ping")
    assert [find_in_root(system.root, name) for name in ("/dangling", "/self", "/ping")] == [None, None, None]


# ELF headers: right for every class and byte order.


def read(tmp_path: Path, content: bytes) -> ElfFile | None:
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_elf(path)


def test_a_64_bit_little_endian_header_is_read(tmp_path: Path) -> None:
    content = elf_file(EM_X86_64, interpreter="/lib64/ld-linux-x86-64.so.2")
    assert read(tmp_path, content) == ElfFile(
        machine=EM_X86_64, bits=64, order="little", flags=0, interpreter="/lib64/ld-linux-x86-64.so.2"
    )


def test_a_32_bit_header_with_flags_is_read(tmp_path: Path) -> None:
    content = elf_file(EM_ARM, bits=32, flags=0x5000400, interpreter="/lib/ld-linux-armhf.so.3")
    assert read(tmp_path, content) == ElfFile(
        machine=EM_ARM, bits=32, order="little", flags=0x5000400, interpreter="/lib/ld-linux-armhf.so.3"
    )


def test_a_64_bit_big_endian_header_is_read(tmp_path: Path) -> None:
    content = elf_file(EM_S390, order="big", interpreter="/lib/ld64.so.1")
    assert read(tmp_path, content) == ElfFile(
        machine=EM_S390, bits=64, order="big", flags=0, interpreter="/lib/ld64.so.1"
    )


def test_a_static_program_has_no_interpreter(tmp_path: Path) -> None:
    elf = read(tmp_path, elf_file())
    assert elf is not None
    assert elf.interpreter == ""


def test_an_interpreter_far_after_the_headers_is_found(tmp_path: Path) -> None:
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
def test_files_that_are_not_elf_are_none(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) is None


def test_files_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    assert read_elf(tmp_path / "none") is None
    assert read_elf(tmp_path) is None


@given(st.data())
def test_a_damaged_file_never_raises_an_exception(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(elf_file(bits=data.draw(st.sampled_from([32, 64])), interpreter="/lib/ld-musl-x86_64.so.1"))
    for at in data.draw(st.lists(st.integers(5, 200), max_size=12)):
        content[at % len(content)] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content[:cut])
    elf = read_elf(path)
    assert elf is None or len(elf.interpreter) <= 4096


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has ELF programs of its own")
def test_a_real_program_of_this_machine_is_read() -> None:
    elf = read_elf(Path("/bin/sh"))
    assert elf is not None
    assert elf.order == sys.byteorder
    assert elf.bits in (32, 64)
