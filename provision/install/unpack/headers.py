"""Owns the 512-byte header block of tar (POSIX ustar, GNU's variant); what several mean together, `tar` knows."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple
from zlib import adler32

from provision.install.unpack.refusal import Refusal, shown

BLOCK = 512

_FIELDS = Struct("100s8s16x12s12x8s1s100s8s80x155s12x")  # name mode size checksum type link magic prefix
_POSIX, _GNU = b"ustar\x0000", b"ustar  \0"
_NO_PREFIX = bytes(155)
_ZEROS = bytes(BLOCK)
_CHECKSUM = slice(148, 156)
_BLANK_CHECKSUM = 8 * ord(" ")  # the header is summed as if its checksum were spaces


class Header(NamedTuple):
    """What one block says, before extended headers are applied. A tuple, as thousands are made and looked at once."""

    kind: bytes
    name: bytes
    mode: int
    size: int
    link: bytes


def parse_header(block: bytes) -> Header | None:
    """Read one block; None for a block of zeros, which ends an archive. Raises `Refusal` on all it does not know.

    Owners, times and device numbers are not looked at, as nothing is done with them.
    """
    name, mode, size, checksum, kind, link, magic, prefix = _FIELDS.unpack(block)
    if magic not in (_POSIX, _GNU):
        if block == _ZEROS:
            return None
        raise Refusal("has a header that is neither POSIX nor GNU tar's")
    member = _text(name)
    if _number(checksum, "checksum", member) != checksum_of(block):
        raise Refusal("has a header whose checksum is wrong", _shown_name(member))
    if prefix != _NO_PREFIX:
        if magic == _GNU:  # GNU puts times and sparse maps where POSIX has the prefix; others would read a name there
            raise Refusal("has a GNU header with fields that only incremental backups have", _shown_name(member))
        above = _text(prefix)
        member = above + b"/" + member if above else member
    return Header(kind, member, _number(mode, "mode", member), _number(size, "size", member), _text(link))


def checksum_of(block: bytes) -> int:
    """The sum of a header's bytes, its checksum taken as spaces.

    Adler-32 keeps the sum of its input, plus one, in its lower half, modulo 65521: exact for 256 bytes, and ten times
    as fast as `sum`.
    """
    total = (adler32(block[:256]) & 0xFFFF) + (adler32(block[256:]) & 0xFFFF) - 2
    return total - sum(block[_CHECKSUM]) + _BLANK_CHECKSUM


def _text(field: bytes) -> bytes:
    # PBS's own tools shorten names in place and leave what was behind them: only the first NUL counts.
    return field.partition(b"\0")[0]


def _number(field: bytes, what: str, member: bytes) -> int:
    digits = field.rstrip(b" \0").lstrip(b" ")
    try:
        if digits.isdigit():  # `int` takes signs and underscores as well
            return int(digits, 8)
    except ValueError:
        pass
    raise Refusal(f"has a {what} that is not an octal number: {shown(field.decode('latin-1'))}", _shown_name(member))


def _shown_name(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
