"""Help, version, and `sync` and `which` by the stamp of the last sync.

Only modules that Python itself loads at start-up are imported.
"""

import os
import sys

from provision.cli.streams import path_bytes, write_bytes


def answer(argv: list[str]) -> int | None:
    """Answer `--help`, `--version`, a plain `sync` with nothing to do, or `which NAME`; None if it is not possible."""
    if argv in (["sync"], ["sync", "-q"]):
        return _sync(quiet="-q" in argv)
    if len(argv) == 2 and argv[0] == "which":
        return _which(argv[1])
    if argv == ["--version"]:
        from provision import __version__

        return _write(f"provision {__version__}\n")
    if argv and argv[-1] in ("--help", "-h"):
        from provision.cli.help import help_for

        text = help_for(argv)
        return None if text is None else _write(text)
    return None


def _sync(*, quiet: bool) -> int | None:
    from provision.store.stamp import read_stamp

    stamp = read_stamp(os.environ)
    if stamp is None:
        return None
    if not quiet:
        count = len(stamp.pythons)
        sys.stderr.write("".join(f"note: {note}\n" for note in stamp.notes))
        sys.stderr.write(f"{count} interpreter{'' if count == 1 else 's'} up to date\n")
    return 0


def _which(name: str) -> int | None:
    from provision.store.stamp import read_stamp

    stamp = read_stamp(os.environ)
    if stamp is None or name not in stamp.pythons:
        return None
    content = path_bytes(stamp.pythons[name] + "\n")
    if content is None:
        return None
    write_bytes(content)
    return 0


def _write(text: str) -> int:
    sys.stdout.write(text)
    return 0
