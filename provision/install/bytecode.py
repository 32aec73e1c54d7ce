"""A tree's standard library compiled to the same bytes everywhere.

Compiled by the tree's own interpreter. Off by default; an entry's ``bytecode`` turns it on.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import IntegrityError, PolicyError
from provision.model.asset import Asset
from provision.model.tree import DIRECTORY_MODE, FILE_MODE, TreeEntry
from provision.relocate.workspace import layout_of_tree
from provision.store.layout import executable
from provision.unpack.writer import MTIME

if TYPE_CHECKING:
    from subprocess import Popen

# Runs in the tree's interpreter, in the tree's root, and prints what it wrote. `compileall` would not do: below 3.13,
# what marshal writes depends on which objects happen to be shared, so there format 2 is used, which shares none; and
# below 3.11 it keeps the order of frozensets, which for some members follows memory addresses, so files that hold such
# constants are left to be compiled when imported. So are files that are no valid Python, as some tests are. It flushes
# after each file, so as not to outlive a killed provision by more than one.
_COMPILE = """\
import sys
del sys.path[0]
import importlib.util, marshal, os, warnings
warnings.simplefilter('ignore')
old = sys.version_info < (3, 11)
version = 2 if sys.version_info < (3, 13) else marshal.version
header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, 'little')

def varies(value):
    if isinstance(value, frozenset):
        return not all(isinstance(member, (str, bytes, int, float, complex)) for member in value)
    members = value if isinstance(value, tuple) else getattr(value, 'co_consts', ())
    return any(map(varies, members))

for name in sys.stdin.buffer.read().decode('utf-8').split(chr(0)):
    with open(name, 'rb') as stream:
        source = stream.read()
    try:
        code = compile(source, name, 'exec', dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        continue
    if old and varies(code):
        continue
    target = importlib.util.cache_from_source(name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, 'wb') as stream:
        stream.write(header + importlib.util.source_hash(source) + marshal.dumps(code, version))
    sys.stdout.buffer.write(target.encode('utf-8') + bytes([0]))
    sys.stdout.buffer.flush()
"""
_FIRST_WITH_HASHES = (3, 7)  # PEP 552


def compile_stdlib(tree: Path, entries: dict[str, TreeEntry], *, asset: Asset) -> None:
    """Add hash-based, unchecked ``.pyc`` files for everything under the standard library, and list them in ``entries``.

    The files hold paths relative to the tree, and are equal whenever and wherever they are made. The machine must be
    able to run ``asset``; raises `PolicyError` for a Python without such files, `IntegrityError` if compiling fails.
    """
    if (asset.version.major, asset.version.minor) < _FIRST_WITH_HASHES:
        raise PolicyError(
            f"{asset.title} knows no hash-based bytecode, which came with Python 3.7",
            hint="remove `bytecode` from its entry in pythons.toml",
        )
    stdlib = layout_of_tree(entries).stdlib
    if stdlib is None:
        raise IntegrityError(f"{asset.title} has no standard library to compile")
    sources = [
        path
        for path, entry in entries.items()
        if entry.kind == "file" and path.endswith(".py") and path.startswith(f"{stdlib}/") and path.isprintable()
    ]
    written = _compile_all(tree, sorted(sources), asset)
    for directory in {path.rpartition("/")[0] for path in written}:
        (tree / directory).chmod(DIRECTORY_MODE)
    for path in written:
        entries[path] = _normalise(tree / path)


def _compile_all(tree: Path, sources: list[str], asset: Asset) -> list[str]:
    """Compile in as many processes as there are CPUs; the paths of what they wrote, sorted."""
    jobs = os.cpu_count() or 1
    batches = [batch for batch in (sources[start::jobs] for start in range(jobs)) if batch]
    running: list[Popen[bytes]] = []
    try:
        for batch in batches:
            running.append(_start(tree, batch, asset))  # noqa: PERF401  (those started must be known if one cannot be)
        written = [path for process in running for path in _finish(process, asset)]
    except BaseException:
        for process in running:
            process.kill()
            process.communicate()
        raise
    return sorted(written)


def _start(tree: Path, sources: list[str], asset: Asset) -> Popen[bytes]:
    """Start compiling; the interpreter reads all names before it writes any, so that neither waits for the other."""
    from subprocess import PIPE, Popen

    # Not -I, which would ignore the seed: with it, the order of sets of strings is the same in every run.
    environ = {name: os.environ[name] for name in ("SystemRoot", "SYSTEMROOT") if name in os.environ}
    environ |= {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
    command = [str(executable(tree, asset).absolute()), "-s", "-S", "-B", "-c", _COMPILE]
    process = Popen(command, cwd=tree, env=environ, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # it failed, and stderr says why
            process.stdin.write("\0".join(sources).encode())
            process.stdin.close()
    return process


def _finish(process: Popen[bytes], asset: Asset) -> list[str]:
    process.stdin = None
    out, err = process.communicate()
    if process.returncode != 0:
        last = err.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise IntegrityError(f"{asset.title} cannot compile its own standard library: {last}")
    return [path.replace(os.sep, "/") for path in out.decode().split("\0") if path]


def _normalise(path: Path) -> TreeEntry:
    """Give a file the mode and time that all files of a tree have."""
    content = path.read_bytes()
    path.chmod(FILE_MODE)
    os.utime(path, (MTIME, MTIME))
    return TreeEntry("file", FILE_MODE, hashlib.sha256(content).hexdigest(), len(content))
