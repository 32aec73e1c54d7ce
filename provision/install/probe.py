"""The probe of a tree: its interpreter is started and compared with the lock.

For this machine's own trees, `lock.select` decides before any download whether the machine can run a build (libc, CPU
level); for trees that are made for other machines, `why_not_runnable` decides.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import IntegrityError, PolicyError, ProvisionError, store_failures
from provision.host.children import running, start
from provision.host.cpu import cpu_level
from provision.host.execute import noexec_error, refuses_programs, why_not_executed
from provision.lock.select import glibc_floor, needs_absent_loader
from provision.model.asset import CPU_LEVELS, Asset, CpuLevel
from provision.model.target import Host
from provision.model.tree import TreeEntry
from provision.store.layout import executable

if TYPE_CHECKING:
    import subprocess

# Free-threading is read from `sys.version`, because `sys.abiflags` lacks it on Windows; importing `sysconfig`, which
# also has it, takes longer than everything else. The file is closed, because debug builds warn about an open one, and
# import modules for a quarter of a second to do so.
PROBE_SCRIPT = """\
import sys
try:
    with open('/proc/self/maps') as maps:
        mapped = {line.split(None, 5)[5].strip() for line in maps if '/libpy' in line}
except OSError:
    mapped = set()
v = sys.version_info
stage = {'alpha': 'a', 'beta': 'b', 'candidate': 'rc'}.get(v[3])
answers = {
    'implementation': sys.implementation.name,
    'version': '%d.%d.%d' % v[:3] + (stage + str(v[4]) if stage else ''),
    'Py_GIL_DISABLED': int('free-threading' in sys.version),
    'Py_DEBUG': int(hasattr(sys, 'gettotalrefcount')),
    'prefix': sys.base_prefix,
    'libraries': chr(0).join(sorted(mapped)),
}
for name, answer in answers.items():
    sys.stdout.buffer.write(('%s=%s' % (name, answer)).encode('utf-8', 'surrogateescape') + bytes([10]))
"""
_RETRY_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # in seconds
_TIMEOUT = 60  # in seconds; GraalPy takes several on a slow machine
_LOADER_FAILURES = (
    "error while loading shared libraries",
    "Error loading shared library",
    "not found (required by",
    "Could not start dynamically linked executable",  # the loader of NixOS
    "dyld",
)


def can_run(asset: Asset, host: Host) -> bool:
    """Whether this machine can start the asset's interpreter: its target is native or emulated, or it is static."""
    target = asset.target
    if target == host.target or target in host.emulated:
        return True
    static = target.libc == "musl" and "static" in asset.options
    return static and (target.os, target.arch) == (host.target.os, host.target.arch)


def why_not_runnable(asset: Asset, host: Host | None, level: Callable[[], CpuLevel]) -> str:
    """Why this machine cannot start the interpreter; empty if it can. ``level`` is only called if needed.

    Receipts contain the reason, so it includes no details of this machine: equal trees have equal receipts everywhere.
    """
    if host is None:
        return "no Python is published for this machine"
    if not can_run(asset, host):
        return f"this machine cannot run {asset.target.short}"
    if needs_absent_loader(asset, host):
        return "this machine lacks the dynamic loader that the build names"
    floor = glibc_floor(asset.target)
    if floor is not None and host.glibc is not None and host.glibc < floor:
        return f"requires glibc {floor[0]}.{floor[1]}, this machine's is older"
    if asset.cpu != "baseline" and CPU_LEVELS.index(asset.cpu) > CPU_LEVELS.index(level()):
        return f"requires CPU level {asset.cpu}, this machine's is lower"
    return ""


def require_exec(trees: Path, assets: Iterable[Asset], host: Host | None) -> None:
    """Raise `StoreError`, before anything is downloaded, if the store is on a file system mounted with ``noexec``.

    Trees for other machines may be made there.
    """
    if refuses_programs(trees) and not all(why_not_runnable(asset, host, cpu_level) for asset in assets):
        raise noexec_error(trees)


def has_interpreter(entries: Mapping[str, TreeEntry], asset: Asset) -> bool:
    """Whether a tree has the interpreter at the path that all commands use."""
    entry = entries.get(executable(Path(), asset).as_posix())
    return entry is not None and entry.kind != "dir"


def require_interpreter(entries: Mapping[str, TreeEntry], asset: Asset) -> None:
    """Raise `IntegrityError` unless a finished tree has the interpreter at the path that all commands use."""
    if not has_interpreter(entries, asset):
        path = executable(Path(), asset).as_posix()
        raise IntegrityError(
            f"{asset.title} has no interpreter: its archive contains no {path}",
            hint="The archive has the locked sha256, so the lock file describes it wrongly. Run `provision audit`.",
        )


def import_subprocess() -> None:
    """Import what starts an interpreter in advance."""
    import subprocess  # noqa: F401


def probe(tree: Path, asset: Asset) -> None:
    """Start the tree's interpreter, and raise `IntegrityError` if it differs from ``asset``; see `probing`."""
    with probing(tree, asset):
        pass


@contextmanager
def probing(tree: Path, asset: Asset) -> Iterator[None]:
    """Start the tree's interpreter on entry, and on exit raise `IntegrityError` if it differs from ``asset``.

    It is started from a virtual environment, where some builds load the library of another installation, or find none;
    directly only if that fails. Raises `PolicyError` if this machine lacks something that it needs to start, such as a
    library or a CPU feature.
    """
    program = executable(tree, asset)
    # Other implementations and Windows use launchers in environments; `pyvenv.cfg` cannot contain every path.
    if asset.implementation != "cpython" or asset.target.os == "windows" or not str(tree).isprintable():
        yield
        _check(_answers(program, asset.title), asset.title, asset, tree)
        return
    title = f"a virtual environment of {asset.title}"
    failure: ProvisionError | None = None
    with _environment(tree, program.relative_to(tree)) as python:
        process: subprocess.Popen[bytes] | None = None
        try:
            process = _start(python, title)
        except (IntegrityError, PolicyError) as error:
            failure = error
        try:
            yield
            if process is not None:
                failure = _failure_of(process, title, asset, tree)
        finally:
            if process is not None:
                _end(process)
    if failure is not None:
        _check(_answers(program, asset.title), asset.title, asset, tree)
        raise failure


