"""`init`, `add` and `remove`: a manifest created or edited, and written back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from provision.errors import ManifestError
from provision.host.files import exists, is_link
from provision.manifest.edit import add_entry, new_manifest, remove_entry
from provision.manifest.read import parse_manifest
from provision.model.target import Target
from provision.model.value import frozen
from provision.workflows.options import Options
from provision.workflows.project import Project, write_text


@frozen
class Edited:
    """A manifest that was written; ``name`` is the entry that was added or removed."""

    path: Path
    name: str = ""


def init(options: Options, targets: Sequence[Target]) -> Edited:
    """Write a new `pythons.toml` in the working directory; raises `ManifestError` if there is one."""
    path = options.manifest.absolute() if options.manifest else Path.cwd() / "pythons.toml"
    if exists(path) or is_link(path):
        raise ManifestError(f"{path} exists already", hint="Add to it with `provision add NAME REQUEST`.")
    write_text(path, new_manifest(targets))
    return Edited(path=path)


def add(options: Options, name: str, spec: Mapping[str, object]) -> Edited:
    """Add an entry with the given keys; the manifest is written only if it is valid afterwards."""
    project = Project.find(options)
    text = add_entry(_text(project), name, spec, path=project.manifest_path)
    parse_manifest(text, project.manifest_path)
    write_text(project.manifest_path, text)
    return Edited(path=project.manifest_path, name=name)


def remove(options: Options, names: Sequence[str]) -> Edited:
    """Remove entries; raises `ManifestError` for unknown ones, and writes nothing then."""
    project = Project.find(options)
    text = _text(project)
    for name in names:
        text = remove_entry(text, name, path=project.manifest_path)
    write_text(project.manifest_path, text)
    return Edited(path=project.manifest_path, name=", ".join(names))


def _text(project: Project) -> str:
    """The text of a valid manifest; an edit of an invalid one would hide where the mistake was."""
    project.manifest()
    return project.manifest_path.read_bytes().decode()
