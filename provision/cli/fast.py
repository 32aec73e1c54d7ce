"""Help and version, and by a stamp `sync`, `which` and the hooks of shells.

Only modules that Python itself loads at start-up are imported, and a few small ones of provision that import no others.
"""

import os
import sys

from provision.cli.streams import path_bytes, write_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from provision.cli.plain import Line
    from provision.store.stamp import Stamp

# Options of `sync` that make no difference once everything is installed, and those that the stamp has to match.
_UNUSED = {"locked", "offline", "progress", "jobs", "jitter", "verbose", "cache_dir"}
_MATCHED = {"frozen", "home", "manifest", "quiet"}


def answer(argv: list[str]) -> int | None:
    """Answer `--help`, `--version`, a `sync` with nothing to do, or `which NAME`; None if it is not possible."""
    if argv and argv[0] in ("sync", "which"):
        from provision.cli.plain import read_line

        line = read_line(argv)
        if line is not None:
            return _sync(line) if line.command == "sync" else _which(line)
    if argv == ["hook", "state"]:
        return _hook_state()
    if argv == ["--version"]:
        from provision import __version__

        return _write(f"provision {__version__}\n")
    if argv and argv[-1] in ("--help", "-h"):
        from provision.cli.help import help_for

        text = help_for(argv)
        return None if text is None else _write(text)
    return None


def _sync(line: "Line") -> int | None:
    stamp = _stamp(line) if line.options.keys() <= _UNUSED | _MATCHED else None
    if stamp is None or not set(line.names) <= stamp.pythons.keys():
        return None
    if not line.options.get("quiet"):
        count = len(set(line.names) or stamp.pythons)
        notes = () if line.names else stamp.notes
        sys.stderr.write("".join(f"note: {note}\n" for note in notes))
        sys.stderr.write(f"{count} interpreter{'' if count == 1 else 's'} up to date\n")
    return 0


def _which(line: "Line") -> int | None:
    stamp = _stamp(line) if line.options.keys() <= {*_MATCHED, "store"} else None
    if stamp is None or line.names[0] not in stamp.pythons:
        return None
    paths = stamp.pythons if line.options.get("store") else stamp.linked
    content = path_bytes(paths[line.names[0]] + "\n")
    if content is None:
        return None
    write_bytes(content)
    return 0


def _hook_state() -> int | None:
    from provision.store.activation import answer_lines, find_activation

    try:
        found = find_activation(os.environ, os.getcwd())  # noqa: PTH109
    except OSError:  # the working directory was removed
        return 0
    if found.pending:
        return None
    write_bytes(b"".join(path_bytes(f"{line}\n") or b"" for line in answer_lines(os.environ, found)))
    return 0


def _stamp(line: "Line") -> "Stamp | None":
    from provision.store.stamp import read_stamp

    home, manifest = line.options.get("home", ""), line.options.get("manifest", "")
    environ = {**os.environ, "PROVISION_HOME": str(home)} if home else os.environ
    return read_stamp(environ, manifest=str(manifest), frozen=bool(line.options.get("frozen")))


def _write(text: str) -> int:
    sys.stdout.write(text)
    return 0
