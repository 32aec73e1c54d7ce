"""A `Lock` as the text of `pythons.lock`.

Every release writes one form. `lock.read` reads exactly that without a TOML parser: a change here requires a change of
its pattern.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.lock.lock import Attestation, Lock, LockedPython
from provision.model.asset import Asset

HEADER = "# Written by provision. Review it; do not edit it."

_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def format_lock(lock: Lock) -> str:
    """The lock's text: entries sorted by name, one blank line between tables so that git can merge them."""
    tables = [f"{HEADER}\nlock-version = {_quoted(lock.version)}\n"]
    for python in sorted(lock.pythons, key=lambda python: python.name):
        tables.append("".join(_python_lines(python)))
        tables.extend("".join(_asset_lines(asset, python)) for asset in python.assets)
    tables.extend("".join(_attestation_lines(row)) for row in lock.attestations)
    return "\n".join(tables)


def _python_lines(python: LockedPython) -> Iterator[str]:
    yield "[[python]]\n"
    yield f"name = {_quoted(python.name)}\n"
    yield f'request = "sha256:{python.request}"\n'
    yield f"implementation = {_quoted(python.implementation)}\n"
    yield f'version = "{python.version}"\n'
    yield f"build = {_quoted(python.build)}\n"
    yield f"build-options = {_array(python.options)}\n"
    yield f'flavor = "{python.flavor}"\n'
    if python.tree.bytecode:
        yield 'bytecode = "unchecked-hash"\n'
    if not python.tree.externally_managed:
        yield "externally-managed = false\n"
    if python.tree.without:
        yield f"without = {_array(sorted(python.tree.without))}\n"


def _asset_lines(asset: Asset, python: LockedPython) -> Iterator[str]:
    yield "[[python.asset]]\n"
    yield f'target = "{asset.target}"\n'
    yield f'cpu = "{asset.cpu}"\n'
    if asset.options != python.options:
        yield f"build-options = {_array(asset.options)}\n"
    yield f"url = {_quoted(asset.url)}\n"
    yield f'sha256 = "{asset.sha256}"\n'
    if asset.size is not None:
        yield f"size = {asset.size}\n"
    if asset.published is not None:
        yield f"published = {_quoted(asset.published)}\n"


def _attestation_lines(row: Attestation) -> Iterator[str]:
    yield "[[attestation]]\n"
    yield f"build = {_quoted(row.build)}\n"
    yield f"identity = {_quoted(row.identity)}\n"
    yield f"issuer = {_quoted(row.issuer)}\n"
    yield f"repository-id = {row.repository_id}\n"
    yield f"commit = {_quoted(row.commit)}\n"
    yield f'bundle = "{row.bundle}"\n'
    yield f"log-index = {row.log_index}\n"


def _array(names: Iterable[str]) -> str:
    return f"[{', '.join(_quoted(name) for name in names)}]"


def _quoted(text: str) -> str:
    """A TOML basic string; nothing in ``text`` can end it early."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(char if char.isprintable() and char not in _ESCAPES else _escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    return _ESCAPES.get(char) or f"\\U{ord(char):08X}"
