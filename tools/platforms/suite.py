"""What the tests need on every platform: their requirements, packages of Debian, and the words of pytest."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable

from tests.support.servers.containers import need
from tests.support.servers.programs import ServerUnavailableError
from tools.platforms.results import ROOT

PLATFORMS = ROOT / ".platforms"
# Of the development requirements, those that no test imports.
_NOT_FOR_TESTS = {
    "hatchling",
    "import-linter",
    "mypy",
    "pyte",
    "ruff",
    "types-jsonschema",
    "types-pyyaml",
}


class Unavailable(Exception):
    """This system cannot run the platform, which is no failure; everything else that goes wrong is one."""


def test_requirements() -> list[str]:
    """The requirements of the project and of its tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    return [each for each in wanted if requirement_name(each) not in _NOT_FOR_TESTS]


def requirement_name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower()


def install(command: str, *packages: str) -> None:
    """Have a command of Debian's packages; raises `Unavailable` where apt, the package or the rights are missing."""
    try:
        need(command, *packages)
    except ServerUnavailableError as error:
        if os.geteuid() == 0 and all(map(_is_in_the_archive, packages)):
            sys.exit(f"error: {error}")
        raise Unavailable(str(error)) from error


def _is_in_the_archive(package: str) -> bool:
    if not shutil.which("apt-cache"):
        return False
    return not subprocess.run(["apt-cache", "show", package], capture_output=True, check=False).returncode


def is_debian() -> bool:
    try:
        return platform.freedesktop_os_release()["ID"] == "debian"
    except OSError:
        return False


def is_prepared(target: str, prepare: Callable[[], object]) -> bool:
    """Prepare a target of `make`; False, after one line that says why, where this system cannot run it."""
    try:
        prepare()
    except Unavailable as error:
        print(f"make {target}: skipped: {error}")
        return False
    return True


def pytest_words(report: str, *words: str) -> list[str]:
    """The words behind `python` for the quick tests that the file in PLATFORM_TESTS has."""
    plugins = ["-p", "no:cacheprovider", "-p", "tools.platforms.selection"]
    return ["-m", "pytest", "-q", *plugins, "-m", "not slow", f"--junitxml={report}", *words]
