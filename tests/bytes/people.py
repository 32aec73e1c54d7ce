"""provision run as an unprivileged user, if we are root, or with another umask."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.project import COMMAND, Ended, Project
from tests.support.strangers import is_root

NOBODY = 65534
# Everything is imported before root's rights are dropped: an unprivileged user may not even be able to read the Python
# that runs the tests.
_AS_NOBODY = """
import importlib, os, pkgutil, sys
import encodings.idna, fcntl, httpcore, pydantic, shutil, subprocess, tempfile, tomlkit, typer, zoneinfo
import provision
for module in pkgutil.walk_packages(provision.__path__, "provision."):
    if not module.name.endswith(("__main__", "virtualenv_discovery")):  # no command imports these
        importlib.import_module(module.name)
from provision.cli.entry import main
os.setgroups([])
os.setgid({nobody})
os.setuid({nobody})
sys.argv[0] = "provision"
sys.exit(main())
"""


def run_with_umask(project: Project, umask: int, *words: str) -> Ended:
    """A plain run under a umask; it must succeed."""
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=project.directory,
        env=project.environ(),
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def run_as_stranger(project: Project, words: Sequence[str], *, cwd: Path | None = None, **environ: str) -> Ended:
    """Run as an unprivileged user if we are root, else as ourselves; any exit code, but no traceback."""
    command = [sys.executable, "-c", _AS_NOBODY.format(nobody=NOBODY)] if is_root() else list(COMMAND)
    done = subprocess.run(
        [*command, *words],
        cwd=cwd or project.directory,
        env=project.environ({"HOME": "/nonexistent", **environ}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)
