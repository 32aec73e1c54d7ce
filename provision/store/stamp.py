"""The stamp of a project's last sync, by which the next one may end at once.

It is read before anything else, so this module imports nothing that Python has not loaded when it starts.

Each manifest of a directory has its own stamp. It counts only if none of these have changed: the version of provision,
the boot (and so the machine and its processor), the system's shell, the path of the project, the environment variables
that affect a sync, the bytes of `pythons.toml` and `pythons.lock`, each link, and size, times and inode of each
receipt, interpreter and ``os.py``. If anything differs or cannot be read, a complete sync runs.

A repository may contain a forged `.pythons/.stamp` that leads to its own interpreter, but it cannot know the boot; if
the system does not report the boot, there are no stamps.
"""

# Importing pathlib would cost more than all that is done here.
# ruff: noqa: PTH109, PTH110, PTH112, PTH115, PTH116, PTH117, PTH118, PTH119, PTH120, PTH122

import os
import stat

from provision import __version__
from provision.host.variables import is_flag, is_jobs
from provision.model.sha256 import sha256_hex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from provision.store.layout import Store
    from provision.store.links import LinkablePython

_MANIFEST = "pythons.toml"
_FOLDER, _STAMP = ".pythons", ".stamp"
_SHELL = "/bin/sh"
_END = "end\n"
_LARGEST = 16 * 1024 * 1024

# Variables other than PROVISION_* that decide where the store is. CI decides only whether a stale lock may be written.
_OTHER_VARIABLES = ("HOME", "LOCALAPPDATA", "USERPROFILE", "XDG_DATA_HOME")
# PROVISION_* variables that make no difference once everything is installed, or whose effect the stamp records
# otherwise; those in the second tuple only with a valid value: an invalid one is an error of every command.
_IGNORED_VARIABLES = ("PROVISION_CACHE_DIR", "PROVISION_MANIFEST")
_IGNORED_FLAGS = ("PROVISION_LOCKED", "PROVISION_NO_PROGRESS", "PROVISION_OFFLINE")


class Stamp:
    """What a stamp records: ``pythons``, the interpreters by name, in their order, and the ``notes`` of a sync.

    ``linked`` are the paths of the interpreters through the project's links, from `links.stable_tree`.
    """

    __slots__ = ("linked", "notes", "pythons")

    def __init__(self) -> None:
        self.linked: dict[str, str] = {}
        self.pythons: dict[str, str] = {}
        self.notes: list[str] = []


def read_stamp(
    environ: "Mapping[str, str]", start: str = "", *, manifest: str = "", frozen: bool = False
) -> Stamp | None:
    """The stamp of the project of ``manifest``, or else around ``start`` (the working directory).

    None if a sync may have something to do, or if there is any doubt. Looks for the project like
    `manifest.read.find_manifest`. A ``frozen`` sync compares no lock with its manifest, so its record is enough only
    for another such sync.
    """
    try:
        manifest = find_manifest_path(manifest or environ.get("PROVISION_MANIFEST", ""), start or os.getcwd())
        if not manifest:
            return None
        folder = os.path.join(os.path.dirname(manifest), _FOLDER)
        text = _read_own(os.path.join(folder, stamp_name(manifest)))
        header = _header(manifest, _read(manifest), _read(_lock_of(manifest)), environ)
        begin = header + _compared(True)
        if frozen and text.startswith(header + _compared(False)):
            begin = header + _compared(False)
        if not text.startswith(begin) or not text.endswith("\n" + _END):
            return None
        return _check_lines(text[len(begin) : -len(_END)], folder)
    except (OSError, ValueError):
        return None


