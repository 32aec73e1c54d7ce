"""provision and all its dependencies in one file, for this platform and Python series, made by shiv.

    python -m tools.pyz DIRECTORY [WHEEL]

prints its path, such as ``provision-0.1.0-cp313-linux-x86_64.pyz``.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from provision import __version__

ROOT = Path(__file__).resolve().parent.parent
PREAMBLE = ROOT / "tools" / "pyz_preamble.py"


def file_name() -> str:
    """The name of the file for this Python."""
    free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    series = f"cp{sys.version_info.major}{sys.version_info.minor}{free}"
    return f"provision-{__version__}-{series}-{sysconfig.get_platform()}.pyz"


def make(directory: Path, source: Path = ROOT) -> Path:
    """Make the file of a source tree or a wheel; pip gets the dependencies. shiv has to be installed."""
    path = directory / file_name()
    options = ("--console-script", "provision", "--python", "/usr/bin/env python3", "--reproducible", "--compressed")
    command = [sys.executable, "-m", "shiv.cli", *options, "--preamble", PREAMBLE, "--output-file", path, source]
    subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)
    return path


if __name__ == "__main__":
    print(make(*map(Path, sys.argv[1:])))
