"""The output of `hook` and `trust`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from provision.cli.present.use import quote
from provision.cli.session import CommandAnswer
from provision.host.files import is_file
from provision.text import printable
from provision.workflows.hook import Trusted

# What each name of a shell stands for: the file of its code, and how it quotes.
_SHELLS = {
    "bash": ("hook.bash", "sh"),
    "zsh": ("hook.zsh", "sh"),
    "fish": ("hook.fish", "fish"),
    "pwsh": ("hook.ps1", "powershell"),
    "powershell": ("hook.ps1", "powershell"),
    "direnv": ("direnv.sh", "sh"),
}
SHELL_NAMES = tuple(_SHELLS)


def present_hook(shell: str) -> CommandAnswer:
    """The code for the start-up file of a shell."""
    file, quoting = _SHELLS[shell]
    text = Path(__file__).parent.with_name("shells").joinpath(file).read_text(encoding="utf-8")
    code = text.replace("@COMMAND@", " ".join(quote(quoting, word) for word in _command()))
    return CommandAnswer(paths=(code.rstrip("\n"),), document={"version": 1, "shell": shell, "code": code})


def _command() -> tuple[str, ...]:
    """How a shell starts this provision, whatever its PATH is by then, and without importing from its directory."""
    script = Path(sys.argv[0]).absolute()
    if script.stem == "provision" and is_file(script):
        return (str(script),)
    return (sys.executable, "-P", "-m", "provision")


def present_trusted(directory: Path) -> CommandAnswer:
    """That a project is trusted from now on."""
    remark = f"trusted {printable(str(directory))}"
    return CommandAnswer(remarks=(remark,), document={"version": 1, "directory": str(directory), "trusted": True})


def present_revoked(directory: Path, *, was_trusted: bool) -> CommandAnswer:
    """That a project is not trusted from now on."""
    shown = printable(str(directory))
    remark = f"{shown} is no longer trusted" if was_trusted else f"{shown} was not trusted"
    return CommandAnswer(remarks=(remark,), document={"version": 1, "directory": str(directory), "trusted": False})


def present_trust_list(projects: Sequence[Trusted]) -> CommandAnswer:
    """The trusted projects, a line each; those that were moved or replaced say so."""
    lines = [
        printable(str(each.directory)) + ("" if each.current else "  (moved or replaced: not trusted)")
        for each in projects
    ]
    document = {
        "version": 1,
        "projects": [{"directory": str(each.directory), "current": each.current} for each in projects],
    }
    return CommandAnswer(lines=lines, document=document)
