"""Bytecode of a tree: compiling it reproducibly, comparing it with its sources.

The tree's interpreter does both. Compiling is off by default; the key ``bytecode`` of an entry turns it on.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import IntegrityError, PolicyError
from provision.host.children import running, start
from provision.host.execute import why_not_executed
from provision.model.asset import Asset
from provision.model.tree import DIRECTORY_MODE, FILE_MODE, TreeEntry
from provision.relocate.workspace import layout_of_tree
from provision.store.hashing import cached_source
from provision.store.layout import executable
from provision.unpack.writer import MTIME

if TYPE_CHECKING:
    from subprocess import Popen

# Runs in the tree's interpreter, in the tree's root, and prints the paths of the files that it wrote. `compileall` is
# not reproducible. Before 3.13, the output of marshal depends on which objects happen to be shared, so format 2 is
# used, which shares none. Before 3.11, marshal keeps the order of frozensets, which for some types of members depends
# on memory addresses, so files with such constants are skipped, and compiled when they are imported. Files that are not
# valid Python, such as some tests, are skipped as well. Output is flushed after each file, so that the script writes at
# most one more file after provision was killed.
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

# Runs in the tree's interpreter, isolated, and reads no cached bytecode of the tree for its own imports:
# `pycache_prefix` is an empty directory. Prints the files that are the bytecode of their sources. Of code objects,
# everything that affects execution is compared; not the file name, which depends on where the tree was, and not the
# positions, which `PYTHONNODEBUGRANGES` omits. Times and sizes in the header are not compared either: they can make
# Python ignore a file, but not change what it runs. If a file crashes the interpreter, nothing more is printed.
_COMPARE = """\
import sys
if not sys.pycache_prefix:
    sys.exit('no pycache_prefix')
import importlib.util, marshal, os, warnings
warnings.simplefilter('ignore')
names = ('co_argcount', 'co_posonlyargcount', 'co_kwonlyargcount', 'co_nlocals', 'co_stacksize', 'co_flags', 'co_code',
         'co_consts', 'co_names', 'co_varnames', 'co_freevars', 'co_cellvars', 'co_name', 'co_firstlineno',
         'co_exceptiontable')
code_type = type(compile('', '', 'exec'))

def key(value):
    kind = type(value)
    if kind is code_type:
        return kind, [key(getattr(value, name, None)) for name in names]
    if kind is tuple:
        return kind, [key(member) for member in value]
    if kind is frozenset:
        return kind, sorted(repr(key(member)) for member in value)
    if kind is slice:
        return kind, [key(value.start), key(value.stop), key(value.step)]
    if kind in (float, complex):
        return kind, repr(value)
    return kind, value

def matches(cached, source):
    stem = os.path.basename(cached)[:-len('.pyc')]
    _, opt, level = stem.rpartition('.opt-')
    expected = importlib.util.cache_from_source(source, optimization=level if opt else '')
    if os.path.basename(expected) != os.path.basename(cached):
        return False
    with open(cached, 'rb') as stream:
        content = stream.read()
    if content[:4] != importlib.util.MAGIC_NUMBER:
        return False
    with open(source, 'rb') as stream:
        code = compile(stream.read(), source, 'exec', dont_inherit=True, optimize=int(level) if opt else 0)
    return key(marshal.loads(content[16:])) == key(code)

sys.stdout.buffer.write(b'ready' + bytes([0]))
words = os.fsencode(sys.stdin.buffer.read().decode('utf-8', 'surrogateescape')).split(bytes([0]))
for cached, source in zip(words[::2], words[1::2]):
    try:
        same = matches(os.fsdecode(cached), os.fsdecode(source))
    except (ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, RecursionError, SyntaxError,
            TypeError, ValueError):
        same = False
    if same:
        sys.stdout.buffer.write(cached + bytes([0]))
        sys.stdout.buffer.flush()
