"""A Nix expression: a function of ``fetchurl`` to the archives of each entry."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence

from provision.export.rows import HEADER, Export, Place, Row
from provision.model.asset import IMPLEMENTATIONS

_SYSTEMS = {
    "linux-x86_64": "x86_64-linux",
    "linux-aarch64": "aarch64-linux",
    "linux-i686": "i686-linux",
    "linux-armv7-gnueabihf": "armv7l-linux",
    "linux-ppc64le": "powerpc64le-linux",
    "linux-riscv64": "riscv64-linux",
    "linux-s390x": "s390x-linux",
    "macos-x86_64": "x86_64-darwin",
    "macos-aarch64": "aarch64-darwin",
}


def export_nix(rows: Sequence[Row]) -> Export:
    """An attribute set of entries, whose ``src`` has a fixed-output derivation for each system."""
    place = Place(
        targets=_SYSTEMS,
        key=lambda row: (row.entry, row.asset.target),
        full=True,
        debug=True,
        implementations=IMPLEMENTATIONS,
    )
    fitting = place.fit("nix", rows)
    lines = [f"# {HEADER.format('nix')}", "{ fetchurl }:", "{"]
    for entry, of_entry in fitting.by_entry().items():
        asset = of_entry[0].asset
        lines += [
            f"  {_string(entry)} = {{",
            f"    pname = {_string(asset.implementation)};",
            f"    version = {_string(str(asset.version))};",
            f"    build = {_string(asset.build)};",
            f"    freethreaded = {str(asset.options.freethreaded).lower()};",
            "    src = {",
            *(line for row in of_entry for line in _source(row)),
            "    };",
            "  };",
        ]
    return fitting.export("\n".join([*lines, "}", ""]))


def _source(row: Row) -> tuple[str, ...]:
    digest = base64.b64encode(bytes.fromhex(row.asset.sha256.hex)).decode()
    return (
        f"      {_string(_SYSTEMS[row.asset.target.short])} = fetchurl {{",
        f"        name = {_string(_store_name(row.asset.filename))};",
        f"        url = {_string(row.asset.url)};",
        f"        hash = {_string(f'sha256-{digest}')};",
        "      };",
    )


def _store_name(filename: str) -> str:
    """The name of the file in Nix's store, which allows letters, digits and ``+-._?=``, and no leading dot."""
    return re.sub("[^0-9A-Za-z+._?=-]", "-", filename).lstrip(".")[-200:] or "archive"


def _string(text: str) -> str:
    """A text without control characters as a Nix string: JSON's, with interpolation escaped."""
    return json.dumps(text).replace("${", "\\${")
