"""Owns `Host`, what this machine can run; `host.detect` finds it out."""

from __future__ import annotations

from dataclasses import dataclass

from provision.model.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine's targets, the native one first; ``glibc`` is (major, minor), and None where there is none.

    ``emulated`` are targets that run here only through translation (Rosetta, Windows on ARM), best first.
    The x86-64 level is not here, as finding it is dear: `host.cpu.level` knows it.
    """

    target: Target
    emulated: tuple[Target, ...] = ()
    glibc: tuple[int, int] | None = None
