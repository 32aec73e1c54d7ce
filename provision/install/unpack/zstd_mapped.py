"""Owns unpacking a zstd frame into a file that is memory as well; when that pays, `decompress` decides.

A frame may refer back by its whole window, 128 MiB in PBS's `full` archives, and zstd's streaming decompressor keeps
all of it in memory. Told that its output stays where it is, it refers back to that instead. Output that is a file need
not stay in memory: the system brings back the pages that are referred to.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from importlib import import_module
from io import FileIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from provision.install.unpack.refusal import Refusal
from provision.install.unpack.zstd_frame import LARGEST_STEP, Frame

_CHUNK = 256 << 10
_SCRATCH = ".unpacked"
# In bytes: how much of all files may be in memory, ours included, and how much behind the window is given back at once.
_RESIDENT, _GIVEN_BACK_AT_ONCE = 32 << 20, 8 << 20


def unpacked_in_file(file: FileIO, frame: Frame, directory: Path) -> Iterator[bytes] | None:
    """The content of a file whose one frame was outlined, in chunks, by way of a file in ``directory`` without a name.

    None where this cannot be done: off Linux, without cffi's access to zstd, or without the content's size; and where
    the disk would be full of it. Raises `OSError` where it is full all the same.
    """
    if sys.platform != "linux" or not frame.content or (library := _library()) is None:
        return None
    disk = os.statvfs(directory)
    if disk.f_bavail * disk.f_frsize < frame.content + 2 * frame.window:
        return None
    scratch = _unnamed_file(directory, frame.content)
    return _unpacked(file, library, frame, frame.content, scratch) if scratch is not None else None


def _library() -> Any:
    """zstd as cffi sees it: a part of `zstandard` that works where cffi is installed."""
    try:
        library = import_module("zstandard._cffi")
    except ImportError:
        return None
    return library if hasattr(library.lib, "ZSTD_d_stableOutBuffer") else None


def _unnamed_file(directory: Path, size: int) -> int | None:
    """The descriptor of a file that nobody sees; None if its file system cannot set blocks aside for it."""
    path = directory / _SCRATCH
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    path.unlink()
    try:
        os.posix_fallocate(descriptor, 0, min(LARGEST_STEP, size))
        os.truncate(descriptor, size)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _unpacked(file: FileIO, library: Any, frame: Frame, content: int, scratch: int) -> Iterator[bytes]:
    """Unpack step by step: reserve what the step may fill, fill it, give back what is behind the window."""
    ffi, zstd = library.ffi, library.lib
    with ExitStack() as stack:
        stack.callback(os.close, scratch)
        memory = stack.enter_context(closing(mmap.mmap(scratch, content)))
        memory.madvise(mmap.MADV_RANDOM)  # else a page that is referred to brings its neighbours along
        start = stack.enter_context(ffi.from_buffer("char[]", memory, require_writable=True))
        context = ffi.gc(zstd.ZSTD_createDCtx(), zstd.ZSTD_freeDCtx)
        zstd.ZSTD_DCtx_setParameter(context, zstd.ZSTD_d_stableOutBuffer, 1)
        output = ffi.new("ZSTD_outBuffer *", {"dst": start, "size": content, "pos": 0})
        given_back = 0
        for begin, end in pairwise((0, *frame.steps)):
            done = output.pos
            if done < content:
                os.posix_fallocate(scratch, done, min(LARGEST_STEP, content - done))
            data = ffi.from_buffer("char[]", file.read(end - begin))
            step = ffi.new("ZSTD_inBuffer *", {"src": data, "size": len(data), "pos": 0})
            code = zstd.ZSTD_decompressStream(context, output, step)
            if zstd.ZSTD_isError(code):
                raise Refusal(f"is damaged: {ffi.string(zstd.ZSTD_getErrorName(code)).decode()}")
            for at in range(done, output.pos, _CHUNK):
                yield memory[at : min(at + _CHUNK, output.pos)]
            given_back = _give_back(memory, given_back, output.pos - frame.window)
        if output.pos != content:
            raise Refusal("is damaged: it unpacks to less than it says")


def _give_back(memory: mmap.mmap, given_back: int, unneeded: int) -> int:
    """Let go of pages once many are in memory, and of the file's blocks up to ``unneeded``; returns how far those went.

    The former come back when they are referred to; the latter never are again.
    """
    if unneeded - given_back > _GIVEN_BACK_AT_ONCE:
        unneeded -= unneeded % mmap.PAGESIZE
        with suppress(OSError):  # not every file system can; its blocks then stay until the end
            memory.madvise(mmap.MADV_REMOVE, given_back, unneeded - given_back)
        given_back = unneeded
    of_files = int(Path("/proc/self/statm").read_bytes().split()[2]) * mmap.PAGESIZE
    if of_files > _RESIDENT:
        memory.madvise(mmap.MADV_DONTNEED)
    return given_back
