"""What `lock` would make of one entry, according to the available catalogs."""

from __future__ import annotations

from provision.catalog.catalog import Catalog
from provision.errors import ProvisionError, ResolutionError, SeveralErrors
from provision.lock.lock import LockedPython
from provision.lock.resolve import resolve
from provision.manifest.manifest import Manifest, Request
from provision.model.value import frozen, replace
from provision.workflows.catalog import open_project_catalog
from provision.workflows.lock import host_target
from provision.workflows.options import Options


@frozen
class Trial:
    """The locked entry, or the errors that say why it cannot be locked; neither if no catalog is available."""

    python: LockedPython | None = None
    errors: tuple[ResolutionError, ...] = ()


def catalog_at_hand(options: Options, manifest: Manifest) -> Catalog | None:
    """The catalog of a manifest, if nothing needs to be downloaded for it."""
    try:
        return open_project_catalog(replace(options, offline=True), manifest)
    except ProvisionError:
        return None


def try_entry(manifest: Manifest, request: Request, catalog: Catalog | None) -> Trial:
    """Resolve only one request of a manifest."""
    if catalog is None:
        return Trial()
    alone = replace(manifest, requests=(request,))
    try:
        (python,) = resolve(alone, catalog, None, host=host_target(alone)).lock.pythons
    except ResolutionError as error:
        return Trial(errors=(error,))
    except SeveralErrors as several:
        return Trial(errors=tuple(error for error in several.errors if isinstance(error, ResolutionError)))
    except ProvisionError:
        return Trial()
    return Trial(python=python)
