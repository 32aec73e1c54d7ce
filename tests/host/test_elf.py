"""Reading ELF headers: right for every class and byte order, and never more than None for what is damaged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.host.elf import EM_ARM, EM_S390, EM_X86_64, ElfFile, read_elf
from tests.host.systems import elf_file


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
