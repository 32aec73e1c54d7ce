"""`diff`: two locks from files or git, and with `--details` their trees."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from provision.catalog.cache import open_catalog
from provision.errors import ManifestError, UsageError
from provision.host.detect import detect_host
from provision.host.files import is_directory, is_file
from provision.host.repository import display_path, repository_root
from provision.install.probe import can_run
from provision.lock.lock import Lock, LockedPython
from provision.lock.read import parse_lock, read_lock_text
from provision.model.asset import Asset
from provision.model.tree import TreeEntry, TreeOptions, store_key
from provision.model.value import frozen, replace
from provision.review.advisory_changes import compare_advisories, unjudged_notices
from provision.review.changes import AssetChange, EntryChange, LockDiff
from provision.review.components import compare_components, gap_words
from provision.review.details import TreeChange, compare_folders, compare_libraries, total_size
from provision.review.libraries import libraries_from_files, libraries_from_interpreter
from provision.review.notices import sort_notices
from provision.review.provenance import NOT_VERIFIED
from provision.review.review import DiffSide, Review
from provision.review.revisions import RevisionPath, has_commit, read_revision
from provision.store.archives import ArchiveCache
from provision.store.layout import executable
from provision.store.receipts import read_entries, read_receipt
from provision.workflows.catalog import catalog_directory, component_table
from provision.workflows.options import Options, open_fetcher
from provision.workflows.project import LOCK_NAME, Project, shown_name

HEAD = "HEAD"
# A text that looks like a file name but does not exist: branches may have slashes, and tags dots.
_FILE_NAME = re.compile(r"(?:\.{0,2}/.*|[^:]*\.[A-Za-z]+)")
_RANGE = re.compile(r"([^\s:]*[^\s:./])?\.{2,3}([^\s:./][^\s:]*)?")


def diff(
    options: Options,
    old: str | None = None,
    new: str | None = None,
    *,
    details: bool = False,
    advisories: tuple[Path, ...] = (),
) -> Review:
    """Compare two locks: each a file, a git revision, or ``REVISION:path``.

    ``new`` is by default the project's lock on disk, ``old`` that of HEAD. An empty file and a revision without a lock
    count as no lock. With ``details``, the trees in the store or the cache are also compared; with databases of
    ``advisories``, also the advisories that the change fixes or introduces. Raises `UsageError` for anything that is
    neither a file nor a revision, `LockFileError` for an invalid lock.
    """
    lock_path = _lock_path(options)
    before = _side(old, lock_path) if old is not None else _head(lock_path)
    after = _side(new, lock_path, options.shown_as) if new is not None else _file(lock_path, "", options.shown_as)
    file = shown_name(_file_of(new, lock_path), options.shown_as)
    review = Review.of(before, after, file=file, verified=_verified(options, before.lock, after.lock, lock_path))
    table = component_table(options)
    review = replace(review, components=compare_components(review.diff, table), gap=gap_words(review.diff, table))
    if advisories:
        from provision.workflows.advisories import read_advisories

        catalog = open_catalog((), base=Path(), cache_dir=catalog_directory(options), offline=True)
        index = read_advisories(options, advisories, catalog)
        notices = sort_notices((*review.notices, *unjudged_notices(review.diff, index, table)))
        review = replace(review, advisories=compare_advisories(review.diff, index, table), notices=notices)
    if details:
        review = replace(review, details=inspect_trees(options, review.diff))
    return review


def _verified(options: Options, old: Lock | None, new: Lock | None, path: Path) -> Mapping[str, str]:
    """The entries whose new attestations were verified by bundles on disk; nothing is loaded where none is new."""
    if new is None or not new.attestations or (old is not None and old.attestations == new.attestations):
        return NOT_VERIFIED
    from provision.workflows.attest import verify_offline

    return verify_offline(options, new, path)


def _lock_path(options: Options) -> Path:
    """The path of the project's lock; without a project, which two files do not need, one in the working directory."""
    try:
        return Project.find(options).lock_path
    except ManifestError:
        return Path.cwd() / LOCK_NAME


