"""Owns `list` and `status`: what is declared, locked and installed; how it looks, `cli.present` decides."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from provision.errors import ProvisionError
from provision.host.cpu import cpu_level
from provision.host.detect import detect_host
from provision.lock.answers import stale_entries
from provision.lock.lock import LockedPython
from provision.lock.select import select_asset
from provision.manifest.manifest import Request
from provision.model.asset import Asset
from provision.model.target import Host
from provision.model.value import frozen
from provision.plan import Selected
from provision.store.layout import Store, executable
from provision.store.links import read_links
from provision.store.receipts import read_receipt
from provision.workflows.options import Options
from provision.workflows.project import Project

State = Literal["installed", "not linked", "not installed", "stale", "not locked", "not for this machine"]


@frozen
class ListRow:
    """One interpreter: what was asked for, what is locked, and how it is with it here.

    ``asset`` is this machine's, ``executable`` only where installed, ``reason`` where the state has one.
    """

    name: str
    request: str
    state: State
    python: LockedPython | None = None
    asset: Asset | None = None
    key: str = ""
    executable: Path | None = None
    reason: str = ""


@frozen
class Listing:
    """All declared interpreters in the order of the manifest."""

    project: Project
    rows: tuple[ListRow, ...]
    warnings: tuple[str, ...] = ()


def list_pythons(options: Options) -> Listing:
    """Read manifest, lock and receipts; a missing or stale lock shows in the rows and is no error."""
    project = Project.find(options)
    manifest = project.manifest()
    loaded = project.lock()
    host = detect_host()
    lock = loaded.lock if loaded else None
    reasons = {entry.name: entry.reason for entry in stale_entries(manifest, lock, host.target)} if lock else {}
    store = Store(options.home)
    here = _LocalState(host=host, store=store, links=read_links(project.directory, store))
    rows = tuple(
        _row(request, lock.python(request.name) if lock else None, reasons.get(request.name, ""), here)
        for request in manifest.requests
    )
    return Listing(project=project, rows=rows, warnings=loaded.warnings if loaded else ())


@frozen
class _LocalState:
    """This machine, its store, and the project's links."""

    host: Host
    store: Store
    links: dict[str, str]


def _row(request: Request, python: LockedPython | None, reason: str, here: _LocalState) -> ListRow:
    asked = request_text(request)
    if python is None:
        return ListRow(name=request.name, request=asked, state="not locked")
    try:
        asset = select_asset(python, host=here.host, level=cpu_level)
    except ProvisionError as error:
        state: State = "stale" if reason else "not for this machine"
        return ListRow(name=request.name, request=asked, state=state, python=python, reason=reason or str(error))
    selected = Selected(name=python.name, asset=asset, tree=python.tree)
    receipt = read_receipt(here.store, selected.key)
    installed = receipt is not None and receipt.asset.sha256 == asset.sha256
    if reason:
        state = "stale"
    elif not installed:
        state = "not installed"
    else:
        state = "installed" if here.links.get(request.name) == selected.key else "not linked"
    return ListRow(
        name=request.name,
        request=asked,
        state=state,
        python=python,
        asset=asset,
        key=selected.key,
        executable=executable(here.store.tree(selected.key), asset) if installed else None,
        reason=reason,
    )


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
