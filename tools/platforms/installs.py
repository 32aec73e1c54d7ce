"""Where the compiled dependencies have wheels: `tests/installs.toml`, queried from the package index that pip uses.

pip evaluates markers for the machine on which it runs, regardless of ``--platform``; so they are evaluated here, and
each compiled dependency is requested by its name alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from provision.model.target import Target
from provision.model.value import frozen
from tools.platforms.results import ROOT

INSTALLS = ROOT / "tests" / "installs.toml"
PYTHONS = ("3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t", "3.15", "pypy3.11")

# Without a wheel, pip makes these of their sources, with no compiler: they have parts in C that may be missing.
PURE_FROM_SOURCE = frozenset({"pyyaml"})

_TAGS = {
    "linux-x86_64": ("manylinux_2_28_x86_64", "manylinux2014_x86_64"),
    "linux-x86_64-musl": ("musllinux_1_2_x86_64", "musllinux_1_1_x86_64"),
    "linux-aarch64": ("manylinux_2_28_aarch64", "manylinux2014_aarch64"),
    "linux-aarch64-musl": ("musllinux_1_2_aarch64", "musllinux_1_1_aarch64"),
    "linux-armv7-gnueabihf": ("manylinux_2_31_armv7l", "manylinux2014_armv7l"),
    "linux-ppc64le": ("manylinux_2_28_ppc64le", "manylinux2014_ppc64le"),
    "linux-riscv64": ("manylinux_2_39_riscv64", "manylinux_2_31_riscv64"),
    "linux-s390x": ("manylinux_2_28_s390x", "manylinux2014_s390x"),
    "macos-aarch64": ("macosx_11_0_arm64", "macosx_11_0_universal2"),
    "macos-x86_64": ("macosx_11_0_x86_64", "macosx_10_13_x86_64", "macosx_10_12_x86_64", "macosx_10_9_x86_64"),
    "windows-x86_64": ("win_amd64",),
    "windows-aarch64": ("win_arm64",),
}
_MACHINES = {"armv7": "armv7l"}
_SYSTEMS = {
    "linux": ("linux", "posix", "Linux"),
    "macos": ("darwin", "posix", "Darwin"),
    "windows": ("win32", "nt", "Windows"),
}


@frozen
class Installs:
    """The compiled dependencies without a wheel, by platform and Python; and the day on which the index was asked."""

    day: str
    missing: Mapping[Target, Mapping[str, tuple[str, ...]]]

    @classmethod
    def load(cls, path: Path = INSTALLS) -> Installs:
        """What was written last; empty before `make platforms` first ran."""
        if not path.exists():
            return cls(day="", missing={})
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        cells = {
            Target.parse(name): {python: tuple(names) for python, names in row.items()}
            for name, row in document["missing"].items()
        }
        return cls(day=str(document["day"]), missing=cells)

    def text(self) -> str:
        """The file."""
        first = "# Compiled dependencies without a wheel. `make platforms` writes it; it asks the package index."
        lines = [first, f"day = {self.day}"]
        for target, row in self.missing.items():
            lines += ["", f"[missing.{target.short}]"]
            lines += [f"{json.dumps(python)} = {json.dumps(list(names))}" for python, names in row.items()]
        return "\n".join(lines) + "\n"


def marker_environment(target: Target, python: str) -> dict[str, str]:
    """What markers see on a platform, of what ours ask for."""
    sys_platform, os_name, system = _SYSTEMS[target.os]
    machine = _MACHINES.get(target.arch, target.arch)
    if target.os == "windows":
        machine = {"x86_64": "AMD64", "aarch64": "ARM64"}[target.arch]
    elif target.os == "macos":
        machine = {"aarch64": "arm64"}.get(target.arch, target.arch)
    return {
        "sys_platform": sys_platform,
        "os_name": os_name,
        "platform_system": system,
        "platform_machine": machine,
        "python_version": _series(python),
        "python_full_version": f"{_series(python)}.0",
        "implementation_name": "pypy" if python.startswith("pypy") else "cpython",
        "platform_python_implementation": "PyPy" if python.startswith("pypy") else "CPython",
        "extra": "",
    }


def dependencies(target: Target, python: str) -> set[str]:
    """The direct dependencies that pyproject.toml has for a platform and Python, by name."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = map(Requirement, project["dependencies"])
    environment = marker_environment(target, python)
    return {
        canonicalize_name(each.name) for each in found if each.marker is None or each.marker.evaluate(dict(environment))
    }


def compiled_here() -> set[str]:
    """The names of compiled dependencies, indirect ones too: what pip would install here as wheels of one platform."""
    from packaging.utils import canonicalize_name

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _pip("--report", str(report), str(ROOT), target=folder, check=True)
        rows = json.loads(report.read_text(encoding="utf-8"))["install"]
    urls = {canonicalize_name(row["metadata"]["name"]): row["download_info"]["url"] for row in rows}
    return {name for name, url in urls.items() if url.endswith(".whl") and not url.endswith("-any.whl")}


def ask_index() -> Installs:
    """Ask the index for every cell; takes minutes."""
    compiled = compiled_here()
    direct = {name for target in _TAGS for python in PYTHONS for name in dependencies(Target.parse(target), python)}
    asked = compiled | (direct & PURE_FROM_SOURCE)

    def missing(cell: tuple[Target, str]) -> tuple[str, ...]:
        target, python = cell
        own = dependencies(target, python)
        needed = sorted(name for name in asked if name in own or name not in direct)
        if _has_wheels(target, python, *needed):
            return ()
        return tuple(name for name in needed if not _has_wheels(target, python, name))

    cells = [(Target.parse(name), python) for name in _TAGS for python in PYTHONS]
    rows: dict[Target, dict[str, tuple[str, ...]]] = {}
    with ThreadPoolExecutor(8) as pool:
        for (target, python), names in zip(cells, pool.map(missing, cells), strict=True):
            rows.setdefault(target, {})[python] = names
    return Installs(day=datetime.now(UTC).date().isoformat(), missing=rows)


def _series(python: str) -> str:
    return python.removeprefix("pypy").removesuffix("t")


def _tags(target: Target, python: str) -> Iterator[str]:
    digits = _series(python).replace(".", "")
    if python.startswith("pypy"):
        abis = [f"pypy{digits}_pp73"]
    else:
        abis = [f"cp{digits}t"] if python.endswith("t") else [f"cp{digits}", "abi3"]
    yield from ("--python-version", _series(python), "--implementation", "pp" if python.startswith("pypy") else "cp")
    for abi in (*abis, "none"):
        yield from ("--abi", abi)
    for tag in _TAGS[target.short]:
        yield from ("--platform", tag)


def _has_wheels(target: Target, python: str, *names: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return _pip("--no-deps", "--only-binary", ":all:", *_tags(target, python), *names, target=folder)


def _pip(*words: str, target: str, check: bool = False) -> bool:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--target", target]
    done = subprocess.run([*command, *words], check=check, capture_output=True, stdin=subprocess.DEVNULL)
    return done.returncode == 0
