"""The name on the package index, and the command that adds an extra."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec

# `name` in pyproject.toml; the command and the package are `provision`.
DISTRIBUTION = "pyprovision"


def install_command(extra: str) -> str:
    """The command that adds the packages of an extra to the environment that runs this provision.

    It keeps the installed version, because pip and uv treat the requirement as already satisfied.
    """
    requirement = f"{DISTRIBUTION}[{extra}]"
    if "_bootstrap" in sys.modules:  # `provision.pyz`: shiv's start-up code, whose environment cannot be changed
        return _line("pipx", "install", requirement)
    if find_spec("pip") is None:  # as in environments that uv made
        return _line("uv", "pip", "install", "--python", sys.executable, requirement)
    return _line(sys.executable, "-m", "pip", "install", requirement)


def _line(*words: str) -> str:
    if sys.platform == "win32":
        return " ".join(f'"{word}"' if " " in word else word for word in words)
    return shlex.join(words)
