"""`mirror`: locked archives pushed to a mirror, listed and verified there."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from provision.errors import IntegrityError, ProvisionError, combined
from provision.fetch.failures import DownloadError, UnreachableError, merge_server_errors, merge_unreachable
from provision.fetch.fetcher import Fetcher
from provision.fleet.mirror import MirrorState, MirrorView, open_mirror, open_push_target
from provision.host.files import remove_file
from provision.model.asset import Asset
from provision.model.target import Target
from provision.model.value import frozen, replace
from provision.protocols import Progress
from provision.text import plural
from provision.url import without_credentials
from provision.workflows.options import Options, open_fetcher
from provision.workflows.project import Project, manifests_of
from provision.workflows.selection import archives_of, select_rows

RowState = MirrorState | Literal["pushed", "failed"]
_ABSENT = frozenset({403, 404, 410})


@frozen
class MirrorRow:
    """An archive, the entries that lock it, and whether the mirror has it."""

    names: tuple[str, ...]
    asset: Asset
    state: RowState = "missing"
    error: ProvisionError | None = None


@frozen
class MirrorReport:
    """The result for each archive; ``others`` counts archives of the mirror that no lock file has."""

    mirror: str
    rows: tuple[MirrorRow, ...]
    others: int | None = None
    warnings: tuple[str, ...] = ()
    error: ProvisionError | None = None

    def count(self, state: RowState) -> int:
        """How many archives have a state."""
        return sum(row.state == state for row in self.rows)


@frozen
class MirrorRequest:
    """The mirror and its scope: the lock files of ``locks``, or the project's; ``names`` and ``targets``, or all.

    With several lock files, each name is in at least one of them.
    """

    mirror: str
    names: tuple[str, ...] = ()
    locks: tuple[Path, ...] = ()
    targets: tuple[Target, ...] = ()


def push_mirror(options: Options, request: MirrorRequest, progress: Progress, *, replaces: bool) -> MirrorReport:
    """Push the archives that the mirror lacks, or with ``replaces`` all; those not in the cache are downloaded first.

    An archive that fails does not stop the others: the report has its error, and one error for all.
    """
    rows, warnings = _locked_rows(options, request)
    with open_fetcher(options, progress) as fetcher:
        target = open_push_target(request.mirror, fetcher)

        def push(row: MirrorRow) -> MirrorRow:
            state = target.state(row.asset)
            if state == "present" and not replaces:
                return replace(row, state=state)
            archive = fetcher.fetch(row.asset)
            key = f"push {row.asset.sha256}"
            progress.start(key, row.asset.title, "push", archive.stat().st_size)
            try:
                target.push(row.asset, archive, lambda amount: progress.advance(key, amount), replaces=replaces)
            finally:
                progress.finish(key)
            return replace(row, state="pushed")

        done = _each(rows, push, fetcher, options.jobs)
    return _report(request, done, warnings, "push")


def list_mirror(options: Options, request: MirrorRequest, progress: Progress) -> MirrorReport:
    """List which archives the mirror has; nothing is downloaded."""
    rows, warnings = _locked_rows(options, request)
    with open_fetcher(_of_mirror(options, request), progress) as fetcher:
        mirror = open_mirror(request.mirror, fetcher)
        done = _each(rows, lambda row: replace(row, state=mirror.state(row.asset)), fetcher, options.jobs)
        is_known = not request.names and not request.targets and not any(row.error for row in done)
        others = mirror.others({row.asset.sha256 for row in rows}) if is_known else None
    return replace(_report(request, done, warnings, "list"), others=others)


def check_mirror(options: Options, request: MirrorRequest, progress: Progress) -> MirrorReport:
    """Download every archive from the mirror alone, as a machine with an empty cache would, and verify it."""
    rows, warnings = _locked_rows(options, request)
    shown = without_credentials(request.mirror)
    with TemporaryDirectory(prefix="provision-mirror-") as folder:
        only = replace(_of_mirror(options, request), cache=Path(folder))
        with open_fetcher(only, progress, upstream=False) as fetcher:
            mirror = open_mirror(request.mirror, fetcher)
            done = _with_missing(
                _each(rows, lambda row: _checked(row, fetcher, mirror, shown), fetcher, options.jobs), shown
            )
    return _report(request, done, warnings, "check")


def _checked(row: MirrorRow, fetcher: Fetcher, mirror: MirrorView, shown: str) -> MirrorRow:
    """The row with what a download of its archive found; one that differs is an error."""
    state = mirror.state(row.asset)
    if state != "missing":
        try:
            remove_file(fetcher.fetch(row.asset))
            return replace(row, state="present")
        except IntegrityError as error:
            named = _named(error, row)
            named.hint = f"Run `provision mirror push --replace {shown}`."
            if shown.startswith("oci://"):
                named.hint += " If the registry keeps the damaged blob even so, delete it there, and push again."
            return replace(row, state="mismatch", error=named)
        except DownloadError as error:
            if any(failure.status not in _ABSENT for failure in error.failures):
                raise
    return replace(row, state="missing")


def _with_missing(rows: tuple[MirrorRow, ...], shown: str) -> tuple[MirrorRow, ...]:
    """The rows, of which the first one that is missing has an error for all that are."""
    missing = [row for row in rows if row.state == "missing"]
    if not missing:
        return rows
    what = missing[0].asset.filename if len(missing) == 1 else f"{len(missing)} of {plural(len(rows), 'archive')}"
    verb = "is" if len(missing) == 1 else "are"
    error = ProvisionError(f"{what} {verb} missing from {shown}", hint=f"Run `provision mirror push {shown}`.")
    return tuple(replace(row, error=error) if row is missing[0] else row for row in rows)


def _locked_rows(options: Options, request: MirrorRequest) -> tuple[tuple[MirrorRow, ...], tuple[str, ...]]:
    """The archives of all locks, each once, with the warnings of their readers."""
    if request.locks:
        projects = [Project(manifest_path=path.absolute()) for path in manifests_of(request.locks)]
    else:
        projects = [Project.find(options)]
    found: list[tuple[str, Asset]] = []
    locks = [(project, project.locked()) for project in projects]
    warnings = [warning for _, loaded in locks for warning in loaded.warnings]
    known = {python.name for _, loaded in locks for python in loaded.lock.pythons}
    for project, loaded in locks:
        here = {python.name for python in loaded.lock.pythons}
        names = tuple(name for name in request.names if name in here or name not in known)
        if names or not request.names:
            found += select_rows(project, loaded.lock, names, request.targets)
    return tuple(MirrorRow(names=names, asset=asset) for asset, names in archives_of(found)), tuple(warnings)


def _each(
    rows: tuple[MirrorRow, ...], do: Callable[[MirrorRow], MirrorRow], fetcher: Fetcher, jobs: int
) -> tuple[MirrorRow, ...]:
    """The outcome for each row, several at once; an error is that of its row."""

    def one(row: MirrorRow) -> MirrorRow:
        try:
            return do(row)
        except ProvisionError as error:
            return replace(row, state="failed", error=_named(error, row))

    with ThreadPoolExecutor(jobs) as pool:
        try:
            return tuple(pool.map(one, rows))
        except BaseException:
            fetcher.cancel()
            raise


def _named(error: ProvisionError, row: MirrorRow) -> ProvisionError:
    return error.named(row.names) if isinstance(error, DownloadError) else error


def _of_mirror(options: Options, request: MirrorRequest) -> Options:
    return replace(options, mirrors=(request.mirror,))


def _report(
    request: MirrorRequest, rows: tuple[MirrorRow, ...], warnings: tuple[str, ...], action: str
) -> MirrorReport:
    failed = [(row.names, row.error) for row in rows if row.error is not None]
    unreachable = [each for each in failed if isinstance(each[1], UnreachableError)]
    errors = merge_unreachable(unreachable, len(rows))
    others = [error for _, error in failed if not isinstance(error, UnreachableError)]
    errors += merge_server_errors(others, action, len(rows))
    shown = without_credentials(request.mirror)
    return MirrorReport(
        mirror=shown, rows=rows, warnings=tuple(dict.fromkeys(warnings)), error=combined(errors) if errors else None
    )
