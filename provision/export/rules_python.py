"""A manifest for Bazel's rules_python: a line ``sha256 URL`` for each archive.

``python.override`` of rules_python 2.1 accepts it. Everything but the digest is read from the file name, which must be
one of python-build-standalone, with a plain ``+``.
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.catalog.names import UnknownNameError, parse_name
from provision.export.rows import HEADER, Export, Place, Row
from provision.model.asset import file_name
from provision.model.target import KNOWN_TARGETS


def export_rules_python(rows: Sequence[Row]) -> Export:
    """Lines sorted by file name."""
    place = Place(
        targets={target.short for target in KNOWN_TARGETS.values() if not target.libc.startswith("gnueabi")},
        key=lambda row: (row.asset.version, row.asset.target, row.freethreaded),
        url=_url_refusal,
    )
    fitting = place.fit("rules_python", rows)
    lines = sorted(f"{row.asset.filename} {row.asset.sha256}  {_location(row.asset.url)}" for row in fitting.rows)
    text = "\n".join([f"# {HEADER.format('rules_python')}", *(line.partition(" ")[2] for line in lines)])
    return fitting.export(text + "\n")


def _url_refusal(url: str) -> str:
    """Empty if the URL ends with a file name in the current form, which rules_python splits at ``+``."""
    refusal = "file name not in the form of python-build-standalone"
    try:
        parse_name(file_name(url))
    except UnknownNameError:
        return refusal
    return "" if "+" in file_name(url) and "?" not in url else refusal


def _location(url: str) -> str:
    folder, slash, _ = url.rpartition("/")
    return f"{folder}{slash}{file_name(url)}"
