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
    nearest,
    raise_all,
)
from provision.host.cpu import cpu_level
from provision.host.execute import PYTHON_FILES, caller_environment, execute, noexec_error, refuses_programs
from provision.host.files import is_directory, is_file
from provision.host.repository import display_path
from provision.model.asset import CPU_LEVELS
from provision.model.value import frozen
from provision.plan import Selected
from provision.store.launchers import is_foreign
from provision.store.layout import Store, executable, interpreter_damage
from provision.store.links import BIN, links_directory, stable_tree, unknown_commands
from provision.store.locks import lock_timeout
from provision.store.receipts import read_receipt
from provision.workflows.options import Options, Scope
from provision.workflows.project import Project, record_use
from provision.workflows.selection import select_assets


@frozen
class FoundPython:
    """An installed interpreter of a project: its tree in the store, and ``link``, which leads there if it can.

    ``executable`` is the path through the link, which stays the same after an upgrade; ``stored`` is the one in the
    store.
    """

    selected: Selected
    tree: Path
    link: Path

    @property
    def executable(self) -> Path:
        return executable(self.link, self.selected.asset)

    @property
    def stored(self) -> Path:
        return executable(self.tree, self.selected.asset)


def which(options: Options, name: str) -> FoundPython:
    """The interpreter of an entry; raises `StoreError` if it is not installed, `IntegrityError` if damaged."""
    project = Project.find(options)
    (selected,) = select_assets(project, project.locked().lock, Scope(names=(name,))).selected
    store = options.store
    if not _is_installed(selected, store):
        raise StoreError(f"{name} is not installed", hint=f"Run `provision sync {name}`.")
    raise_all([error] if (error := _interpreter_error(selected, store)) else [])
    record_use(project, store, selected.key, timeout=lock_timeout(options.environ))
    return FoundPython(
        selected=selected,
        tree=store.tree(selected.key),
        link=stable_tree(project.directory, name, selected.key, store),
    )


def run(options: Options, name: str, command: Sequence[str]) -> int:
    """Replace this process by the command, with the entry's interpreter first on PATH; by default the interpreter.

    A ``--`` before the command is removed. The interpreter runs anything that begins with an option, and without ``--``
    also a file that ends in ``.py`` or ``.pyz``. On Windows the command is a child, whose exit code is returned. Raises
    `CommandError` if it cannot be started, and `PolicyError` if this machine's CPU lacks the build's level, for example
    because the store was copied from another machine.
    """
    words = list(command[1:] if command[:1] == ["--"] else command)
    try:
        found = which(options, name)
    except ManifestError as error:
        raise _unknown_entry(options, name, words) or error from None
    asset = found.selected.asset
    if asset.cpu != "baseline" and CPU_LEVELS.index(asset.cpu) > CPU_LEVELS.index(cpu_level()):
        raise PolicyError(
            f"{name} requires an x86-64-{asset.cpu} CPU; this machine has {cpu_level()}",
            hint='Set `cpu = "auto"` for the entry in pythons.toml, and run `provision sync`.',
        )
    environ = environment(caller_environment(options.environ), found)
    is_script = words == list(command) and _is_python_file(words)
    if not words or words[0].startswith("-") or is_script:
        words = [str(found.executable), *words]
    elif words[0] == "pip":
        words[0] = _own_pip(found)
    return execute(words, environ)


def _is_python_file(words: Sequence[str]) -> bool:
    return bool(words) and words[0].endswith(PYTHON_FILES) and is_file(Path(words[0]))


def _own_pip(found: FoundPython) -> str:
    """The interpreter's pip: trees have it as ``pip3``, and ``pip`` would be another Python's."""
    program = found.executable.with_name("pip3")
    return str(program) if is_file(program) else "pip"


def _unknown_entry(options: Options, name: str, words: Sequence[str]) -> ProvisionError | None:
    """The error of a command where an entry is expected, with the omitted entry; None for any other error."""
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
    what, dashes = ("file", "") if name.endswith(PYTHON_FILES) else ("command", "-- ")
    command = f"provision run {entry} {dashes}{shlex.join([name, *words])}"
    return ManifestError(
        f"{project.manifest_name} has no entry {name!r}",
        hint=f"To run the {what} {name!r} with the interpreter of entry {entry!r}, run `{command}`.",
    )


def environment(environ: Mapping[str, str], found: FoundPython) -> dict[str, str]:
    """``environ`` with the interpreter's directory first on PATH and without PYTHONHOME."""
    changed = {name: value for name, value in environ.items() if name not in {"PYTHONHOME", "__PYVENV_LAUNCHER__"}}
    changed["PATH"] = os.pathsep.join([*map(str, _directories(found)), environ.get("PATH", os.defpath)])
    return changed


def _directories(found: FoundPython) -> tuple[Path, ...]:
    """The directories of an interpreter's programs, for PATH."""
    tree = found.tree if _is_unfit_for_path(found.link) else found.link
    program = executable(tree, found.selected.asset)
    return (program.parent, tree / "Scripts") if os.name == "nt" else (program.parent,)


def _is_unfit_for_path(path: Path) -> bool:
    return any(char in str(path) for char in (os.pathsep, "\n", "\r"))


def bin_directory(options: Options) -> Path:
    """The project's directory of commands, for PATH.

    Raises `PolicyError` unless each file in it starts exactly the interpreter that the lock has for its name, and
    `StoreError` if the directory does not exist: ``eval "$(provision env)"`` would leave another Python first on PATH.
    """
    project = Project.find(options)
    directory = links_directory(project.directory) / BIN
    if _is_unfit_for_path(directory):
        raise PolicyError(f"cannot put {directory} on PATH: its name contains {os.pathsep!r} or a line break")
    store = options.store
    loaded = project.lock()
    chosen = select_assets(project, loaded.lock, Scope()).selected if loaded else ()
    installed = [selected for selected in chosen if _is_installed(selected, store)]
    for path in unknown_commands(project.directory, installed, store):
        missing = [selected for selected in chosen if selected not in installed]
        raise _command_refused(path, project.lock_path, missing)
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

    Without this check, another Python on PATH would run instead.
    """
    tree = store.tree(selected.key)
    program = executable(tree, selected.asset)
    if refuses_programs(tree.parent):
        return noexec_error(tree.parent)
    if damage := interpreter_damage(tree, selected.asset):
        return IntegrityError(
            f"interpreter of entry {selected.name!r} is damaged: {damage}",
            hint=f"Run `provision verify --repair {selected.name}`."
            if store.is_own(selected.key)
            else f"Run `provision sync {selected.name}`, which installs it into {store.home}.",
        )
    if not os.access(program, os.X_OK):
        return StoreError(
            f"cannot execute {program}: permission denied",
            hint="Ask the owner of the store for access, or set PROVISION_HOME to a store of your own.",
        )
    return None


def _command_refused(path: Path, lock: Path, missing: Sequence[Selected]) -> ProvisionError:
    if is_foreign(path):
        return PolicyError(
            f"{path} was not made by provision; refusing to put it on PATH", hint="Check that file and remove it."
        )
    if missing:  # the lock file changed after the last sync, for example by a pull
        told = "; ".join(
            f"{each.name}: {each.asset.version}+{each.asset.build} is locked but not installed" for each in missing
        )
        return StoreError(told, hint="Run `provision sync`.")
    unlocked = f"does not start an interpreter that {display_path(lock)} has for this command"
    return PolicyError(
        f"{path} {unlocked}; refusing to put it on PATH",
        hint="Run `provision sync`, with the same `--home` or PROVISION_HOME.",
    )
