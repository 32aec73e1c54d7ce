"""`which`, `run` and `env`: installed interpreters and their environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from provision.errors import PolicyError, StoreError, UsageError
from provision.host.cpu import cpu_level
from provision.host.execute import caller_environment, execute
from provision.model.asset import CPU_LEVELS
from provision.model.value import frozen
from provision.plan import Selected
from provision.store.layout import Store, executable
from provision.store.links import BIN, foreign_commands, links_directory
from provision.store.receipts import read_receipt
from provision.workflows.options import Options, Scope
from provision.workflows.project import Project
from provision.workflows.selection import select_assets


@frozen
class FoundPython:
    """An installed interpreter of a project."""

    selected: Selected
    tree: Path
    executable: Path


def which(options: Options, name: str) -> FoundPython:
    """The interpreter of an entry; raises `StoreError` if it is not installed."""
    project = Project.find(options)
    (selected,) = select_assets(project, project.locked().lock, Scope(names=(name,))).selected
    store = Store(options.home)
    receipt = read_receipt(store, selected.key)
    if receipt is None or receipt.asset.sha256 != selected.asset.sha256:
        raise StoreError(f"{name} is not installed", hint=f"Run `provision sync {name}`.")
    tree = store.tree(selected.key)
    return FoundPython(selected=selected, tree=tree, executable=executable(tree, selected.asset))


def run(options: Options, name: str, command: Sequence[str]) -> int:
    """Replace this process by the command, with the entry's interpreter first on PATH; by default the interpreter.

    A ``--`` before the command is left out. On Windows the command is a child, whose exit code is returned. Raises
    `CommandError` if it cannot be started, and `PolicyError` if this machine's CPU lacks the build's level, which
    happens where the store was copied from another machine.
    """
    words = list(command[1:] if command[:1] == ["--"] else command)
    if words and words[0].startswith("-"):
        raise _option_refused(name, words)
    found = which(options, name)
    asset = found.selected.asset
    if asset.cpu != "baseline" and CPU_LEVELS.index(asset.cpu) > CPU_LEVELS.index(cpu_level()):
        raise PolicyError(
            f"{name} needs an x86-64-{asset.cpu} CPU, and this machine's is {cpu_level()}",
            hint='Ask for cpu = "auto" in pythons.toml, lock and sync again.',
        )
    environ = environment(caller_environment(options.environ), found)
    return execute(words or [str(found.executable)], environ)


def _option_refused(name: str, words: Sequence[str]) -> UsageError:
    import shlex

    return UsageError(
        f"expected a command after entry {name!r}, got option {words[0]!r}",
        hint=f"To pass it to the interpreter, run `provision run {name} -- python {shlex.join(words)}`; "
        f"options of `provision run` come before {name!r}.",
    )


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
