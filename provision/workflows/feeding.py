"""Owns `feed`: the catalog for update bots; what is in it, `review.feed` decides."""

from __future__ import annotations

from pathlib import Path

from provision.errors import UsageError, did_you_mean
from provision.review.feed import feed_document
from provision.workflows.catalog import known_catalog
from provision.workflows.options import Options


def feed(options: Options, implementation: str = "cpython") -> dict[str, object]:
    """All versions and builds of an implementation; raises `UsageError` for one that no catalog knows."""
    catalog = known_catalog(options)
    known = catalog.implementations()
    if implementation not in known:
        raise UsageError(
            f"no catalog knows an implementation {implementation!r}; there are {', '.join(known)}."
            f"{did_you_mean(implementation, known)}"
        )
    return feed_document(catalog, implementation)


def write_feed(document: dict[str, object], path: Path) -> None:
    """Write the feed as a file, in one step."""
    import json

    from provision.workflows.writing import write_text

    write_text(path, json.dumps(document, indent=1) + "\n")
