from __future__ import annotations

import struct
from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.install.pack.platform import target_of
from tests.pack.samples import make_installation


def elf_header(machine: int, *, bits: int = 64, flags: int = 0, loader: str = "/lib/ld-linux.so") -> bytes:
    """A program of one segment, which names its loader."""
    ident = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9)
    text = loader.encode() + b"\0"
    if bits == 64:
        header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, flags, 64, 56, 1, 0, 0, 0)
        segment = struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(text), len(text), 1)
    else:
        header = struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, 0, 52, 0, flags, 52, 32, 1, 0, 0, 0)
        segment = struct.pack("<IIIIIIII", 3, 84, 0, 0, len(text), len(text), 4, 1)
    return ident + header + segment + text


@pytest.mark.parametrize(
    ("data", "target"),
    [
        (elf_header(62), "x86_64-unknown-linux-gnu"),
        (elf_header(62, loader="/lib/ld-musl-x86_64.so.1"), "x86_64-unknown-linux-musl"),
        (elf_header(183), "aarch64-unknown-linux-gnu"),
        (elf_header(3, bits=32), "i686-unknown-linux-gnu"),
        (elf_header(40, bits=32, flags=0x5000400), "armv7-unknown-linux-gnueabihf"),
        (elf_header(40, bits=32, flags=0x5000200), "armv7-unknown-linux-gnueabi"),
        (elf_header(22), "s390x-unknown-linux-gnu"),
        (elf_header(243), "riscv64-unknown-linux-gnu"),
    ],
)
def test_the_target_is_read_off_the_program_itself(tmp_path: Path, data: bytes, target: str) -> None:
    interpreter = make_installation(tmp_path)
    interpreter.executable.write_bytes(data)
    assert str(target_of(interpreter)) == target


@pytest.mark.parametrize(("machine", "arch"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_on_a_mac_the_machine_tells(tmp_path: Path, machine: str, arch: str) -> None:
    interpreter = make_installation(tmp_path, platform="darwin", machine=machine)
    assert str(target_of(interpreter)) == f"{arch}-apple-darwin"


def test_a_machine_without_a_name_among_targets_is_refused(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path)
    interpreter.executable.write_bytes(elf_header(8))
    with pytest.raises(UsageError, match="machine-8-unknown-linux-gnu, a target that no asset name can say"):
        target_of(interpreter)
    interpreter.executable.write_bytes(b"#!/bin/sh\n")
    with pytest.raises(UsageError, match="no program of Linux or macOS"):
        target_of(interpreter)
