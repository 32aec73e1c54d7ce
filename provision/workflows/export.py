"""`export`: the lock file in the format of another tool."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from provision.model.target import Target
from provision.model.value import frozen
from provision.workflows.options import Options
from provision.workflows.project import Project, write_text
from provision.workflows.selection import select_rows

if TYPE_CHECKING:
    from provision.export.rows import LeftOut, Row

# The formats, and the modules of `export` that have them, each with a function `export_<format>`.
_MODULES = {
    "uv": "uv",
    "rules_python": "rules_python",
    "setup-python": "setup_python",
    "github-matrix": "github_matrix",
    "dockerfile": "images",
    "nix": "nix",
    "env": "env",
    "devcontainer": "images",
    "mise": "mise",
}
EXPORT_FORMATS = tuple(_MODULES)


@frozen
class Exported:
    """The text in a format, the archives in it, and those that it cannot express."""

    style: str
    text: str
    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]


def export(options: Options, style: str, names: tuple[str, ...] = (), targets: tuple[Target, ...] = ()) -> Exported:
    """The named entries, or all, for the named targets, or all, in one of `EXPORT_FORMATS`: from the lock alone.

    Raises `LockFileError` if a named entry is not locked for a target, and `ProvisionError` if the format can express
    none of the archives.
    """
    from provision.export.rows import Row, describe

    project = Project.find(options)
    loaded = project.locked()
    rows = [Row(entry, asset) for entry, asset in select_rows(project, loaded.lock, names, targets)]
    module = importlib.import_module(f"provision.export.{_MODULES[style]}")
    made = getattr(module, f"export_{style.replace('-', '_')}")(rows)
    warnings = loaded.warnings
    if made.left_out:
        warnings = (*warnings, f"the format {style} cannot hold {describe(made.left_out, made.rows)}")
    return Exported(style=style, text=made.text, rows=made.rows, left_out=made.left_out, warnings=warnings)


def write_export(made: Exported, path: Path) -> None:
    """Write the text to a file, replacing it as a whole."""
    write_text(path, made.text)
