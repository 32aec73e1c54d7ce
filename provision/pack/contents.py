"""Which files of an installation are packed, and their paths in the archive."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from provision.errors import UsageError
from provision.host.files import is_directory, is_file, is_link
from provision.model.value import frozen
from provision.pack.interpreter import Interpreter
from provision.relocate.rewrite import SHARED_PREFIXES
from provision.unpack.selection import excluded_by

# PBS leaves these out of install_only archives (its release.rs; the names are PYTHON.json's stdlib test packages).
_TESTS = frozenset(
    {
        *("test", "ctypes/test", "distutils/tests", "idlelib/idle_test", "lib2to3/tests"),
        *("sqlite3/test", "tkinter/test", "unittest/test"),
    }
)
_TEST_EXTENSIONS = ("_test", "_ctypes_test", "_xxtestfuzz")
_SKIPPED_DIRECTORIES = frozenset({"__pycache__", "site-packages", "dist-packages"})
# Files of a distribution or its administrator, and a file that the recipe writes.
_SKIPPED_FILES = frozenset({"sitecustomize.py", "usercustomize.py", "EXTERNALLY-MANAGED"})
_SETUPTOOLS_UNTIL = (3, 11)  # PBS has no setuptools since 3.12, like ensurepip


@frozen
class PackedFile:
    """One name in the archive, relative to the prefix: a copy of ``source``, or a link to ``link``."""

    path: str
    source: Path | None = None
    link: str = ""


def packed_files(interpreter: Interpreter, *, tests: bool) -> tuple[PackedFile, ...]:
    """Everything of the installation that PBS would ship, sorted by path; ``tests`` as in full archives."""
    found: dict[str, PackedFile] = {}
    for file in (
        *_binaries(interpreter),
        *_stdlib(interpreter, tests=tests),
        *_headers(interpreter),
        *_libraries(interpreter, static=tests),
        *_tcl(interpreter, static=tests),
        *_packages(interpreter),
        *_manual(interpreter),
    ):
        found.setdefault(file.path, file)
    for path, file in list(found.items()):
        if file.link and not _resolves(path, file.link, found):
            del found[path]
    return tuple(found[path] for path in sorted(found))


def path_in_prefix(interpreter: Interpreter, path: Path) -> str:
    """A path of the installation, relative to its prefix."""
    try:
        return path.relative_to(interpreter.prefix).as_posix()
    except ValueError:
        raise UsageError(
            f"{path} is outside of {interpreter.prefix}, the prefix of its Python; the two cannot be packed as one tree"
        ) from None


def _binaries(interpreter: Interpreter) -> Iterator[PackedFile]:
    series, real = interpreter.version.series, interpreter.name
    yield PackedFile(path=f"bin/{real}", source=interpreter.executable)
    for name in ("python", "python3", f"python{series}"):
        if name != real:
            yield PackedFile(path=f"bin/{name}", link=real)
    names = ["2to3", f"2to3-{series}", "idle3", f"idle{series}", "pydoc3", f"pydoc{series}", "python3-config"]
    names += dict.fromkeys((f"python{series}-config", f"{real}-config"))
    if is_directory(interpreter.site_packages / "pip"):
        names += ["pip", "pip3", f"pip{series}"]
    for name in names:
        yield from _copy(interpreter.prefix / "bin" / name, f"bin/{name}")


def _stdlib(interpreter: Interpreter, *, tests: bool) -> Iterator[PackedFile]:
    for root in dict.fromkeys((interpreter.stdlib, interpreter.platstdlib)):
        if not is_directory(root):
            continue
        base = path_in_prefix(interpreter, root)
        for path in _walk(root):
            inner = path.relative_to(root).as_posix()
            if not tests and _is_test(inner):
                continue
            if path.name.startswith("libpython") and path.parent.name.startswith("config"):
                if tests and not is_link(path):
                    yield PackedFile(path=f"{base}/{inner}", source=path)
                continue
            yield from _copy(path, f"{base}/{inner}")


def _headers(interpreter: Interpreter) -> Iterator[PackedFile]:
    roots = [interpreter.include]
    if multiarch := interpreter.variables.get("MULTIARCH"):  # Debian keeps pyconfig.h in another directory
        roots.append(interpreter.include.parent / multiarch / interpreter.include.name)
    for root in filter(Path.is_dir, roots):
        base = path_in_prefix(interpreter, root)
        for path in _walk(root):
            yield from _copy(path, f"{base}/{path.relative_to(root).as_posix()}")


def _libraries(interpreter: Interpreter, *, static: bool) -> Iterator[PackedFile]:
    directory = interpreter.directory_of("LIBDIR")
    if directory is not None:
        names = [interpreter.variables.get(name, "") for name in ("INSTSONAME", "LDLIBRARY", "PY3LIBRARY")]
        names += [interpreter.variables.get("LIBRARY", "")] if static else []
        for name in dict.fromkeys(filter(None, names)):
            if not name.endswith(".a") or static:
                yield from _copy(directory / name, f"{path_in_prefix(interpreter, directory)}/{name}")
    pkgconfig = interpreter.directory_of("LIBPC")
    if pkgconfig is not None:
        versioned = f"python-{interpreter.variables.get('LDVERSION', interpreter.version.series)}"
        for stem in (versioned, f"python-{interpreter.version.series}", "python3"):
            for name in (f"{stem}.pc", f"{stem}-embed.pc"):
                yield from _copy(pkgconfig / name, f"{path_in_prefix(interpreter, pkgconfig)}/{name}")


def _tcl(interpreter: Interpreter, *, static: bool) -> Iterator[PackedFile]:
    """Tcl/Tk as PBS bundles it: script directories and libraries in ``lib`` of a prefix that is Python's alone."""
    directory = interpreter.directory_of("LIBDIR")
    if directory is None or str(interpreter.prefix) in SHARED_PREFIXES:
        return
    base, belongs = path_in_prefix(interpreter, directory), excluded_by(("tkinter",))
    for path in sorted(directory.iterdir()):
        if not belongs(f"lib/{path.name}") or (path.suffix == ".a" and not static):
            continue
        for file in _walk(path) if is_directory(path) else (path,):
            yield from _copy(file, f"{base}/{file.relative_to(directory).as_posix()}")


