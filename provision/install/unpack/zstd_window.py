"""Owns unpacking a zstd frame with its window in a file, which the system may put out of memory, instead of in memory.

A frame may refer back by its whole window, 128 MiB in PBS's `full` archives, and zstd's streaming interface keeps all of
it in memory. Its older interface, block by block, lets the caller own the window. When that pays, `decompress` decides.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from importlib import import_module
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.install.unpack.refusal import Refusal

if TYPE_CHECKING:
    from provision.install.unpack.zstd_frame import Frame

_BLOCK = 128 << 10  # bytes: the most that a block unpacks to (RFC 8878, 3.1.1.2.3)
_READ = 64 << 10
_NAME = ".window"
# How much of the window may be in memory between two looks; how much is unpacked between two looks.
_RESIDENT, _LOOK = 24 << 20, 512 << 10


def window_in_file(file: FileIO, frame: Frame, directory: Path) -> Iterator[bytes] | None:
    """The content of a file whose one frame was outlined, in chunks; the window is in an unnamed file in ``directory``.

    None where this cannot be done: off Linux, without cffi's access to zstd, or where the disk might not hold it (a page
    that cannot be stored would kill us).
    """
    library = _library()
    if library is None or sys.platform != "linux" or frame.content is None:
        return None
    size = min(frame.window, frame.content) + 2 * _BLOCK
    with suppress(OSError):
        free = os.statvfs(directory)
        if free.f_bavail * free.f_frsize > frame.content + 2 * size:
            return _unpacked(file, library, _map_unnamed(directory, size))
    return None


def _library() -> Any:
    """zstd as cffi sees it, which comes with `zstandard` and works where cffi is installed."""
    try:
        return import_module("zstandard._cffi")
    except ImportError:
        return None


def _map_unnamed(directory: Path, size: int) -> mmap.mmap:
    """Memory that is backed by a file nobody else sees, on blocks that are ours already."""
    try:
        descriptor = os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError:  # some file systems have no unnamed files
        descriptor = os.open(directory / _NAME, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        (directory / _NAME).unlink()
    try:
        os.posix_fallocate(descriptor, 0, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _unpacked(file: FileIO, library: Any, window: mmap.mmap) -> Iterator[bytes]:
    """Unpack block by block into the window, from its start again when the next block might not fit behind the last."""
    ffi, zstd = library.ffi, library.lib
    with ExitStack() as stack:
        stack.enter_context(closing(window))
        memory = stack.enter_context(ffi.from_buffer("char[]", window, require_writable=True))
        context = ffi.gc(zstd.ZSTD_createDCtx(), zstd.ZSTD_freeDCtx)
        zstd.ZSTD_decompressBegin(context)
        size, at, unseen = len(window), 0, 0
        while wanted := zstd.ZSTD_nextSrcSizeToDecompress(context):
            data = _read(file, wanted)
            if at + _BLOCK > size:
                at = 0
            made = zstd.ZSTD_decompressContinue(context, memory + at, size - at, data, wanted)
            if made > size:  # zstd's errors are the last few numbers of its type
                name = ffi.string(zstd.ZSTD_getErrorName(made)).decode()
                raise Refusal(f"is damaged: {name}")
            if made:
                yield window[at : at + made]
                at += made
                unseen += made
                if unseen > _LOOK:
                    unseen = 0
                    _keep_small(window)


def _read(file: FileIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise Refusal("is truncated")
    return data


def _keep_small(window: mmap.mmap) -> None:
    """Let go of the window's pages once many are in memory; they stay in their file, and come back when referred to."""
    with open("/proc/self/statm", "rb", buffering=0) as facts:
        shared = int(facts.read().split()[2]) * mmap.PAGESIZE
    if shared > _RESIDENT:
        window.madvise(mmap.MADV_DONTNEED)
