"""Owns what an ELF file asks of the dynamic loader, and where it is told to look; the rules are those of ld.so(8)."""

from __future__ import annotations

from collections.abc import Callable
from struct import error as StructError  # noqa: N812  (struct's own name says nothing of where it is from)
from struct import unpack_from

from provision.model.value import frozen

_PT_LOAD, _PT_DYNAMIC, _SHT_DYNSYM = 1, 2, 11
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 14, 15, 29


@frozen
class Dynamic:
    """``search``: RUNPATH and RPATH entries with their places in the file; ``strings``: all other names' places."""

    needed: tuple[str, ...]
    search: tuple[tuple[int, str], ...]
    strings: frozenset[int]


def read_dynamic(data: bytes) -> Dynamic | None:
    """Read the dynamic section; None for what is no ELF file, is static or is damaged."""
    if data[:4] != b"\x7fELF":
        return None
    try:
        return _read(data)
    except (StructError, IndexError, ValueError, StopIteration):  # the last: what others refer to is not there
        return None


def redirect(data: bytes, rename: Callable[[str], str]) -> tuple[bytes, tuple[str, ...]]:
    """Rewrite each search path, in place, as nothing in an ELF file can grow; also returns those that were too short.

    The linker lets a name share the end of a longer one, so a path whose end is in use elsewhere is left alone, too.
    """
    dynamic = read_dynamic(data)
    if dynamic is None:
        return data, ()
    failed = []
    for at, text in dynamic.search:
        renamed = ":".join(rename(place) for place in text.split(":"))
        if renamed == text:
            continue
        old, new = text.encode(), renamed.encode()
        if len(new) > len(old) or any(at < place <= at + len(old) for place in dynamic.strings):
            failed.append(text)
        else:
            data = data[:at] + new.ljust(len(old), b"\0") + data[at + len(old) :]
    return data, tuple(failed)


def _read(data: bytes) -> Dynamic | None:
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    # Offset of the segments, of the sections; size and count of each (elf.h: Elf32_Ehdr, Elf64_Ehdr).
    segments_at, sections_at = unpack_from(order + ("QQ" if wide else "II"), data, 32 if wide else 28)
    sizes = unpack_from(order + "HHHH", data, 54 if wide else 42)
    segments = [_segment(data, segments_at + sizes[0] * index, wide, order) for index in range(sizes[1])]
    dynamic = next((segment for segment in segments if segment[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        return None
    step, form = (16, order + "qQ") if wide else (8, order + "iI")
    entries = [unpack_from(form, data, at) for at in range(dynamic[1], dynamic[1] + dynamic[3], step)]
    table = next(value for tag, value in entries if tag == _DT_STRTAB)
    base = next(
        offset + table - address
        for kind, offset, address, size in segments
        if kind == _PT_LOAD and address <= table < address + size
    )
    needed = [base + value for tag, value in entries if tag == _DT_NEEDED]
    others = [base + value for tag, value in entries if tag == _DT_SONAME]
    searched = [base + value for tag, value in entries if tag in (_DT_RPATH, _DT_RUNPATH)]
    symbols = _symbol_names(data, sections_at, sizes[2], sizes[3], wide, order)
    return Dynamic(
        needed=tuple(_text(data, at) for at in needed),
        search=tuple((at, _text(data, at)) for at in dict.fromkeys(searched)),
        strings=frozenset([*needed, *others, *(base + name for name in symbols)]),
    )


def _segment(data: bytes, at: int, wide: bool, order: str) -> tuple[int, int, int, int]:
    """(kind, offset in the file, address, size in the file) of a program header."""
    if wide:
        kind, _, offset, address, _, size = unpack_from(order + "IIQQQQ", data, at)
    else:
        kind, offset, address, _, size = unpack_from(order + "IIIII", data, at)
    return kind, offset, address, size


def _symbol_names(data: bytes, at: int, size: int, count: int, wide: bool, order: str) -> list[int]:
    """Where in the string table the names of the dynamic symbols begin."""
    for index in range(count):
        header = at + size * index
        if unpack_from(order + "I", data, header + 4)[0] == _SHT_DYNSYM:
            form, place, step = (order + "QQ", header + 24, 24) if wide else (order + "II", header + 16, 16)
            start, length = unpack_from(form, data, place)
            return [unpack_from(order + "I", data, symbol)[0] for symbol in range(start, start + length, step)]
    return []


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("utf-8", "surrogateescape")
