"""Facts about an installed Python, and the trial of a packed one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from provision.errors import ProvisionError, UsageError
from provision.host import detect
from provision.host.execute import why_not_executed
from provision.host.files import is_directory, is_file
from provision.model.asset import Asset, BuildOptions
from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version
from provision.relocate.rewrite import SHARED_PREFIXES

_ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz", ".tar", ".zip")
_INSPECTION_TIMEOUT, _TRIAL_TIMEOUT, _VERSION_TIMEOUT = 60, 120, 10  # seconds

_INSPECTION_SCRIPT = """\
import json, os, sys, sysconfig
v = sys.version_info
base = {'base': sys.base_prefix, 'platbase': sys.base_exec_prefix}
base.update(installed_base=sys.base_prefix, installed_platbase=sys.base_exec_prefix)
names = 'stdlib platstdlib purelib include'.split()
# Only what is the same whether a virtual environment is asked or its base.
variables = 'ABIFLAGS CONFIG_ARGS EXT_SUFFIX INSTSONAME LDLIBRARY LDVERSION LIBDIR LIBPC LIBRARY MULTIARCH PY3LIBRARY'
variables += ' Py_DEBUG Py_ENABLE_SHARED Py_GIL_DISABLED SOABI VERSION'
known = sysconfig.get_config_vars()
stage = {'alpha': 'a', 'beta': 'b', 'candidate': 'rc'}.get(v[3])
json.dump({
    'implementation': sys.implementation.name,
    'version': '%d.%d.%d' % v[:3] + (stage + str(v[4]) if stage else ''),
    'abiflags': getattr(sys, 'abiflags', ''),
    'platform': sys.platform,
    'machine': os.uname().machine if os.name == 'posix' else '',
    'prefix': sys.base_prefix,
    'executable': os.path.realpath(getattr(sys, '_base_executable', sys.executable)),
    'paths': {name: sysconfig.get_path(name, 'posix_prefix', base) for name in names} if os.name == 'posix' else {},
    'variables': {name: str(known.get(name) or '') for name in variables.split()},
    'tag': sys.implementation.cache_tag,
    'hexversion': hex(sys.hexversion),
}, sys.stdout)
"""


@frozen
class Interpreter:
    """A CPython on this machine. All paths are those of the base installation, never of a virtual environment."""

    version: Version
    abiflags: str
    platform: str  # sys.platform
    machine: str  # as uname has it
    prefix: Path
    executable: Path
    stdlib: Path
    platstdlib: Path
    site_packages: Path
    include: Path
    variables: dict[str, str]
    cache_tag: str
    hexversion: str

    @property
    def name(self) -> str:
        """``python3.13t``"""
        return f"python{self.version.series}{self.abiflags}"

    @property
    def options(self) -> BuildOptions:
        """How it was configured, in PBS's terms."""
        arguments = self.variables.get("CONFIG_ARGS", "")
        debug = self.variables.get("Py_DEBUG") == "1"
        pgo = "--enable-optimizations" in arguments and not debug
        lto = "--with-lto" in arguments and not debug
        facts = {
            "freethreaded": self.variables.get("Py_GIL_DISABLED") == "1",
            "debug": debug,
            "pgo": pgo,
            "lto": lto,
            "noopt": not (debug or pgo or lto),
        }
        return BuildOptions.of(name for name, holds in facts.items() if holds)

    def directory_of(self, variable: Literal["LIBDIR", "LIBPC"]) -> Path | None:
        """The directory in the prefix that a build variable names; None if there is none.

        A build that was moved, like all of PBS's, still names the prefix that it was configured with.
        """
        named = Path(self.variables.get(variable) or "/")
        if not named.is_relative_to(self.prefix):
            named = self.prefix / _USUAL_DIRECTORIES[variable]
        return named if is_directory(named) else None


_USUAL_DIRECTORIES = {"LIBDIR": "lib", "LIBPC": "lib/pkgconfig"}


