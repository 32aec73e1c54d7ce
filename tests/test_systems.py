"""Names on each system: every module finds the names that it uses on Linux, macOS and Windows."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.package import PACKAGE

PATHS = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
SYSTEMS = ("linux", "darwin", "win32")

_POSIX_ONLY = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
_WINDOWS_ONLY = {"_winapi", "msvcrt", "winreg", "winsound"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def is_true_on(system: str, test: ast.expr) -> bool | None:
    """A comparison of ``sys.platform`` or ``os.name``; None for every other condition."""
    match test:
        case ast.Compare(left=ast.Attribute() as left, ops=[operator], comparators=[ast.Constant(value=value)]):
            actual = {"sys.platform": system, "os.name": "nt" if system == "win32" else "posix"}.get(ast.unparse(left))
            if actual is not None:
                return (actual == value) is isinstance(operator, ast.Eq)
    return None


def children(system: str, node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node that count on a system."""
    if isinstance(node, ast.If) and (decided := is_true_on(system, node.test)) is not None:
        return iter(node.body if decided else node.orelse)
    return ast.iter_child_nodes(node)


def statements(system: str, node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below one that count on a system."""
    for child in children(system, node):
        yield child
        yield from statements(system, child)


def definitions(system: str, node: ast.AST) -> Iterator[str]:
    """The names that a module defines or imports on a system, nested blocks included, functions not."""
    for child in children(system, node):
        match child:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in names)
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case _:
                yield from definitions(system, child)


def missing_names(system: str, tree: ast.Module) -> Iterator[str]:
    """The names that a module uses on a system where it does not find them."""
    here = set(definitions(system, tree))
    elsewhere = {name for other in SYSTEMS for name in definitions(other, tree)} - here - set(dir(builtins))
    foreign = _POSIX_ONLY if system == "win32" else _WINDOWS_ONLY
    for node in statements(system, tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module in PATHS:
                exported = set(definitions(system, parsed(PATHS[module])))
                for alias in names:
                    if alias.name not in exported and f"{module}.{alias.name}" not in PATHS:
                        yield f"{node.lineno}: {module}.{alias.name}"
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in foreign:
                yield f"{node.lineno}: {module}"
            case ast.Import(names=names):
                yield from (f"{node.lineno}: {alias.name}" for alias in names if alias.name in foreign)
            case ast.Name(id=name, ctx=ast.Load()) if name in elsewhere:
                yield f"{node.lineno}: {name}"


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_module_finds_the_names_that_it_uses(system: str) -> None:
    missing = [f"{module}:{name}" for module, path in PATHS.items() for name in missing_names(system, parsed(path))]
    assert missing == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from provision.host.files import no_such_name", ["1: provision.host.files.no_such_name"]),
        ("import sys\nif sys.platform != 'win32':\n    def f(): ...\ndef g(): f()", ["4: f"]),
        ("import sys\nif sys.platform == 'linux':\n    F = 1\nelse:\n    G = 1\n    def g(): return F", ["6: F"]),
        ("import os\nif os.name != 'nt':\n    import fcntl", []),
        ("def f():\n    import fcntl", ["2: fcntl"]),
        ("from termios import tcgetattr", ["1: termios"]),
    ],
)
def test_names_of_other_systems_are_found(text: str, found: list[str]) -> None:
    assert list(missing_names("win32", ast.parse(text))) == found


# Calls that Windows lacks, or that behave differently: file modes have one bit, links need a privilege, `os.kill` ends.
_DIFFERENT = {
    "os.chmod", "os.copy_file_range", "os.fchmod", "os.fork", "os.geteuid", "os.getuid", "os.kill", "os.link",
    "os.major", "os.minor", "os.pread", "os.pwrite", "os.readlink", "os.sched_getaffinity", "os.sendfile",
    "os.statvfs", "os.symlink", "os.uname", "os.wait", "os.waitpid", "os.WNOHANG",
    "signal.pthread_sigmask", "signal.SIG_BLOCK", "signal.SIGKILL",
    "socket.AF_UNIX", "socket.recv_fds", "socket.send_fds",
    ".chmod", ".hardlink_to", ".readlink", ".symlink_to",
}  # fmt: skip
_DIFFERENT_PREFIXES = ("os.exec", "os.spawn", "os.posix_", "fcntl.", "resource.")
_ONLY_FORKED = "`forks.processors` is 0 on macOS, where libraries do not survive a fork, and on Windows, which has none"
_ONE_BIT = "on Windows only the read-only bit, which none of the modes sets; trees are compared without modes there"
# Modules outside of `host` that use such calls, and what happens on Windows and macOS.
_ANSWERS = {
    "errors": "Windows has a function of its own; macOS is as Linux",
    "fetch.part": "without `pwrite`, the position is set under a lock; macOS is as Linux",
    "fleet.bundle_write": "a copy has the other name where the file system has no hard links; macOS is as Linux",
    "fleet.image_layout": _ONE_BIT,
    "install.builders": _ONLY_FORKED,
    "install.bytecode": _ONE_BIT,
    "install.fetch_process": _ONLY_FORKED,
    "install.fetch_service": _ONLY_FORKED,
    "install.forks": _ONLY_FORKED,
    "install.probe": "the link is made for trees with `bin/` only, which do not run on Windows; macOS is as Linux",
    "pack.archive": "junctions and links are read alike; `pack` refuses prefixes of Windows; macOS is as Linux",
    "pack.contents": "as `pack.archive`",
    "pack.stage": "as `pack.archive`",
    "relocate.workspace": "trees of Windows have no links; " + _ONE_BIT,
    "store.directories": "before removing, everything is made writable, on Windows files as well; macOS is as Linux",
    "store.hashing": "`readlink` reads links and junctions; macOS is as Linux",
    "store.launchers": "`readlink` reads links and junctions; macOS is as Linux",
    "store.directory_links": "Windows has functions of its own; macOS is as Linux",
    "store.locks": "Windows has functions of its own; macOS is as Linux",
    "store.publish": _ONE_BIT,
    "store.stamp": "only macOS and Linux have user ids; without a boot id in /proc there is no stamp",
    "store.trust": "only macOS and Linux have user ids and modes; Windows has an account's own directory",
    "unpack.writer": "without directory descriptors, as on Windows, paths are used; macOS is as Linux",
    "workflows.doctor_places": "Windows has a function of its own, and mounts are read from /proc where that exists",
}


def different_calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = f"{node.value.id if isinstance(node.value, ast.Name) else ''}.{node.attr}"
            if name in _DIFFERENT or name.startswith(_DIFFERENT_PREFIXES):
                yield name
            elif f".{node.attr}" in _DIFFERENT and not name.startswith("os."):
                yield f".{node.attr}"


def test_each_call_that_differs_between_systems_is_handled() -> None:
    found = {
        module.removeprefix("provision."): sorted(set(calls))
        for module, path in PATHS.items()
        if not module.startswith("provision.host.") and (calls := list(different_calls(parsed(path))))
    }
    unanswered = {module: calls for module, calls in found.items() if module not in _ANSWERS}
    assert unanswered == {}, "say in _ANSWERS what happens on Windows and macOS, or use what provision/host has"
    assert sorted(set(_ANSWERS) - set(found)) == []
