"""`sbom` and `licenses`: the components of locked interpreters, and licences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.catalog.components import NOT_KNOWN, ComponentTable, components_of, is_removed, origin_words
from provision.errors import ProvisionError, UsageError
from provision.host.files import read_small_file_or_none
from provision.lock.lock import Lock, LockedPython
from provision.model.asset import Asset
from provision.model.target import Target
from provision.model.tree import RemovablePart, store_key
from provision.model.value import frozen
from provision.sbom.identities import PUBLIC_DOMAIN, licence
from provision.sbom.inventory import Inventory, component_name, take_inventory
from provision.store.layout import Store, executable
from provision.workflows.catalog import component_table
from provision.workflows.options import Options
from provision.workflows.project import Project, select_entries, write_text
from provision.workflows.selection import select_rows

if TYPE_CHECKING:
    from provision.store.receipts import Receipt

SBOM_FORMATS = ("cyclonedx", "spdx")

_LATEST = 253402300799  # the end of the year 9999, the last that the formats can express
_LARGEST_METADATA = 16 * 1024 * 1024
_METADATA = "PYTHON.json"


@frozen
class Sbom:
    """A document in one of `SBOM_FORMATS`, and the number of its archives."""

    document: dict[str, object]
    archives: int
    warnings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The document as JSON, ASCII only. ``##``, with which a command to a CI runner can begin, is escaped."""
        return json.dumps(self.document, indent=2).replace("##", "#\\u0023")


@frozen
class LicenceRow:
    """A licence of an entry: that of the interpreter, of a library, or of an extension module.

    ``licence`` is an SPDX expression, and ``source`` says where it is stated; both are empty if it is not known.
    ``version`` may be `origin_words`. ``targets`` is sorted.
    """

    entry: str
    component: str
    version: str
    licence: str
    source: str
    targets: tuple[str, ...]


@frozen
class Licences:
    """The licences of the named entries, or of all, by entry, then component."""

    rows: tuple[LicenceRow, ...]
    warnings: tuple[str, ...]


def sbom(
    options: Options,
    names: tuple[str, ...] = (),
    targets: tuple[Target, ...] = (),
    *,
    style: str,
    installed: bool = False,
) -> Sbom:
    """An SBOM of the named entries, or of all, for the named targets, or all: from the lock alone.

    With ``installed``, it describes the trees that are installed here, with the versions that their interpreters state.
    Raises `LockFileError` if a named entry is not locked for a target, or none is; `ProvisionError` if one is not
    installed, or none is.
    """
    project = Project.find(options)
    loaded = project.locked()
    assets = select_rows(project, loaded.lock, names, targets)
    stated: dict[str, dict[str, str]] = {}
    if installed:
        trees = _installed(options, loaded.lock, names, assets)
        assets, stated = [(each.name, each.asset) for each in trees], _stated(options, trees)
    inventory = take_inventory(
        project.lock_name,
        assets,
        component_table(options),
        epoch=source_date_epoch(options.environ),
        stated=stated,
        without={python.name: python.tree.without for python in loaded.lock.pythons},
    )
    archives = sum(each.kind == "application" for each in inventory.components)
    return Sbom(document=sbom_document(inventory, style), archives=archives, warnings=loaded.warnings)


def sboms_beside_receipts(
    options: Options,
    names: tuple[str, ...] = (),
    targets: tuple[Target, ...] = (),
    *,
    style: str,
    installed: bool = False,
) -> tuple[Path, ...]:
    """Write an SBOM of each tree that is installed here, of the named entries and targets, next to its receipt.

    None is written into a read-only store. An SBOM names no entry, because projects share trees; its bytes depend only
    on the archive, and with ``installed`` on what the interpreter states. Raises the errors of `sbom` with
    ``installed``, and `StoreError` if the store cannot be written.
    """
    from provision.store.locks import lock_timeout
    from provision.store.sboms import write_sbom_beside

    project = Project.find(options)
    lock = project.locked().lock
    trees = _installed(options, lock, names, select_rows(project, lock, names, targets))
    stated = _stated(options, trees) if installed else {}
    table, epoch, store = component_table(options), source_date_epoch(options.environ), options.store
    written = {}
    for tree in trees:
        key = tree.receipt.key
        if key in written or not store.is_own(key):
            continue
        without = {"": tree.receipt.tree.without}
        inventory = take_inventory(key, [("", tree.asset)], table, epoch=epoch, stated=stated, without=without)
        made = Sbom(document=sbom_document(inventory, style), archives=1, warnings=())
        timeout = lock_timeout(options.environ)
        written[key] = write_sbom_beside(store, tree.receipt, style, f"{made.text}\n", timeout=timeout)
    return tuple(path for path in written.values() if path is not None)


def sbom_document(inventory: Inventory, style: str) -> dict[str, object]:
    """The inventory as a document in one of `SBOM_FORMATS`."""
    if style == "spdx":
        from provision.sbom.spdx import spdx_document

        return spdx_document(inventory)
    from provision.sbom.cyclonedx import cyclonedx_document

    return cyclonedx_document(inventory)


def write_sbom(made: Sbom, path: Path) -> None:
    """Write the document to a file, replacing it as a whole."""
    write_text(path, f"{made.text}\n")


@frozen
class _InstalledTree:
    """A locked asset of an entry, and the receipt of its tree."""

    name: str
    asset: Asset
    receipt: Receipt


