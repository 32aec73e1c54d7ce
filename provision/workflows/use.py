"""`which`, `run` and `env`: installed interpreters and their environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from provision.errors import (
    IntegrityError,
    ManifestError,
    PolicyError,
    ProvisionError,
    StoreError,
    UsageError,
    nearest,
    raise_all,
)
from provision.host.cpu import cpu_level
from provision.host.execute import caller_environment, execute, noexec_error, refuses_programs
from provision.host.files import is_directory
from provision.model.asset import CPU_LEVELS
from provision.model.value import frozen
from provision.plan import Selected
from provision.store.launchers import is_launcher
from provision.store.layout import Store, executable, interpreter_damage
from provision.store.links import BIN, links_directory, unknown_commands
from provision.store.locks import lock_timeout
from provision.store.receipts import read_receipt
from provision.workflows.options import Options, Scope
from provision.workflows.project import Project, record_use
from provision.workflows.selection import select_assets


@frozen
class FoundPython:
    """An installed interpreter of a project."""

    selected: Selected
    tree: Path
    executable: Path


def which(options: Options, name: str) -> FoundPython:
    """The interpreter of an entry; raises `StoreError` if it is not installed, `IntegrityError` if damaged."""
    project = Project.find(options)
    (selected,) = select_assets(project, project.locked().lock, Scope(names=(name,))).selected
    store = Store(options.home)
    if not _is_installed(selected, store):
        raise StoreError(f"{name} is not installed", hint=f"Run `provision sync {name}`.")
    raise_all([error] if (error := _interpreter_error(selected, store)) else [])
    record_use(project, store, selected.key, timeout=lock_timeout(options.environ))
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
        raise _unknown_entry(options, name, words) or _option_refused(name, words)
    try:
        found = which(options, name)
    except ManifestError as error:
        raise _unknown_entry(options, name, words) or error from None
    asset = found.selected.asset
    if asset.cpu != "baseline" and CPU_LEVELS.index(asset.cpu) > CPU_LEVELS.index(cpu_level()):
        raise PolicyError(
            f"{name} needs an x86-64-{asset.cpu} CPU, and this machine's is {cpu_level()}",
            hint='Ask for cpu = "auto" in pythons.toml, lock and sync again.',
        )
    environ = environment(caller_environment(options.environ), found)
    return execute(words or [str(found.executable)], environ)


def _unknown_entry(options: Options, name: str, words: Sequence[str]) -> ProvisionError | None:
    """The error of a command in the place of an entry, with the entry that was left out; None for any other error."""
    import shlex

    try:
        project = Project.find(options)
        loaded = project.lock()
    except ProvisionError:
        return None
    names = [python.name for python in loaded.lock.pythons] if loaded else []
    entry = "default" if "default" in names else names[0] if len(names) == 1 else None
    if name in names or entry is None or nearest(name, names) or name.endswith((".toml", ".lock")):
        return None
    command = f"provision run {entry} -- {shlex.join([name, *words])}"
    return ManifestError(
        f"{project.manifest_name} declares no {name!r}",
        hint=f"To run the command {name!r} with the interpreter of entry {entry!r}, run `{command}`.",
    )


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

    Raises `PolicyError` unless everything in it starts just the interpreter that the lock has for its name, and
    `StoreError` if the directory does not exist: ``eval "$(provision env)"`` would leave another Python first on PATH.
    """
    project = Project.find(options)
    directory = links_directory(project.directory) / BIN
    if any(char in str(directory) for char in (os.pathsep, "\n", "\r")):
        raise PolicyError(f"cannot put {directory} on PATH: its name contains {os.pathsep!r} or a line break")
    store = Store(options.home)
    loaded = project.lock()
    chosen = select_assets(project, loaded.lock, Scope()).selected if loaded else ()
    installed = [selected for selected in chosen if _is_installed(selected, store)]
    for path in unknown_commands(project.directory, installed, store):
        raise _command_refused(path, project.lock_path)
    if not is_directory(directory):
        raise StoreError(
            f"cannot put {directory} on PATH: the directory does not exist",
            hint="Run `provision sync`. If it cannot create links in the project, use `provision run` instead.",
        )
    raise_all([error for selected in installed if (error := _interpreter_error(selected, store))])
    for selected in installed:
        record_use(project, store, selected.key, timeout=lock_timeout(options.environ))
    return directory


def _is_installed(selected: Selected, store: Store) -> bool:
    # A key has only a part of the archive's sha256, which another archive can match on purpose; the receipt has all.
    receipt = read_receipt(store, selected.key)
    return receipt is not None and receipt.asset.sha256 == selected.asset.sha256


def _interpreter_error(selected: Selected, store: Store) -> ProvisionError | None:
    """Why the tree's interpreter cannot start, as far as that shows without hashing the tree; else None.

    In its place, another Python on PATH would run.
    """
    tree = store.tree(selected.key)
    program = executable(tree, selected.asset)
    if refuses_programs(store.trees):
        return noexec_error(store.trees)
    if damage := interpreter_damage(tree, selected.asset):
        return IntegrityError(
            f"interpreter of entry {selected.name!r} is damaged: {damage}",
            hint=f"Run `provision verify --repair {selected.name}`.",
        )
    if not os.access(program, os.X_OK):
        return StoreError(
            f"cannot execute {program}: permission denied",
            hint="Ask the owner of the store for access, or set PROVISION_HOME to a store of your own.",
        )
    return None


def _command_refused(path: Path, lock: Path) -> PolicyError:
    if is_launcher(path):
        return PolicyError(
            f"{path} does not start an interpreter that {lock.name} has for this command; refusing to put it on PATH",
            hint="Run `provision sync`, with the same `--home` or PROVISION_HOME.",
        )
    return PolicyError(
        f"{path} was not made by provision; refusing to put it on PATH", hint="Check that file and remove it."
    )
