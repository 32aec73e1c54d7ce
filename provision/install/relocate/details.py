"""Owns the JSON twins of `_sysconfigdata` (3.14+): JSON cannot compute, so their paths are made relative."""

from __future__ import annotations

from provision.install.relocate.layout import up
from provision.install.relocate.origin import Origin
from provision.relocate.rewrite import Mender


def relocate_variables(text: str, path: str, origin: Origin, config: str) -> str:
    """`_sysconfig_vars_*.json`, whose paths become relative to its own directory, as PEP 739 has it for its file.

    CPython writes this file for other tools and never reads it. ``userbase`` is the home of whoever built it.
    """
    variables = _parse(text)
    if variables is None:
        return text
    mender = Mender(origin, prefix=up(path), config=config)
    mended = {
        name: mender.variable(name, value) if isinstance(value, str) else value
        for name, value in variables.items()
        if name != "userbase"
    }
    return text if mended == variables else _format(mended)


def relocate_details(text: str, path: str, origin: Origin, config: str) -> str:
    """`build-details.json`: ``base_prefix`` relative to the file, every other path to ``base_prefix`` (PEP 739)."""
    details = _parse(text)
    if details is None or details.get("base_prefix") != origin.prefix:
        return text
    mended = {name: _relative(value, origin.prefix) for name, value in details.items()}
    return _format(mended | {"base_prefix": up(path)})


def _relative(value: object, prefix: str) -> object:
    match value:
        case str() if value.startswith(f"{prefix}/"):
            return "." + value.removeprefix(prefix)
        case dict():
            return {name: _relative(member, prefix) for name, member in value.items()}
        case list():
            return [_relative(member, prefix) for member in value]
        case _:
            return value


def _parse(text: str) -> dict[str, object] | None:
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _format(value: dict[str, object]) -> str:
    import json

    return json.dumps(value, indent=2) + "\n"
