"""The free-threaded and the debug interpreter that provision installs, as hosts of provision: tests run on them.

    python -m tools.platforms.hosts [NAME...]

The entries `free` and `debug` of `make demo`, which is run first if it was not. PROVISION_TEST_INTERPRETERS has their
archives; without it, there is nothing to run. Dependencies without a wheel for an interpreter are left out, and
free.toml and debug.toml say which tests run. What it makes is in .platforms/hosts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools.platforms.results import ROOT
from tools.platforms.selection import Selection
from tools.platforms.suite import PLATFORMS, pytest_words, requirement_name, test_requirements

PLACE = PLATFORMS / "hosts"
DEMO = ROOT / ".demo"
# What has no wheel for an interpreter, or depends on something that has none.
WITHOUT_WHEELS = {
    "free": {
        "cramjam", "cryptography", "cyclonedx-python-lib", "isal", "pyyaml", "sigstore", "spdx-tools", "trustme",
    },
}  # fmt: skip
# On the debug build, all warnings of the development mode are errors. On the free-threaded one, an extension that
# enables the GIL causes a warning, which fails the tests; other interpreters refuse to start with PYTHON_GIL.
_ENVIRONMENTS: dict[str, dict[str, str]] = {"free": {}, "debug": {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error"}}


def main(names: list[str]) -> int:
    if not os.environ.get("PROVISION_TEST_INTERPRETERS"):
        print("make test-hosts: skipped: PROVISION_TEST_INTERPRETERS names no directory of interpreters")
        return 0
    if not (DEMO / "project" / "pythons.lock").exists():
        subprocess.run([sys.executable, "examples/demo.py"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return max(run_tests(name) for name in names or _ENVIRONMENTS)


def run_tests(name: str) -> int:
    """The tests of its file on one interpreter; pytest's exit code."""
    python, missing = prepare(name)
    print(f"── {name}: {describe(python)}; without {', '.join(missing) or 'nothing'}", flush=True)
    tests = Path(__file__).with_name(f"{name}.toml")
    command = [str(python), *pytest_words(str(PLACE / f"{name}.xml"), "-n", "2", *Selection.load(tests).rooms)]
    environ = {**os.environ, **_ENVIRONMENTS[name], "PLATFORM_TESTS": str(tests), "CI": "true"}
    return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode


def prepare(name: str) -> tuple[Path, list[str]]:
    """A virtual environment on the interpreter, and the requirements that have no wheel for it."""
    environ = {**os.environ, "PROVISION_HOME": str(DEMO / "home"), "PROVISION_CACHE_DIR": str(DEMO / "cache")}
    environ["PROVISION_MANIFEST"] = str(DEMO / "project" / "pythons.toml")
    command = [sys.executable, "-m", "provision", "which", name]
    found = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    folder = PLACE / name
    subprocess.run([found, "-m", "venv", "--clear", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-qq", "--only-binary", ":all:"]
    missing = WITHOUT_WHEELS.get(name, set())
    wanted = [each for each in test_requirements() if requirement_name(each) not in missing]
    subprocess.run([*pip, *wanted], env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=True)
    return python, sorted(missing)


def describe(python: Path) -> str:
    code = (
        "import sys, sysconfig; print(sys.version.split()[0], sysconfig.get_config_var('abi_thread') or sys.abiflags)"
    )
    return subprocess.run([python, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
