"""Python code run as another, unprivileged user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_NOBODY = 65534
# Everything is imported before root's rights are dropped: the other user may not see the interpreter's library.
_PREAMBLE = """
import ctypes, importlib, os, pkgutil, select, selectors, shutil, signal, subprocess, sys
if os.name == "posix":
    import fcntl
for package in {packages!r}:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{{package}}."):
        importlib.import_module(module.name)
if os.geteuid() == 0:
    os.setgroups({groups!r})
    os.setgid({user})
    os.setuid({user})
os.chdir("/")
"""


def is_root() -> bool:
    return os.name != "nt" and os.geteuid() == 0


def as_stranger(
    code: str, *, user: int = _NOBODY, groups: Sequence[int] = (), packages: Sequence[str] = ("provision.store",)
) -> str:
    """Run code as a user who owns nothing if we are root, else as ourselves; return what it prints.

    Tests that deny something to others must therefore deny it to the owner too. All modules of ``packages`` can be
    imported. Skips the test on Windows.
    """
    _require_users()
    process = subprocess.run(
        [sys.executable, "-c", _PREAMBLE.format(user=user, groups=list(groups), packages=tuple(packages)) + code],
        cwd=ROOT,
        env={**os.environ, "HOME": "/"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def without_privilege(command: Sequence[str], *, uid: int | None = None) -> list[str]:
    """A command line that obeys the modes of files even if we are root; ``uid`` is what it then takes itself for.

    Unlike `as_stranger`, it can still read the interpreter of the tests. Skips the test where the system has no means.
    """
    _require_users()
    wrapped = list(command)
    if uid is not None:
        wrapped = ["unshare", "--user", f"--map-user={uid}", *wrapped]
    elif os.geteuid() == 0:
        wrapped = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *wrapped]
    if wrapped[0] != command[0]:
        tried = [*wrapped[: -len(command)], "true"]
        if not shutil.which(wrapped[0]) or subprocess.run(tried, capture_output=True, check=False).returncode:
            pytest.skip(f"this system does not allow {wrapped[0]}")
    return wrapped


def _require_users() -> None:
    if os.name == "nt":
        pytest.skip("Windows has no user ids and no modes of files")
