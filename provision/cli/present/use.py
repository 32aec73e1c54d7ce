"""The output of `which` and `env`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from provision.cli.session import CommandAnswer
from provision.errors import UsageError
from provision.workflows.use import FoundPython

_SHELLS = ("sh", "fish", "powershell", "github")


def present_which(found: FoundPython, *, store: bool = False) -> CommandAnswer:
    """The executable's path, alone on its line, for scripts: through the project's link, or in the ``store``."""
    selected = found.selected
    path = str(found.stored if store else found.executable)
    document = {
        "version": 1,
        "name": selected.name,
        "executable": path,
        "tree": str(found.tree),
        "key": selected.key,
    }
    return CommandAnswer(paths=(path,), document=document)


def present_env(directory: Path, shell: str | None, environ: Mapping[str, str]) -> CommandAnswer:
    """Shell code that prepends the project's commands to PATH; raises `UsageError` for an unknown shell."""
    name = shell or _default_shell(environ)
    path = str(directory)
    match name:
        case "sh" | "bash" | "zsh" | "dash":
            line = f'export PATH={shlex.quote(path)}:"$PATH"'
        case "fish":
            line = f"set -gx PATH {quote('fish', path)} $PATH"
        case "powershell" | "pwsh":
            line = f"$env:PATH = {quote('powershell', path)} + [IO.Path]::PathSeparator + $env:PATH"
        case "github":  # each line of the file that GITHUB_PATH names is a directory
            line = path
        case _:
            raise UsageError(f"--shell: expected one of {', '.join(_SHELLS)}; got {name!r}")
    document = {"version": 1, "path": path, "shell": name, "code": line}
    return CommandAnswer(paths=(line,), document=document)


def quote(shell: str, text: str) -> str:
    """A text as one word of a shell: ``fish``, ``powershell``, or else a POSIX shell."""
    match shell:
        case "fish":
            escaped = text.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{escaped}'"
        case "powershell":
            escaped = text.replace("'", "''")
            return f"'{escaped}'"
    return shlex.quote(text)


def _default_shell(environ: Mapping[str, str]) -> str:
    if sys.platform == "win32":
        return "powershell"
    name = Path(environ.get("SHELL", "sh")).name
    return name if name == "fish" else "sh"
