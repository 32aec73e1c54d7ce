"""Owns the answers that need no more than the stamp of the last sync; whether to believe it, `store.stamp` decides.

Imports nothing that Python has not loaded when it starts.
"""

import os
import sys


def answer(argv: list[str]) -> int | None:
    """Answer a plain `sync` with nothing to do, or `which NAME`; None where the long way is needed."""
    if argv in (["sync"], ["sync", "-q"]):
        return _sync(quiet="-q" in argv)
    if len(argv) == 2 and argv[0] == "which":
        return _which(argv[1])
    return None


def _sync(*, quiet: bool) -> int | None:
    from provision.store.stamp import fresh

    pythons = fresh(os.environ)
    if pythons is None:
        return None
    if not quiet:
        sys.stderr.write(f"{len(pythons)} interpreter{'' if len(pythons) == 1 else 's'} up to date\n")
    return 0


def _which(name: str) -> int | None:
    from provision.store.stamp import fresh

    pythons = fresh(os.environ)
    if pythons is None or name not in pythons:
        return None
    sys.stdout.write(pythons[name] + "\n")
    sys.stdout.flush()
    return 0