def _head(lock_path: Path) -> DiffSide:
    revision = RevisionPath(revision=HEAD, path=f"./{lock_path.name}")
    if not has_commit(lock_path.parent):
        return DiffSide(label=_label(revision, lock_path))
    return _revision(revision, lock_path)


def _side(text: str, lock_path: Path, shown_as: Path | None = None) -> DiffSide:
    path = Path(text)
    if text == os.devnull or is_file(path):
        return _file(path, text, shown_as)
    try:
        return _revision(RevisionPath.parse(text, default=f"./{lock_path.name}"), lock_path)
    except UsageError as error:
        raise _not_a_side(text, error) from None


def _not_a_side(text: str, error: UsageError) -> UsageError:
    """The error of a text that is neither a file nor a revision; its form shows which of the two was probably meant."""
    shown = repr(text[:200])
    if is_directory(Path(text)):
        return UsageError(
            f"{shown} is a directory, not a lock file", hint=f"Name the lock file in it: `{Path(text, LOCK_NAME)}`."
        )
    if (given := _RANGE.fullmatch(text)) and any(given.groups()):
        before, after = (side or HEAD for side in given.groups())
        return UsageError(f"{shown} is a range of revisions", hint=f"Name both: `provision diff {before} {after}`.")
    if _FILE_NAME.fullmatch(text):
        return UsageError(
            f"{shown} does not exist and is not a git revision",
            hint="Check the path, or name a revision and a path in it, such as HEAD~1:pythons.lock.",
        )
    return error


def _revision(revision: RevisionPath, lock_path: Path) -> DiffSide:
    label = _label(revision, lock_path)
    return _parsed(read_revision(revision, lock_path.parent), label, label)


def _label(revision: RevisionPath, lock_path: Path) -> str:
    """``HEAD:services/api/pythons.lock``, whatever directory the path counted from."""
    return f"{revision.revision}:{display_path(_path_of(revision.path, lock_path))}"


def _path_of(path: str, lock_path: Path) -> Path:
    """A path in a revision, as git reads it: from the root, or with ``./`` from the project."""
    if path.startswith(("./", "../")):
        return lock_path.parent / path
    return (repository_root(lock_path) or lock_path.parent) / path


def _file(path: Path, label: str, shown_as: Path | None) -> DiffSide:
    """A side that is a file; its label is by default its name."""
    name = shown_name(path, shown_as)
    label = label or name
    return DiffSide(label=label) if str(path) == os.devnull else _parsed(read_lock_text(path, name), name, label)


def _parsed(text: str | None, file: str, label: str) -> DiffSide:
    if text is None or not text.strip():
        return DiffSide(label=label)
    lock: Lock = parse_lock(text, file).lock
    return DiffSide(label=label, text=text, lock=lock)


def _file_of(new: str | None, lock_path: Path) -> Path:
    """The file that annotations are for: the new side's, or the path in its revision."""
    if new is None:
        return lock_path
    if is_file(Path(new)):
        return Path(new)
    path = new.partition(":")[2]
    return _path_of(path, lock_path) if path else lock_path


@frozen
class _Tree:
    """A tree to compare. ``probed``: it was installed and its interpreter probed, which may therefore be started."""

    root: Path
    entries: dict[str, TreeEntry]
    asset: Asset
    probed: bool

    def libraries(self) -> dict[str, str]:
        found = libraries_from_files(self.root, self.entries)
        if self.probed and can_run(self.asset, detect_host()):
            # Versions read from the files are more exact; the interpreter also knows those of libraries elsewhere.
            return libraries_from_interpreter(executable(self.root, self.asset)) | found
        return found


def inspect_trees(options: Options, diff: LockDiff) -> tuple[TreeChange, ...]:
    """The differences between the trees of changed rows; for an entry without any available, the reason."""
    return tuple(change for entry in diff.entries for change in _compare_entry(options, entry))


