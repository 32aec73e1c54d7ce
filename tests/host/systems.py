"""Systems to detect under a fake root: real ELF headers, links and libraries, as distributions lay them out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from provision.host import detect

DEBIAN_BANNER = "GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\nCopyright (C) 2022"


def elf_file(
    machine: int = detect.EM_X86_64,
    *,
    bits: Literal[32, 64] = 64,
    order: Literal["little", "big"] = "little",
    flags: int = 0,
    interpreter: str = "",
    interpreter_at: int = 0x318,
) -> bytes:
    """An ELF file with headers only: two program headers, the second PT_INTERP if there is an interpreter."""

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, order)

    word = bits // 8
    header_size, entry_size = (52, 32) if bits == 32 else (64, 56)
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "little" else 2, 1]) + bytes(9)
    header = ident + number(3, 2) + number(machine, 2) + number(1, 4)
    header += number(0x1000, word) + number(header_size, word) + number(0, word) + number(flags, 4)
    count = 2 if interpreter else 1
    header += b"".join(number(value, 2) for value in (header_size, entry_size, count, 0, 0, 0))

    def entry(kind: int, offset: int, size: int) -> bytes:
        places = [number(value, word) for value in (offset, offset, offset, size, size)]
        if bits == 32:
            return number(kind, 4) + b"".join(places) + number(4, 4) + number(1, 4)
        return number(kind, 4) + number(4, 4) + b"".join(places) + number(1, word)

    text = interpreter.encode() + b"\0"
    table = entry(6, header_size, entry_size * count)
    if not interpreter:
        return header + table
    table += entry(3, interpreter_at, len(text))
    return (header + table).ljust(interpreter_at, b"\0") + text


@dataclass(frozen=True)
class System:
    """A fake root; each method adds one thing and returns the system, so that they can be chained."""

    root: Path

    def file(self, name: str, content: bytes) -> System:
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self

    def link(self, name: str, target: str) -> System:
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        return self

    def glibc(self, directory: str, banner: str = DEBIAN_BANNER) -> System:
        library = elf_file() + bytes(5000) + b"GLIBC_2.2.5\0GLIBC_2.34\0" + banner.encode() + b"\0" + bytes(3000)
        return self.file(f"{directory}/libc.so.6", library)
