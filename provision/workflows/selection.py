"""The assets that a lock has for a scope, and the entries that are left out.

If no entries are named, an entry whose own targets exclude a machine is left out for that machine. Named entries are
errors then, and so is a named target that no entry is locked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from provision.errors import LockFileError, ProvisionError, raise_all
from provision.host.cpu import cpu_level
from provision.host.detect import detect_host
from provision.lock.lock import Lock, LockedPython
from provision.lock.select import assets_for_target, not_locked_error, select_asset
from provision.model.asset import CPU_LEVELS, Asset, CpuLevel, Digest
from provision.model.target import Host, Target
from provision.model.value import frozen
from provision.plan import LeftOut, Selected
from provision.workflows.options import Scope
from provision.workflows.project import Project, select_entries


@frozen
class Selection:
    """The selected assets, and the entries that are for none of the scope's machines."""

    selected: tuple[Selected, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def select_assets(project: Project, lock: Lock, scope: Scope) -> Selection:
    """The locked assets of a scope.

    Raises `ManifestError` for unknown names, and what `select_for_host` and `select_for_targets` raise.
    """
    pythons = select_entries(lock, scope.names, manifest=project.manifest_path)
    if scope.all_targets:
        pairs = [(python, target) for python in pythons for target in python.targets()]
        return Selection(selected=select_for_targets(pairs, cpu=scope.cpu))
    if scope.foreign:
        left_out = () if scope.names else _left_out_of_targets(project, pythons, scope.targets)
        pairs = [(python, target) for python in pythons for target in scope.targets]
        wanted = [pair for pair in pairs if LeftOut(name=pair[0].name, target=pair[1]) not in left_out]
        return Selection(selected=select_for_targets(wanted, cpu=scope.cpu), left_out=left_out)
    host = detect_host()
    left_out = () if scope.names else left_out_of_host(project, pythons, host)
    names = {each.name for each in left_out}
    kept = [python for python in pythons if python.name not in names]
    return Selection(selected=select_for_host(kept, host, cpu_level), left_out=left_out)


def select_rows(
    project: Project, lock: Lock, names: tuple[str, ...], targets: tuple[Target, ...]
) -> list[tuple[str, Asset]]:
    """The locked assets of the named entries and targets, or all, each with its entry's name: those of every CPU level.

    Raises `LockFileError` if a named entry is not locked for a target, or none is.
    """
    pythons = select_entries(lock, names, manifest=project.manifest_path)
    errors: list[ProvisionError] = []
    for target in targets:
        without = [python for python in pythons if target not in python.targets()]
        if names or len(without) == len(pythons):
            errors += (not_locked_error(python, target, target.short) for python in without)
    raise_all(errors)
    return [
        (python.name, asset) for python in pythons for asset in python.assets if not targets or asset.target in targets
    ]


def archives_of(rows: Iterable[tuple[str, Asset]]) -> tuple[tuple[Asset, tuple[str, ...]], ...]:
    """Each archive once, by its sha256, with the names of the entries that lock it; rows as of `select_rows`."""
    names: dict[Digest, dict[str, None]] = {}
    assets: dict[Digest, Asset] = {}
    for name, asset in rows:
        assets.setdefault(asset.sha256, asset)
        names.setdefault(asset.sha256, {})[name] = None
    return tuple((asset, tuple(names[digest])) for digest, asset in assets.items())


def left_out_of_host(project: Project, pythons: Sequence[LockedPython], host: Host) -> tuple[LeftOut, ...]:
    """The entries that are for other machines only."""
    names = _not_for(project, pythons, (host.target, *host.emulated))
    return tuple(LeftOut(name=name, target=host.target) for name in names)


def _left_out_of_targets(
    project: Project, pythons: Sequence[LockedPython], targets: Iterable[Target]
) -> tuple[LeftOut, ...]:
    """The entries that are not for some of the targets; of a target that is for no entry none is left out."""
    by_target = {target: _not_for(project, pythons, (target,)) for target in targets}
    return tuple(
        LeftOut(name=name, target=target)
        for target, names in by_target.items()
        if len(names) < len(pythons)
        for name in names
    )


def _not_for(project: Project, pythons: Sequence[LockedPython], targets: Sequence[Target]) -> tuple[str, ...]:
    """The entries that neither the lock nor the manifest has for any of ``targets``.

    An entry without targets in the manifest is for every machine that it is used on: if it is not locked for one, the
    lock is incomplete. Without a valid manifest, which ``--frozen`` does not need, only the lock decides.
    """
    unlocked = [python.name for python in pythons if not any(assets_for_target(python, target) for target in targets)]
    if not unlocked:
        return ()
    try:
        requests = {request.name: request for request in project.manifest().requests}
    except ProvisionError:
        requests = {}
    return tuple(
        name
        for name in unlocked
        if (request := requests.get(name)) is None
        or (request.targets is not None and not set(targets).intersection(request.targets))
    )


def select_for_host(pythons: Sequence[LockedPython], host: Host, level: Callable[[], CpuLevel]) -> tuple[Selected, ...]:
    """The asset of each entry for this machine; raises the errors of all entries together (exit 4 or 5)."""
    choices = ((python, lambda python=python: select_asset(python, host=host, level=level)) for python in pythons)
    return _select_each(choices, foreign=False)


def select_for_targets(pairs: Iterable[tuple[LockedPython, Target]], *, cpu: CpuLevel) -> tuple[Selected, ...]:
    """The asset of each entry for its target, of the highest locked level up to ``cpu``.

    Raises `LockFileError` for all entries that are not locked for their target.
    """
    choices = (
        (python, lambda python=python, target=target: _highest_level(python, target, cpu)) for python, target in pairs
    )
    return _select_each(choices, foreign=True)


def _select_each(choices: Iterable[tuple[LockedPython, Callable[[], Asset]]], *, foreign: bool) -> tuple[Selected, ...]:
    selection: list[Selected] = []
    errors: list[ProvisionError] = []
    for python, select in choices:
        try:
            selection.append(Selected(name=python.name, asset=select(), tree=python.tree, foreign=foreign))
        except ProvisionError as error:
            errors.append(error)
    raise_all(errors)
    return tuple(selection)


def _highest_level(python: LockedPython, target: Target, cpu: CpuLevel) -> Asset:
    assets = assets_for_target(python, target)
    if not assets:
        raise not_locked_error(python, target, target.short)
    fitting = [asset for asset in assets if CPU_LEVELS.index(asset.cpu) <= CPU_LEVELS.index(cpu)]
    if not fitting:
        levels = ", ".join(asset.cpu for asset in assets)
        raise LockFileError(
            f"entry {python.name!r} for {target.short} requires CPU level {levels}; `--cpu` is {cpu}",
            hint=f"If those machines have that level, pass `--cpu {assets[0].cpu}`.",
        )
    return fitting[-1]
