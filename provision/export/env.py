"""Variables with versions, URLs and digests, for shells and environment files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from provision.export.rows import HEADER, Export, LeftOut, Place, Row
from provision.model.asset import IMPLEMENTATIONS
from provision.model.target import KNOWN_TARGETS
from provision.model.value import replace


def export_env(rows: Sequence[Row]) -> Export:
    """``PYTHON_FREE_VERSION``, ``PYTHON_FREE_LINUX_X86_64_V3_URL`` and so on, quoted where a shell needs that.

    Of entries whose variables would have the same names, the first has its place, with all of its rows.
    """
    first: dict[str, str] = {}
    place_of = {row.entry: first.setdefault(_capitals("python", row.entry), row.entry) for row in rows}
    place = Place(
        targets={target.short for target in KNOWN_TARGETS.values()},
        key=_name,
        cpu=True,
        full=True,
        debug=True,
        implementations=IMPLEMENTATIONS,
    )
    fitting = place.fit("env", [row for row in rows if place_of[row.entry] == row.entry])
    alike = [LeftOut(row, f"same names as {place_of[row.entry]}") for row in rows if place_of[row.entry] != row.entry]
    fitting = replace(fitting, left_out=(*fitting.left_out, *alike))
    values: dict[str, str] = {}
    for entry, of_entry in fitting.by_entry().items():
        asset = of_entry[0].asset
        values[f"{_capitals('python', entry)}_VERSION"] = str(asset.version)
        values[f"{_capitals('python', entry)}_BUILD"] = asset.build
        for row in of_entry:
            values[f"{_name(row)}_URL"] = row.asset.url
            values[f"{_name(row)}_SHA256"] = str(row.asset.sha256)
    lines = [f"# {HEADER.format('env')}", *(f"{name}={shlex.quote(value)}" for name, value in values.items())]
    return fitting.export("\n".join(lines) + "\n")


def _name(row: Row) -> str:
    level = () if row.asset.cpu == "baseline" else (row.asset.cpu,)
    return _capitals("python", row.entry, row.asset.target.short, *level)


def _capitals(*words: str) -> str:
    return re.sub("[^0-9A-Z]", "_", "_".join(words).upper())
