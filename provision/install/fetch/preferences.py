"""Owns the user's own configuration of downloads, ``config.toml``, which no repository can change."""

from __future__ import annotations

from collections.abc import Mapping

from provision.errors import Place, UsageError
from provision.host.files import read_small
from provision.host.paths import config_home

_NAME = "config.toml"
_LARGEST = 1 << 20


def configured_hosts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The ``allow-hosts`` of the user's ``config.toml``; nothing where there is none. Raises `UsageError` if broken."""
    path = config_home(environ) / _NAME
    try:
        content = read_small(path, _LARGEST)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", place=Place(str(path))) from error
    if content is None:
        return ()
    import tomllib

    try:
        hosts = tomllib.loads(content.decode()).get("allow-hosts", [])
    except ValueError as error:
        raise UsageError(f"is no valid TOML: {error}", place=Place(str(path))) from error
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise UsageError('expected a list of hosts, such as ["mirror.example.com"]', place=_place(str(path)))
    return tuple(hosts)


def _place(path: str) -> Place:
    return Place(path, key="allow-hosts")
