"""Owns what the place to unpack to can do, as it decides how a tree is written there; `writing` does it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from provision.model.value import frozen

_PROBE = ".Probe"


@frozen
class Destination:
    """What was found out about a directory.

    ``folds``: names that differ in case only are one there. ``descriptors``: files can be made relative to one.
    ``masks``: what is made there does not always get the mode it was made with, and so must be given it afterwards.
    """

    folds: bool
    descriptors: bool
    masks: bool

    @classmethod
    def of(cls, directory: Path) -> Destination:
        """Find out for an existing directory, by making a file in it and removing it again."""
        probe = directory / _PROBE
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
        try:
            # The umask or an access control list may take bits away; new directories inherit the set-group-ID bit.
            made, above = os.fstat(descriptor).st_mode, directory.stat().st_mode
            masks = stat.S_IMODE(made) != 0o755 or bool(above & stat.S_ISGID)
            folds = (directory / _PROBE.lower()).exists()
        finally:
            os.close(descriptor)
            probe.unlink()
        return cls(folds=folds, descriptors=_have_descriptors(), masks=masks)


def _have_descriptors() -> bool:
    """Whether this system has the calls that `writing.TreeWriter` makes relative to a directory; Windows has not."""
    relative = {os.open, os.mkdir, os.chmod, os.symlink, os.utime} <= os.supports_dir_fd
    return relative and os.utime in os.supports_fd and hasattr(os, "fchmod")
