"""`init`, `add` and `remove`: a manifest created or edited, and written back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from provision.errors import ManifestError, ProvisionError, ResolutionError, SeveralErrors
from provision.host.files import exists, is_link
from provision.manifest.edit import add_entry, new_manifest, remove_entry
from provision.manifest.manifest import Manifest
from provision.manifest.read import parse_manifest
from provision.model.target import Target
from provision.model.value import frozen, replace
from provision.workflows.lock import host_target
from provision.workflows.options import Options
from provision.workflows.project import Project, write_text


@frozen
class Edited:
    """A manifest that was written; ``name`` is the entry that was added or removed.

    ``warnings`` say why the new entry cannot be locked, as far as the catalogs at hand know.
    """

    path: Path
    name: str = ""
    warnings: tuple[str, ...] = ()


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
    manifest = parse_manifest(text, project.manifest_path)
    write_text(project.manifest_path, text)
    return Edited(path=project.manifest_path, name=name, warnings=_why_not_lockable(options, manifest, name))


def _why_not_lockable(options: Options, manifest: Manifest, name: str) -> tuple[str, ...]:
    """What `lock` would say of an entry; nothing where a catalog is not at hand, as nothing is downloaded for it."""
    from provision.lock.resolve import resolve
    from provision.workflows.catalog import open_project_catalog

    alone = replace(manifest, requests=tuple(each for each in manifest.requests if each.name == name))
    try:
        catalog = open_project_catalog(replace(options, offline=True), manifest)
        resolve(alone, catalog, None, host=host_target(alone))
    except ResolutionError as error:
        return (f"entry {name!r} cannot be locked: {error.message}",)
    except SeveralErrors as several:
        return tuple(f"entry {name!r} cannot be locked: {error.message}" for error in several.errors)
    except ProvisionError:
        return ()
    return ()


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
