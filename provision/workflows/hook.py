"""`hook` and `trust`: what the shell hook does, and for which projects."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from provision.errors import ProvisionError, SeveralErrors, UsageError, system_error
from provision.host.files import exists
from provision.model.value import frozen, replace
from provision.store.activation import Activation, find_activation
from provision.store.trust import is_trusted, records, revoke, trust
from provision.text import printable
from provision.workflows.options import Options
from provision.workflows.project import MANIFEST_NAME, Project


def activate(environ: Mapping[str, str], start: str) -> Activation:
    """The whole answer for a directory; a problem is one line of it, and never an error."""
    found = find_activation(environ, start)
    if not found.pending:
        return found
    from provision.workflows.use import bin_directory

    try:
        options = replace(Options.of(environ), manifest=Path(found.project, MANIFEST_NAME))
        Project.find(options).locked()
        found.commands = str(bin_directory(options))
    except ProvisionError as error:
        found.problem = _line(error.errors[0] if isinstance(error, SeveralErrors) else error)
    except OSError as error:
        found.problem = _line(system_error(error))
    return found


def _line(error: ProvisionError) -> str:
    message = str(error).partition("\n")[0].rstrip(":")
    hint = f". {error.hint}" if error.hint else ""
    return f"provision: no interpreters on PATH: {printable((message + hint).replace(chr(10), ' '))}"


@frozen
class Trusted:
    """A project that the user trusts; ``current`` is false for one that has moved or was replaced."""

    directory: Path
    current: bool


def list_trusted(options: Options) -> tuple[Trusted, ...]:
    """The trusted projects by their paths."""
    found = {project: is_trusted(options.environ, project) for _, project in records(options.environ)}
    return tuple(Trusted(directory=Path(project), current=found[project]) for project in sorted(found))


def trust_project(options: Options, path: Path | None) -> Path:
    """Trust the project of a directory or a manifest, by default that of the working directory; its real path."""
    if path and not exists(path):
        raise UsageError(
            f"PATH: expected the directory of a project, got {str(path)!r}, which does not exist",
            hint="Pass the directory that has the pythons.toml, or run `provision trust` in it.",
        )
    project = Project.find(replace(options, manifest=path) if path else options)
    if project.manifest_path.name != MANIFEST_NAME:
        raise UsageError(f"only projects with a {MANIFEST_NAME} can be trusted, got {str(project.manifest_path)!r}")
    directory = project.directory.resolve()
    trust(options.environ, directory)
    return directory


def revoke_trust(options: Options, path: Path | None) -> tuple[Path, bool]:
    """Undo `trust_project`, also for a project that no longer exists; False if it was not trusted."""
    if path is None:
        directory = Project.find(options).directory
    else:
        directory = path.parent if path.name == MANIFEST_NAME else path
    real = Path(os.path.realpath(directory))
    return real, revoke(options.environ, str(real))