def write_stamp(
    manifest: "Path",
    *,
    manifest_bytes: bytes,
    lock_bytes: bytes,
    environ: "Mapping[str, str]",
    store: "Store",
    pythons: "Sequence[LinkablePython]",
    notes: "Sequence[str]" = (),
    compared: bool = True,
) -> bool:
    """Record that a sync of all entries has finished; the bytes are those of the files that it read.

    ``pythons`` are all interpreters of the lock for this machine, ``notes`` what every sync prints, ``compared``
    whether it compared the lock with the manifest. False if the stamp cannot be written: it only saves time.
    """
    from provision.host.files import replace_file

    folder = manifest.parent / _FOLDER
    try:
        lines = [*_lines(folder, manifest, store, pythons), *(("note", note, "") for note in notes)]
        if any("\n" in field or "\t" in field for line in lines for field in line):
            return False
        text = _header(str(manifest), manifest_bytes, lock_bytes, environ) + _compared(compared)
        text += "".join("\t".join(line) + "\n" for line in lines) + _END
        replace_file(folder / stamp_name(str(manifest)), text.encode("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return False
    return True


def stamp_name(manifest: str) -> str:
    """The file name of a manifest's stamp in ``.pythons``: ``.stamp``, or ``.stamp-ci.toml`` for `ci.toml`."""
    name = os.path.basename(manifest)
    return _STAMP if name == _MANIFEST else f"{_STAMP}-{name}"


def boot_id() -> str:
    """The id of this boot of the machine; empty if the system does not report it.

    It is also empty if ``SOURCE_DATE_EPOCH`` requests files that do not depend on the machine: a tree is then flushed
    to disk at once, so that its receipt needs no boot, and a project gets no stamp.
    """
    if "SOURCE_DATE_EPOCH" in os.environ:
        return ""
    try:
        return _read("/proc/sys/kernel/random/boot_id").decode("ascii").strip()
    except (OSError, ValueError):
        return ""


def find_manifest_path(named: str, start: str) -> str:
    """The manifest that ``named`` selects, else the nearest `pythons.toml`; empty if none is found or in doubt."""
    if named:
        path = os.path.join(start, named)
        if os.pardir not in path:  # pathlib leaves those as they are, and drops "." and double slashes
            path = os.path.normpath(path)
        return os.path.join(path, _MANIFEST) if os.path.isdir(path) else path
    folder = start
    while True:
        path = os.path.join(folder, _MANIFEST)
        if os.path.exists(path):
            # The complete sync decides whether a manifest in a world-writable directory counts.
            public = folder != start and os.stat(folder).st_mode & stat.S_IWOTH
            return "" if public else path
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            return ""
        folder = parent


def _lock_of(manifest: str) -> str:
    return os.path.splitext(manifest)[0] + ".lock"


def _header(manifest: str, manifest_bytes: bytes, lock_bytes: bytes, environ: "Mapping[str, str]") -> str:
    """The first lines: all that must be as it was when the stamp was written, except links and files of trees."""
    boot = boot_id()
    if not boot:
        raise ValueError("without a boot id, any process could have written the stamp")
    home = environ.get("PROVISION_HOME", "")
    if home and home[0] != "~" and not os.path.isabs(home):
        raise ValueError("the store depends on the working directory")
    variables = sorted(
        f"{name}={value}"
        for name, value in environ.items()
        if name in _OTHER_VARIABLES or (name.startswith("PROVISION_") and not _is_ignored(name, value))
    )
    # A process under Rosetta or setarch sees another machine.
    machine = os.uname().machine if hasattr(os, "uname") else ""
    return (
        f"provision-stamp 3 {__version__}\n"
        f"boot {boot} {machine}\n"
        f"system {_system()}\n"
        f"environment {sha256_hex(chr(0).join(variables).encode('utf-8', 'surrogateescape'))}\n"
        f"manifest {sha256_hex(manifest_bytes)} {manifest}\n"
        f"lock {sha256_hex(lock_bytes)}\n"
    )


def _system() -> str:
    """What distinguishes systems that share a boot and a project, such as containers and their host.

    Their C libraries decide which builds can run. Each system has a shell that is linked with its own.
    """
    try:
        facts = os.stat(_SHELL)
    except OSError:
        return ""
    return f"{facts.st_size} {facts.st_mtime_ns}"


def _is_ignored(name: str, value: str) -> bool:
    if name == "PROVISION_JOBS":
        return is_jobs(value)
    return name in _IGNORED_VARIABLES or (name in _IGNORED_FLAGS and is_flag(value))


def _compared(with_manifest: bool) -> str:
    return f"compared {with_manifest}\n"


def _lines(
    folder: "Path", manifest: "Path", store: "Store", pythons: "Sequence[LinkablePython]"
) -> "Iterator[tuple[str, ...]]":
    """The lines that `_check_lines` compares with the disk."""
    from provision.host.files import exists
    from provision.store.layout import executable, landmark
    from provision.store.roots import recorded_path

    for python in pythons:
        tree = store.tree(python.key)
        program, library = executable(tree, python.asset), landmark(tree)
        yield _link_line(folder, python.name, program.relative_to(tree).as_posix())
        for path in (store.receipt(python.key), program, *([library] if library else [])):
            yield "stat", _file_state(str(path)), str(path)
        yield "python", python.name, str(program)
    # Also the directory: a sync must remove what was added to it.
    for path in (folder / "bin", *sorted((folder / "bin").iterdir())):
        yield "stat", _file_state(str(path)), str(path)
    root = recorded_path(store, manifest)
    if root and exists(root):
        # A prune may have removed this project's root.
        yield "stat", _file_state(str(root)), str(root)


def _link_line(folder: "Path", name: str, program: str) -> "tuple[str, ...]":
    """The line of a project's link to a tree, or of the launcher that stands for the tree's program."""
    from provision.host.files import is_directory, is_link

    path = folder / name
    if is_directory(path) and not is_link(path):
        return "stat", _file_state(str(path / program)), str(path / program)
    return "link", name, os.readlink(path)


def _check_lines(lines: str, folder: str) -> Stamp | None:
    stamp = Stamp()
    for line in lines.split("\n")[:-1]:
        kind, first, second = line.split("\t")
        if kind == "link":
            if os.readlink(os.path.join(folder, first)) != second:
                return None
            stamp.linked[first] = second
        elif kind == "stat":
            if _file_state(second) != first:
                return None
        elif kind == "python":
            stamp.pythons[first] = second
            tree = stamp.linked.get(first, "")
            is_inside = tree and second.startswith(tree + os.sep)
            stamp.linked[first] = os.path.join(folder, first) + second[len(tree) :] if is_inside else second
        elif kind == "note":
            stamp.notes.append(first)
        else:
            return None
    return stamp


def _file_state(path: str) -> str:
    # The files of all trees have the same mtime: another file is recognised by its ctime and inode.
    facts = os.stat(path)
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"


def _read_own(path: str) -> str:
    """Read a stamp that this user owns and nobody else can write: other users of the machine know the boot as well."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        facts = os.fstat(descriptor)
        others = stat.S_IWGRP | stat.S_IWOTH
        if hasattr(os, "geteuid") and (facts.st_uid != os.geteuid() or facts.st_mode & others):
            raise ValueError("not owned by this user")
        return _read_all(descriptor, facts).decode("utf-8", "surrogateescape")
    finally:
        os.close(descriptor)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        return _read_all(descriptor, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _read_all(descriptor: int, facts: os.stat_result) -> bytes:
    # Not with `host.files.read_small_file`, which imports more than Python has loaded, and gives no descriptor whose
    # owner could be checked first.
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST:
        raise ValueError("not a file of a sensible size")
    content = b""
    while chunk := os.read(descriptor, 1 << 20):
        content += chunk
    return content
