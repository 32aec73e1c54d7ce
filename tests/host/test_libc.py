"""What a system's own programs are made for, and its glibc's version, read from files alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from provision.host.elf import EM_X86_64
from provision.host.libc import glibc_version, read_userland
from tests.host.systems import System, elf_file

GLIBC_LOADER = "/lib64/ld-linux-x86-64.so.2"
MUSL_LOADER = "/lib/ld-musl-x86_64.so.1"


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


@pytest.mark.parametrize("program", ["/bin/sh", "/usr/bin/env", "/bin/busybox", "/bin/ls"])
def test_any_of_the_common_programs_tells(system: System, program: str) -> None:
    system.file(program, elf_file(interpreter=MUSL_LOADER))
    userland = read_userland(system.root)
    assert userland is not None
    assert (userland.program, userland.loader, userland.libc) == (program, MUSL_LOADER, "musl")
    assert userland.elf.machine == EM_X86_64


def test_scripts_and_static_programs_are_passed_over(system: System) -> None:
    system.file("/bin/sh", b"#!/bin/busybox sh\n").file("/usr/bin/env", elf_file())
    system.file("/bin/busybox", elf_file(interpreter=GLIBC_LOADER))
    userland = read_userland(system.root)
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
    userland = read_userland(system.root)
    assert userland is not None
    assert (userland.program, userland.loader, userland.libc) == (loader, loader, libc)


def test_beside_a_static_busybox_musls_loader_counts_before_a_stand_in_for_glibcs(system: System) -> None:
    system.file("/bin/busybox", elf_file()).file(MUSL_LOADER, elf_file()).file(GLIBC_LOADER, elf_file())
    userland = read_userland(system.root)
    assert userland is not None
    assert userland.libc == "musl"


@pytest.mark.parametrize("loader", ["/system/bin/linker64", "/lib/ld-uClibc.so.0", "/lib/ld64-uClibc.so.1"])
def test_other_libcs_are_neither(system: System, loader: str) -> None:
    system.file("/bin/sh", elf_file(interpreter=loader))
    userland = read_userland(system.root)
    assert userland is not None
    assert (userland.loader, userland.libc) == (loader, None)


def test_nothing_to_go_by(system: System) -> None:
    system.file("/app/server", elf_file()).file("/lib/readme", b"x")
    assert read_userland(system.root) is None


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
    userland = read_userland(system.root)
    assert userland is not None
    assert glibc_version(system.root, userland) == version


def test_glibcs_library_lies_beside_the_loader_wherever_that_really_is(system: System) -> None:
    """Debian: /lib64 holds a link alone. Another libc.so.6, as of a cross compiler, is none of ours."""
    system.link("/lib", "usr/lib").link("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-2.31.so")
    system.file("/usr/lib/x86_64-linux-gnu/ld-2.31.so", elf_file()).file("/bin/sh", elf_file(interpreter=GLIBC_LOADER))
    system.file("/usr/lib/x86_64-linux-gnu/libc-2.31.so", b"GNU C Library stable release version 2.31.")
    system.link("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc-2.31.so").glibc("/lib64/cross", "release version 2.99")
    userland = read_userland(system.root)
    assert userland is not None
    assert glibc_version(system.root, userland) == (2, 31)


def test_no_version_without_the_loader_or_the_library_or_with_an_empty_one(system: System) -> None:
    system.file("/bin/sh", elf_file(interpreter=GLIBC_LOADER))
    userland = read_userland(system.root)
    assert userland is not None
    assert glibc_version(system.root, userland) is None
    system.file(GLIBC_LOADER, elf_file())
    assert glibc_version(system.root, userland) is None
    system.file("/lib64/libc.so.6", b"")
    assert glibc_version(system.root, userland) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Linux system")
def test_this_systems_glibc_is_what_it_says_itself() -> None:
    userland = read_userland(Path("/"))
    assert userland is not None
    if userland.libc != "glibc":
        pytest.skip("this system has no glibc")
    said = os.confstr("CS_GNU_LIBC_VERSION") or ""
    version = glibc_version(Path("/"), userland)
    assert version is not None
    assert said == f"glibc {version[0]}.{version[1]}"
