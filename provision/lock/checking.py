"""Owns making values of a lock's tables; their spelling is `syntax`'s business, their keys are `rows`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provision.errors import LockFileError, Place, ProvisionError, raise_all
from provision.lock.document import LOCK_VERSION, Lock, LockedPython, in_order
from provision.lock.rows import ASSET_KEYS, LOCK_KEYS, PYTHON_KEYS, Key, lock_version
from provision.model.asset import Asset
from provision.model.tree import TreeOptions

if TYPE_CHECKING:
    from provision.lock.positions import Positions

# A lock with more mistakes than this is not mended by reading all of them.
MAX_ERRORS = 20

REPLACE = "Take it back from version control, or remove it and run `provision lock`."

_Where = tuple[int | None, int | None]  # which [[python]], and which asset of it


def check_lock(tables: Mapping[str, Any], text: str, file: str) -> tuple[Lock, tuple[str, ...]]:
    """Make a lock of ``tables``, which were read from ``text``; also what to warn of.

    Raises `LockFileError`, or all of them as `SeveralErrors`, with the line of each.
    """
    return _Check(text, file, lenient=_is_newer(tables, file)).lock(tables)


def _is_newer(tables: Mapping[str, Any], file: str) -> bool:
    """True for a newer minor version, whose unknown keys are no errors; raises for a version that cannot be read."""
    given = tables.get("lock-version")
    if not isinstance(given, str):
        what = "lock-version is missing" if given is None else "lock-version is not a text"
        raise LockFileError(what, place=Place(file), hint=REPLACE)
    try:
        (major, minor), (own_major, own_minor) = lock_version(given), lock_version(LOCK_VERSION)
    except ValueError as error:
        raise LockFileError(str(error), place=Place(file, key="lock-version"), hint=REPLACE) from None
    if major != own_major:
        raise LockFileError(
            f"has lock-version {given}, and this provision knows {own_major}.x only",
            place=Place(file),
            hint="Use the provision that the project was locked with; or remove the lock and run `provision lock`.",
        )
    return minor > own_minor


class _Check:
    """One reading of one lock; collects its errors and warnings."""

    def __init__(self, text: str, file: str, *, lenient: bool) -> None:
        self._text, self._file, self._lenient = text, file, lenient
        self._positions: Positions | None = None
        self._errors: list[ProvisionError] = []
        self._unknown: dict[str, None] = {}

    def lock(self, tables: Mapping[str, Any]) -> tuple[Lock, tuple[str, ...]]:
        self._values(tables, LOCK_KEYS, (None, None))
        pythons: dict[str, LockedPython] = {}
        for index, table in enumerate(self._tables(tables.get("python", []), (None, None), "python")):
            python = self._python(table, index)
            if python is not None and python.name in pythons:
                self._wrong((index, None), "name", f"is {python.name!r}, which is locked already")
            elif python is not None:
                pythons[python.name] = python
        raise_all(self._errors)
        lock = Lock(version=tables["lock-version"], pythons=tuple(pythons[name] for name in sorted(pythons)))
        return lock, tuple(f"{self._file}: {key} is unknown to this provision, and ignored" for key in self._unknown)

    def _python(self, table: Mapping[str, Any], index: int) -> LockedPython | None:
        """The entry; None after adding what is wrong with it to the errors."""
        where, before = (index, None), len(self._errors)
        values = self._values(table, PYTHON_KEYS, where)
        shared = {key: values.get(key) for key in ("implementation", "version", "build", "flavor")}
        assets: dict[tuple[str, str], Asset] = {}
        rows = self._tables(table.get("asset", []), where, "asset")
        for number, row in enumerate(rows):
            asset = self._asset(row, shared, values.get("options"), (index, number))
            if asset is None:
                continue
            slot = (str(asset.target), asset.cpu)
            if slot in assets:
                self._wrong((index, number), "target", f"is {asset.target}, which is locked already for {asset.cpu}")
            assets[slot] = asset
        if not rows:
            self._wrong(where, "asset", "is missing: an entry has at least one [[python.asset]]")
        if len(self._errors) > before:
            return None
        tree = {key: values.pop(key) for key in ("bytecode", "externally_managed", "without") if key in values}
        return LockedPython(**values, tree=TreeOptions(**tree), assets=in_order(assets.values()))

    def _asset(self, row: Mapping[str, Any], shared: Mapping[str, Any], options: Any, where: _Where) -> Asset | None:
        before = len(self._errors)
        values = self._values(row, ASSET_KEYS, where)
        if len(self._errors) > before or options is None:
            return None
        own = values.setdefault("options", options)
        if own is not options and not options.names <= own.names:
            self._wrong(where, "build-options", f"is {own}, and lacks some that the entry names: {options}")
        if values["cpu"] != "baseline" and values["target"].arch != "x86_64":
            self._wrong(where, "cpu", f"is {values['cpu']}; only x86_64 has levels, not {values['target']}")
        return Asset(**shared, **values)

    def _values(self, table: Mapping[str, Any], keys: Mapping[str, Key], where: _Where) -> dict[str, Any]:
        """What each key of ``table`` reads as, by the name of its field."""
        values = {}
        for key, given in table.items():
            known = keys.get(key)
            if known is None:
                self._unknown_key(key, keys, where)
            elif known.read is not None:
                try:
                    values[known.field] = known.read(given)
                except ValueError as error:
                    self._wrong(where, key, str(error))
        for key, known in keys.items():
            if known.required and key not in table:
                self._wrong(where, key, "is missing")
        return values

    def _tables(self, given: object, where: _Where, key: str) -> list[Mapping[str, Any]]:
        if isinstance(given, list) and all(isinstance(table, dict) for table in given):
            return given
        self._wrong(where, key, "is not a list of tables")
        return []

    def _unknown_key(self, key: str, keys: Mapping[str, Key], where: _Where) -> None:
        if self._lenient:
            levels = ("python", "asset")[: sum(index is not None for index in where)]
            self._unknown.setdefault(".".join((*levels, key)))
            return
        import difflib

        near = difflib.get_close_matches(key, keys, 1)
        self._wrong(where, key, f"is not a key of a lock{f'; did you mean {near[0]!r}?' if near else ''}")

    def _wrong(self, where: _Where, key: str, message: str) -> None:
        if len(self._errors) == MAX_ERRORS:
            raise_all([*self._errors, LockFileError("has further mistakes", place=Place(self._file))])
        from provision.lock.positions import Positions

        self._positions = self._positions or Positions(self._text)
        python, asset = where
        path = ("" if python is None else f"python[{python}].") + ("" if asset is None else f"asset[{asset}].")
        place = Place(self._file, self._positions.line(python, asset, key), key=path + key)
        self._errors.append(LockFileError(message, place=place, hint=None if self._errors else REPLACE))
