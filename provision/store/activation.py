"""The answer to the hook of a shell: the commands for PATH, or why there are none.

The hook asks once for each directory, and again when one of the files that the answer depends on has changed. A shell
can only compare the times of two files: the reference is a file in the cache whose time is that of the newest of them,
and whose content, the token, differs with their times. Nothing has changed as long as the token is the same, none is
newer than the reference, and none has appeared or gone.

An answer consists of lines, and a shell executes nothing of them: the first character says what the rest is.

The hooks of shells wait for this, so the module imports only what Python has loaded at start-up.
"""

# ruff: noqa: PTH103, PTH105, PTH110, PTH116, PTH118, PTH120, PTH208

import os

from provision.host.paths import user_directory
from provision.model.sha256 import sha256_hex
from provision.store.stamp import find_manifest_path, read_stamp
from provision.store.trust import is_trusted, record_path, records
from provision.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MANIFEST, _LINKS, _BIN = "pythons.toml", ".pythons", "bin"
_MOST_LINKS = 200


class Activation:
    """The answer for one directory; ``commands`` is the directory for PATH, ``project`` that of the manifest.

    ``untrusted`` and ``problem`` are messages. ``pending`` says that the stamp was not enough to decide whether the
    commands can be put on PATH.
    """

    __slots__ = ("commands", "pending", "problem", "project", "untrusted", "watched")

    def __init__(self) -> None:
        self.project = self.commands = self.untrusted = self.problem = ""
        self.pending = False
        self.watched: dict[str, int] = {}  # by path; -1 for a file that does not exist


def find_activation(environ: "Mapping[str, str]", start: str) -> Activation:
    """The answer for a directory, by its real path, as far as the project's stamp determines it."""
    found = Activation()
    manifest = find_manifest_path("", start)
    found.project = os.path.dirname(manifest)
    # What is read below may change right afterwards, so the times are those from before.
    found.watched = {path: _time(path) for path in _watched(environ, start, found.project) if "\n" not in path}
    if not manifest:
        return found
    if not is_trusted(environ, found.project):
        # A shell prints each line once, so the line after trust was revoked must differ.
        lost = any(project == found.project for _, project in records(environ))
        state = (
            "no longer trusted, because the project or its .pythons was moved or replaced" if lost else "not trusted"
        )
        found.untrusted = (
            f"provision: {printable(found.project)} is {state}; run `provision trust` to put its interpreters on PATH"
        )
    elif _is_unfit(found.project) or read_stamp(environ, manifest=manifest) is None:
        found.pending = True
    else:
        found.commands = os.path.join(found.project, _LINKS, _BIN)
    return found


def answer_lines(environ: "Mapping[str, str]", found: Activation) -> "Iterator[str]":
    """The lines of an answer; writes the reference, if there is something to compare."""
    if found.commands:
        yield f"B{found.commands}"
    if found.untrusted:
        yield f"U{found.untrusted}"
    if found.problem:
        yield f"E{found.problem}"
    present = {path: time for path, time in found.watched.items() if time >= 0}
    reference, token = _reference(environ, found.project, present) if present else ("", "")
    if reference:
        yield f"R{reference}"
        yield f"T{token}"
        yield from (f"+{path}" for path in present)
    yield from (f"-{path}" for path in found.watched if path not in present)


def _watched(environ: "Mapping[str, str]", start: str, project: str) -> "Iterator[str]":
    folder = start
    while folder != project:
        yield os.path.join(folder, _MANIFEST)
        parent = os.path.dirname(folder)
        if parent == folder or (not project and os.path.exists(os.path.join(folder, ".git"))):
            return
        folder = parent
    links = os.path.join(project, _LINKS)
    yield from (os.path.join(project, _MANIFEST), os.path.join(project, "pythons.lock"))
    yield from (links, os.path.join(links, _BIN), os.path.join(links, ".id"))
    record = record_path(environ, project)
    if record:
        yield record
    try:
        names = sorted(name for name in os.listdir(links) if name != _BIN and not name.startswith("."))
    except OSError:
        return
    yield from (os.path.join(links, name) for name in names[:_MOST_LINKS])


def _time(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return -1


def _is_unfit(project: str) -> bool:
    return any(char in project for char in (os.pathsep, "\n", "\r"))


def _reference(environ: "Mapping[str, str]", project: str, present: "Mapping[str, int]") -> tuple[str, str]:
    """The path of a project's reference, and its token; empty if it cannot be written."""
    folder = os.path.join(user_directory("cache", environ), "hook")
    path = os.path.join(folder, sha256_hex(os.fsencode(project))[:40])
    token = sha256_hex(os.fsencode("\n".join(f"{time} {name}" for name, time in present.items())))
    newest = max(present.values())
    if "\n" in path:
        return "", ""
    try:
        if _is_reference(path, token, newest):
            return path, token
        os.makedirs(folder, mode=0o755, exist_ok=True)
        temporary = f"{path}.{os.getpid()}.new"
        with open(temporary, "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(f"{token}\n")
        os.utime(temporary, ns=(newest, newest))
        os.replace(temporary, path)
    except OSError:
        return "", ""
    return path, token


def _is_reference(path: str, token: str, newest: int) -> bool:
    if _time(path) != newest:
        return False
    with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123
        return file.readline().strip() == token