def inspect_interpreter(prefix: Path) -> Interpreter:
    """Inspect the Python at ``prefix``: an installation, a virtual environment or a program. `UsageError` if none."""
    python = _find(prefix)
    answers = _ask(python)
    if answers["implementation"] != "cpython":
        raise UsageError(f"{python} is {answers['implementation']}: only CPython can be packed")
    if not answers["paths"]:
        raise UsageError(
            f"{python} is of a Windows installation, which `pack` does not support",
            hint="Pack on Linux or macOS, or use the archive of python-build-standalone.",
        )
    paths = answers["paths"]
    return Interpreter(
        version=Version.parse(answers["version"]),
        abiflags=answers["abiflags"],
        platform=answers["platform"],
        machine=answers["machine"],
        prefix=Path(answers["prefix"]),
        executable=Path(answers["executable"]),
        stdlib=Path(paths["stdlib"]),
        platstdlib=Path(paths["platstdlib"]),
        site_packages=Path(paths["purelib"]),
        include=Path(paths["include"]),
        variables=answers["variables"],
        cache_tag=answers["tag"],
        hexversion=answers["hexversion"],
    )


def _find(prefix: Path) -> Path:
    if prefix.name.endswith(_ARCHIVE_SUFFIXES) and is_file(prefix):
        raise UsageError(
            f"{prefix} is an archive: expected an interpreter, or a directory with bin/python3",
            hint="To lock the archive, give an entry of pythons.toml its `url` and its `sha256`.",
        )
    if is_file(prefix):
        return prefix
    candidates = [prefix / "bin" / name for name in ("python3", "python")]
    candidates += [*sorted((prefix / "bin").glob("python3.[0-9]*[0-9td]")), prefix / "python.exe"]
    found = next((path for path in candidates if is_file(path)), None)
    if found is None:
        raise UsageError(
            f"there is no Python at {prefix}: expected an interpreter, or a directory with bin/python3",
            hint="Run `python -c 'import sys; print(sys.prefix)'` to print the prefix of a Python.",
        )
    return found


def _ask(python: Path) -> dict[str, Any]:
    try:
        return _run_script(python, _INSPECTION_SCRIPT, timeout=_INSPECTION_TIMEOUT)
    except OSError as error:
        reason = why_not_executed(python, error)
        hint = f"Run `chmod +x {python}`, then pack again." if reason == "permission denied" else None
        raise UsageError(f"{python} cannot be started: {reason}", hint=hint) from error
    except ScriptFailed as failure:
        if old := _too_old(python):
            raise UsageError(f"{python} is Python {old}; only CPython 3.4 or newer can be packed") from failure
        raise UsageError(f"{python} {failure}") from failure


