"""`pythons.lock` as a `Lock`: its text and values, all mistakes with lines.

`syntax` makes tables of the text, and `keys` defines the values of each key. All mistakes of a lock are raised at once,
as `LockFileError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from provision.errors import LockFileError, Place, ProvisionError, did_you_mean, raise_all, reason_of
from provision.host.files import FileTooLargeError, NotRegularFileError, read_small_file
from provision.host.repository import display_path
from provision.lock.keys import (
    ASSET_KEYS,
    ATTESTATION_KEYS,
    LOCK_KEYS,
    PYTHON_KEYS,
    AssetTable,
    AttestationTable,
    LockTable,
    PythonTable,
    Tables,
    lock_version,
)
from provision.lock.lock import LOCK_VERSION, Attestation, Lock, LockedPython, sorted_assets, sorted_attestations
from provision.lock.syntax import OTHER_FILE_HINT, REPLACE_HINT, parse_tables
from provision.model.asset import Asset, BuildOptions
from provision.model.table import KeyField, value_of
from provision.model.tree import TreeOptions
from provision.model.value import frozen

if TYPE_CHECKING:
    from provision.lock.positions import LockPositions

# A lock of 200 entries on 12 targets has one megabyte.
MAX_LOCK_SIZE = 16 * 1024 * 1024
# Nobody corrects more mistakes than this in a lock by reading them one by one.
MAX_ERRORS = 20

# For what cannot be a lock file.
NO_LOCK_HINT = "Check that the path is that of a lock file."

# Which [[python]], and which asset of it; or which [[attestation]].
_Path = tuple[int | None, int | None] | tuple[Literal["attestation"], int]


@frozen(kw_only=False)
class ParsedLock:
    """A lock that was read, and warnings about it; ``unknown`` are its keys of a newer format, which were ignored."""

    lock: Lock
    warnings: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def read_lock_text(path: Path, file: str = "") -> str | None:
    """The lock's text, line ends untouched, or None if there is no such file.

    ``file`` is its name in errors, by default its path in its repository. Raises `LockFileError` for files that cannot
    be a lock: too large, not a plain file, not UTF-8.
    """
    file = file or display_path(path)
    try:
        return read_small_file(path, MAX_LOCK_SIZE).decode()
    except FileNotFoundError:
        return None
    except NotRegularFileError as error:
        raise LockFileError("is not a regular file", place=Place(file), hint=NO_LOCK_HINT) from error
    except FileTooLargeError as error:
        raise LockFileError(lock_too_large(error.size), place=Place(file), hint=NO_LOCK_HINT) from error
    except UnicodeDecodeError as error:
        raise LockFileError(f"is not UTF-8 (byte {error.start})", place=Place(file), hint=NO_LOCK_HINT) from error
    except OSError as error:
        raise LockFileError(f"cannot be read: {reason_of(error)}", place=Place(file)) from error


def lock_too_large(size: int) -> str:
    """The message for a file or a blob of this size, as the rest of a sentence."""
    return f"has {size} bytes; the limit is {MAX_LOCK_SIZE}"


def read_lock(path: Path) -> ParsedLock:
    """Read the lock at ``path``; raises `LockFileError`, or all of them as `SeveralErrors`, if it cannot be used."""
    file = display_path(path)
    text = read_lock_text(path, file)
    if text is None:
        raise missing_lock_error(file)
    return parse_lock(text, file)


def missing_lock_error(file: str, command: str = "provision lock") -> LockFileError:
    """The error of commands that need a lock if there is none; ``command`` creates it."""
    return LockFileError(f"{file} does not exist", hint=f"Run `{command}` to create it, and commit it.", file=file)


def parse_lock(text: str, file: str) -> ParsedLock:
    """Read a lock's text; ``file`` is its name in errors, which have the line and are raised together."""
    lock, unknown = _lock_of_tables(parse_tables(text, file), text, file)
    warnings = tuple(f"{file}: {key} is unknown to this version of provision; the key is ignored" for key in unknown)
    return ParsedLock(lock, warnings, unknown)