def _packages(interpreter: Interpreter) -> Iterator[PackedFile]:
    """pip, and setuptools where PBS has it: the files in their own RECORDs, and nothing else of site-packages."""
    wanted = ["pip"]
    if (interpreter.version.major, interpreter.version.minor) <= _SETUPTOOLS_UNTIL:
        wanted.append("setuptools")
    base = path_in_prefix(interpreter, interpreter.site_packages)
    for name in wanted:
        for record in sorted(interpreter.site_packages.glob(f"{name}-*.dist-info/RECORD")):
            for line in record.read_text("utf-8").splitlines():
                inner = line.rpartition(",")[0].rpartition(",")[0].strip('"')
                if inner and not inner.startswith(("../", "/")) and not inner.endswith(".pyc"):
                    yield from _copy(interpreter.site_packages / inner, f"{base}/{inner}")
    yield from _copy(interpreter.site_packages / "README.txt", f"{base}/README.txt")


def _manual(interpreter: Interpreter) -> Iterator[PackedFile]:
    for name in ("python3.1", f"python{interpreter.version.series}.1"):
        yield from _copy(interpreter.prefix / "share/man/man1" / name, f"share/man/man1/{name}")


def _copy(source: Path, path: str) -> Iterator[PackedFile]:
    """A file, or a link that stays one if it leads to the same directory; nothing if ``source`` does not exist."""
    if is_link(source):
        target = str(source.readlink())
        if "/" not in target:
            yield PackedFile(path=path, link=target)
            # The target is not reachable by another name: `libpython3.11.so` links to `libpython3.11.so.1.0`.
            yield from _copy(source.parent / target, (PurePosixPath(path).parent / target).as_posix())
            return
    if is_file(source):
        yield PackedFile(path=path, source=source.resolve())


def _walk(root: Path) -> Iterator[Path]:
    for directory, directories, files in os.walk(root):
        directories[:] = sorted(name for name in directories if name not in _SKIPPED_DIRECTORIES)
        for name in sorted(files):
            if name not in _SKIPPED_FILES and not name.endswith((".pyc", ".pyo")):
                yield Path(directory, name)


def _is_test(inner: str) -> bool:
    directory, _, name = inner.rpartition("/")
    if directory == "lib-dynload" and name.startswith(_TEST_EXTENSIONS):
        return True
    return any(directory == tests or directory.startswith(f"{tests}/") for tests in _TESTS)


def _resolves(path: str, link: str, found: dict[str, PackedFile]) -> bool:
    return (PurePosixPath(path).parent / link).as_posix() in found
