"""Owns the outline of a zstd file: one frame, where it ends, what it asks for; decompressing it is `decompress`'s."""

from __future__ import annotations

from io import FileIO
from typing import NamedTuple

from provision.install.unpack.refusal import Refusal

_BLOCK = 128 << 10  # the most that a block unpacks to
_BLOCKS_A_STEP = 16
LARGEST_STEP = _BLOCK * _BLOCKS_A_STEP

_LONGEST_HEADER = 18
_CHECKSUM_SIZE = 4
_RLE, _RESERVED = 1, 3


class Frame(NamedTuple):
    """What can be known of a frame without unpacking it; sizes and offsets in bytes.

    ``window``: how far back its blocks may refer. ``content``: what it says it unpacks to; None if it does not say.
    ``steps``: offsets in the file, up to its end, between which there is no more than `LARGEST_STEP` of content.
    """

    window: int
    content: int | None
    steps: tuple[int, ...]


def outline(file: FileIO, *, most_window: int) -> Frame:
    """Walk the blocks of a file's one frame without unpacking any; leaves the file at its start.

    Raises `Refusal` unless the frame is whole and the file ends with it: the decompressor itself takes a cut frame for
    the end, and further frames for more of the same.
    """
    import zstandard

    file.seek(0)
    head = file.read(_LONGEST_HEADER)
    try:
        parameters = zstandard.get_frame_parameters(head)
        at = zstandard.frame_header_size(head)
    except zstandard.ZstdError as error:
        raise Refusal(f"has a damaged zstd header: {error}") from error
    if parameters.dict_id:
        raise Refusal("needs a zstd dictionary")
    if parameters.window_size > most_window:
        asked, most = parameters.window_size >> 20, most_window >> 20
        raise Refusal(f"needs a zstd window of {asked} MiB; at most {most} MiB are allowed")
    ends = _ends_of_blocks(file, at)
    end = ends[-1] + _CHECKSUM_SIZE * parameters.has_checksum
    size = file.seek(0, 2)
    if size < end:
        raise Refusal("is truncated")
    if size > end:
        raise Refusal("has something behind its zstd frame")
    file.seek(0)
    known = parameters.content_size != zstandard.CONTENTSIZE_UNKNOWN
    steps = (*ends[_BLOCKS_A_STEP - 1 : -1 : _BLOCKS_A_STEP], size)
    return Frame(parameters.window_size, parameters.content_size if known else None, steps)


def _ends_of_blocks(file: FileIO, at: int) -> list[int]:
    """Where each block ends (RFC 8878, 3.1.1.2): it is led by 3 bytes of last-flag, type and size."""
    ends, last = [], 0
    while not last:
        file.seek(at)
        head = file.read(3)
        if len(head) < 3:
            raise Refusal("is truncated")
        fields = int.from_bytes(head, "little")
        last, kind, size = fields & 1, fields >> 1 & 3, fields >> 3
        if kind == _RESERVED:
            raise Refusal("has a zstd block of an unknown kind")
        at += 3 + (1 if kind == _RLE else size)
        ends.append(at)
    return ends
