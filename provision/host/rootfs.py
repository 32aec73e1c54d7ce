"""Owns finding a system's files under a root that need not be ours; `host.elf` and `host.libc` read them."""

from __future__ import annotations

import errno
from pathlib import Path

_MOST_LINKS = 40  # as Linux has it (MAXSYMLINKS)


def locate(root: Path, name: str) -> Path | None:
    """The file that the path ``name`` means to the system under ``root``; None where there is none.

    Absolute links lead back to ``root`` and ``..`` stops there, as they would after chroot(2): busybox links
    ``/bin/sh`` to ``/bin/busybox``, and that of an image must not be answered with ours.
    """
    pending = name.split("/")[::-1]
    found: list[Path] = [root]
    links = 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del found[max(1, len(found) - 1) :]
            continue
        path = found[-1] / part
        try:
            link = str(path.readlink())
        except OSError as error:
            if error.errno != errno.EINVAL:  # EINVAL: it is there and no link
                return None
            found.append(path)
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        if link.startswith("/"):
            del found[1:]
        pending.extend(reversed(link.split("/")))
    return found[-1]