def _installed(
    options: Options, lock: Lock, names: tuple[str, ...], assets: list[tuple[str, Asset]]
) -> list[_InstalledTree]:
    """Those of the assets that are installed here; raises `ProvisionError` if a named entry is not, or none is."""
    from provision.store.receipts import read_receipt

    store = options.store
    trees = {python.name: python.tree for python in lock.pythons}
    found = [
        _InstalledTree(name=name, asset=asset, receipt=receipt)
        for name, asset in assets
        if (receipt := read_receipt(store, store_key(asset, trees[name]))) is not None
        and receipt.asset.sha256 == asset.sha256
    ]
    without = sorted({*names} - {each.name for each in found})
    if without or not found:
        what = f"not installed here: {', '.join(without)}" if without else "no locked interpreter is installed here"
        raise ProvisionError(what, hint="Run `provision sync`, or leave out `--installed` and `--beside-receipts`.")
    return found


def _stated(options: Options, trees: Iterable[_InstalledTree]) -> dict[str, dict[str, str]]:
    """By the sha256 of an archive, the versions that its interpreter and the files of its tree state."""
    from provision.host.detect import detect_host
    from provision.install.probe import can_run
    from provision.review.libraries import libraries_from_files, libraries_from_interpreter
    from provision.store.receipts import read_entries

    store, host = options.store, detect_host()
    stated: dict[str, dict[str, str]] = {}
    for each in trees:
        tree = store.tree(each.receipt.key)
        versions = libraries_from_files(tree, read_entries(store, each.receipt) or {})
        if each.receipt.probed == "ok" and can_run(each.asset, host):
            own = libraries_from_interpreter(executable(tree, each.asset))
            # An interpreter only states the series of Tcl and Tk.
            versions |= {name: text for name, text in own.items() if not versions.get(name, "").startswith(f"{text}.")}
        stated[each.asset.sha256.hex] = {name.lower(): version for name, version in versions.items()}
    return stated


def source_date_epoch(environ: Mapping[str, str]) -> int | None:
    """``SOURCE_DATE_EPOCH``; None if it is not set or empty. Raises `UsageError` for anything that is not a time."""
    text = environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) <= _LATEST):
        raise UsageError(
            f"SOURCE_DATE_EPOCH: expected seconds since 1970; got {text!r}",
            hint="Unset SOURCE_DATE_EPOCH for the day of the newest build.",
        )
    return int(text)


def licences(options: Options, names: tuple[str, ...] = ()) -> Licences:
    """The licences of the locked components; for installed full archives, from their own metadata."""
    project = Project.find(options)
    loaded = project.locked()
    store = options.store
    table = component_table(options)
    rows: list[LicenceRow] = []
    for python in select_entries(loaded.lock, names, manifest=project.manifest_path):
        rows += _licences(python, store, table)
    return Licences(rows=tuple(rows), warnings=loaded.warnings)


def _licences(python: LockedPython, store: Store, table: ComponentTable) -> Iterator[LicenceRow]:
    found: dict[tuple[str, str, str, str], set[str]] = {}
    for asset in python.assets:
        metadata = _installed_metadata(python, asset, store)
        rows = list(_known_licences(asset, python.tree.without, table))
        if metadata is not None:  # it says nothing of pip, setuptools and musl
            rows[:1] = _stated_licences(asset, metadata)
        for row in rows:
            found.setdefault(row, set()).add(asset.target.short)
    for (component, version, expression, source), targets in found.items():
        yield LicenceRow(
            entry=python.name,
            component=component,
            version=version,
            licence=expression,
            source=source,
            targets=tuple(sorted(targets)),
        )


def _known_licences(
    asset: Asset, without: tuple[RemovablePart, ...], table: ComponentTable
) -> Iterator[tuple[str, str, str, str]]:
    """Component, version, licence and source, from the table of components: the interpreter, then its libraries."""
    name, version = component_name(asset)
    known = licence(name, version)
    yield name, version, known.licence, known.source
    contents = components_of(asset, table)
    if contents is None:
        yield "libraries", NOT_KNOWN, "", ""
    for component in contents or ():
        if component.origin != "system" and not is_removed(component, asset, without):
            known = licence(component.name, component.version)
            yield component.name, origin_words(component, asset), known.licence, known.source


def _installed_metadata(python: LockedPython, asset: Asset, store: Store) -> Mapping[str, Any] | None:
    """The ``PYTHON.json`` of a full archive that is installed; None where there is none that can be read."""
    if asset.flavor != "full":
        return None
    from provision.store.receipts import read_receipt

    key = store_key(asset, python.tree)
    receipt = read_receipt(store, key)
    if receipt is None or receipt.asset.sha256 != asset.sha256:
        return None
    content = read_small_file_or_none(store.extras(key) / _METADATA, _LARGEST_METADATA)
    try:
        document = json.loads(content or b"null")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _stated_licences(asset: Asset, metadata: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Component, version, licence and source, as ``PYTHON.json`` states them: of CPython and of extension modules."""
    name, version = component_name(asset)
    yield name, version, _expression(metadata), _METADATA
    extensions = _member(_member(metadata, "build_info"), "extensions")
    for module, variants in sorted(extensions.items()):
        for variant in variants if isinstance(variants, list) else ():
            if isinstance(variant, dict) and (expression := _expression(variant)):
                yield f"{module} (extension)", version, expression, _METADATA


def _expression(table: Mapping[str, Any]) -> str:
    ids = table.get("licenses")
    found = [each for each in ids if isinstance(each, str)] if isinstance(ids, list) else []
    return " AND ".join([*dict.fromkeys(found), *([PUBLIC_DOMAIN] if table.get("license_public_domain") else [])])


def _member(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name)
    return found if isinstance(found, dict) else {}
