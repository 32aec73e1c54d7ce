"""`init` and `import`: a manifest made from the files of other tools, or extended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from provision.adopt.entries import PlannedEntry, combine
from provision.adopt.files import Read, find_files, is_known, known_names, read_files
from provision.adopt.mention import Mention
from provision.adopt.requests import Known, request_of
from provision.catalog.catalog import Catalog
from provision.errors import ManifestError, Place, UsageError, raise_all
from provision.host.files import exists, is_link
from provision.host.repository import display_path
from provision.manifest.edit import add_entry, manifest_head, new_manifest
from provision.manifest.kinds import ProblemList
from provision.manifest.manifest import Manifest, Request
from provision.manifest.read import parse_manifest, read_entry
from provision.model.asset import IMPLEMENTATIONS
from provision.model.target import Target
from provision.model.value import frozen, replace
from provision.text import printable
from provision.workflows.lock import host_target
from provision.workflows.options import Options
from provision.workflows.project import Project, write_text
from provision.workflows.trial import catalog_at_hand, try_entry

_MOST_FILES = 3  # that a comment names


@frozen
class NewEntry:
    """An entry that was added, with its keys; ``targets`` are set if the others have no build."""

    name: str
    spec: Mapping[str, object]
    mentions: tuple[Mention, ...]
    targets: tuple[Target, ...] = ()


@frozen
class Adopted:
    """The versions in the files and their entries.

    ``unavailable`` are entries that cannot be locked, each with the reason: they are left out. ``read`` is None if no
    file was looked for, ``written`` False for a dry run, and if there was nothing to write. ``text`` is the manifest.
    """

    path: Path
    text: str
    written: bool
    read: Read | None = None
    entries: tuple[NewEntry, ...] = ()
    covered: tuple[tuple[Mention, str], ...] = ()
    unavailable: tuple[tuple[PlannedEntry, str], ...] = ()
    disagreements: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()

    def entry_of(self, mention: Mention) -> str:
        """The entry that a mention became, or that already satisfies it; empty if there is none."""
        added = (entry.name for entry in self.entries if mention in entry.mentions)
        return next(added, dict(self.covered).get(mention, ""))


def init(options: Options, targets: Sequence[Target], *, bare: bool = False) -> Adopted:
    """Write a new `pythons.toml` in the working directory; raises `ManifestError` if there is one.

    Unless it is ``bare``, its entries are those that the files next to it request; without any, the newest Python.
    """
    path = options.manifest.absolute() if options.manifest else Path.cwd() / "pythons.toml"
    if exists(path) or is_link(path):
        hint = "Add to it with `provision add NAME REQUEST`, or with `provision import`."
        raise ManifestError(f"{display_path(path)} already exists", hint=hint)
    read = None if bare else read_files(find_files(path.parent), path.parent)
    adopted = None
    if read is not None and read.mentions:
        head = manifest_head(targets)
        adopted = _adopt(options, read, parse_manifest(head, path), head, path)
    if adopted is None or not (adopted.entries or adopted.unavailable):
        text = new_manifest(targets)
        adopted = Adopted(path=path, text=text, written=True, read=read)
    write_text(path, adopted.text)
    return replace(adopted, written=True)


def import_files(options: Options, files: Sequence[Path], *, dry_run: bool = False) -> Adopted:
    """Add the entries that files request to the manifest, by default all files that `init` looks for.

    Existing entries do not change. Raises `UsageError` for a file that is missing, or of no known name.
    """
    project = Project.find(options)
    manifest = project.manifest()
    raise_all([error for file in files if (error := _refusal(file))])
    paths = [file.absolute() for file in files] or find_files(project.directory)
    read = read_files(paths, project.directory)
    text = project.manifest_path.read_bytes().decode()
    adopted = _adopt(options, read, manifest, text, project.manifest_path)
    written = bool(adopted.entries) and not dry_run
    if written:
        write_text(project.manifest_path, adopted.text)
    return replace(adopted, written=written)


def _refusal(file: Path) -> UsageError | None:
    if not is_known(file.absolute()):
        hint = f"Known files: {', '.join(known_names())}."
        return UsageError(f"{file}: not a file that versions can be imported from", hint=hint)
    if not exists(file):
        return UsageError(f"{file}: does not exist")
    return None


def _adopt(options: Options, read: Read, manifest: Manifest, text: str, path: Path) -> Adopted:
    """Determine the entries, and the text with those of them that can be locked."""
    catalog = catalog_at_hand(options, manifest)
    existing = {request.name: request_of(request, manifest.settings.targets) for request in manifest.requests}
    combined = combine(read.mentions, _known(catalog), existing)
    entries: list[NewEntry] = []
    unavailable: list[tuple[PlannedEntry, str]] = []
    for planned in combined.entries:
        entry, reason = _lockable(planned, manifest, catalog)
        if entry is None:
            unavailable.append((planned, reason))
            continue
        entries.append(entry)
        text = add_entry(text, entry.name, entry.spec, path=path, comment=_sources(entry.mentions, path))
    if not manifest.requests:
        text += "".join(_left_out(planned, path) for planned, _ in unavailable)
    parse_manifest(text, path)
    return Adopted(
        path=path,
        text=text,
        written=False,
        read=read,
        entries=tuple(entries),
        covered=combined.covered,
        unavailable=tuple(unavailable),
        disagreements=combined.disagreements,
        conflicts=combined.conflicts,
    )


def _known(catalog: Catalog | None) -> Known:
    if catalog is None:
        return {}
    return {name: sorted(catalog.versions(name), reverse=True) for name in IMPLEMENTATIONS}


def _lockable(planned: PlannedEntry, manifest: Manifest, catalog: Catalog | None) -> tuple[NewEntry | None, str]:
    """The entry, with only those targets that it can be locked for; None if there are none, with the reason."""
    spec = planned.spec
    request = _request(planned.name, spec, manifest)
    tried = try_entry(manifest, request, catalog)
    if not tried.errors:
        return NewEntry(name=planned.name, spec=spec, mentions=planned.mentions), ""
    reason = tried.errors[0].message
    wanted = request.targets or tuple(filter(None, [host_target(replace(manifest, requests=(request,)))]))
    targets: tuple[Target, ...] = ()
    for target in wanted:  # one build must have all of them
        together = (*targets, target)
        if not try_entry(manifest, replace(request, targets=together), catalog).errors:
            targets = together
    if not targets:
        return None, reason
    narrower = {**spec, "targets": [target.short for target in targets]}
    return NewEntry(name=planned.name, spec=narrower, mentions=planned.mentions, targets=targets), ""


def _request(name: str, spec: Mapping[str, object], manifest: Manifest) -> Request:
    problems = ProblemList()
    place = Place(manifest.path.name)  # so that errors do not repeat the name
    request = read_entry(name, dict(spec), manifest.settings, problems, path=(name,), place=place)
    problems.raise_unplaced()
    assert request is not None  # noqa: S101 - otherwise there is a problem
    return request


def _sources(mentions: Iterable[Mention], manifest: Path) -> str:
    """``.python-version, tox.ini``: the files behind an entry, for its comment; relative to the manifest."""
    folder = display_path(manifest).removesuffix(manifest.name)
    files = list(dict.fromkeys(mention.file.removeprefix(folder) for mention in mentions))
    more = [f"{len(files) - _MOST_FILES} more"] if len(files) > _MOST_FILES else []
    return ", ".join([*files[:_MOST_FILES], *more])


def _left_out(planned: PlannedEntry, manifest: Path) -> str:
    """A comment for an entry that cannot be locked."""
    version = str(planned.spec["version"])
    return (
        printable(f'# {planned.name} = "{version}"  # {_sources(planned.mentions, manifest)}; cannot be locked') + "\n"
    )
