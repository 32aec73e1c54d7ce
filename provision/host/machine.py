"""Owns `Host`, what this machine can run; `host.detect` finds it out."""

from __future__ import annotations

from provision.model.target import Target
from provision.model.value import frozen


@frozen
class Host:
    """A machine's targets, the native one first.

    ``emulated`` are targets that are not the machine's own but run here all the same, best first: through translation
    (Rosetta, Windows on ARM), or as 32-bit programs on 64-bit Windows.
    ``glibc`` is (major, minor), and None off glibc or where its library cannot be found; ``macos`` likewise, off macOS.
    The x86-64 level is not here, as only few requests ask for it: `host.cpu.level` knows it.
    """

    target: Target
    emulated: tuple[Target, ...] = ()
    glibc: tuple[int, int] | None = None
    macos: tuple[int, int] | None = None
