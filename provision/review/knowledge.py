"""Findings about locked builds: new details in the catalog, assets gone upstream."""

from __future__ import annotations

from collections.abc import Iterator

from provision.lock.additions import find_additions
from provision.review.findings import AuditContext, Finding


def check_knowledge(context: AuditContext) -> Iterator[Finding]:
    """Locked assets that upstream no longer lists, and assets of locked builds that were added to the catalog since."""
    for python in context.lock.pythons:
        gone = context.upstream.gone(python.implementation, python.version, python.build)
        for asset in python.assets:
            if asset.url in gone:
                message = f"upstream no longer lists {asset.filename}"
                yield context.asset_finding("PV028", message, python, asset, "url")
        request = context.request(python)
        additions = find_additions(request, python, context.upstream) if request is not None else None
        if additions is not None:
            yield context.entry_finding("PV027", additions.sentence(python), python.name, "build")