def _lock_of_tables(tables: Mapping[str, object], text: str, file: str) -> tuple[Lock, tuple[str, ...]]:
    """Make a lock of the TOML tables of ``text``; the second value names the keys that were ignored.

    Raises `LockFileError`, or all of them as `SeveralErrors`, with the line of each.
    """
    return _LockReader(text, file, lenient=_is_newer(tables, file)).lock(tables)


def _is_newer(tables: Mapping[str, object], file: str) -> bool:
    """True for a newer minor version, whose unknown keys are no errors; raises for a version that cannot be read."""
    given = tables.get("lock-version")
    if given is None:
        is_manifest = isinstance(tables.get("pythons"), dict)
        what = "is a manifest, not a lock file" if is_manifest else "is not a lock file: lock-version is missing"
        raise LockFileError(what, place=Place(file), hint=OTHER_FILE_HINT)
    if not isinstance(given, str):
        raise LockFileError("lock-version: expected text", place=Place(file), hint=REPLACE_HINT)
    try:
        (major, minor), (own_major, own_minor) = lock_version(given), lock_version(LOCK_VERSION)
    except ValueError as error:
        raise LockFileError(str(error), place=Place(file, key="lock-version"), hint=REPLACE_HINT) from None
    if major != own_major:
        raise LockFileError(
            f"lock-version {given} is not supported; this version of provision reads {own_major}.x",
            place=Place(file),
            hint="Use the version of provision that wrote the lock file, or delete the file and run `provision lock`.",
        )
    return minor > own_minor


