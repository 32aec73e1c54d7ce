"""`which`, `run` and `env`: installed interpreters and their environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from provision.errors import PolicyError, ProvisionError, StoreError
from provision.host.cpu import cpu_level
from provision.host.files import exists
from provision.model.asset import CPU_LEVELS
from provision.model.value import frozen
from provision.plan import Selected
from provision.store.layout import Store, executable
from provision.store.links import BIN, foreign_commands, links_directory
from provision.store.receipts import read_receipt
from provision.workflows.options import Options, Scope
from provision.workflows.plan import select_assets
from provision.workflows.project import Project

# Exit codes of shells for a command that does not exist, or cannot be executed.
NOT_FOUND = 127
NOT_EXECUTABLE = 126


@frozen
class FoundPython:
    """An installed interpreter of a project."""

    selected: Selected
    tree: Path
    executable: Path


def which(options: Options, name: str) -> FoundPython:
    """The interpreter of an entry; raises `StoreError` if it is not installed."""
    project = Project.find(options)
    (selected,) = select_assets(project, project.locked().lock, Scope(names=(name,)))
    store = Store(options.home)
    receipt = read_receipt(store, selected.key)
    if receipt is None or receipt.asset.sha256 != selected.asset.sha256:
        raise StoreError(f"{name} is not installed", hint=f"Run `provision sync {name}`.")
    tree = store.tree(selected.key)
    return FoundPython(selected=selected, tree=tree, executable=executable(tree, selected.asset))


def run(options: Options, name: str, command: Sequence[str]) -> int:
    """Replace this process by the command, with the entry's interpreter first on PATH; by default the interpreter.

    On Windows the command is a child, whose exit code is returned. Raises `PolicyError` if this machine's CPU lacks the
    build's level, which happens where the store was copied from another machine.
    """
    found = which(options, name)
    asset = found.selected.asset
    if asset.cpu != "baseline" and CPU_LEVELS.index(asset.cpu) > CPU_LEVELS.index(cpu_level()):
        raise PolicyError(
            f"{name} needs an x86-64-{asset.cpu} CPU, and this machine's is {cpu_level()}",
            hint='Ask for cpu = "auto" in pythons.toml, lock and sync again.',
        )
    environ = environment(options.environ, found)
    argv = list(command) or [str(found.executable)]
    program = _find_program(argv[0], environ)
    if os.name == "nt":
        import subprocess

        return subprocess.run([program, *argv[1:]], env=environ, check=False).returncode
    try:
        os.execve(program, argv, environ)  # noqa: S606  (there is no shell, and that is the point)
    except PermissionError as error:
        raise CommandError(f"cannot execute {argv[0]}", code=NOT_EXECUTABLE) from error
    except OSError as error:
        raise CommandError(f"cannot execute {argv[0]}: {error.strerror}", code=NOT_FOUND) from error


class CommandError(ProvisionError):
    """A command that `run` could not start; with the exit code that a shell would give."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.exit_code = code


def environment(environ: Mapping[str, str], found: FoundPython) -> dict[str, str]:
    """``environ`` with the interpreter's directory first on PATH and without PYTHONHOME."""
    changed = {name: value for name, value in environ.items() if name not in {"PYTHONHOME", "__PYVENV_LAUNCHER__"}}
    paths = [str(found.executable.parent)]
    if os.name == "nt":
        paths.append(str(found.tree / "Scripts"))
    changed["PATH"] = os.pathsep.join([*paths, environ.get("PATH", os.defpath)])
    return changed


def bin_directory(options: Options) -> Path:
    """The project's directory of commands, for PATH.

    Raises `PolicyError` if anything but interpreters of the store would be on PATH with it.
    """
    project = Project.find(options).directory
    directory = links_directory(project) / BIN
    if any(char in str(directory) for char in (os.pathsep, "\n", "\r")):
        raise PolicyError(f"{directory} cannot be put on PATH, where {os.pathsep!r} and line breaks part directories")
    foreign = foreign_commands(project, Store(options.home))
    if foreign:
        raise PolicyError(
            f"{foreign[0]} leads to no interpreter of the store in {options.home}, and would be on PATH",
            hint="Look at it and remove it; or name the store that it is of: --home, PROVISION_HOME.",
        )
    return directory


def _find_program(name: str, environ: Mapping[str, str]) -> str:
    import shutil

    program = shutil.which(name, path=environ["PATH"])
    if program is None:
        code = NOT_EXECUTABLE if exists(Path(name)) and os.sep in name else NOT_FOUND
        raise CommandError(f"cannot execute {name}: no such command", code=code)
    return program
