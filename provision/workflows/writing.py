"""Owns replacing a project's file in one step; what stands in it, others decide."""

from __future__ import annotations

from pathlib import Path

from provision.errors import StoreError
from provision.store.files import replace_file


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text (UTF-8, line ends as they are), as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``: a reader or a crash sees the old file or the new, and what a crash leaves beside it
    goes with the next write.

    A symbolic link stays one, and the file it leads to is replaced; the mode of an existing file is kept.
    Raises `StoreError` when the place cannot be written.
    """
    real = path.resolve()
    try:
        mode = real.stat().st_mode & 0o777 if real.exists() else None
        replace_file(real, data, flush=True, mode=mode)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror}", hint="Check its permissions and the free space."
        ) from error
