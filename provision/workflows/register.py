"""`register`: installed interpreters in the Windows registry, by PEP 514.

The ``py`` launcher, editors and virtualenv find interpreters there. They have the company ``provision``, for the
current user only. A tag is a version with the suffixes of python.org's tags: ``3.14.9t-arm64``. Of two builds of one
version, only the last registered one is present: with a build in the tag, other tools would not recognise free-threaded
builds.
"""

from __future__ import annotations

from pathlib import Path

from provision.errors import StoreError
from provision.host.files import is_file
from provision.host.registry import Registry
from provision.model.asset import Asset
from provision.model.value import frozen
from provision.store.receipts import read_receipt
from provision.workflows.options import Options, Scope
from provision.workflows.project import Project, select_entries
from provision.workflows.selection import select_assets
from provision.workflows.use import FoundPython, which

_COMPANY = "Software\\Python\\provision"
_SUFFIXES = {"aarch64": "-arm64", "i686": "-32"}


@frozen
class Registered:
    """The tags that were written or removed, by entry, and those of interpreters that no longer exist."""

    tags: dict[str, str]
    gone: tuple[str, ...] = ()


def register(options: Options, registry: Registry, names: tuple[str, ...] = ()) -> Registered:
    """Register the named entries, or all that are installed; remove keys of interpreters that no longer exist.

    Raises the errors of `which` for a named entry, and `StoreError` if no entry is installed.
    """
    found = [which(options, name) for name in names or _installed(options)]
    if not found:
        raise StoreError("no entry is installed", hint="Run `provision sync`.")
    gone = [tag for tag in registry.names(_COMPANY) if not is_file(Path(_program(registry, tag)))]
    for tag in gone:
        registry.remove(f"{_COMPANY}\\{tag}")
    registry.write(_COMPANY, {"DisplayName": "provision"})
    for each in found:
        _write(registry, each)
    return Registered(tags={each.selected.name: tag_of(each.selected.asset) for each in found}, gone=tuple(gone))


def unregister(options: Options, registry: Registry, names: tuple[str, ...] = ()) -> Registered:
    """Remove the named entries, or all of the lock file, from the registry, and the company with its last entry."""
    project = Project.find(options)
    tags: dict[str, str] = {}
    for python in select_entries(project.locked().lock, names, manifest=project.manifest_path):
        for asset in python.assets:
            tag = tag_of(asset)
            if tag in registry.names(_COMPANY):
                registry.remove(f"{_COMPANY}\\{tag}")
                tags[python.name] = tag
    if not registry.names(_COMPANY):
        registry.remove(_COMPANY)
    return Registered(tags=tags)


def tag_of(asset: Asset) -> str:
    """The tag of an interpreter."""
    suffix = _SUFFIXES.get(asset.target.arch, "")
    name = "" if asset.implementation == "cpython" else asset.implementation
    return f"{name}{asset.version}{asset.options.abi_suffix}{suffix}"


def _installed(options: Options) -> list[str]:
    project, store = Project.find(options), options.store
    selected = select_assets(project, project.locked().lock, Scope()).selected
    return [each.name for each in selected if read_receipt(store, each.key) is not None]


def _program(registry: Registry, tag: str) -> str:
    return registry.values(f"{_COMPANY}\\{tag}\\InstallPath").get("ExecutablePath", "")


def _write(registry: Registry, found: FoundPython) -> None:
    asset = found.selected.asset
    kinds = [kind for kind in ("freethreaded", "debug") if kind in asset.options]
    names = {"cpython": "Python", "pypy": "PyPy", "graalpy": "GraalPy"}
    title = " ".join([names[asset.implementation], str(asset.version), *kinds])
    key = f"{_COMPANY}\\{tag_of(asset)}"
    registry.write(
        key,
        {
            "DisplayName": f"{title} (provision)",
            "Version": str(asset.version),
            "SysVersion": asset.version.series,
            "SysArchitecture": "32bit" if asset.target.arch == "i686" else "64bit",
        },
    )
    install = {"": str(found.tree), "ExecutablePath": str(found.stored)}
    windowed = found.stored.with_name("pythonw.exe")
    if is_file(windowed):
        install["WindowedExecutablePath"] = str(windowed)
    registry.write(f"{key}\\InstallPath", install)
