"""What an installed Python says of itself, and the trial of a packed one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provision.errors import IntegrityError, ProvisionError, UsageError
from provision.host import detect
from provision.model.asset import Asset, BuildOptions
from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version

# FOLD provision.pack.interpreter
#   Owns what an installed Python says of itself, its paths and its build; what of it goes where, `members` decides.


# `sys._base_executable` and the base prefixes are those of the Python that a virtual environment was made with.
_QUESTIONS = """\
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
_TIMEOUT = 60


@frozen
class Interpreter:
    """A CPython on this machine. All paths are those of the base installation, never of a virtual environment."""

    version: Version
    abiflags: str
    platform: str  # sys.platform
    machine: str  # what uname calls it
    prefix: Path
    executable: Path
    stdlib: Path
    platstdlib: Path
    site: Path
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

    def place(self, variable: str) -> Path | None:
        """A directory that a build variable names, where there is one."""
        value = self.variables.get(variable, "")
        return Path(value) if value.startswith("/") and Path(value).is_dir() else None


def inspect_interpreter(prefix: Path) -> Interpreter:
    """Ask the Python at ``prefix``, an installation, a virtual environment or an interpreter; `UsageError` if none."""
    python = _find(prefix)
    answers = _ask_interpreter(python)
    if answers["implementation"] != "cpython":
        raise UsageError(f"{python} is {answers['implementation']}: only CPython can be packed")
    if not answers["paths"]:
        raise UsageError(
            f"{python} is of a Windows installation, which `pack` does not know how to take apart",
            hint="pack it on Linux or macOS, or name python-build-standalone's archive",
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
        site=Path(paths["purelib"]),
        include=Path(paths["include"]),
        variables=answers["variables"],
        cache_tag=answers["tag"],
        hexversion=answers["hexversion"],
    )


def _find(prefix: Path) -> Path:
    if prefix.is_file():
        return prefix
    candidates = [prefix / "bin" / name for name in ("python3", "python")]
    candidates += [*sorted((prefix / "bin").glob("python3.[0-9]*[0-9td]")), prefix / "python.exe"]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise UsageError(
            f"there is no Python at {prefix}: expected an interpreter, or a directory with bin/python3",
            hint="the prefix of a Python is what `python -c 'import sys; print(sys.prefix)'` prints",
        )
    return found


def _ask_interpreter(python: Path) -> dict[str, Any]:
    import json
    import subprocess

    try:
        done = subprocess.run(
            [str(python), "-I", "-B", "-c", _QUESTIONS], capture_output=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{python} cannot be run: {error}") from error
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UsageError(f"{python} does not run: {last or f'exit code {done.returncode}'}")
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


# FOLD provision.pack.interpreter
#   Owns which target an interpreter was built for, read off its own headers; what this machine is, `host` knows.


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
    """The triple PBS would publish it under; `UsageError` where PBS has none."""
    if interpreter.platform == "darwin":
        # A universal build runs as what the machine is, and that is what was asked.
        triple = f"{'aarch64' if interpreter.machine == 'arm64' else interpreter.machine}-apple-darwin"
    else:
        triple = _linux_triple(interpreter)
    try:
        return Target.parse(triple)
    except ValueError:
        raise UsageError(f"{interpreter.executable} is for {triple}, a target that no asset name can say") from None


def _linux_triple(interpreter: Interpreter) -> str:
    file = detect.read_elf(interpreter.executable)
    if file is None:
        raise UsageError(f"{interpreter.executable} is no program of Linux or macOS")
    arch = _LINUX_ARCHES.get((file.machine, file.bits), f"machine-{file.machine}")
    libc = "musl" if "ld-musl" in file.interpreter else "gnu"
    if arch == "armv7" and libc == "gnu":
        libc = "gnueabihf" if file.flags & detect.EF_ARM_ABI_FLOAT_HARD else "gnueabi"
    return f"{arch}-unknown-linux-{libc}"


# FOLD provision.pack.interpreter
#   Owns the trial of a packed interpreter: started from another place, and watched for what it takes from its origin.


# Imports every extension module there is, then tells what is in memory (on Linux) and where things were found.
_TRIAL_QUESTIONS = """\
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
try:
    with open('/proc/self/maps') as maps:
        mapped = sorted({line.split(None, 5)[5].strip() for line in maps if ' /' in line})
except OSError:
    mapped = []
json.dump({
    'prefix': sys.prefix, 'stdlib': os.path.dirname(os.__file__), 'path': sys.path, 'mapped': mapped, 'failed': failed,
    'variables': [str(value) for value in sysconfig.get_config_vars().values()],
}, sys.stdout)
"""
_TRIAL_TIMEOUT = 120


def prove_relocatable(tree: Path, asset: Asset, interpreter: Interpreter) -> tuple[str, ...]:
    """Run the relocated copy in ``tree``, whose original is still there, and say what of it the copy uses.

    One that does not run at all is a finding, too: it may yet run where what it lacks is there.
    """
    from provision.install.probe import probe

    try:
        probe(tree, asset)
        answers = _ask_packed(tree, asset)
    except ProvisionError as error:
        return (error.message,)
    return tuple(_findings(answers, tree.resolve(), interpreter))


def _ask_packed(tree: Path, asset: Asset) -> dict[str, Any]:
    import json
    import subprocess

    from provision.store.layout import executable

    done = subprocess.run(
        [str(executable(tree, asset)), "-I", "-B", "-c", _TRIAL_QUESTIONS],
        capture_output=True,
        check=False,
        env={},
        timeout=_TRIAL_TIMEOUT,
    )
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise IntegrityError(f"it breaks when its extension modules are imported: {last or done.returncode}")
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def _findings(answers: dict[str, Any], tree: Path, interpreter: Interpreter) -> Iterator[str]:
    for name, reason in answers["failed"].items():
        yield f"the module {name} cannot be imported: {reason}"
    for what in ("prefix", "stdlib"):
        if not Path(answers[what]).resolve().is_relative_to(tree):
            yield f"its {what} is {answers[what]}, outside of its own tree"
    origin = (f"{interpreter.stdlib}/", f"{interpreter.platstdlib}/")
    for place in answers["path"]:
        if place.startswith(origin):
            yield f"it imports from {place}, where it was packed from"
    shared = Path(interpreter.variables.get("LIBDIR", "")) / interpreter.variables.get("INSTSONAME", "libpython")
    for place in answers["mapped"]:
        own = Path(place).resolve().is_relative_to(tree)
        if not own and (place.startswith(_private(interpreter)) or place == str(shared)):
            yield f"it loads {place}, where it was packed from"


def _private(interpreter: Interpreter) -> tuple[str, ...]:
    """Where only this Python's files are; below a prefix such as /usr, only its standard library."""
    from provision.relocate.rewrite import SHARED

    prefix = str(interpreter.prefix)
    return (f"{interpreter.stdlib}/",) if prefix in SHARED else (f"{prefix}/",)
