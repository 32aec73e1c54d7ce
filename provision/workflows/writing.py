"""Owns replacing a project's file in one step; what stands in it, others decide."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from provision.errors import PolicyError, StoreError
from provision.host.files import is_unfinished, replace_file


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text (UTF-8, line ends as they are), as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``: a reader or a crash sees the old file or the new, and what a crash leaves beside it
    goes with the next write, or with `sweep_beside`.

    A symbolic link stays one, and the file it leads to is replaced; the mode of an existing file is kept.
    Raises `StoreError` when the place cannot be written, and `PolicyError` when links lead out of the repository, as
    any pull request can bring such links.
    """
    try:
        real = path.resolve()
        _check_inside(path, real)
        mode = real.stat().st_mode & 0o777 if real.exists() else None
        replace_file(real, data, flush=True, mode=mode)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        reason = getattr(error, "strerror", None) or "links lead in a circle"
        raise StoreError(f"cannot write {path}: {reason}", hint="Check its permissions and the free space.") from error


def sweep_beside(path: Path) -> None:
    """Remove what killed runs left beside a project's file; where that is not possible, the next write tries again."""
    with suppress(OSError, RuntimeError, PolicyError):
        real = path.resolve()
        _check_inside(path, real)
        for left in is_unfinished(real.parent, real.name):
            left.unlink(missing_ok=True)


def _check_inside(path: Path, real: Path) -> None:
    """Refuse to write to ``real``, where ``path`` leads, if that is outside of the repository which ``path`` is in.

    Where there is no repository, a link may lead to below its own directory.
    """
    absolute = path.absolute()
    root = next((folder for folder in absolute.parents if (folder / ".git").exists()), None)
    if root is None and absolute.is_symlink():
        root = absolute.parent
    if root is not None and not real.is_relative_to(root.resolve()):
        raise PolicyError(
            f"{path} is not written: links lead from there to {real}, out of {root}",
            hint="If that is meant, name the file itself.",
        )