class _LockReader:
    """Makes one lock from its tables; collects its errors and warnings."""

    def __init__(self, text: str, file: str, *, lenient: bool) -> None:
        self._text, self._file, self._lenient = text, file, lenient
        self._positions: LockPositions | None = None
        self._errors: list[ProvisionError] = []
        self._unknown: dict[str, None] = {}

    def lock(self, tables: Mapping[str, object]) -> tuple[Lock, tuple[str, ...]]:
        top = value_of(LockTable, self._values(tables, LOCK_KEYS, (None, None)))
        pythons: dict[str, LockedPython] = {}
        for index, table in enumerate(top.python):
            python = self._python(table, index)
            if python is not None and python.name in pythons:
                self._wrong((index, None), "name", f"is {python.name!r}, which is the name of an earlier entry")
            elif python is not None:
                pythons[python.name] = python
        attestations = [row for each in enumerate(top.attestation) for row in self._attestation(*each)]
        raise_all(self._errors)
        lock = Lock(
            version=top.lock_version,
            pythons=tuple(pythons[name] for name in sorted(pythons)),
            attestations=sorted_attestations(attestations),
        )
        return lock, tuple(self._unknown)

    def _attestation(self, index: int, table: Mapping[str, object]) -> Iterator[Attestation]:
        """The row; none if it is invalid, which is added to the errors."""
        before = len(self._errors)
        values = self._values(table, ATTESTATION_KEYS, ("attestation", index))
        if len(self._errors) == before:
            row = value_of(AttestationTable, values)
            yield Attestation(
                build=row.build,
                identity=row.identity,
                issuer=row.issuer,
                repository_id=row.repository_id,
                commit=row.commit,
                bundle=row.bundle,
                log_index=row.log_index,
            )

    def _python(self, table: Mapping[str, object], index: int) -> LockedPython | None:
        """The entry; None if it is invalid, which is added to the errors."""
        where, before = (index, None), len(self._errors)
        values = self._values(table, PYTHON_KEYS, where)
        options: BuildOptions | None = values.get("build-options")
        tables: Tables = values.get("asset", ())
        rows: dict[tuple[str, str], AssetTable] = {}
        for number, table_of_row in enumerate(tables):
            row = self._row(table_of_row, options, (index, number))
            if row is None:
                continue
            slot = (str(row.target), row.cpu)
            if slot in rows:
                self._wrong((index, number), "target", f"is {row.target}, which an earlier asset has for {row.cpu}")
            rows[slot] = row
        if not tables:
            self._wrong(where, "asset", "is missing: an entry has at least one [[python.asset]]")
        return None if len(self._errors) > before else _locked(value_of(PythonTable, values), rows.values())

    def _row(self, table: Mapping[str, object], options: BuildOptions | None, where: _Path) -> AssetTable | None:
        """The row; None if it is invalid, which is added to the errors, or if its entry has no options."""
        before = len(self._errors)
        values = self._values(table, ASSET_KEYS, where)
        if len(self._errors) > before or options is None:
            return None
        row = value_of(AssetTable, values)
        of_row = row.build_options
        if of_row is not None and not options.names <= of_row.names:
            self._wrong(where, "build-options", f"is {of_row}; the entry also requires {options}")
        if row.cpu != "baseline" and row.target.arch != "x86_64":
            self._wrong(where, "cpu", f"is {row.cpu}; only x86_64 has levels, not {row.target}")
        return row

    def _values(self, table: Mapping[str, object], keys: Mapping[str, KeyField], where: _Path) -> dict[str, Any]:
        """The values of the keys of ``table`` without the wrong ones; `value_of` makes fields of them."""
        values = {}
        for key, given in table.items():
            known = keys.get(key)
            if known is None:
                self._unknown_key(key, keys, where)
                continue
            try:
                values[key] = known.kind(given)
            except ValueError as error:
                self._wrong(where, key, str(error))
        for key, known in keys.items():
            if known.required and key not in table:
                self._wrong(where, key, "is missing")
        return values

    def _unknown_key(self, key: str, keys: Mapping[str, KeyField], where: _Path) -> None:
        if self._lenient:
            levels = ("python", "asset")[: sum(index is not None for index in where)]
            levels = ("attestation",) if where[0] == "attestation" else levels
            self._unknown.setdefault(".".join((*levels, key)))
            return
        self._wrong(where, key, f"is not a key of a lock file{did_you_mean(key, keys, after='; ')}")

    def _wrong(self, where: _Path, key: str, message: str) -> None:
        if len(self._errors) == MAX_ERRORS:
            raise_all([*self._errors, LockFileError("has more errors", place=Place(self._file))])
        from provision.lock.positions import LockPositions

        self._positions = self._positions or LockPositions(self._text)
        if where[0] == "attestation":
            path = f"attestation[{where[1]}]."
            line: int | None = self._positions.attestation(where[1] or 0, key)
        else:
            python, asset = where
            path = ("" if python is None else f"python[{python}].") + ("" if asset is None else f"asset[{asset}].")
            line = self._positions.line(python, asset, key)
        place = Place(self._file, line, key=path + key)
        self._errors.append(LockFileError(message, place=place, hint=None if self._errors else REPLACE_HINT))


def _locked(entry: PythonTable, rows: Iterable[AssetTable]) -> LockedPython:
    return LockedPython(
        name=entry.name,
        request=entry.request,
        implementation=entry.implementation,
        version=entry.version,
        build=entry.build,
        options=entry.build_options,
        flavor=entry.flavor,
        tree=TreeOptions(bytecode=entry.bytecode, externally_managed=entry.externally_managed, without=entry.without),
        assets=sorted_assets(_asset(entry, row) for row in rows),
    )


def _asset(entry: PythonTable, row: AssetTable) -> Asset:
    return Asset(
        implementation=entry.implementation,
        version=entry.version,
        build=entry.build,
        target=row.target,
        cpu=row.cpu,
        options=entry.build_options if row.build_options is None else row.build_options,
        flavor=entry.flavor,
        url=row.url,
        sha256=row.sha256,
        size=row.size,
        published=row.published,
    )
