"""Owns the names an interpreter is found under: links in `bin/`; on Windows, where links need rights, `python.exe`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.model.asset import Asset
from provision.model.tree import Entry


def executable(asset: Asset, entries: Mapping[str, Entry]) -> str | None:
    """The real interpreter's name in ``bin/``: ``python3.13td``, ``pypy3.11``, ``graalpy``."""
    series = asset.version.series
    match asset.implementation:
        case "cpython":
            # Builds made before 3.13 knew no suffix for debug, and hand-made ones may lack it still.
            candidates = [f"python{series}{asset.options.abi_suffix}", f"python{series}", f"python{series}m", "python3"]
        case implementation:
            candidates = [
                f"{implementation}{series}",
                f"{implementation}3",
                implementation,
                f"python{series}",
                "python3",
            ]
    return next((name for name in candidates if _is_file(entries, f"bin/{name}")), None)


def missing_names(asset: Asset, entries: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    """(path, target) of each link to make: ``python``, ``python3`` and ``python3.13`` must exist in every Unix tree."""
    real = executable(asset, entries)
    if real is None:
        return
    for name in ("python", "python3", f"python{asset.version.series}"):
        if f"bin/{name}" not in entries:
            yield f"bin/{name}", real


def missing_copy(asset: Asset, entries: Mapping[str, Entry]) -> tuple[str, str] | None:
    """(path, source) of the one copy to make in a Windows tree: `python.exe`, which early PyPy has under its own name.

    GraalPy's launcher finds its home by its own name and place, and keeps them.
    """
    if asset.implementation == "graalpy" or _is_file(entries, "python.exe"):
        return None
    series, suffix = asset.version.series, asset.options.abi_suffix
    own = "python" if asset.implementation == "cpython" else asset.implementation
    candidates = (f"{own}{series}{suffix}.exe", f"{own}3.exe", f"{own}.exe")
    return next((("python.exe", name) for name in candidates if _is_file(entries, name)), None)


def _is_file(entries: Mapping[str, Entry], path: str) -> bool:
    entry = entries.get(path)
    return entry is not None and entry.kind == "file"
