"""Owns what an installed Python says of itself, its paths and its build; what of it goes where, `members` decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provision.errors import UsageError
from provision.model.asset import BuildOptions
from provision.model.value import frozen
from provision.model.version import Version

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


def inspect(prefix: Path) -> Interpreter:
    """Ask the Python at ``prefix``, an installation, a virtual environment or an interpreter; `UsageError` if none."""
    python = _find(prefix)
    answers = _ask(python)
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


def _ask(python: Path) -> dict[str, Any]:
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