def _failure_of(
    process: subprocess.Popen[bytes], title: str, asset: Asset, tree: Path
) -> IntegrityError | PolicyError | None:
    try:
        _check(_read_answers(process, title), title, asset, tree)
    except (IntegrityError, PolicyError) as error:
        return error
    return None


def _check(answers: dict[str, str], title: str, asset: Asset, tree: Path) -> None:
    differences = list(_differences(answers, asset, tree.resolve()))
    if differences:
        raise IntegrityError(
            f"{title} differs from the lock file: {'; '.join(differences)}",
            hint="The archive has the locked sha256, so the lock file describes it wrongly. Run `provision audit`.",
        )


@contextmanager
def _environment(tree: Path, program: Path) -> Iterator[Path]:
    """The interpreter of a new virtual environment beside the tree, which it uses through a link, as projects do."""
    folder = tree.with_name(f"environment-{os.urandom(4).hex()}")
    link, python, settings = folder / "link", folder / "bin" / "python", folder / "pyvenv.cfg"
    with store_failures("make a virtual environment", folder):
        python.parent.mkdir(parents=True)
        try:
            link.symlink_to(tree)
            python.symlink_to(link / program)
            settings.write_text(f"home = {link / program.parent}\n", encoding="utf-8")
            yield python
        finally:
            for path in (python, link, settings):
                path.unlink(missing_ok=True)
            python.parent.rmdir()
            folder.rmdir()


def _answers(python: Path, title: str) -> dict[str, str]:
    process = _start(python, title)
    try:
        return _read_answers(process, title)
    finally:
        _end(process)


def _start(python: Path, title: str) -> subprocess.Popen[bytes]:
    # The caller's environment must not affect what the interpreter reports; Windows needs SystemRoot to load libraries.
    environ = {name: os.environ[name] for name in ("SystemRoot", "SYSTEMROOT") if name in os.environ}
    try:
        return _popen([str(python), "-I", "-S", "-B", "-c", PROBE_SCRIPT], environ)
    except OSError as error:
        if refuses_programs(python):
            raise noexec_error(python.parent) from error
        raise _unstartable(title, why_not_executed(python, error)) from error


def _read_answers(process: subprocess.Popen[bytes], title: str) -> dict[str, str]:
    import subprocess

    try:
        stdout, stderr = process.communicate(timeout=_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise IntegrityError(f"{title} did not finish its start-up check within {_TIMEOUT} s") from error
    if process.returncode != 0:
        raise _failure(title, process.returncode, stderr.decode("utf-8", "replace"))
    lines = stdout.decode("utf-8", "surrogateescape").splitlines()
    return dict(line.partition("=")[::2] for line in lines)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process and no pipe behind, even if reading the answers was interrupted."""
    running.discard(process)
    if process.poll() is None:
        process.kill()
        process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _popen(command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a program that was just written, and retry while it is still open for writing (`ETXTBSY`).

    A process that another thread starts has all of this process's files open between its fork and its exec.
    """
    import errno
    import subprocess
    import time

    pauses = iter(_RETRY_PAUSES)
    while True:
        try:
            return start(
                lambda: subprocess.Popen(
                    command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
                )
            )
        except OSError as error:
            pause = next(pauses, None)
            if error.errno != errno.ETXTBSY or pause is None:
                raise
            time.sleep(pause)


def _differences(answers: dict[str, str], asset: Asset, tree: Path) -> Iterator[str]:
    version = str(asset.version)
    reported = answers.get("version", "")
    if asset.implementation == "graalpy":  # its assets in the catalog have no patch version
        version, reported = asset.version.series, reported.rpartition(".")[0]
    expected = {"implementation": asset.implementation, "version": version}
    if asset.implementation == "cpython":
        expected["Py_GIL_DISABLED"] = str(int(asset.options.freethreaded))
        expected["Py_DEBUG"] = str(int(asset.options.debug))
    for name, value in expected.items():
        answer = reported if name == "version" else answers.get(name, "")
        if answer != value:
            yield f"{name}: expected {value}, got {answer or 'none'}"
    paths = [answers.get("prefix", ""), *filter(None, answers.get("libraries", "").split("\0"))]
    for path in paths:
        if not Path(path).resolve().is_relative_to(tree):
            yield f"it runs from {path or 'an unknown path'}, outside its tree"


def _failure(title: str, code: int, stderr: str) -> IntegrityError | PolicyError:
    last = next((line.strip() for line in reversed(stderr.splitlines()) if line.strip()), "")
    loader = next((line.strip() for line in stderr.splitlines() if any(mark in line for mark in _LOADER_FAILURES)), "")
    if loader:
        return _unstartable(title, loader)
    if code == -4:  # SIGILL
        return _unstartable(title, "illegal instruction: the build requires a newer CPU")
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return IntegrityError(f"{title} does not start ({how}){': ' + last if last else ''}")


def _unstartable(title: str, reason: str) -> PolicyError:
    return PolicyError(
        f"{title} cannot be started on this machine: {reason}",
        hint="Install the missing library, or request another build (`provision catalog list`).",
    )