def _too_old(python: Path) -> str:
    """The version of a Python that lacks `-I`, which came with 3.4; empty for any other program."""
    import subprocess

    try:
        done = subprocess.run(
            [str(python.absolute()), "-V"], capture_output=True, check=False, timeout=_VERSION_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # Python 2 prints its version to stderr.
    found = re.match(rb"Python (2\.\d+|3\.[0-3](?!\d))(?:\.\d+)?\S*", done.stdout + done.stderr)
    return found[0].decode().removeprefix("Python ") if found else ""


class ScriptFailed(Exception):
    """An interpreter did not run a script to its end; the message continues a sentence that names it."""


def _run_script(
    python: Path, script: str, *, timeout: float, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The JSON that ``script`` prints, run without site directories and bytecode; `OSError` or `ScriptFailed`."""
    import json
    import subprocess

    command = [str(python.absolute()), "-I", "-B", "-c", script]
    try:
        done = subprocess.run(command, capture_output=True, check=False, env=environ, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ScriptFailed(f"was stopped after {timeout:g} s without an answer") from None
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise ScriptFailed(f"fails with {how}{f': {last}' if last else ''}")
    try:
        answers = json.loads(done.stdout)
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, dict):
        raise ScriptFailed("is not a Python: it does not run a script")
    return answers


_LINUX_ARCHES = {
    (detect.EM_X86_64, 64): "x86_64",
    (detect.EM_386, 32): "i686",
    (detect.EM_AARCH64, 64): "aarch64",
    (detect.EM_PPC64, 64): "ppc64le",
    (detect.EM_S390, 64): "s390x",
    (detect.EM_RISCV, 64): "riscv64",
    (detect.EM_ARM, 32): "armv7",
}


def target_of(interpreter: Interpreter) -> Target:
    """The target triple under which PBS would publish it; `UsageError` where PBS has none."""
    if interpreter.platform == "darwin":
        # A universal build runs as the machine's architecture, and was inspected like that.
        triple = f"{'aarch64' if interpreter.machine == 'arm64' else interpreter.machine}-apple-darwin"
    else:
        triple = _linux_triple(interpreter)
    try:
        return Target.parse(triple)
    except ValueError:
        raise UsageError(
            f"{interpreter.executable} is for {triple}, a target that asset names cannot express"
        ) from None


def _linux_triple(interpreter: Interpreter) -> str:
    file = detect.read_elf(interpreter.executable)
    if file is None:
        raise UsageError(f"{interpreter.executable} is not a program for Linux or macOS")
    arch = _LINUX_ARCHES.get((file.machine, file.bits), f"machine-{file.machine}")
    libc = "musl" if "ld-musl" in file.interpreter else "gnu"
    if arch == "armv7" and libc == "gnu":
        libc = "gnueabihf" if file.flags & detect.EF_ARM_ABI_FLOAT_HARD else "gnueabi"
    return f"{arch}-unknown-linux-{libc}"


# Imports every extension module, then prints the loaded libraries (on Linux) and the location of everything.
_TRIAL_SCRIPT = """\
import importlib, json, os, sys, sysconfig, warnings
warnings.simplefilter('ignore')
failed = {}
dynload = next((path for path in sys.path if path.endswith('lib-dynload')), None)
names = sorted({name.split('.')[0] for name in os.listdir(dynload)}) if dynload and os.path.isdir(dynload) else []
for name in names:
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed[name] = str(error)
tcl = ''
if '_tkinter' in sys.modules:
    try:
        import tkinter
        tcl = tkinter.Tcl().eval('info library')
    except Exception as error:
        failed['tkinter'] = str(error)
try:
    with open('/proc/self/maps') as maps:
        mapped = sorted({line.split(None, 5)[5].strip() for line in maps if ' /' in line})
except OSError:
    mapped = []
json.dump({
    'prefix': sys.prefix, 'stdlib': os.path.dirname(os.__file__), 'path': sys.path, 'mapped': mapped, 'failed': failed,
    'tcl': tcl,
    'variables': [str(value) for value in sysconfig.get_config_vars().values()],
}, sys.stdout)
"""


def prove_relocatable(tree: Path, asset: Asset, interpreter: Interpreter) -> tuple[str, ...]:
    """Run the relocated copy in ``tree``; returns what it uses of ``interpreter``, from which it was packed.

    Raises `ProvisionError` if the copy does not start.
    """
    from provision.install.probe import probe
    from provision.store.layout import executable

    try:
        probe(tree, asset)
    except ProvisionError as error:
        raise ProvisionError(
            f"{interpreter.executable} cannot be packed: a copy of it does not start: {error.message}", hint=error.hint
        ) from error
    try:
        answers = _run_script(executable(tree, asset), _TRIAL_SCRIPT, timeout=_TRIAL_TIMEOUT, environ={})
    except ScriptFailed as failure:
        return (f"the copy {failure}, while it imports its extension modules",)
    return tuple(_findings(answers, tree.resolve(), interpreter))


def _findings(answers: dict[str, Any], tree: Path, interpreter: Interpreter) -> Iterator[str]:
    for name, reason in answers["failed"].items():
        yield f"the module {name} does not work: {reason}"
    for what in ("prefix", "stdlib"):
        if not Path(answers[what]).resolve().is_relative_to(tree):
            yield f"its {what} is {answers[what]}, outside its tree"
    original = (f"{interpreter.stdlib}/", f"{interpreter.platstdlib}/")
    for path in answers["path"]:
        if path.startswith(original):
            yield f"it imports from {path}, where it was packed from"
    if answers["tcl"].startswith(_own_directory(interpreter)):
        yield f"it finds the scripts of Tcl in {answers['tcl']}, where it was packed from"
    libraries = interpreter.directory_of("LIBDIR") or interpreter.prefix
    libpython = libraries / interpreter.variables.get("INSTSONAME", "libpython")
    for path in answers["mapped"]:
        inside = Path(path).resolve().is_relative_to(tree)
        if not inside and (path.startswith(_own_directory(interpreter)) or path == str(libpython)):
            yield f"it loads {path}, where it was packed from"


def _own_directory(interpreter: Interpreter) -> str:
    """Where there are only files of this Python: its prefix; below a shared one such as /usr, only its standard
    library.
    """
    prefix = str(interpreter.prefix)
    return f"{interpreter.stdlib}/" if prefix in SHARED_PREFIXES else f"{prefix}/"
