"""Readers of TOML: `pyproject.toml`, uv's, Hatch's, tox' and mise's own files."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

from provision.adopt.mention import Reading, Role
from provision.adopt.tox import read_base_python, read_env_list, read_tox_ini
from provision.manifest.positions import Positions
from provision.manifest.toml import load_toml
from provision.text import KeyPath, dotted


class _Document:
    """A TOML file with the lines of its keys; a value of another type than expected counts as missing."""

    def __init__(self, text: str, reading: Reading) -> None:
        self.data, self.reading = load_toml(text, reading.file), reading
        self._positions = Positions(text)
        self._line_ends = [match.start() for match in re.finditer("\n", text)]

    def line(self, path: KeyPath) -> int | None:
        offset = self._positions.offset(path)
        return None if offset is None else bisect_left(self._line_ends, offset) + 1

    def get(self, *path: str | int) -> Any:
        value: Any = self.data
        for part in path:
            if isinstance(value, Mapping) and part in value:
                value = value[part]
            else:
                return None
        return value

    def table(self, *path: str) -> Mapping[str, Any]:
        value = self.get(*path)
        return value if isinstance(value, Mapping) else {}

    def add(self, path: KeyPath, value: object, role: Role) -> None:
        """Add a version, or a list of versions."""
        if isinstance(value, str):
            if "{{" in value or "{env:" in value:
                self.reading.not_static(dotted(path), value, self.line(path))
            elif value:
                self.reading.add(value, role, key=_key(path), line=self.line(path))
        elif isinstance(value, list):
            for number, one in enumerate(value):
                self.add((*path, number), one, role)


def _key(path: KeyPath) -> str:
    """The path without the indices of lists: all elements of a list have one key."""
    return dotted(tuple(part for part in path if isinstance(part, str)))


def read_pyproject(text: str, reading: Reading) -> None:
    """`pyproject.toml`: ``requires-python``, and the tables of uv, Hatch, tox and Poetry."""
    document = _Document(text, reading)
    _read_uv(document, "tool", "uv")
    _read_hatch(document, "tool", "hatch", "envs")
    _read_tox(document, "tool", "tox")
    legacy = document.get("tool", "tox", "legacy_tox_ini")
    if isinstance(legacy, str):
        # The text begins on the line below the key, as people write it.
        read_tox_ini(legacy, reading, first_line=(document.line(("tool", "tox", "legacy_tox_ini")) or 0) + 1)
    for path in (("project", "requires-python"), ("tool", "poetry", "dependencies", "python")):
        document.add(path, document.get(*path), "range")


def read_uv(text: str, reading: Reading) -> None:
    """`uv.toml`: the same keys as ``[tool.uv]``."""
    _read_uv(_Document(text, reading))


def read_hatch(text: str, reading: Reading) -> None:
    """`hatch.toml`: the same keys as ``[tool.hatch]``."""
    _read_hatch(_Document(text, reading), "envs")


def read_tox(text: str, reading: Reading) -> None:
    """`tox.toml`: the same keys as ``[tool.tox]``."""
    _read_tox(_Document(text, reading))


def read_mise(text: str, reading: Reading) -> None:
    """`mise.toml`: ``python`` in ``[tools]``, a version, a table with one, or a list of either."""
    document = _Document(text, reading)
    for tool in ("python", "core:python"):
        path: KeyPath = ("tools", tool)
        value = document.get(*path)
        for number, one in enumerate(value) if isinstance(value, list) else ((None, value),):
            here = path if number is None else (*path, number)
            if isinstance(one, Mapping):
                document.add((*here, "version"), one.get("version"), "pin")
            else:
                document.add(here, one, "pin")


def read_mise_lock(text: str, reading: Reading) -> None:
    """`mise.lock`: ``[[tools.python]]`` with the version that mise chose."""
    document = _Document(text, reading)
    path: KeyPath = ("tools", "python")
    value = document.get(*path)
    for number, one in enumerate(value) if isinstance(value, list) else ((None, value),):
        if isinstance(one, Mapping):
            here = path if number is None else (*path, number)
            document.add((*here, "version"), one.get("version"), "locked")


def _read_uv(document: _Document, *table: str) -> None:
    preference = document.get(*table, "python-preference")
    if preference in {"system", "only-system"}:
        path = (*table, "python-preference")
        message = f'"{preference}" makes uv use a system interpreter; no entry is added for it'
        document.reading.problem(f"{dotted(path)}: {message}", document.line(path))
    for path in ((*table, "pip", "python"), (*table, "pip", "python-version")):
        document.add(path, document.get(*path), "pin")
    for group in document.table(*table, "dependency-groups"):
        path = (*table, "dependency-groups", group, "requires-python")
        document.add(path, document.get(*path), "range")


def _read_hatch(document: _Document, *envs: str) -> None:
    for name, env in document.table(*envs).items():
        if not isinstance(env, Mapping):
            continue
        document.add((*envs, name, "python"), env.get("python"), "pin" if name == "default" else "tested")
        for path, value in _matrices((*envs, name, "matrix"), env.get("matrix")):
            document.add(path, value, "tested")


def _matrices(path: KeyPath, matrix: object) -> Iterator[tuple[KeyPath, object]]:
    for number, one in enumerate(matrix if isinstance(matrix, list) else ()):
        if isinstance(one, Mapping):
            yield from (((*path, number, key), one[key]) for key in ("python", "py") if key in one)


def _read_tox(document: _Document, *table: str) -> None:
    """tox 4's own TOML: ``env_list``, and ``base_python`` of environments."""
    listed = document.get(*table, "env_list")
    for number, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, str):
            read_env_list(one, document.reading, key="env_list", line=document.line((*table, "env_list", number)))
        elif isinstance(one, Mapping):
            line = document.line((*table, "env_list", number))
            _read_product(one, document.reading, line)
    bases = [(*table, "env_run_base"), *((*table, "env", name) for name in document.table(*table, "env"))]
    for path in bases:
        for key in ("base_python", "basepython"):
            value = document.get(*path, key)
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    read_base_python(text, document.reading, key=key, line=document.line((*path, key)))


def _read_product(product: Mapping[str, Any], reading: Reading, line: int | None) -> None:
    """``{ product = [["py311", "py312"], ["django4"]] }``; a factor may be ``{ prefix = "py3", start = 11 }``."""
    factors = product.get("product")
    for factor in factors if isinstance(factors, list) else ():
        if isinstance(factor, list):
            for name in factor:
                if isinstance(name, str):
                    read_env_list(name, reading, key="env_list", line=line)
        elif isinstance(factor, Mapping):
            prefix, start, stop = (factor.get(key) for key in ("prefix", "start", "stop"))
            if isinstance(prefix, str) and isinstance(start, int) and isinstance(stop, int):
                for number in range(start, min(stop, start + 50) + 1):
                    read_env_list(f"{prefix}{number}", reading, key="env_list", line=line)
