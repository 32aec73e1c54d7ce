"""`list`: the entries of a manifest, their locked builds, and their state here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provision.errors import ProvisionError
from provision.host.cpu import cpu_level
from provision.host.detect import detect_host
from provision.lock.lock import Lock, LockedPython
from provision.lock.select import select_asset
from provision.lock.staleness import StaleEntry, stale_entries
from provision.manifest.manifest import Request
from provision.model.asset import Asset
from provision.model.target import Host
from provision.model.value import frozen, replace
from provision.plan import Selected
from provision.store.layout import Store, executable, interpreter_damage
from provision.store.links import read_links, stable_tree
from provision.store.receipts import read_receipt
from provision.workflows.options import Options
from provision.workflows.project import Project
from provision.workflows.selection import left_out_of_host

if TYPE_CHECKING:
    from provision.attest.signer import VerificationLevel

State = Literal["installed", "damaged", "not linked", "not installed", "stale", "not locked", "not for this machine"]


@frozen
class ListRow:
    """An entry: its request, its locked build, and its state on this machine.

    ``asset`` is the one for this machine, None if there is none; ``executable`` is None unless installed. ``reason`` is
    empty for states that need none; for a stale entry it continues a sentence after the name, as in ``stale``.
    """

    name: str
    request: str
    state: State
    python: LockedPython | None = None
    asset: Asset | None = None
    key: str = ""
    executable: Path | None = None
    reason: str = ""
    stale: StaleEntry | None = None
    verification: VerificationLevel | None = None


@frozen
class Listing:
    """All entries in the order of the manifest."""

    project: Project
    rows: tuple[ListRow, ...]
    warnings: tuple[str, ...] = ()


def list_pythons(options: Options) -> Listing:
    """Read manifest, lock and receipts; a missing or stale lock is a state of the rows, not an error."""
    project = Project.find(options)
    manifest = project.manifest()
    loaded = project.lock()
    host = detect_host()
    lock = loaded.lock if loaded else None
    stale = {entry.name: entry for entry in stale_entries(manifest, lock, host.target)} if lock else {}
    store = options.store
    left_out = left_out_of_host(project, lock.pythons, host) if lock else ()
    local = _LocalState(
        project=project.directory,
        host=host,
        store=store,
        links=read_links(project.directory, store),
        left_out=frozenset(each.name for each in left_out),
    )
    rows = tuple(
        _row(request, lock.python(request.name) if lock else None, stale.get(request.name), local)
        for request in manifest.requests
    )
    if lock is not None and lock.attestations:
        rows = tuple(_with_verification(row, lock, project, options) for row in rows)
    return Listing(project=project, rows=rows, warnings=loaded.warnings if loaded else ())


def _with_verification(row: ListRow, lock: Lock, project: Project, options: Options) -> ListRow:
    from provision.attest.kept import KeptBundles
    from provision.attest.signer import locked_level

    if row.python is None:
        return row
    kept = KeptBundles.of(options.cache, project.lock_path)
    level = locked_level(lock, row.python, project.manifest().request(row.name), is_vendored=kept.is_vendored)
    return replace(row, verification=level)


@frozen
class _LocalState:
    """This machine, its store, the project's directory and links, and the entries that are for other machines."""

    project: Path
    host: Host
    store: Store
    links: dict[str, str]
    left_out: frozenset[str]


def _row(request: Request, python: LockedPython | None, stale: StaleEntry | None, local: _LocalState) -> ListRow:
    row = ListRow(name=request.name, request=request_text(request), state="not locked")
    if python is None:
        return row
    row = replace(row, python=python, stale=stale, reason=stale.reason if stale else "")
    if not stale and request.name in local.left_out:
        reason = f"{request.name}: not for {local.host.target.short}"
        return replace(row, state="not for this machine", reason=reason)
    try:
        asset = select_asset(python, host=local.host, level=cpu_level)
    except ProvisionError as error:
        return replace(row, state="stale") if stale else replace(row, state="not for this machine", reason=str(error))
    selected = Selected(name=python.name, asset=asset, tree=python.tree)
    receipt = read_receipt(local.store, selected.key)
    installed = receipt is not None and receipt.asset.sha256 == asset.sha256
    damage = interpreter_damage(local.store.tree(selected.key), asset) if installed else ""
    state: State
    if stale:
        state = "stale"
    elif not installed:
        state = "not installed"
    elif damage:
        state = "damaged"
        row = replace(row, reason=f"{request.name}: interpreter is damaged: {damage}")
    else:
        state = "installed" if local.links.get(request.name) == selected.key else "not linked"
    tree = stable_tree(local.project, python.name, selected.key, local.store)
    path = executable(tree, asset) if installed else None
    return replace(row, state=state, asset=asset, key=selected.key, executable=path)


def request_text(request: Request) -> str:
    """A request in its short form: ``3.14t``, ``pypy 3.11``, ``3.13 cpu=auto``."""
    suffix = "t" * request.freethreaded + "d" * request.debug
    words = [
        "" if request.implementation == "cpython" else request.implementation,
        f"{request.version}{'+' if suffix and not str(request.version)[-1].isdigit() else ''}{suffix}",
        f"cpu={request.cpu}" if request.cpu != "baseline" else "",
        request.flavor or "",
        str(request.options) if request.options is not None else "",
        f"build={request.build}" if request.build else "",
    ]
    return " ".join(word for word in words if word)
