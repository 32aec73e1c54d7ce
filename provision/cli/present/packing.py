"""Owns what `pack` and `schema` say."""

from __future__ import annotations

import json

from provision.cli.session import Answer
from provision.pack.pack import PackedPython
from provision.text import size


def present_packed(done: PackedPython) -> Answer:
    """The archive's path, alone on its line, and what may keep it from working elsewhere."""
    packed = done.packed
    amount = packed.archive.stat().st_size
    document = {
        "version": 1,
        "archive": str(packed.archive),
        "catalog": str(done.catalog),
        "row": packed.row,
        "warnings": list(packed.warnings),
    }
    remarks = (f"packed {size(amount)}; its row is in {done.catalog}",)
    return Answer(lines=(str(packed.archive),), document=document, remarks=remarks, warnings=packed.warnings)


def present_schema(text: str) -> Answer:
    """The schema itself, with `--json` or without."""
    return Answer(lines=(text.rstrip("\n"),), document=json.loads(text))
