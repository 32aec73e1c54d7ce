"""Owns `explain`: loading what an explanation needs; `lock.explain` gives it."""

from __future__ import annotations

from datetime import date

from provision.errors import ManifestError, did_you_mean
from provision.lock.explain import Explanation
from provision.lock.explain import explain_entry as why
from provision.model.value import replace
from provision.workflows.catalog import open_for
from provision.workflows.checking import host_target
from provision.workflows.options import Options
from provision.workflows.project import Project


def explain(options: Options, name: str, *, today: date) -> Explanation:
    """Why an entry is locked as it is, or what it would be locked as; without a network.

    Raises `ManifestError` for a name that the manifest does not declare.
    """
    project = Project.find(options)
    manifest = project.manifest()
    request = manifest.request(name)
    if request is None:
        known = [each.name for each in manifest.requests]
        raise ManifestError(
            f"{manifest.path.name} declares no {name!r}",
            hint=f"It declares {', '.join(known) or 'nothing yet'}." + did_you_mean(name, known),
        )
    loaded = project.lock()
    catalog = open_for(replace(options, offline=True), manifest)
    python = loaded.lock.python(name) if loaded else None
    return why(request, python, catalog, host=host_target(manifest), today=today)
