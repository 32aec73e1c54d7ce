"""`add` and `remove`: a manifest edited, and written back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from provision.errors import ResolutionError, raise_all
from provision.lock.lock import LockedPython
from provision.manifest.edit import add_entry, remove_entry
from provision.manifest.read import parse_manifest
from provision.model.value import frozen
from provision.workflows.options import Options
from provision.workflows.project import Project, write_text
from provision.workflows.trial import catalog_at_hand, try_entry


@frozen
class Edited:
    """A manifest that was written; ``name`` is the entry that was added or removed.

    ``python`` is what `lock` would make of the new entry now; None if no catalog is available, or with a warning that
    says why the entry cannot be locked.
    """

    path: Path
    name: str = ""
    python: LockedPython | None = None
    warnings: tuple[str, ...] = ()


def add(options: Options, name: str, spec: Mapping[str, object], *, force: bool = False) -> Edited:
    """Add an entry with the given keys; the manifest is written only if it is valid afterwards.

    Without ``force``, raises `ResolutionError` for an entry that cannot be locked according to the available catalogs.
    """
    project = Project.find(options)
    text = add_entry(_text(project), name, spec, path=project.manifest_path)
    manifest = parse_manifest(text, project.manifest_path)
    (request,) = (each for each in manifest.requests if each.name == name)
    tried = try_entry(manifest, request, catalog_at_hand(options, manifest))
    if not force:
        raise_all([_refusal(name, error) for error in tried.errors])
    write_text(project.manifest_path, text)
    warnings = tuple(f"entry {name!r} cannot be locked: {error.message}" for error in tried.errors)
    return Edited(path=project.manifest_path, name=name, python=tried.python, warnings=warnings)


def _refusal(name: str, error: ResolutionError) -> ResolutionError:
    force = "To add the entry before such a build exists, pass `--force`."
    hint = f"{error.hint}\n{force}" if error.hint else force
    return ResolutionError(f"entry {name!r} cannot be locked: {error.message}", hint=hint)


def remove(options: Options, names: Sequence[str]) -> Edited:
    """Remove entries; raises `ManifestError` for unknown ones, and writes nothing then."""
    project = Project.find(options)
    text = whole = _text(project)
    names = tuple(dict.fromkeys(names))
    for name in names:
        remove_entry(whole, name, path=project.manifest_path)  # an error lists all entries that there are
        text = remove_entry(text, name, path=project.manifest_path)
    write_text(project.manifest_path, text)
    return Edited(path=project.manifest_path, name=", ".join(names))


def _text(project: Project) -> str:
    """The text of a valid manifest; an edit of an invalid one would hide where the mistake was."""
    project.manifest()
    return project.manifest_path.read_bytes().decode()
