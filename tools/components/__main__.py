"""The table of PBS's downloads, as `catalog.components` reads it: ``python -m tools.components TABLE.json[.zst] OUT``.

TABLE has, by tag, the version of each entry of `pythonbuild/downloads.py` (``components``), and the entries that each
target of `cpython-unix/targets.yml` needs (``targets``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from provision.catalog.components import COMPONENT_OF_ENTRY
from provision.model.target import KNOWN_TARGETS

# A tag of 2026-03-23 that was named after 2025 by mistake; no asset has it.
_MISDATED = frozenset({"20250323"})
_ON_WINDOWS = "tk-windows-bin"
_PACKAGES = frozenset({"pip", "setuptools", "zlib-ng"})

# musl's own row, which TABLE lacks: it is in static builds, and what dynamic ones are linked with.
_MUSL = {
    "musl": [("20210325", "1.2.2"), ("20220502", "1.2.3"), ("20230726", "1.2.4"), ("20240415", "1.2.5")],
    "musl-static": [("20250311", "1.2.5")],
}

# Release notes of tags that are not in the table. For `catalog.components`, everything else of these tags is unknown.
_RELEASE_NOTES = {
    "20260825": {"openssl-3.5": "3.5.8", "libffi": "3.4.8"},
    "20260901": {"expat": "2.8.4", "setuptools": "84.0.0"},
    "20261110": {"pip": "26.3", "zlib": "1.4", "expat": "2.10.0"},
}

_Value = TypeVar("_Value")


def condense(tags: Mapping[str, Any]) -> dict[str, Any]:
    """The document that is bundled: what changed from tag to tag."""
    known = {tag: row for tag, row in sorted(tags.items()) if tag not in _MISDATED}
    entries = sorted({entry for row in known.values() for entry in row["components"] if _is_content(entry)})
    targets = sorted({target for row in known.values() for target in row["targets"] if target in KNOWN_TARGETS})
    return {
        "tags": list(known),
        "versions": {
            entry: _changes((tag, row["components"].get(entry, "")) for tag, row in known.items()) for entry in entries
        }
        | _MUSL,
        "needs": {
            target: _changes((tag, sorted(row["targets"].get(target, ()))) for tag, row in known.items())
            for target in targets
        },
        "partial": _RELEASE_NOTES,
    }


def _is_content(entry: str) -> bool:
    return entry in COMPONENT_OF_ENTRY or entry in _PACKAGES or entry.startswith(_ON_WINDOWS)


def _changes(values: Iterable[tuple[str, _Value]]) -> list[tuple[str, _Value]]:
    """Each value with the first tag that has it; nothing before the first one that is not empty."""
    changes: list[tuple[str, _Value]] = []
    for tag, value in values:
        if (changes and changes[-1][1] != value) or (not changes and value):
            changes.append((tag, value))
    return changes


def main(source: Path, out: Path) -> None:
    data = source.read_bytes()
    if source.suffix == ".zst":
        from provision.host.zstd import zstd_module

        data = zstd_module().decompress(data)
    document = condense(json.loads(data)["tags"])
    sections = (f"{json.dumps(name)}: {_format(value)}" for name, value in document.items())
    out.write_text("{" + ",\n".join(sections) + "}\n", "utf-8")


def _format(value: Any) -> str:
    """One line an entry, so that a change is read in a diff."""
    if not isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(row, separators=(',', ':'))}" for name, row in value.items())
    return "{\n" + lines + "}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
