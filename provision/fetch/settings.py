"""Numbers, environment variables and user configuration of downloads."""

from __future__ import annotations

from collections.abc import Mapping

from provision.errors import Place, UsageError
from provision.host.files import read_small_file_or_none
from provision.host.paths import config_home
from provision.model.value import frozen

# FOLD provision.fetch.settings
#   Owns the numbers of this folder, and the variables that change them; what they bound, their fields say.


KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@frozen
class DownloadSettings:
    """Times in seconds, sizes in bytes."""

    connect: float = 10.0  # to look the host up, connect and agree on TLS
    idle: float = 30.0  # without a byte
    total: float = 3600.0  # for one asset, with all tries and mirrors
    tries: int = 4  # in a row without getting further, on each source
    pause: float = 0.5  # before the second try; doubles, with jitter
    longest_pause: float = 60.0  # also of what a server asks for with Retry-After
    connections: int = 6  # for one asset, as browsers use for one host
    parallel_from: int = 8 * MIB  # what is left of an asset, for more than one connection to be worth it
    patience: float = 0.05  # what comes whole within this time needs no further connections
    fast: float = 100e6  # bytes a second at which further connections cost more than they bring
    largest_archive: int = 2 * GIB  # where the lock does not know the size
    largest_body: int = 256 * MIB  # of what is not an archive

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> DownloadSettings:
        """The defaults, but for ``PROVISION_TIMEOUT`` (idle), ``_DEADLINE`` (total) and ``_MAX_ARCHIVE`` (in MiB)."""
        default = cls()
        idle = _number(environ, "PROVISION_TIMEOUT", default.idle)
        return cls(
            idle=idle,
            connect=min(default.connect, idle),
            total=_number(environ, "PROVISION_DEADLINE", default.total),
            largest_archive=int(_number(environ, "PROVISION_MAX_ARCHIVE", default.largest_archive / MIB) * MIB),
        )


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        unit = "MiB" if name == "PROVISION_MAX_ARCHIVE" else "seconds"
        raise UsageError(f"{name} is {text!r}; expected a number of {unit} above 0")
    return value


# FOLD provision.fetch.settings
#   Owns the user's own configuration of downloads, ``config.toml``, which no repository can change.


_NAME = "config.toml"
_LARGEST = 1 << 20


def configured_hosts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The ``allow-hosts`` of the user's ``config.toml``; nothing where there is none. Raises `UsageError` if broken."""
    path = config_home(environ) / _NAME
    try:
        content = read_small_file_or_none(path, _LARGEST)
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