def _compare_entry(options: Options, entry: EntryChange) -> Iterator[TreeChange]:
    if entry.old is None or entry.new is None:
        return
    pairs = list(_changed_rows(entry.old, entry.new))
    available = [change for change in pairs if all(_available(options, entry, change))]
    for change in available:
        yield _compare_trees(options, entry.old, entry.new, change)
    if pairs and not available:
        host = detect_host().target
        pair = next((change for change in pairs if change.target == host), pairs[0])
        yield TreeChange(
            entry=entry.name, target_label=pair.target_label, missing=_missing(pair, *_available(options, entry, pair))
        )


def _missing(change: AssetChange, has_old: bool, has_new: bool) -> str:
    """Which of the two trees is not available, and the command that installs it; `sync` only knows the lock on disk."""
    command = f"provision sync --target {change.target.short}"
    if change.cpu != "baseline":
        command += f" --cpu {change.cpu}"
    where = "neither in the store nor in the cache"
    if not has_old and not has_new:
        return f"the old and the new tree are {where}; run `{command}` once with each of the two lock files"
    side = "new" if has_old else "old"
    return f"the {side} tree is {where}; run `{command}` with the {side} lock file"


def _changed_rows(old: LockedPython, new: LockedPython) -> Iterator[AssetChange]:
    """The rows whose trees differ, because of the archive or of the tree options."""
    before = {(asset.target, asset.cpu): asset for asset in old.assets}
    for asset in new.assets:
        known = before.get((asset.target, asset.cpu))
        if known is not None and (known.sha256 != asset.sha256 or old.tree != new.tree):
            yield AssetChange(target=asset.target, cpu=asset.cpu, old=known, new=asset)


def _available(options: Options, entry: EntryChange, change: AssetChange) -> tuple[bool, bool]:
    def is_available(python: LockedPython | None, asset: Asset | None) -> bool:
        if python is None or asset is None:
            return False
        key = store_key(asset, python.tree)
        return read_receipt(options.store, key) is not None or ArchiveCache(options.cache).has(asset.sha256)

    return is_available(entry.old, change.old), is_available(entry.new, change.new)


def _compare_trees(options: Options, old: LockedPython, new: LockedPython, change: AssetChange) -> TreeChange:
    if change.old is None or change.new is None:
        raise ValueError(f"{change.target_label} is in only one of the lock files")
    with ExitStack() as held:
        before = _open_tree(options, change.old, old.tree, held)
        after = _open_tree(options, change.new, new.tree, held)
        return TreeChange(
            entry=old.name,
            target_label=change.target_label,
            folders=compare_folders(before.entries, after.entries),
            libraries=compare_libraries(before.libraries(), after.libraries()),
            size_delta=total_size(after.entries) - total_size(before.entries),
        )


def _open_tree(options: Options, asset: Asset, tree: TreeOptions, held: ExitStack) -> _Tree:
    """The installed tree, or the cached archive unpacked and relocated in a temporary directory.

    Closing ``held`` removes that directory.
    """
    store, key = options.store, store_key(asset, tree)
    receipt = read_receipt(store, key)
    entries = read_entries(store, receipt) if receipt else None
    if receipt is not None and entries is not None:
        return _Tree(root=store.tree(key), entries=entries, asset=asset, probed=receipt.probed == "ok")
    from tempfile import TemporaryDirectory

    from provision.protocols import NoProgress
    from provision.relocate.recipe import relocate
    from provision.unpack.limits import Limits
    from provision.unpack.unpack import unpack

    folder = Path(held.enter_context(TemporaryDirectory(prefix="provision-")))
    root = folder / "tree"
    root.mkdir()
    fetcher = held.enter_context(open_fetcher(replace(options, offline=True), NoProgress()))
    archive = fetcher.fetch(asset)  # from the cache, with its digest verified
    limits = Limits.of(options.environ)
    unpacked = unpack(archive, root, asset=asset, extras=folder / "extras", limits=limits, without=tree.without)
    relocate(root, unpacked.entries, asset=asset, options=tree)
    return _Tree(root=root, entries=unpacked.entries, asset=asset, probed=False)