"""
_FIRST_WITH_PREFIX = (3, 8)  # sys.pycache_prefix
_FEW = 50  # files; for fewer, starting a second process takes longer than it saves


def compile_stdlib(tree: Path, entries: dict[str, TreeEntry], *, asset: Asset) -> None:
    """Add hash-based, unchecked ``.pyc`` files for everything under the standard library, and list them in ``entries``.

    The files contain paths relative to the tree, and are the same whenever and wherever they are made. The machine must
    be able to run ``asset``. Raises `PolicyError` for a Python without hash-based files (PEP 552), and `IntegrityError`
    if compiling fails.
    """
    if (asset.version.major, asset.version.minor) < _FIRST_WITH_HASHES:
        raise PolicyError(
            f"{asset.title} does not support hash-based bytecode, which requires Python 3.7",
            hint="Remove `bytecode` from the entry in pythons.toml.",
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
    """Compile in as many processes as there are CPUs; return the paths of the files written, sorted."""
    # Not `-I`, which would ignore PYTHONHASHSEED: with a fixed seed, the order of sets of strings is always the same.
    command = [str(executable(tree, asset).absolute()), "-s", "-S", "-B", "-c", _COMPILE]
    written: list[str] = []
    for code, words, err in _run_batches(command, tree, [[source] for source in sources], most=os.cpu_count() or 1):
        if code != 0:
            last = err.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise IntegrityError(f"{asset.title} cannot compile its own standard library: {last}")
        written += words
    return sorted(path.replace(os.sep, "/") for path in written)


def wrong_bytecode(tree: Path, cached: Sequence[str], *, asset: Asset) -> tuple[str, ...] | str:
    """Which of a tree's ``cached`` files are not the bytecode of their sources, or the reason why this is unknown.

    All other files of the tree must be unchanged, because its interpreter is started; the machine must be able to run
    it.
    """
    version = (asset.version.major, asset.version.minor)
    if asset.implementation != "cpython" or version < _FIRST_WITH_PREFIX:
        return "only CPython 3.8 or newer can compare bytecode with its source"
    from tempfile import TemporaryDirectory

    pairs = [[path, cached_source(path) or ""] for path in cached]
    with TemporaryDirectory() as empty:
        command = [str(executable(tree, asset).absolute()), "-I", "-S", "-B", "-X", f"pycache_prefix={empty}"]
        jobs = min(os.cpu_count() or 1, len(pairs) // _FEW + 1)
        try:
            results = _run_batches([*command, "-c", _COMPARE], tree, pairs, most=jobs)
        except OSError as error:
            return f"cannot execute the interpreter: {why_not_executed(executable(tree, asset), error)}"
    if not all(words[:1] == ["ready"] for _, words, _ in results):
        return "the interpreter exited before it compared any file"
    right = {word for _, words, _ in results for word in words[1:]}
    return tuple(path for path in cached if path not in right)


def _run_batches(
    command: list[str], tree: Path, groups: list[list[str]], *, most: int
) -> list[tuple[int, list[str], bytes]]:
    """Run a command in at most ``most`` processes, each with its share of the words, separated by NUL, on stdin.

    Returns the exit code, the words printed and the standard error of each process.
    """
    batches = [batch for batch in (groups[start::most] for start in range(most)) if batch]
    started: list[Popen[bytes]] = []
    results = []
    try:
        for batch in batches:
            words = [word for group in batch for word in group]
            started.append(_start(command, tree, words))
        for process in started:
            process.stdin = None
            out, err = process.communicate()
            words = out.decode("utf-8", "surrogateescape").split("\0")
            results.append((process.returncode, [word for word in words if word], err))
    except BaseException:
        for process in started:
            process.kill()
            process.communicate()
        raise
    finally:
        running.difference_update(started)
    return results


def _start(command: list[str], tree: Path, words: list[str]) -> Popen[bytes]:
    """Start a command and write the words to it; it must read all of them before it prints, or both would block."""
    from subprocess import PIPE, Popen

    environ = {name: os.environ[name] for name in ("SystemRoot", "SYSTEMROOT") if name in os.environ}
    environ |= {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
    process = start(lambda: Popen(command, cwd=tree, env=environ, stdin=PIPE, stdout=PIPE, stderr=PIPE))
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # the process failed; its standard error has the reason
            process.stdin.write("\0".join(words).encode("utf-8", "surrogateescape"))
            process.stdin.close()
    return process


def _normalise(path: Path) -> TreeEntry:
    """Set a file's mode and time to those of all files of a tree; return its entry."""
    content = path.read_bytes()
    path.chmod(FILE_MODE)
    os.utime(path, (MTIME, MTIME))
    return TreeEntry("file", FILE_MODE, hashlib.sha256(content).hexdigest(), len(content))
