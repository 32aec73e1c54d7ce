"""Owns reading what an ELF file says of itself: machine, class, flags, interpreter; what follows, `host.libc` decides.

The numbers are those of the System V ABI's ``elf.h``. This room's own values are named tuples: `which` detects the host
each time, and defining a dataclass would cost it most of a millisecond.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

EM_386, EM_PPC64, EM_S390, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 21, 22, 40, 62, 183, 243
EF_ARM_ABI_FLOAT_HARD = 0x400
EF_RISCV_FLOAT_ABI, EF_RISCV_FLOAT_ABI_DOUBLE = 0x6, 0x4

_PT_INTERP = 3
_LONGEST_INTERPRETER = 4096  # PATH_MAX
_MOST_HEADERS = 512  # real programs have about a dozen

# Offset and size of the fields needed, by class: program header offset, flags, size and number of program headers;
# then within a program header: file offset and size of the segment.
_FIELDS = {
    32: ((28, 4), (36, 4), (42, 2), (44, 2), (4, 4), (16, 4)),
    64: ((32, 8), (48, 4), (54, 2), (56, 2), (8, 8), (32, 8)),
}


class ElfFile(NamedTuple):
    """``interpreter`` is the path of the loader (PT_INTERP), empty for static programs and libraries."""

    machine: int
    bits: int
    order: Literal["little", "big"]
    flags: int
    interpreter: str


def read_elf(path: Path) -> ElfFile | None:
    """Read a file's ELF headers; None for what is no ELF file, is damaged, or may not be read."""
    try:
        with path.open("rb") as file:
            return _read(file)
    except (OSError, ValueError):  # ValueError: an offset beyond any file, an interpreter's name that is no text
        return None


def _read(file: BinaryIO) -> ElfFile | None:
    header = file.read(64)
    bits = {1: 32, 2: 64}.get(header[4]) if len(header) == 64 else None
    if not header.startswith(b"\x7fELF") or bits is None or header[5] not in (1, 2):
        return None
    order: Literal["little", "big"] = "little" if header[5] == 1 else "big"

    def number(data: bytes, field: tuple[int, int]) -> int:
        offset, size = field
        return int.from_bytes(data[offset : offset + size], order)

    table_at, flags_at, size_at, count_at, offset_at, length_at = _FIELDS[bits]
    size, count = number(header, size_at), min(number(header, count_at), _MOST_HEADERS)
    file.seek(number(header, table_at))
    table = file.read(size * count)
    interpreter = ""
    for entry in (table[start : start + size] for start in range(0, len(table), size or 1)):
        if number(entry, (0, 4)) == _PT_INTERP:
            file.seek(number(entry, offset_at))
            text = file.read(min(number(entry, length_at), _LONGEST_INTERPRETER))
            interpreter = text.split(b"\0", 1)[0].decode()
            break
    return ElfFile(
        machine=number(header, (18, 2)), bits=bits, order=order, flags=number(header, flags_at), interpreter=interpreter
    )
