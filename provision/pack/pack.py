"""`pack`: an installed CPython as an archive in PBS's layout, and its catalog row.

The archive is kept only after a copy of it was relocated and started from another directory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from provision.errors import CatalogError, Place, StoreError, UsageError, check_parent, reason_of
from provision.host.files import (
    exists,
    is_directory,
    move_file,
    remove_file,
    replace_file,
    temporary_path,
    unfinished_files,
)
from provision.model.asset import FLAVORS, Asset, Digest, Flavor
from provision.model.value import frozen, replace
from provision.pack.contents import PackedFile, packed_files, path_in_prefix
from provision.pack.interpreter import Interpreter, inspect_interpreter

_UNHASHED = Digest("0" * 64)


@frozen
class PackedArchive:
    """``row`` belongs in a `catalog.ndjson` next to ``archive``. ``requires``: libraries the user's system must have.

    ``warnings`` say what does not work elsewhere; if there are none, the copy ran from another place.
    """

    archive: Path
    asset: Asset
    row: dict[str, Any]
    requires: tuple[str, ...]
    warnings: tuple[str, ...]


@frozen
class PackedPython:
    """A packed archive, and the catalog that lists it."""

    packed: PackedArchive
    catalog: Path


def pack_python(prefix: Path, output: Path, *, flavor: str, build: str | None) -> PackedPython:
    """Make the archive and its row; `UsageError` for what cannot be packed, `StoreError` for what cannot be written."""
    if not is_directory(output):
        check_parent(output)
    try:
        packed = pack_archive(prefix, output, flavor=cast(Flavor, flavor), build=build)
        catalog = output / "catalog.ndjson"
        add_row(catalog, packed.row)
    except OSError as error:
        raise StoreError(f"cannot write {error.filename or output}: {reason_of(error)}") from error
    return PackedPython(packed=packed, catalog=catalog)


def pack_archive(
    prefix: Path, out: Path, *, flavor: Flavor = "install_only_stripped", build: str | None = None
) -> PackedArchive:
    """Make an archive in ``out`` of the CPython at ``prefix``: a prefix, a virtual environment (its base) or a program.

    The same installation gives the same bytes. ``build`` is a tag such as PBS's, YYYYMMDD; without it, the day on
    which the interpreter was written. Raises `UsageError` for what cannot be packed or named.
    """
    import tempfile

    interpreter = inspect_interpreter(prefix)
    asset = _describe(interpreter, flavor, build or _day_of(interpreter.executable))
    files = packed_files(interpreter, tests=flavor == "full")
    out.mkdir(parents=True, exist_ok=True)
    archive = out / asset.filename
    with tempfile.TemporaryDirectory(prefix="provision-pack-") as directory:
        packed = _pack(interpreter, asset, files, Path(directory), archive)
    return replace(packed, warnings=(*_of_no_day(interpreter, build), *packed.warnings))


def _of_no_day(interpreter: Interpreter, build: str | None) -> tuple[str, ...]:
    from provision.unpack.writer import MTIME

    if build or interpreter.executable.stat().st_mtime != MTIME:
        return ()
    return ("the build is 20240101, the day of all files of upstream's archives; pass another with `--build`",)


def _pack(
    interpreter: Interpreter, asset: Asset, files: Sequence[PackedFile], staged: Path, archive: Path
) -> PackedArchive:
    from provision.pack.archive import write_archive
    from provision.pack.stage import stage

    tree = staged / "python" / "install" if asset.flavor == "full" else staged / "python"
    result = stage(interpreter, files, tree, strip=asset.flavor == "install_only_stripped")
    if asset.flavor == "full":
        _add_extras(interpreter, asset, staged / "python")
    for unfinished in unfinished_files(archive.parent, archive.name):
        remove_file(unfinished)
    partial = temporary_path(archive)
    try:
        write_archive(staged, partial)  # before the trial, whose steps change the tree
        sha256, size = _measure(partial)
        asset = replace(asset, sha256=sha256, size=size)
        warnings = (*result.warnings, *_without_pip(interpreter), *_relocate_and_prove(tree, asset, interpreter))
        move_file(partial, archive)
    finally:
        remove_file(partial)
    return PackedArchive(archive=archive, asset=asset, row=row_of(asset), requires=result.requires, warnings=warnings)


def _without_pip(interpreter: Interpreter) -> tuple[str, ...]:
    if is_directory(interpreter.site_packages / "pip"):
        return ()
    return ("the archive has no pip, as this installation has none; virtual environments may lack pip as well",)


def _relocate_and_prove(tree: Path, asset: Asset, interpreter: Interpreter) -> tuple[str, ...]:
    """Relocate the copy as installing does, and run it."""
    from provision.model.tree import TreeOptions
    from provision.pack.interpreter import prove_relocatable
    from provision.relocate.recipe import relocate
    from provision.store.hashing import scan_tree

    entries = scan_tree(tree)
    notes = relocate(tree, entries, asset=asset, options=TreeOptions())
    return (*notes, *prove_relocatable(tree, asset, interpreter))


def _describe(interpreter: Interpreter, flavor: str, build: str) -> Asset:
    """The asset of the future archive; its digest is not known yet."""

    from provision.catalog.names import modern_name
    from provision.pack.interpreter import target_of

    if flavor not in FLAVORS:
        raise UsageError(f"expected one of {', '.join(FLAVORS)}; got {flavor!r}")
    if not re.fullmatch(r"20\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", build):
        raise UsageError(f"{build!r} is not a build tag; expected a date as YYYYMMDD")
    options = interpreter.options
    if options.debug and flavor != "full":
        raise UsageError(
            f"{interpreter.executable} is a debug build, which requires the flavor full",
            hint="Pass `--flavor full`.",
        )
    target = target_of(interpreter)
    name = modern_name(version=interpreter.version, build=build, target=target, options=options, flavor=flavor)
    return Asset(
        implementation="cpython",
        version=interpreter.version,
        build=build,
        target=target,
        options=options,
        flavor=flavor,
        url=quote(name),
        sha256=_UNHASHED,
    )


def _add_extras(interpreter: Interpreter, asset: Asset, root: Path) -> None:
    from provision.pack.archive import license_of, python_json

    (root / "PYTHON.json").write_text(
        python_json(interpreter, asset, path_in_prefix(interpreter, interpreter.stdlib)), "utf-8"
    )
    text = license_of(interpreter)
    if text is not None:
        (root / "licenses").mkdir()
        (root / "licenses" / "LICENSE.cpython.txt").write_bytes(text.read_bytes())


def _measure(archive: Path) -> tuple[Digest, int]:
    import hashlib

    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return Digest(digest.hexdigest()), stream.tell()


def _day_of(executable: Path) -> str:
    import time

    changed = time.gmtime(executable.stat().st_mtime)
    if changed.tm_year < 2000:
        raise UsageError(
            f"{executable} was last changed on {time.strftime('%Y-%m-%d', changed)}, which cannot be its build tag",
            hint="Pass the tag with `--build YYYYMMDD`.",
        )
    return time.strftime("%Y%m%d", changed)


def row_of(asset: Asset) -> dict[str, Any]:
    """A line of PBS's NDJSON with one artifact; its ``url`` is relative to the catalog, next to the archive.

    The date is the build tag's own day, so that the row depends only on the archive.
    """
    variant = "+".join(filter(None, (str(asset.options) if asset.flavor == "full" else "", asset.flavor)))
    if asset.flavor != "full" and asset.options.freethreaded:
        variant = f"freethreaded+{variant}"
    artifact = {
        "platform": str(asset.target),
        "variant": variant,
        "url": quote(asset.filename),
        "archive_format": "tar.zst" if asset.flavor == "full" else "tar.gz",
        "sha256": str(asset.sha256),
        "size": asset.size,
        "options": str(asset.options),
    }
    day = f"{asset.build[:4]}-{asset.build[4:6]}-{asset.build[6:]}"
    return {"version": f"{asset.version}+{asset.build}", "date": f"{day}T00:00:00+00:00", "artifacts": [artifact]}


def add_row(catalog: Path, row: dict[str, Any]) -> None:
    """Put a row into a `catalog.ndjson`, new or not: an artifact with the same URL is replaced, the rest is kept.

    Rows are sorted by version, artifacts by URL. `CatalogError` if the file exists and is no catalog.
    """
    import json

    from provision.store.locks import edit_lock

    with edit_lock(catalog):
        rows = _read_rows(catalog) if exists(catalog) else {}
        known = rows.setdefault(row["version"], {**row, "artifacts": []})
        artifacts = {artifact["url"]: artifact for artifact in (*known["artifacts"], *row["artifacts"])}
        known["artifacts"] = [artifacts[url] for url in sorted(artifacts)]
        text = "".join(json.dumps(rows[version], separators=(",", ":")) + "\n" for version in sorted(rows))
        replace_file(catalog, text.encode())


def _read_rows(catalog: Path) -> dict[str, dict[str, Any]]:
    import json

    rows: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(catalog.read_text("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows[row["version"]] = {
                **row,
                "artifacts": [{**artifact, "url": artifact["url"]} for artifact in row["artifacts"]],
            }
        except (ValueError, TypeError, KeyError) as error:
            raise CatalogError(
                "not a row of a catalog",
                place=Place(str(catalog), number),
                hint="Pack into another directory, or remove the file.",
            ) from error
    return rows
