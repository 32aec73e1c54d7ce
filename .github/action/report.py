"""Writes the output ``pythons`` and the job's summary; the arguments are files of `plan --json` and `list --json`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from provision.host.paths import data_home

_COLUMNS = ("name", "asked for", "version", "build", "options", "platform")


def main() -> None:
    plan, listing = (json.loads(Path(path).read_text("utf-8")) for path in sys.argv[1:3])
    names = _words("INPUT_NAMES")
    rows = [row for row in listing["pythons"] if not names or row["name"] in names]
    pythons = trees(plan["actions"], data_home(os.environ)) if _words("INPUT_TARGET") else executables(rows)
    _append("GITHUB_OUTPUT", [f"pythons={json.dumps(pythons, sort_keys=True)}"])
    if os.environ.get("INPUT_SUMMARY") == "true":
        _append("GITHUB_STEP_SUMMARY", summary(rows, str(plan["lock"])))


def executables(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each installed entry's interpreter."""
    return {row["name"]: row["executable"] for row in rows if row["executable"]}


def trees(actions: Iterable[Mapping[str, Any]], home: Path) -> dict[str, dict[str, str]]:
    """Each entry's trees by platform, as the plan of a sync names them."""
    found: dict[str, dict[str, str]] = {}
    for action in actions:
        # Entries of one and the same archive share a tree, and its installation.
        for name in action.get("names", [action["name"]]):
            found.setdefault(name, {})[action["target"]] = str(home / "store" / action["key"])
    return found


def summary(rows: Iterable[Mapping[str, Any]], lock: str) -> list[str]:
    """A Markdown table of the entries, and the lock's digest."""
    lines = ["### Pythons", "", f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for row in rows:
        level = row["cpu"] if row["cpu"] != "baseline" else ""
        cells = (
            row["name"],
            row["request"],
            row["version"],
            row["build"],
            "+".join(row["build-options"] or ()),
            f"{row['target'] or ''} {level or ''}".strip(),
        )
        lines.append(f"| {' | '.join(cell_text(cell) for cell in cells)} |")
    return [*lines, "", f"`pythons.lock`: {cell_text(lock)}"]


def cell_text(value: object) -> str:
    """Text that stays in its cell, whatever a manifest says: as code, without what could end code or cell."""
    text = "".join(char for char in str(value or "") if char.isprintable() and char not in "`|<>\\")
    return f"`{text}`" if text else ""


def _words(variable: str) -> list[str]:
    return os.environ.get(variable, "").replace(",", " ").split()


def _append(variable: str, lines: Iterable[str]) -> None:
    with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
